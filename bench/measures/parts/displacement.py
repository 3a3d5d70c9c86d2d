"""Displacements in px, and the numbers that sum them up."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

WIDTH_PX = 55
"""Displacements are those of an image of this width, as the paper's are, whatever the images' own."""


def at_paper_width(vectors: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    """(N, 2) px of images `width` px wide -> px of images 55 px wide."""
    scaled: NDArray[np.float64] = vectors * (WIDTH_PX / width)
    return scaled


def summed_up(vectors: NDArray[np.float64]) -> dict[str, float]:
    """Of (N, 2) displacements without NaN rows: mean, sd and median of the lengths, and the mean vector's length.

    The bias is what all images have in common. A jitter of the detector averages out of it, a systematic drift
    does not; it is 0 when every label is right on average. Needs at least one row without NaN.
    """
    found = vectors[np.isfinite(vectors).all(axis=1)]
    lengths = np.hypot(found[:, 0], found[:, 1])
    return {
        "mean": float(lengths.mean()),
        "sd": float(lengths.std()),
        "median": float(np.median(lengths)),
        "bias": float(np.hypot(*found.mean(axis=0))),
    }


def percent_missing(vectors: NDArray[np.float64]) -> float:
    """Share of rows with a NaN, in percent."""
    return float(100 * (~np.isfinite(vectors).all(axis=1)).mean())
