"""What the contract tests share: small components, watched runs, and no use of generators that others share."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from bench.contract.stoppable import StoppableRun
from bench.core.settings import Component
from bench.training.device import pin_threads


class WatchedRun(StoppableRun):
    """Checkpoints after every step and can be stopped; sees that progress is told as a part of a whole."""

    def progress(self, done: int, total: int, unit: str) -> None:
        assert 0 < done <= total, f"progress {done} of {total} {unit}"
        super().progress(done, total, unit)


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    pin_threads(1)
    yield
    pin_threads(before)


@pytest.fixture(autouse=True)
def _global_generators_untouched() -> Iterator[None]:
    """No component draws from, or seeds, a generator that others share."""
    numpy_before, python_before, torch_before = np.random.get_state(), random.getstate(), torch.get_rng_state()  # noqa: NPY002
    yield
    numpy_after: Any = np.random.get_state()  # noqa: NPY002
    assert all(np.array_equal(a, b) for a, b in zip(numpy_before, numpy_after, strict=True)), "numpy.random was used"
    assert random.getstate() == python_before, "random was used"
    assert torch.equal(torch.get_rng_state(), torch_before), "torch's global generator was used"


# For components without a preset 'tiny' whose 'smoke' takes long here; it is not needed for a new component.
SHRUNK: Mapping[str, Mapping[str, Any]] = {
    "refiners.simgan": {
        "refiner_maps": 4,
        "refiner_blocks": 1,
        "batch": 4,
        "buffer_size": 8,
        "pretrain_refiner": 4,
        "pretrain_discriminator": 4,
        "iterations": 10,
        "log_every": 3,
    }
}


def smallest(component: type[Component]) -> tuple[str, Mapping[str, Any]]:
    """Its preset 'tiny' if it has one (the smallest that still does everything), else 'smoke'; and settings."""
    return ("tiny", {}) if "tiny" in component.presets else ("smoke", SHRUNK.get(component.__module__, {}))


@pytest.fixture(scope="session")
def small() -> Callable[[type[Component]], Any]:
    """The component at its smallest."""
    return lambda component: component.configured(*smallest(component))


@pytest.fixture
def saved(tmp_path: Path) -> Callable[[Component, str], dict[str, bytes]]:
    """saved(component, name): its files' bytes, saved into tmp_path / name."""

    def save(component: Component, name: str) -> dict[str, bytes]:
        folder = tmp_path / name
        folder.mkdir()
        component.save(folder)
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*.*"))}

    return save
