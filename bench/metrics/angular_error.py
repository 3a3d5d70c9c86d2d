"""Mean angle between predicted and true gaze, in degrees (the paper's Table 3)."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from bench.core.angles import angles_deg
from bench.core.metric import Metric


class AngularError(Metric):
    """Angle between the predicted and the true gaze vector, in degrees; their lengths do not matter."""

    name = "angular-error"
    version = 1
    unit = "deg"
    better: ClassVar[Literal["lower", "higher"]] = "lower"

    def per_image(self, predicted: NDArray[np.float64], truth: NDArray[np.float64]) -> NDArray[np.float64]:
        """(N, 3) and (N, 3) -> (N,) in 0..180; ValueError when a vector is not finite or has no length."""
        predicted, truth = np.asarray(predicted, np.float64), np.asarray(truth, np.float64)
        if predicted.shape != truth.shape or predicted.ndim != 2 or predicted.shape[1] != 3:
            raise ValueError(f"gaze vectors must be two (N, 3) arrays, got {predicted.shape} and {truth.shape}")
        for name, vectors in (("predicted", predicted), ("true", truth)):
            usable: NDArray[np.bool_] = np.isfinite(vectors).all(axis=1) & (vectors != 0).any(axis=1)
            if not usable.all():
                raise ValueError(
                    f"{int((~usable).sum())} of {len(usable)} {name} gaze vectors are NaN, infinite or zero; "
                    f"the first is number {int(np.argmin(usable))}"
                )
        return angles_deg(predicted, truth)
