"""Distance between predicted and true hand joints in the image, in pixels of the heatmaps' grid (paper, Figure 12)."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np

from bench.core.errors import DataError
from bench.core.images import ImageSet
from bench.core.metric import Floats, Metric


class JointDistance(Metric):
    """Distance of each joint in the image from where it was predicted, depth left out.

    grid: px of the square grid to measure on; None = those of the image itself.
    whole: joints are where the cells are that they lie in. The curves of the paper's Figure 12 jump at
    sqrt(i^2 + j^2) only, so it compares whole cells of a grid; that it is the one of the 64x64 heatmaps is likely and
    UNCONFIRMED. It means nothing without a grid.
    worst: only the largest distance of each image.
    """

    name = "joint-distance"
    version = 1
    unit = "px"
    better: ClassVar[Literal["lower", "higher"]] = "lower"
    target: ClassVar[str] = "joints"

    def __init__(self, grid: int | None = 64, whole: bool = True, worst: bool = False) -> None:
        if grid is not None and grid < 1:
            raise ValueError(f"the grid must have at least one cell, got {grid}")
        self.grid = grid
        self.whole = whole
        self.worst = worst

    def per_image(self, predicted: Floats, test: ImageSet) -> Floats:
        """(N, 14, 3) u, v in px of the image and depth -> (N, 14) px, or (N,) the worst.

        DataError when there is a grid and the images are not square.
        """
        found, true = (self._places(joints, test) for joints in self.pair(predicted, test))
        # Not hypot: the root of a whole number's sum of squares is exact, so thresholds are met to the last bit.
        distance: Floats = np.sqrt(((found - true) ** 2).sum(axis=2))
        return distance.max(axis=1) if self.worst else distance

    def _places(self, joints: Floats, test: ImageSet) -> Floats:
        """(N, 14, 3) -> (N, 14, 2) on the grid, the centre of its first cell at (0, 0)."""
        if self.grid is None:
            return joints[..., :2]
        height, width = test.size
        if height != width:
            raise DataError(
                f"{test.name}: a grid of {self.grid}x{self.grid} cells needs square images, not {height}x{width}; "
                "crop the hands to squares"
            )
        # Cells and pixels are squares around whole numbers: the image begins at -0.5.
        cells = (joints[..., :2] + 0.5) * self.grid / width
        return np.floor(cells) if self.whole else cells - 0.5
