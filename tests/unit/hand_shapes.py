"""Hands made of balls, with their joints: enough of a hand for tests of readers and checks, in any camera."""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from bench.core.hands import JOINTS
from bench.core.pinhole import to_pixels

Floats = NDArray[np.float64]
FINGER_MM, PALM_MM = 9.0, 16.0


def hand(rng: np.random.Generator, at: tuple[float, float, float] = (0.0, 0.0, 750.0)) -> tuple[Floats, Floats, Floats]:
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
    turn = _rotation(rng.uniform(-0.7, 0.7, 3))
    radii = np.array([FINGER_MM] * len(centres) + [PALM_MM] * len(palm))
    placed = np.stack([joints[name] for name in JOINTS]) @ turn.T + at
    return placed, np.stack([*centres, *palm]) @ turn.T + at, radii


def depth_of(centres: Floats, radii: Floats, camera: Floats, shape: tuple[int, int]) -> NDArray[np.uint16]:
    """(H, W) mm of the balls' front; 0 where there is none."""
    depth = np.full(shape, np.inf)
    pixels = to_pixels(centres, camera)
    for (u, v, z), radius in zip(pixels, radii, strict=True):
        reach = radius * camera[0] / z
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


def _rotation(angles: Floats) -> Floats:
    from scipy.spatial.transform import Rotation

    return np.asarray(Rotation.from_euler("xyz", angles).as_matrix())
