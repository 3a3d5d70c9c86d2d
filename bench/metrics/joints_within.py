"""Percentage of (image, joint) pairs at most d pixels from the truth on the heatmaps' grid (the paper's Table 4)."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np

from bench.core.images import ImageSet
from bench.core.metric import Floats, Metric
from bench.metrics.joint_distance import JointDistance


class JointsWithin(Metric):
    """100 for a joint at a distance of at most `px`, else 0; the summary is the percentage of (image, joint) pairs.

    The paper says "% of images", which its numbers cannot be: that all joints, or the mean over them, lie within 5 px
    would not give curves that jump at distances between cells only, nor shares as high (spec 0.9).
    grid: as for the distance.
    """

    name = "joints-within"
    version = 1
    unit = "%"
    better: ClassVar[Literal["lower", "higher"]] = "higher"
    target: ClassVar[str] = "joints"

    def __init__(self, px: float = 5.0, grid: int | None = 64) -> None:
        if not (np.isfinite(px) and px >= 0):
            raise ValueError(f"the threshold must be a distance of 0 px or more, got {px}")
        self.px = px
        self.distance = JointDistance(grid)

    def per_image(self, predicted: Floats, test: ImageSet) -> Floats:
        """(N, 14, 3) -> (N, 14) of 0.0 and 100.0; errors as for the distance."""
        return np.where(self.distance.per_image(predicted, test) <= self.px, 100.0, 0.0)
