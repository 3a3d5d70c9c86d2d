"""What a depth sensor leaves in images of hands, as three numbers that need no labels: edges, holes, noise."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Masks = NDArray[np.bool_]

SURFACE_MM = 20.0
"""Neighbouring pixels that differ by less lie on one surface; more is an edge between two."""
HOLE_REACH_PX = 3
LEAST_STEP_MM = 1.2
"""Depth is stored in whole mm: below that, no value is left out."""
PIXELS_PER_LEVEL = 20
"""With fewer, values are missing by chance."""
LAPLACIAN_OF_WHITE_NOISE = float(np.sqrt(20) * np.sqrt(2 / np.pi))
"""Mean absolute value of the Laplacian of white noise of deviation 1: weights 4 and four times -1, Gaussian."""


class SensorStatistics(NamedTuple):
    """Of a set of depth images, pooled over their pixels.

    roughness: pixels that a 3x3 majority vote flips, per px of outline after the vote; holes do not count.
    holes: share of the silhouette's pixels without depth, in %.
    noise_mm: deviation of white noise with the same mean absolute Laplacian, scaled to 1 m by the square of the depth.
    """

    roughness: float
    holes: float
    noise_mm: float


def sensor_statistics(depth: NDArray[Any]) -> SensorStatistics:
    """(N, H, W) mm, 0 = background; zeros where there is no hand."""
    hand = depth > 0
    return SensorStatistics(*silhouette_statistics(hand), surface_noise_mm(depth))


def silhouette_statistics(hand: Masks) -> tuple[float, float]:
    """(N, H, W) where the hand is -> roughness and holes, as `SensorStatistics` has them."""
    holes = enclosed(hand)
    filled = hand | holes
    voted = majority(filled)
    outline = int((voted[:, 1:] != voted[:, :-1]).sum() + (voted[:, :, 1:] != voted[:, :, :-1]).sum())
    roughness = int((filled != voted).sum()) / max(outline, 1)
    return roughness, 100 * int(holes.sum()) / max(int(filled.sum()), 1)


def enclosed(hand: Masks) -> Masks:
    """Background with the hand within 3 px on both sides, along the row and along the column: small holes.

    What is open on one side is part of the outline, and the wide gaps between fingers are neither.
    """
    nearby = []
    for axis in (1, 2):
        for sign in (1, -1):
            found = np.zeros_like(hand)
            for distance in range(1, HOLE_REACH_PX + 1):
                found |= _neighbour(hand, axis, sign * distance)
            nearby.append(found)
    return np.asarray(~hand & np.logical_and.reduce(nearby))


def majority(mask: Masks) -> Masks:
    """At least 5 of each pixel's 3x3; the border is repeated."""
    votes = mask.astype(np.int8)
    for axis in (1, 2):
        votes = votes + _neighbour(votes, axis, 1) + _neighbour(votes, axis, -1)
    return np.asarray(votes >= 5)


def surface_noise_mm(depth: NDArray[Any]) -> float:
    """Noise at 1 m, of pixels whose four neighbours lie on one surface with them; see `SensorStatistics`."""
    depth = depth.astype(np.float32)
    middle = depth[:, 1:-1, 1:-1]
    laplacian, smooth = np.zeros_like(middle), middle > 0
    for neighbour in (depth[:, 1:-1, 2:], depth[:, 1:-1, :-2], depth[:, 2:, 1:-1], depth[:, :-2, 1:-1]):
        step = middle - neighbour
        laplacian += step
        smooth &= np.abs(step) < SURFACE_MM
    if not smooth.any():
        return 0.0
    at_1_m = np.abs(laplacian[smooth]) / np.square(middle[smooth] / 1000)
    return float(at_1_m.mean(dtype=np.float64)) / LAPLACIAN_OF_WHITE_NOISE


def depth_step_mm(depth: NDArray[Any]) -> float:
    """Distance of a sensor's depth levels at 1 m, where it grows with the square; 0 when all whole mm occur.

    Levels are evenly spaced in 1 / depth, so the step is the mean distance of neighbouring values there. Only the far
    half of the values is used, in which steps are wide, less the farthest tenth, of which there is too little. Gaps of
    more than three times the median are values that no image has. Too few pixels give 0. depth: with a hand in it.
    """
    values = depth[depth > 0]
    low, high = np.quantile(values, (0.5, 0.9))
    values = values[(values >= low) & (values <= high)]
    found = np.unique(values).astype(np.float64)
    if len(found) < 2 or len(values) < PIXELS_PER_LEVEL * len(found):
        return 0.0
    gaps = -np.diff(1e6 / found)
    kept = gaps[gaps <= 3 * np.median(gaps)]
    step = float(kept.mean())
    return step if step * (found.mean() / 1000) ** 2 > LEAST_STEP_MM else 0.0


def _neighbour(values: NDArray[Any], axis: int, distance: int) -> NDArray[Any]:
    """The pixel so far along an axis; beyond the border its outermost pixel."""
    length = values.shape[axis]
    return values.take(np.clip(np.arange(length) + distance, 0, length - 1), axis=axis)
