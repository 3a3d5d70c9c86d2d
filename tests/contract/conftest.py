"""What the contract tests share: small simulated eyes, small components, runs that can be stopped."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from bench.core.context import RunContext
from bench.core.images import ImageSet
from bench.core.settings import Component
from bench.data.simulator.eyes import render_eyes
from bench.data.simulator.hands import render_hands
from bench.training.device import pin_threads

Eyes = Callable[..., ImageSet]
Hands = Callable[..., ImageSet]
NewRun = Callable[..., RunContext]


class Stopped(Exception):
    """Raised out of the progress callback, as Ctrl-C would be."""


class StoppableRun(RunContext):
    """Checkpoints after every step, counts the calls of `progress` and stops after `stop_after` of them."""

    def __init__(self, seed: int, *, checkpoint: Path | None = None, stop_after: int | None = None) -> None:
        super().__init__(seed, checkpoint=checkpoint, checkpoint_seconds=0, progress=self._count)
        self.calls = 0
        self._stop_after = stop_after

    def _count(self, done: int, total: int, unit: str) -> None:
        self.calls += 1
        assert 0 < done <= total, f"progress {done} of {total} {unit}"
        if self.calls == self._stop_after:
            raise Stopped

    def checkpoint_due(self) -> bool:
        return self.checkpoint is not None


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


@pytest.fixture(scope="session")
def eyes() -> Eyes:
    """eyes(count, domain, seed) -> labelled image set of the simulator."""

    def render(count: int, domain: str = "synthetic", seed: int = 0) -> ImageSet:
        rendered = render_eyes(count, domain=domain, seed=seed)
        return ImageSet(
            ids=np.array([f"{domain}-{seed}-{index:04d}" for index in range(count)]),
            persons=np.array([f"{domain}-{person:02d}" for person in rendered.persons]),
            images=rendered.images,
            labels={
                "gaze": rendered.gaze,
                "pupil": rendered.pupil,
                "pupil_margin": rendered.pupil_margin,
                "head_pose": rendered.head_pose,
            },
            name=domain,
        )

    return render


@pytest.fixture(scope="session")
def hands() -> Hands:
    """hands(count, domain, seed) -> labelled set of depth images of the simulator, 48x48 px."""

    def render(count: int, domain: str = "synthetic", seed: int = 0) -> ImageSet:
        rendered = render_hands(count, domain=domain, seed=seed, size=48)
        return ImageSet(
            ids=np.array([f"{domain}-{seed}-{index:04d}" for index in range(count)]),
            persons=np.array([f"{domain}-{person:02d}" for person in rendered.persons]),
            images=rendered.images,
            labels={"joints": rendered.joints, "camera": rendered.camera},
            name=domain,
        )

    return render


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


@pytest.fixture(scope="session")
def small() -> Callable[[type[Component]], Any]:
    """The component at its preset 'tiny' if it has one (the smallest that still does everything), else 'smoke'."""

    def configure(component: type[Component]) -> Any:
        if "tiny" in component.presets:
            return component.configured("tiny")
        return component.configured("smoke", SHRUNK.get(component.__module__))

    return configure


@pytest.fixture
def new_run() -> NewRun:
    """A run that checkpoints after every step: new_run(seed, checkpoint=, stop_after=)."""
    return StoppableRun


@pytest.fixture
def stopped() -> type[Exception]:
    """What a stopped run raises."""
    return Stopped


@pytest.fixture
def saved(tmp_path: Path) -> Callable[[Component, str], dict[str, bytes]]:
    """saved(component, name): its files' bytes, saved into tmp_path / name."""

    def save(component: Component, name: str) -> dict[str, bytes]:
        folder = tmp_path / name
        folder.mkdir()
        component.save(folder)
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*.*"))}

    return save
