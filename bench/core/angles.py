"""The angle between two directions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def angles_deg(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N, 3) and (N, 3) vectors of any length but zero -> (N,) angles between them, 0 to 180 degrees.

    atan2(|u x v|, u.v) in float64: exact near 0 and 180 degrees, where the arc cosine loses half of the
    digits, and never NaN by rounding beyond 1.
    """
    sine = np.linalg.norm(np.cross(one, other), axis=1)
    cosine = (one * other).sum(axis=1)
    degrees: NDArray[np.float64] = np.degrees(np.arctan2(sine, cosine))
    return degrees
