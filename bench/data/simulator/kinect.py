"""What a structured-light depth camera, the first Kinect, makes of a scene: ragged edges, steps, noise, shadow, holes.

What is known of it, and where from: focal length 588 px and baseline 75 mm; depth comes from disparities that are
matched over windows of several px and read to 1/8 px, so its steps grow with its square (Khoshelham and Elberink 2012;
a frame of the NYU data set has steps of 1.5 mm at 0.74 m and 2 mm at 0.84 m, as this gives). Axial noise is
1.2 mm + 1.9 mm (z - 0.4)^2, z in m, lateral noise about one px, and surfaces turned away by more than 70 degrees are
lost (Nguyen, Izadi and Lovell 2012). In that frame shadows lie to the right of what casts them, 13 px where a hand is
0.25 m before a body, and outlines wave by 1 to 3 px over 3 to 8 px. Sizes in px are those of the 640x480 px sensor.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.core.pinhole import NYU_CAMERA, Floats

Array = NDArray[Any]  # float32 unless said otherwise

FOCAL_PX = float(NYU_CAMERA[0])
BASELINE_MM = 75.0
STEPS_PER_PX = 8.0
EDGE_SD_PX, EDGE_MOST_PX = 1.2, 3.0  # how far the matched window may lie from its pixel
GRAZING = np.tan(np.radians(70.0))  # steepest surface that is seen, depth over width
GRAZING_SPREAD = 0.25  # natural log: how much that varies
LATTICE = 64  # cells of the noise over the crop: 3 to 5 px each, as large as what edges wave by
BRIDGED_PX = 2.5  # narrower shadows are bridged by the matching windows
LOST_SD = 3.0  # small patches are lost where smooth noise exceeds so many deviations


@dataclass(frozen=True)
class Disturbance:
    """The noise of some images at the crop's size, unit variance, (N, S, S) each."""

    right: Array
    down: Array
    axial: Array
    grazing: Array
    lost: Array


def draw_disturbance(rng: np.random.Generator, count: int) -> Array:
    """(N, 5, 64, 64) standard normal noise of `count` images: the same whatever the size of the images."""
    return rng.standard_normal((count, 5, LATTICE, LATTICE), dtype=np.float32)


def disturbance(noise: Array, size: int) -> Disturbance:
    """The noise on images of `size` px; axial noise and lost patches are smooth, as neighbours share their windows."""
    right, down, axial, grazing, lost = noise.swapaxes(0, 1)
    fields = (right, down, _smooth(axial), grazing, _smooth(lost))
    return Disturbance(*(_resized(field, size) for field in fields))


def wander(rays: tuple[Array, Array], camera: Floats, noise: Disturbance) -> tuple[tuple[Array, Array], Floats]:
    """Where the sensor really looks when it reads a pixel, and how many px of the crop that is off at most (N,).

    The window that gives a pixel its depth may match what lies beside it, so outlines are eaten and grow.
    """
    right, down = (
        np.clip(EDGE_SD_PX * field, -EDGE_MOST_PX, EDGE_MOST_PX) / np.float32(FOCAL_PX)
        for field in (noise.right, noise.down)
    )
    return (rays[0] + right, rays[1] + down), EDGE_MOST_PX * camera[:, :2].max(axis=1) / FOCAL_PX


def sense(depth: Array, camera: Floats, noise: Disturbance) -> Array:
    """Depth as the sensor gives it, (N, S, S) float32 mm; infinity where there is nothing or it sees nothing."""
    px = (FOCAL_PX / camera[:, 0]).astype(np.float32)[:, None, None]  # sensor px per px of the crop
    lost = _shadowed(depth, px) | _grazing(depth, px, noise.grazing) | (noise.lost > LOST_SD)
    axial = 1.2 + 1.9e-6 * np.square(depth - 400.0, out=np.zeros_like(depth), where=depth < np.inf)
    disparity = np.float32(FOCAL_PX * BASELINE_MM) / (depth + axial.astype(np.float32) * noise.axial)
    steps = np.rint(STEPS_PER_PX * disparity)
    with np.errstate(divide="ignore"):
        read = np.float32(STEPS_PER_PX * FOCAL_PX * BASELINE_MM) / steps
    return np.where(lost, np.float32(np.inf), read)


def _shadowed(depth: Array, px: Array) -> NDArray[np.bool_]:
    """What the projector does not light: it stands to the left, so whatever is on the left and nearer may hide a point.

    In the projector's image a lit surface never goes back behind what was seen left of it.
    """
    column = np.arange(depth.shape[2], dtype=np.float32) * px
    lit = np.where(depth < np.inf, column + np.float32(FOCAL_PX * BASELINE_MM) / depth, -np.inf)
    return np.asarray(lit < np.maximum.accumulate(lit, axis=2) - np.float32(BRIDGED_PX))


def _grazing(depth: Array, px: Array, noise: Array) -> NDArray[np.bool_]:
    """Surfaces too steep to be matched: steep to both neighbours, which an edge of one finger on another is not."""
    width = depth * px / np.float32(FOCAL_PX)  # mm per px of the crop
    limit = np.float32(GRAZING) * width * np.exp(np.float32(GRAZING_SPREAD) * noise)
    surface = np.where(depth < np.inf, depth, np.float32(np.nan))
    rise = np.maximum(_rise(surface), _rise(surface.swapaxes(1, 2)).swapaxes(1, 2))
    return np.asarray(rise > limit)


def _rise(surface: Array) -> Array:
    """The smaller step to the neighbours left and right, mm; 0 at outlines (NaN = nothing there)."""
    edge = np.float32(np.nan)
    step = np.abs(np.diff(surface, axis=2, prepend=edge, append=edge))
    return np.nan_to_num(np.minimum(step[..., :-1], step[..., 1:]), copy=False)


def _smooth(field: Array) -> Array:
    """Binomial smoothing that keeps the variance; wraps around the edges."""
    for axis in (1, 2):
        field = (np.roll(field, 1, axis) + 2 * field + np.roll(field, -1, axis)) / np.float32(np.sqrt(6.0))
    return field


def _resized(field: Array, size: int) -> Array:
    """Bilinear, corner to corner; the field itself at the lattice's own size."""
    if size == LATTICE:
        return field
    at = np.linspace(0.0, LATTICE - 1.0, size)
    low = np.minimum(at.astype(np.int64), LATTICE - 2)
    share = (at - low).astype(np.float32)
    field = field[:, low] * (1 - share)[:, None] + field[:, low + 1] * share[:, None]
    return np.asarray(field[:, :, low] * (1 - share) + field[:, :, low + 1] * share)
