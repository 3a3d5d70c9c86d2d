"""Percentage of images whose gaze error is at most d degrees (the paper's Table 2)."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np

from bench.core.images import ImageSet
from bench.core.metric import Floats, Metric
from bench.metrics.angular_error import AngularError


class ShareWithin(Metric):
    """100 for an image whose angular error is at most `degrees`, else 0; the summary is the percentage of images.

    The paper's Table 2 says d = 7 degrees, but its numbers are those of its Figure 7 at 13 degrees
    (all four rows to 0.05 percentage points; the curves at 7 degrees are 48.8 / 29.0 / 26.2 / 24.5 %).
    So print both, and compare with the curve.
    """

    name = "share-within"
    version = 2
    unit = "%"
    better: ClassVar[Literal["lower", "higher"]] = "higher"

    def __init__(self, degrees: float = 7.0) -> None:
        if not 0 <= degrees <= 180:
            raise ValueError(f"the threshold must be an angle of 0 to 180 degrees, got {degrees}")
        self.degrees = degrees

    def per_image(self, predicted: Floats, test: ImageSet) -> Floats:
        """(N, 3) -> (N,) of 0.0 and 100.0; ValueError as for the angular error."""
        errors_deg = AngularError().per_image(predicted, test)
        return np.where(errors_deg <= self.degrees, 100.0, 0.0)
