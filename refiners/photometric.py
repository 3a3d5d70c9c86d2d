"""A change of light only, the same for all images: the noise floor of drift measures."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from bench.core.context import RunContext
from bench.core.images import ImageSet, Unlabelled
from bench.core.refiner import Refiner
from bench.core.settings import Settings
from refiners.classical.eyes_only import check_eyes


class Photometric(Refiner):
    """Noise floor: nothing moves, so whatever drift a measure finds here is the measure's own.

    A grey value g becomes 255 gain (g / 255)^gamma + offset. The defaults are an arbitrary visible change that
    clips nothing.
    """

    class Config(Settings):
        """The change of light."""

        gain: float = Field(0.85, gt=0, le=10, description="Factor on the grey values.")
        gamma: float = Field(1.25, gt=0, le=10, description="Exponent of the grey values in 0..1; above 1 darkens.")
        offset: float = Field(12.0, ge=-255, le=255, description="Added at the end, grey levels.")

    config: Config

    def fit(self, synthetic: ImageSet | Unlabelled, real: Unlabelled, run: RunContext) -> None:
        """Nothing to learn; DataError for images it cannot take."""
        check_eyes(synthetic.images, synthetic.name)

    def refine(self, images: NDArray[Any], run: RunContext) -> NDArray[Any]:
        """(N, H, W) uint8 of any size; each pixel depends on its own grey value only."""
        check_eyes(images, "the images to refine")
        config = self.config
        greys = 255 * config.gain * (np.arange(256) / 255) ** config.gamma + config.offset
        refined: NDArray[np.uint8] = np.clip(np.rint(greys), 0, 255).astype(np.uint8)[images]
        return refined
