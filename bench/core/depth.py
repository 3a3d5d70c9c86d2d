"""What depth images of hands have in common: foreground, centre, and a view of them as grey levels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

HALF_RANGE_MM = 150.0
"""Half the depth that a hand takes up around its centre: crops are cubes of 300 mm, as usual for NYU."""


def centres_mm(images: NDArray[Any]) -> NDArray[np.float64]:
    """(N, H, W) uint16 mm, 0 = background -> (N,) mean depth of the foreground; 0 where there is none."""
    foreground = images > 0
    count = foreground.sum(axis=(1, 2))
    total = images.astype(np.float64).sum(axis=(1, 2))
    return np.asarray(total / np.maximum(count, 1), dtype=np.float64)


def grey_levels(images: NDArray[Any]) -> NDArray[np.float32]:
    """(N, H, W) uint16 mm -> float32 levels 0..255: background 0, the hand from 64 (far) to 255 (near).

    Each image around its own centre, 150 mm to both sides, so one level is 1.6 mm.
    """
    nearness = (centres_mm(images)[:, None, None] - images) / HALF_RANGE_MM
    levels = 159.5 + 95.5 * np.clip(nearness, -1, 1)
    return np.where(images > 0, levels, 0).astype(np.float32)
