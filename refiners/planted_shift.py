"""Moves every image by a known distance: the planted drift that drift measures must find."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np
import scipy.ndimage
from numpy.typing import NDArray
from pydantic import Field

from bench.core.context import RunContext
from bench.core.images import ImageArray, ImageSet, Unlabelled
from bench.core.refiner import Refiner
from bench.core.settings import Settings
from bench.data.image_checks import check_depth, check_grey
from refiners.classical.moved_depth import moved_depth

HAND_WIDTH_PX = 64
"""Distances on hands are told on the grid of 64x64 heatmaps, on which the paper counts joints as found."""


class PlantedShift(Refiner):
    """Everything in an image, and with it what the label says, moves by exactly `px` while the label stays.

    What enters at the border repeats the outermost pixels. Eyes: cubic spline interpolation. Hands: `px` are those of
    an image 64 px wide, whatever its own width, and depth never mixes with background or another finger's: see
    `moved_depth`. On hands a distance is right on average over images; one image is off by about a tenth of a px,
    since a mask of whole pixels has no better answer.
    """

    kinds: ClassVar[frozenset[str]] = frozenset({"eyes", "hands"})

    class Config(Settings):
        """The displacement."""

        px: float = Field(
            1.0,
            ge=0,
            le=1000,
            description="Distance, px, of the image on eyes and of one 64 px wide on hands; parts of a px are exact, "
            "on hands on average.",
        )
        direction_deg: float = Field(
            30.0, ge=-360, le=360, description="Direction, degrees: 0 is right (x), 90 is down (y)."
        )

    config: Config

    def fit(self, synthetic: ImageSet | Unlabelled, real: Unlabelled, run: RunContext) -> None:
        """Nothing to learn; DataError for images it cannot take."""
        _check(synthetic.images, synthetic.name)

    def refine(self, images: NDArray[Any], run: RunContext) -> NDArray[Any]:
        """(N, H, W) uint8 (rounded and clipped to 0..255) or uint16 mm, of any size."""
        _check(images, "the images to refine")
        angle = math.radians(self.config.direction_deg)
        down, right = self.config.px * math.sin(angle), self.config.px * math.cos(angle)
        refined = np.empty_like(images)
        for index, image in enumerate(images):
            if image.dtype == np.uint16:
                scale = image.shape[1] / HAND_WIDTH_PX
                refined[index] = moved_depth(image, scale * down, scale * right)
            else:
                # The spline in float64: OpenCV's warps round positions to 1/32 px.
                moved = scipy.ndimage.shift(image.astype(np.float64), (down, right), order=3, mode="nearest")
                refined[index] = np.clip(np.rint(moved), 0, 255)
        return refined


def _check(images: ImageArray, owner: str) -> None:
    if images.dtype == np.uint16:
        check_depth(images, owner)
    else:
        check_grey(images, owner)
