"""Histograms of oriented gradients (Dalal and Triggs, CVPR 2005), in NumPy: OpenCV 5 no longer has them."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
ORIENTATIONS = 9
BLOCK = 2
CLIP = 0.2
FLAT = 1e-5
STEPS = 511
"""Values that a difference of two bytes can have: -255 to 255."""


def hog(images: NDArray[np.uint8], cell_px: int) -> Floats:
    """(N, H, W) uint8 -> (N, D) descriptors; D = 36 x blocks, for whole cells centred in the image.

    Central differences (zero at the border), 9 unsigned orientations of 20 degrees without interpolation,
    blocks of 2x2 cells that overlap by one, and L2-Hys normalisation (clipped at 0.2). H and W must
    hold at least 2 cells. Deviation: no interpolation between bins or cells, as in scikit-image.
    """
    rows, columns = images.shape[1] // cell_px, images.shape[2] // cell_px
    top, left = (images.shape[1] - rows * cell_px) // 2, (images.shape[2] - columns * cell_px) // 2
    window = (slice(None), slice(top, top + rows * cell_px), slice(left, left + columns * cell_px))
    gradient = _gradients(images)[window]
    bins, lengths = _orientations()
    row_of, column_of = np.arange(rows * cell_px) // cell_px, np.arange(columns * cell_px) // cell_px
    cell = row_of[:, None] * columns + column_of
    first = (np.arange(len(images))[:, None, None] * rows * columns + cell) * ORIENTATIONS
    histograms = np.bincount(
        (first + bins[gradient]).ravel(), lengths[gradient].ravel(), len(images) * rows * columns * ORIENTATIONS
    ).reshape(len(images), rows, columns, ORIENTATIONS)
    return _blocks(histograms / cell_px**2).reshape(len(images), -1)


def _gradients(images: NDArray[np.uint8]) -> NDArray[np.int32]:
    """(N, H, W): both differences of a pixel in one number, (down + 255) * 511 + (right + 255)."""
    grey = images.astype(np.int32)
    down, right = np.zeros_like(grey), np.zeros_like(grey)
    down[:, 1:-1] = grey[:, 2:] - grey[:, :-2]
    right[:, :, 1:-1] = grey[:, :, 2:] - grey[:, :, :-2]
    return (down + 255) * STEPS + (right + 255)


@cache
def _orientations() -> tuple[NDArray[np.int64], Floats]:
    """Orientation bin and length of every gradient that bytes can have, by the number that `_gradients` gives.

    Looked up, because it is fast and the same to the last bit wherever in an array a pixel lies.
    """
    down, right = np.divmod(np.arange(STEPS**2), STEPS)
    angle_deg = np.degrees(np.arctan2(down - 255, right - 255)) % 180
    bins = np.minimum(angle_deg * ORIENTATIONS / 180, ORIENTATIONS - 1).astype(np.int64)
    return bins, np.hypot(down - 255, right - 255)


def _blocks(histograms: Floats) -> Floats:
    """(N, rows, columns, 9) cells -> (N, rows - 1, columns - 1, 36) normalised blocks."""
    down, right = histograms.shape[1] - BLOCK + 1, histograms.shape[2] - BLOCK + 1
    blocks = np.concatenate(
        [histograms[:, y : y + down, x : x + right] for y in range(BLOCK) for x in range(BLOCK)], axis=3
    )
    return _unit(np.minimum(_unit(blocks), CLIP))


def _unit(blocks: Floats) -> Floats:
    unit: Floats = blocks / np.sqrt(np.square(blocks).sum(axis=3, keepdims=True) + FLAT**2)
    return unit
