"""Exact depth of spheres and of the round cones between them, by the rays of a perspective camera.

A round cone is the union of the spheres between two: centre a + s w, radius r + s g, 0 <= s <= 1, where w and g are the
differences of centres and radii. A ray is at t d at depth t, with d = (x, y, 1). The sphere that it is deepest in has
s = (t d.w - q) / m, q = a.w - r g, m = w.w - g^2, and its surface gives a quadratic equation in t. A sphere is the cone
with w = 0. Each ray is tried only on the bodies whose box in the image it lies in.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.core.pinhole import Floats

Array = NDArray[Any]  # float32 unless said otherwise


class Bodies(NamedTuple):
    """Spheres, then cones, of all hands, (N * (K + E),) each; w and q are divided by the root of m."""

    centre: Array  # (3, ...) a
    axis: Array  # (3, ...) w
    offset: Array  # q
    constant: Array  # a.a - r^2 - q^2
    length: Array  # the largest s, in the units of w


def render_depth(
    centres: Floats, radii: Floats, cones: NDArray[np.int64], camera: Floats, rays: tuple[Array, Array], reach: Array
) -> Array:
    """(N, S, S) float32 depth of the nearest surface in mm, infinity where there is none.

    centres: (N, K, 3) mm in the camera's axes, all wholly in front of it; radii: (N, K); cones: (E, 2) pairs of
    spheres, neither inside the other; camera: (N, 4) px; rays: x and y of each pixel's ray at depth 1, (N, S, S)
    float32; reach: (N,) how many px a ray may lie off the centre of its pixel.
    """
    size = rays[0].shape[-1]
    body, pixel = _pairs(*_boxes(centres, radii, cones, camera, reach), size)
    depth = _hits(_bodies(centres, radii, cones), body, rays[0].ravel()[pixel], rays[1].ravel()[pixel])
    nearest = np.full(rays[0].size, np.inf, dtype=np.float32)
    hit = np.flatnonzero(depth < np.inf)
    np.minimum.at(nearest, pixel[hit], depth[hit])
    return nearest.reshape(rays[0].shape)


def _bodies(centres: Floats, radii: Floats, cones: NDArray[np.int64]) -> Bodies:
    count, spheres = radii.shape
    start = np.concatenate([np.arange(spheres), cones[:, 0]])
    centre, radius = centres[:, start], radii[:, start]
    axis = np.zeros_like(centre)
    axis[:, spheres:] = centres[:, cones[:, 1]] - centres[:, cones[:, 0]]
    growth = np.zeros_like(radius)
    growth[:, spheres:] = radii[:, cones[:, 1]] - radii[:, cones[:, 0]]
    length = np.sqrt(np.sum(axis**2, axis=-1) - growth**2)
    length[:, :spheres] = np.inf
    axis /= length[..., None]
    offset = np.sum(centre * axis, axis=-1) - radius * growth / length
    constant = np.sum(centre**2, axis=-1) - radius**2 - offset**2
    flat = count * len(start)
    return Bodies(
        centre=centre.reshape(flat, 3).T.astype(np.float32),
        axis=axis.reshape(flat, 3).T.astype(np.float32),
        offset=offset.ravel().astype(np.float32),
        constant=constant.ravel().astype(np.float32),
        length=length.ravel().astype(np.float32),
    )


def _boxes(
    centres: Floats, radii: Floats, cones: NDArray[np.int64], camera: Floats, reach: Array
) -> tuple[Floats, Floats]:
    """First and last px (column, row) of every body, (N, K + E, 2): where planes through the camera touch a sphere."""
    square = radii[..., None] ** 2
    side, depth = centres[..., :2], centres[..., 2:]
    root = np.sqrt(side**2 + depth**2 - square) * radii[..., None]
    focal, middle = camera[:, None, :2], camera[:, None, 2:]
    low, high = ((side * depth + sign * root) / (depth**2 - square) * focal + middle for sign in (-1.0, 1.0))
    low = np.concatenate([low, np.minimum(low[:, cones[:, 0]], low[:, cones[:, 1]])], axis=1)
    high = np.concatenate([high, np.maximum(high[:, cones[:, 0]], high[:, cones[:, 1]])], axis=1)
    margin = reach[:, None, None]
    return np.ceil(low - margin), np.floor(high + margin)


def _pairs(first: Floats, last: Floats, size: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Which body is tried on which pixel: two (P,) flat indices, box after box, row after row."""
    count, bodies = first.shape[:2]
    low = np.maximum(first, 0).astype(np.int64).reshape(-1, 2)
    extent = np.maximum(np.minimum(last, size - 1).astype(np.int64).reshape(-1, 2) + 1 - low, 0)
    columns, rows = extent.T
    start = np.repeat(np.arange(count) * size * size, bodies) + low[:, 1] * size + low[:, 0]
    body_of_row, step = _runs(rows)
    start_of_row = start[body_of_row] + step * size
    row, step = _runs(columns[body_of_row])
    return body_of_row[row], start_of_row[row] + step


def _runs(lengths: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """0 0 0 1 1 3 ... and 0 1 2 0 1 0 ... for the lengths 3 2 0 1 ..."""
    run = np.repeat(np.arange(len(lengths)), lengths)
    return run, np.arange(len(run)) - (np.cumsum(lengths) - lengths)[run]


def _hits(bodies: Bodies, body: NDArray[np.int64], x: Array, y: Array) -> Array:
    """(P,) depth at which a ray enters a body, infinity where it passes by."""
    axis_x, axis_y, axis_z = (column[body] for column in bodies.axis)
    centre_x, centre_y, centre_z = (column[body] for column in bodies.centre)
    offset = bodies.offset[body]
    along = x * axis_x + y * axis_y + axis_z
    square = x * x + y * y + 1 - along * along
    half = x * centre_x + y * centre_y + centre_z - along * offset
    discriminant = half * half - square * bodies.constant[body]
    with np.errstate(invalid="ignore", divide="ignore"):
        # a ray within the opening angle of a cone has square < 0, and enters it at the same one of the two roots
        depth = (half - np.sqrt(discriminant)) / square
        place = depth * along - offset
        inside = (place >= 0) & (place <= bodies.length[body])
    return np.where(inside, depth, np.float32(np.inf))
