"""A refiner under test: its class and settings, small images of one kind, and what was made of them."""

from __future__ import annotations

import functools
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from bench.contract.images import simulated
from bench.contract.stoppable import StoppableRun
from bench.core.context import RunContext
from bench.core.images import ImageSet, Unlabelled
from bench.core.refiner import Refiner

SEED = 5
SYNTHETIC, REAL = 48, 40
"""Numbers of images."""


class Broken(Exception):
    """A promise that a refiner does not keep; the message says what was seen, and where it helps, what to do."""


class Trained(NamedTuple):
    """A trained refiner, its run, and the global generators that the training and a refinement touched."""

    refiner: Refiner
    run: StoppableRun
    touched: tuple[str, ...]


@dataclass
class Subject:
    """kind: 'eyes' or 'hands'. folder: an empty one, for what is saved."""

    refiner_class: type[Refiner]
    kind: str
    folder: Path
    preset: str = "smoke"
    settings: Mapping[str, Any] = field(default_factory=dict)

    @functools.cached_property
    def synthetic(self) -> ImageSet:
        """Labelled synthetic images."""
        return simulated(self.kind, "synthetic", SYNTHETIC, seed=1)

    @functools.cached_property
    def real(self) -> Unlabelled:
        """Real-like images without labels."""
        return simulated(self.kind, "real", REAL, seed=2).unlabelled()

    @functools.cached_property
    def trained(self) -> Trained:
        """The refiner that all checks share."""
        before = _generators()
        run = StoppableRun(SEED)
        refiner = self.fit(run)
        refiner.refine(self.some(3), RunContext(SEED))
        after = _generators()
        return Trained(refiner, run, tuple(name for name in before if before[name] != after[name]))

    def new(self) -> Refiner:
        """Configured, not trained."""
        return self.refiner_class.configured(self.preset, self.settings)

    def fit(self, run: RunContext, *, labelled: bool = False) -> Refiner:
        """Trained; it sees the synthetic labels when it declares that it needs them, as in every run, or on request."""
        refiner = self.new()
        seen = self.synthetic if labelled or self.refiner_class.needs_synthetic_labels else self.synthetic.unlabelled()
        refiner.fit(seen, self.real, run)
        return refiner

    def some(self, count: int) -> NDArray[Any]:
        """A fresh copy of the first synthetic images."""
        return np.array(self.synthetic.images[:count])

    def saved(self, refiner: Refiner, name: str) -> dict[str, bytes]:
        """Its files' bytes, saved into `folder`/`name`."""
        folder = self.folder / name
        folder.mkdir()
        refiner.save(folder)
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def _generators() -> dict[str, bytes]:
    """The state of every generator that others share."""
    return {
        "numpy.random": repr(np.random.get_state(legacy=False)).encode(),  # noqa: NPY002
        "random": repr(random.getstate()).encode(),
        "torch": torch.get_rng_state().numpy().tobytes(),
    }
