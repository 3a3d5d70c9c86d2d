"""Depth images of hands for unit tests: palm and fingers of balls, with the relief that a sensor's noise needs."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

SPREAD_DEG = (-40, -20, -3, 14, 65)
LENGTH = (0.24, 0.29, 0.31, 0.28, 0.24)
"""Of the image's width."""


def ball_hands(count: int, seed: int = 1, size: int = 64) -> NDArray[np.uint16]:
    """(N, size, size) mm, background 0: turned, placed and bent at random, fingers before and beside each other."""
    rng = np.random.default_rng(seed)
    images = np.zeros((count, size, size), np.uint16)
    rows, columns = np.mgrid[:size, :size]
    for image in images:
        x, y, radius, z = (_balls(rng) * (size, size, size, 300)).T[..., None, None]
        height2 = radius**2 - (columns - x) ** 2 - (rows - y) ** 2
        distance = rng.uniform(650, 1050) + z - np.sqrt(np.maximum(height2, 0)) * 300 / size
        nearest = np.where(height2 > 0, distance, np.inf).min(axis=0)
        image[np.isfinite(nearest)] = np.rint(nearest[np.isfinite(nearest)])
    return images


def _balls(rng: np.random.Generator) -> NDArray[np.float64]:
    """(K, 4) x, y, radius as shares of the width, z as a share of 300 mm."""
    turn = rng.uniform(0, 2 * np.pi)
    centre = 0.5 + rng.uniform(-0.05, 0.05, 2)
    balls: list[Any] = [(*centre, 0.14, 0.0)]
    for spread, length in zip(SPREAD_DEG, LENGTH, strict=True):
        angle = turn + np.radians(spread + rng.normal(0, 8))
        bend, share = rng.uniform(-0.5, 0.3), rng.uniform(0.6, 1.0)
        for along in np.linspace(0, 1, 12):
            out = 0.1 + share * length * along
            place = centre + out * np.array([np.sin(angle), -np.cos(angle)])
            balls.append((*place, 0.032 - 0.008 * along, bend * along * share * length))
    return np.array(balls)
