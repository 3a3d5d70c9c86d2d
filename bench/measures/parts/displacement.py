"""Displacements in px, and the numbers that sum them up."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.core.images import ImageSet
from bench.measures.parts.grey_levels import is_depth

EYE_WIDTH_PX = 55
"""Displacements on eyes are those of an image of this width, as the paper's are, whatever the images' own."""
HAND_WIDTH_PX = 64
"""On hands they are those of the grid of 64x64 heatmaps, on which the paper counts joints as found."""


def scale_of(images: ImageSet) -> float:
    """How many px of the width in which displacements are told, 55 for eyes and 64 for hands, one px of these is."""
    return (HAND_WIDTH_PX if is_depth(images) else EYE_WIDTH_PX) / images.size[1]


def summed_up(vectors: NDArray[np.float64]) -> dict[str, float]:
    """Of (N, 2) displacements, or (N, K, 2) of K points an image: mean, sd, median and bias; at least one without NaN.

    An image's distance is the length of its vector, or the mean length of its K; mean, sd and median are over images.
    The bias is the length of the mean vector: what all have in common. A jitter of the detector averages out of it, a
    systematic drift does not; it is 0 when every label is right on average. Images with a NaN are left out.
    """
    lengths = distances(vectors)
    found = np.isfinite(lengths)
    return {
        "mean": float(lengths[found].mean()),
        "sd": float(lengths[found].std()),
        "median": float(np.median(lengths[found])),
        "bias": float(np.hypot(*vectors[found].reshape(-1, 2).mean(axis=0))),
    }


def distances(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N, 2) or (N, K, 2) -> (N,) lengths, the mean over the K points."""
    lengths: NDArray[np.float64] = np.hypot(vectors[..., 0], vectors[..., 1]).reshape(len(vectors), -1).mean(axis=1)
    return lengths


def percent_missing(vectors: NDArray[np.float64]) -> float:
    """Share of rows with a NaN, in percent."""
    return float(100 * (~np.isfinite(vectors).all(axis=1)).mean())
