"""A depth sensor as a formula: ragged edges, holes at them, noise and depth levels that grow coarser with distance."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import scipy.ndimage
from numpy.typing import NDArray

from refiners.classical.content import content_seed
from refiners.classical.depth_statistics import SURFACE_MM

MOST_RELIEF_MM = 50.0


class Strengths(NamedTuple):
    """How strong each effect is; all 0 = none.

    edge_px: deviation, along each axis, of where a pixel next to an edge looks, in px of the sensor. holes:
    probability that a pixel at an edge of 50 mm or more has no depth; it falls with the relief around the pixel.
    noise_mm, step_mm: deviation of the noise and distance of the depth levels at 1 m; both grow with the square of the
    depth.
    """

    edge_px: float
    holes: float
    noise_mm: float
    step_mm: float


class Draws(NamedTuple):
    """All that is random in N images: (N, H, W) standard normal, and uniform 0..1 for `hole`.

    grain_px: side of the square of pixels that is one of the sensor's.
    """

    down: NDArray[np.float32]
    right: NDArray[np.float32]
    axial: NDArray[np.float32]
    hole: NDArray[np.float32]
    grain_px: int


def draw(images: NDArray[Any], stream_seed: int, grain_px: int) -> Draws:
    """By a hash of each image's pixels; squares of grain_px x grain_px pixels share a draw."""
    count, height, width = images.shape
    cells = (-(-height // grain_px), -(-width // grain_px))
    normal, uniform = np.empty((3, count, *cells), np.float32), np.empty((count, *cells), np.float32)
    for index, image in enumerate(images):
        rng = np.random.default_rng(content_seed(image, stream_seed))
        normal[:, index] = rng.standard_normal((3, *cells), np.float32)
        uniform[index] = rng.random(cells, np.float32)
    down, right, axial, hole = (
        values.repeat(grain_px, axis=1).repeat(grain_px, axis=2)[:, :height, :width] for values in (*normal, uniform)
    )
    return Draws(down, right, axial, hole, grain_px)


def sense(depth: NDArray[Any], strengths: Strengths, draws: Draws) -> NDArray[Any]:
    """(N, H, W) uint16 mm, 0 = background -> as the sensor sees it.

    Edges move nothing on average; holes thin fingers out, by which a hand's centroid moves some 0.03 px to its arm.
    """
    seen = ragged(depth, strengths.edge_px, draws)
    seen[draws.hole < strengths.holes * relief(depth)] = 0
    noisy = seen + strengths.noise_mm * np.square(seen / np.float32(1000)) * draws.axial
    levels = quantised(noisy, strengths.step_mm) if strengths.step_mm else noisy
    return np.where(seen > 0, np.rint(levels).clip(1, np.iinfo(np.uint16).max), 0).astype(np.uint16)


def ragged(depth: NDArray[Any], edge_px: float, draws: Draws) -> NDArray[np.float32]:
    """Each pixel looks a random whole number of px beside itself, and what it sees there counts across an edge only.

    So edges fray to both sides alike, no silhouette moves on average, and smooth surfaces stay as they are.
    """
    count, height, width = depth.shape
    down, right = (draws.grain_px * np.rint(edge_px * drawn).astype(np.int64) for drawn in (draws.down, draws.right))
    image, row, column = np.ogrid[:count, :height, :width]
    beside = depth[
        image,
        (row + down).clip(0, height - 1),
        (column + right).clip(0, width - 1),
    ].astype(np.float32)
    own = depth.astype(np.float32)
    return np.where(np.abs(beside - own) >= SURFACE_MM, beside, own)


def relief(depth: NDArray[Any]) -> NDArray[np.float32]:
    """Difference of the hand's nearest and farthest depth in 3x3 px, as a share of 50 mm, at most 1; 0 without a hand.

    Background does not count: the outline is where the hand's own surface turns away.
    """
    farthest = scipy.ndimage.maximum_filter(depth, size=(1, 3, 3), mode="nearest")
    none = np.iinfo(depth.dtype).max
    nearest = scipy.ndimage.minimum_filter(np.where(depth > 0, depth, none), size=(1, 3, 3), mode="nearest")
    span = np.where(farthest > 0, farthest - np.minimum(nearest, farthest), 0).astype(np.float32)
    share: NDArray[np.float32] = np.minimum(span / np.float32(MOST_RELIEF_MM), np.float32(1))
    return share


def quantised(depth: NDArray[Any], step_mm: float) -> NDArray[np.float64]:
    """Depth at the nearest of levels evenly spaced in 1 / depth, `step_mm` apart at 1 m."""
    first_level_mm = 1e6 / step_mm
    return np.asarray(first_level_mm / np.rint(first_level_mm / np.maximum(depth, 1)).clip(1), np.float64)
