"""Histogram equalisation of each image; nothing is learned (MPIIGaze's normalised patches are equalised)."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from bench.core.context import RunContext
from bench.core.images import ImageSet, Unlabelled
from bench.core.refiner import Refiner
from bench.data.equalise import equalise
from refiners.classical.eyes_only import check_eyes


class HistogramEqualisation(Refiner):
    """How much of a refiner's gain is contrast alone.

    In the paper's figures the real images' standard deviation, 74 grey levels, is that of a uniform histogram,
    and the synthetic images' is 40.
    """

    def fit(self, synthetic: ImageSet | Unlabelled, real: Unlabelled, run: RunContext) -> None:
        """Nothing to learn; DataError for images it cannot take."""
        check_eyes(synthetic.images, synthetic.name)

    def refine(self, images: NDArray[Any], run: RunContext) -> NDArray[Any]:
        """(N, H, W) uint8 of any size, each equalised; an image of one grey level stays as it is."""
        check_eyes(images, "the images to refine")
        return equalise(images)
