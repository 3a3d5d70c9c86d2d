"""Hands made up for unit tests that need more than the simulator's (bench.data.simulator.hands) can promise.

`turned_hands`: whole in the image and turned all ways, so that what moves one part of a hand averages out.
`drawn_hands`: drawn again a fraction of a pixel further on, exactly.
`posed_hand` and `depth_of`: with joints, before any camera, in whole frames as well.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from bench.core.hands import JOINTS
from bench.core.images import ImageSet
from bench.core.pinhole import to_pixels

Floats = NDArray[np.float64]
WIDTH_MM = 300.0
"""What an image of `turned_hands` or `drawn_hands` is wide."""


# Turned hands: palm and fingers of balls, without joints

SPREAD_DEG = (-40, -20, -3, 14, 65)
LENGTH = (0.24, 0.29, 0.31, 0.28, 0.24)
"""Of the image's width."""


def turned_hands(count: int, seed: int = 1, size: int = 64) -> NDArray[np.uint16]:
    """(N, size, size) mm, background 0: turned, placed and bent at random, fingers before and beside each other."""
    rng = np.random.default_rng(seed)
    images = []
    for _ in range(count):
        x, y, radius, z = (_balls(rng) * (size, size, size, WIDTH_MM)).T
        places = np.stack([x, y, rng.uniform(650, 1050) + z], axis=1)
        images.append(_front(places, radius, radius * WIDTH_MM / size, (size, size)))
    return np.stack(images)


def _balls(rng: np.random.Generator) -> Floats:
    """(K, 4) x, y, radius and z as shares of the width."""
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


# Drawn hands: round strokes, of ten persons

SIZE, PERSONS = 64, 10
PX_MM = WIDTH_MM / SIZE


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


# Posed hands: balls around joints, in the camera's space

FINGER_MM, PALM_MM = 9.0, 16.0


def posed_hand(rng: np.random.Generator, at: tuple[float, float, float]) -> tuple[Floats, Floats, Floats]:
    """(14, 3) joints, and balls: (K, 3) centres and (K,) radii; mm in the camera's space. A random pose around `at`."""
    joints: dict[str, Floats] = {
        "PALM_1": np.array([-18.0, 75.0, 0.0]),
        "PALM_2": np.array([18.0, 75.0, 0.0]),
        "PALM_3": np.array([0.0, 10.0, 0.0]),
    }
    centres: list[Floats] = []
    for finger, x in zip(range(1, 5), (-34.0, -12.0, 11.0, 33.0), strict=True):
        base = np.array([x, -25.0, 0.0])
        length = (34.0, 42.0, 46.0, 42.0)[finger - 1]
        middle = base + length * _bent(rng.uniform(-0.1, 1.0), rng.uniform(-0.1, 0.1) + x / 150)
        tip = middle + length * _bent(rng.uniform(0.0, 1.3), x / 150)
        joints[f"F{finger}_KNU2_B"], joints[f"F{finger}_KNU3_A"] = middle, tip
        centres += [*_between(base, middle), *_between(middle, tip)]
    thumb = [np.array([38.0, 40.0, 0.0]), np.array([62.0, 12.0, -8.0]), np.array([78.0, -22.0, -16.0])]
    thumb.append(thumb[-1] + 22 * _bent(rng.uniform(0, 1), 0.2))
    joints["TH_KNU2_B"], joints["TH_KNU3_B"], joints["TH_KNU3_A"] = thumb[1:]
    centres += [ball for one, other in pairwise(thumb) for ball in _between(one, other)]
    palm = [np.array([x, y, 0.0]) for x in np.linspace(-28, 28, 5) for y in np.linspace(-22, 78, 8)]
    turn = Rotation.from_euler("xyz", rng.uniform(-0.7, 0.7, 3)).as_matrix()
    radii = np.array([FINGER_MM] * len(centres) + [PALM_MM] * len(palm))
    placed = np.stack([joints[name] for name in JOINTS]) @ turn.T + at
    return placed, np.stack([*centres, *palm]) @ turn.T + at, radii


def depth_of(centres: Floats, radii: Floats, camera: Floats, shape: tuple[int, int]) -> NDArray[np.uint16]:
    """(H, W) mm of the front of balls in mm; 0 where there is none."""
    places = to_pixels(centres, camera)
    return _front(places, radii * camera[0] / places[:, 2], radii, shape)


def _front(places: Floats, reaches: Floats, radii: Floats, shape: tuple[int, int]) -> NDArray[np.uint16]:
    """(H, W) mm of the nearest of balls: (K, 3) u, v in px and depth in mm, radii (K,) in px and in mm."""
    depth = np.full(shape, np.inf)
    for (u, v, z), reach, radius in zip(places, reaches, radii, strict=True):
        top, left = max(int(v - reach), 0), max(int(u - reach), 0)
        window = depth[top : int(v + reach) + 2, left : int(u + reach) + 2]
        rows, columns = np.mgrid[top : top + window.shape[0], left : left + window.shape[1]]
        beside = ((rows - v) ** 2 + (columns - u) ** 2) / reach**2
        front = z - radius * np.sqrt(np.clip(1 - beside, 0, None))
        np.minimum(window, np.where(beside <= 1, front, np.inf), out=window)
    return np.where(np.isfinite(depth), np.rint(np.where(np.isfinite(depth), depth, 0)), 0).astype(np.uint16)


def _bent(curl: float, spread: float) -> Floats:
    """A direction up the image, bent towards the camera by `curl` and to the side by `spread` (radians)."""
    return np.array([np.sin(spread), -np.cos(curl) * np.cos(spread), -np.sin(curl) * np.cos(spread)])


def _between(one: Floats, other: Floats) -> list[Floats]:
    return [one + share * (other - one) for share in np.linspace(0, 1, 6)]
