"""A change of depth only, the same for all images of hands: the noise floor of drift measures."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from bench.core.context import RunContext
from bench.core.depth import centres_mm
from bench.core.images import ImageSet, Unlabelled
from bench.core.refiner import Refiner
from bench.core.settings import Settings
from bench.data.image_checks import check_depth


class DepthChange(Refiner):
    """Noise floor: what `photometric` is on eyes. u and v of the joints stay, and so does the silhouette.

    Depth z becomes mean + relief (z - mean) + offset, the mean being that of the hand. Farther away by the same u, v:
    not what a camera would see, which is why it moves nothing. What networks see is centred on the mean, so the offset
    alone would change nothing at all for them; the relief does. The depth of the joints' labels no longer holds.
    The defaults are an arbitrary visible change.
    """

    kinds: ClassVar[frozenset[str]] = frozenset({"hands"})

    class Config(Settings):
        """The change of depth."""

        offset_mm: float = Field(20.0, ge=-500, le=500, description="Added to the depth, mm; above 0 is farther.")
        relief: float = Field(
            0.85, gt=0, le=10, description="Factor on the depth around the hand's mean; below 1 is flatter."
        )

    config: Config

    def fit(self, synthetic: ImageSet | Unlabelled, real: Unlabelled, run: RunContext) -> None:
        """Nothing to learn; DataError for images it cannot take."""
        check_depth(synthetic.images, synthetic.name)

    def refine(self, images: NDArray[Any], run: RunContext) -> NDArray[Any]:
        """(N, H, W) uint16 mm of any size, rounded and at least 1 mm; background stays 0."""
        check_depth(images, "the images to refine")
        mean = centres_mm(images)[:, None, None]
        changed = np.rint(mean + self.config.relief * (images - mean) + self.config.offset_mm)
        return np.where(images > 0, changed.clip(1, np.iinfo(np.uint16).max), 0).astype(np.uint16)
