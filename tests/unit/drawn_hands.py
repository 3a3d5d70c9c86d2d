"""Hands drawn with a few strokes: depth images that can be drawn again a fraction of a pixel further on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.core.images import ImageSet

SIZE, PERSONS = 64, 10
PX_MM = 300 / SIZE
Floats = NDArray[np.float64]


def drawn_hands(count: int, seed: int = 0, dx: float = 0.0, dy: float = 0.0, mm: float = 0.0) -> ImageSet:
    """A palm, four fingers and a thumb as round strokes; the same hands moved by dx, dy px and mm in depth."""
    rng = np.random.default_rng(seed)
    persons = rng.integers(0, PERSONS, count)
    size = rng.uniform(0.9, 1.1, PERSONS)[persons]
    palm = SIZE / 2 + rng.normal(0, 2, (count, 2))
    turn, spread = rng.normal(0, 0.6, count), rng.uniform(0.15, 0.3, count)
    depth, tilt = rng.uniform(700, 1000, count), rng.normal(0, 40, count)
    palm = palm + np.array([dx, dy])

    def along(angle: Floats, far: float, mm_up: Floats) -> Floats:
        """(count, 3) the point `far` px from the palm, in px and mm."""
        step = far * size[:, None] * np.stack([np.sin(angle), -np.cos(angle)], axis=1)
        return np.concatenate([palm + step, (depth + mm + mm_up)[:, None]], axis=1)

    none = np.zeros(count)
    joints, strokes = [], [(along(turn, 0, none), along(turn + np.pi, 6, none), 8 * size)]
    for finger in range(4):
        angle = turn + spread * (finger - 1.5)
        tip, middle = along(angle, 24, tilt * (finger - 1.5)), along(angle, 15, none)
        joints += [tip, middle]
        strokes += [(tip, middle, 2.2 * size), (middle, along(turn, 2, none), 2.6 * size)]
    thumb = turn - 1.2
    joints += [along(thumb, far, none) for far in (17, 13, 9)]
    strokes.append((joints[-3], along(turn, 0, none), 2.8 * size))
    joints += [along(turn + np.pi + side, 12, none) for side in (-0.4, 0.4)] + [along(turn, 0, none)]
    return ImageSet(
        ids=np.array([f"{seed}-{index:04d}" for index in range(count)]),
        persons=np.array([f"p{person}" for person in persons]),
        images=_drawn(strokes),
        labels={"joints": np.stack(joints, axis=1)},
        name="hands",
    )


def sensed(hands: ImageSet, seed: int = 0) -> ImageSet:
    """As a depth camera sees them: noise of 2 mm, holes, ragged edges; nothing moves."""
    rng = np.random.default_rng(seed)
    depth = hands.images[:].astype(np.float64)
    padded = np.pad(depth > 0, ((0, 0), (1, 1), (1, 1)))
    inner = padded[:, 2:, 1:-1] & padded[:, :-2, 1:-1] & padded[:, 1:-1, 2:] & padded[:, 1:-1, :-2]
    lost = rng.random(depth.shape) < np.where(inner, 0.02, 0.4)
    noisy = np.rint(depth + rng.normal(0, 2, depth.shape))
    return hands.with_images(np.where((depth > 0) & ~lost, noisy, 0).astype(np.uint16), name="sensed")


def rolled(hands: ImageSet, dx: int, dy: int) -> ImageSet:
    """The same images moved by whole pixels."""
    return hands.with_images(np.roll(hands.images[:], (dy, dx), axis=(1, 2)), name="moved")


def _drawn(strokes: list[tuple[Floats, Floats, Floats]]) -> NDArray[np.uint16]:
    """(N, 64, 64) mm, 0 = background: the nearest of the strokes (from, to, radius in px) at every pixel's centre."""
    rows, columns = np.mgrid[:SIZE, :SIZE].astype(np.float64)
    nearest = np.full((len(strokes[0][0]), SIZE, SIZE), np.inf)
    for start, end, radius in strokes:
        (x, y, z), (run_x, run_y, run_z) = (part.T[:, :, None, None] for part in (start, end - start))
        share = np.clip(((columns - x) * run_x + (rows - y) * run_y) / np.maximum(run_x**2 + run_y**2, 1e-9), 0, 1)
        off = np.square(columns - x - share * run_x) + np.square(rows - y - share * run_y)
        height = np.square(radius)[:, None, None] - off
        surface = z + share * run_z - PX_MM * np.sqrt(np.maximum(height, 0))
        nearest = np.where(height > 0, np.minimum(nearest, surface), nearest)
    return np.where(np.isfinite(nearest), np.rint(nearest), 0).astype(np.uint16)
