"""Moves every image by a known distance: the planted drift that drift measures must find."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import scipy.ndimage
from numpy.typing import NDArray
from pydantic import Field

from bench.core.context import RunContext
from bench.core.images import ImageSet, Unlabelled
from bench.core.refiner import Refiner
from bench.core.settings import Settings
from bench.data.image_checks import check_grey


class PlantedShift(Refiner):
    """Everything in an image, and with it what the label says, moves by exactly `px` while the label stays.

    Cubic spline interpolation; what enters at the border repeats the outermost pixels.
    """

    class Config(Settings):
        """The displacement."""

        px: float = Field(1.0, ge=0, le=1000, description="Distance, px; sub-pixel distances are exact.")
        direction_deg: float = Field(
            30.0, ge=-360, le=360, description="Direction, degrees: 0 is right (x), 90 is down (y)."
        )

    config: Config

    def fit(self, synthetic: ImageSet | Unlabelled, real: Unlabelled, run: RunContext) -> None:
        """Nothing to learn; DataError for images it cannot take."""
        check_grey(synthetic.images, synthetic.name)

    def refine(self, images: NDArray[Any], run: RunContext) -> NDArray[Any]:
        """(N, H, W) uint8 of any size, rounded and clipped to 0..255."""
        check_grey(images, "the images to refine")
        angle = math.radians(self.config.direction_deg)
        down_and_right = (self.config.px * math.sin(angle), self.config.px * math.cos(angle))
        refined = np.empty_like(images)
        for index, image in enumerate(images):
            # The spline in float64: OpenCV's warps round positions to 1/32 px.
            moved = scipy.ndimage.shift(image.astype(np.float64), down_and_right, order=3, mode="nearest")
            refined[index] = np.clip(np.rint(moved), 0, 255)
        return refined
