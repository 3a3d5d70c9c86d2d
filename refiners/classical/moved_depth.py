"""Moves the hand of a depth image by part of a pixel: the silhouette and what lies inside, never a mixture of both."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.ndimage
from numpy.typing import NDArray

from refiners.classical.depth_statistics import SURFACE_MM

SMOOTHING_PX = 1.2
LEAST_LEVEL = 0.02
"""At these two the silhouettes of drawn hands move by the distance to 0.02 px on average, at most 0.05, over distances
of 0.5 to 2 px in all directions; a narrower Gaussian halts at whole pixels (0.05 at 0.9 px)."""


def moved_depth(depth: NDArray[Any], down: float, right: float) -> NDArray[Any]:
    """(H, W) mm, 0 = background -> the same moved by px; what enters at the border repeats the outermost pixels.

    Depth is interpolated linearly between pixels of one surface. An edge between two surfaces inside the hand cannot
    lie between pixels and is up to half a px off; the silhouette is right on average (see `outline_level`).
    """
    hand = depth > 0
    if not hand.any():
        return depth.copy()
    nearest = scipy.ndimage.distance_transform_edt(~hand, return_distances=False, return_indices=True)
    inside = _moved_inside(depth[tuple(nearest)].astype(np.float64), down, right)
    # The spline in float64: OpenCV's warps round positions to 1/32 px.
    level = scipy.ndimage.shift(outline_level(hand), (down, right), order=3, mode="nearest")
    return np.where(level > 0, np.rint(inside), 0).astype(depth.dtype)


def outline_level(hand: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(H, W) positive in the hand, negative outside, with the outline at 0, as smooth as the hand is.

    A pixel says whether its middle is inside, and the outline lies anywhere between two of them: interpolated
    linearly, an edge along the pixels would stand still up to half a px and then jump. A Gaussian sees from the pixels
    along the edge where it lies. The sign stays that of the mask, so thin fingers stay and no distance changes nothing.
    """
    level = scipy.ndimage.gaussian_filter(hand.astype(np.float64), SMOOTHING_PX, mode="nearest") - 0.5
    return np.where(hand, np.maximum(level, LEAST_LEVEL), np.minimum(level, -LEAST_LEVEL))


def _moved_inside(depth: NDArray[np.float64], down: float, right: float) -> NDArray[np.float64]:
    """Linear interpolation of (H, W) depth among those of the four pixels that lie on the surface with most weight."""
    (top, below), (left, beside) = ((int(np.floor(-px)), float(-px % 1)) for px in (down, right))
    weights = np.outer((1 - below, below), (1 - beside, beside)).ravel()
    rows, columns = (np.arange(length) for length in depth.shape)
    corners = np.stack(
        [
            depth[np.ix_(_inside(rows + top + i, len(rows)), _inside(columns + left + j, len(columns)))]
            for i in (0, 1)
            for j in (0, 1)
        ]
    )
    same = np.abs(corners[:, None] - corners) < SURFACE_MM
    shares = np.einsum("i,ijhw->jhw", weights, same)
    chosen = np.take_along_axis(same, shares.argmax(axis=0)[None, None], axis=1)[:, 0]
    total = np.einsum("i,ihw->hw", weights, np.where(chosen, corners, 0))
    return np.asarray(total / np.einsum("i,ihw->hw", weights, chosen))


def _inside(index: NDArray[np.int64], length: int) -> NDArray[np.int64]:
    return index.clip(0, length - 1)
