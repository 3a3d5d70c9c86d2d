"""The contract of a refiner: maps images of one domain to the other."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar, Literal, Self

from numpy.typing import NDArray

from bench.core.context import RunContext
from bench.core.errors import UsageError
from bench.core.images import ImageSet, Unlabelled
from bench.core.settings import Component


class Refiner(Component):
    """Makes images of one domain look like the other's, keeping what their labels say (paper, section 2).

    One file in `refiners/` holds one subclass and its `Config`; the file's name is its registry name.
    """

    direction: ClassVar[Literal["synthetic-to-real", "real-to-synthetic"]] = "synthetic-to-real"
    needs_synthetic_labels: ClassVar[bool] = False
    kinds: ClassVar[frozenset[str]] = frozenset({"eyes"})
    """What its images may show: 'eyes' (uint8), 'hands' (uint16 depth in mm); for other images it raises DataError."""

    @abstractmethod
    def fit(self, synthetic: ImageSet | Unlabelled, real: Unlabelled, run: RunContext) -> None:
        """Learn the map. `synthetic` has labels only when `needs_synthetic_labels`; `real` never has.

        Raises TrainingFailed when the training breaks down.
        """

    @abstractmethod
    def refine(self, images: NDArray[Any], run: RunContext) -> NDArray[Any]:
        """(N, H, W) -> the same shape, dtype and order; independent of how images are batched.

        `run` gives the device; a refiner that draws noise takes it from `run`'s named streams.
        """

    def at(self, moment: float) -> Self:
        """The refiner as it was after a share (0..1) of its training, if it kept that; UsageError if it did not."""
        raise UsageError(f"{type(self).__name__} keeps no earlier states of its training")
