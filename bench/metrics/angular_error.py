"""Mean angle between predicted and true gaze, in degrees (the paper's Table 3)."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np

from bench.core.angles import angles_deg
from bench.core.images import ImageSet
from bench.core.metric import Floats, Metric


class AngularError(Metric):
    """Angle between the predicted and the true gaze vector, in degrees; their lengths do not matter."""

    name = "angular-error"
    version = 1
    unit = "deg"
    better: ClassVar[Literal["lower", "higher"]] = "lower"

    def per_image(self, predicted: Floats, test: ImageSet) -> Floats:
        """(N, 3) -> (N,) in 0..180; ValueError also when a predicted vector has no length."""
        predicted, true = self.pair(predicted, test)
        usable = (predicted != 0).any(axis=1)
        if not usable.all():
            raise ValueError(
                f"{int((~usable).sum())} of {len(usable)} predicted gaze vectors are zero; "
                f"the first is number {int(np.argmin(usable))}"
            )
        return angles_deg(predicted, true)
