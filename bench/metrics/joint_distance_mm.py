"""Distance between predicted and true hand joints in space, in millimetres."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np

from bench.core.images import ImageSet
from bench.core.metric import Floats, Metric
from bench.core.pinhole import to_millimetres


class JointDistanceMm(Metric):
    """Distance in space of each joint from where it was predicted, both seen through the image's own camera.

    Not in the paper, but what other work on NYU reports. worst: only the largest distance of each image.
    """

    name = "joint-distance-mm"
    version = 1
    unit = "mm"
    better: ClassVar[Literal["lower", "higher"]] = "lower"
    target: ClassVar[str] = "joints"
    takes: ClassVar[tuple[str, ...]] = ("camera",)

    def __init__(self, worst: bool = False) -> None:
        self.worst = worst

    def per_image(self, predicted: Floats, test: ImageSet) -> Floats:
        """(N, 14, 3) u, v in px of the image and depth in mm -> (N, 14) mm, or (N,) the worst.

        DataError without the labels 'camera'.
        """
        camera = test.require("camera")
        found, true = (to_millimetres(joints, camera) for joints in self.pair(predicted, test))
        distance: Floats = np.sqrt(((found - true) ** 2).sum(axis=2))
        return distance.max(axis=1) if self.worst else distance
