"""Cuts a hand out of a depth frame: a square around its centre of mass, everything else 0, and its camera."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.core.pinhole import crop_camera, to_millimetres, to_pixels

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class HandCrop:
    """image: (size, size) uint16 mm, 0 = background; camera: (4,) fx, fy, cx, cy in pixels of the crop."""

    image: NDArray[np.uint16]
    camera: Floats


def crop_hand(depth: NDArray[Any], mask: NDArray[np.bool_], camera: Floats, side_mm: float, size: int) -> HandCrop:
    """A cube of `side_mm` around the hand that `mask` shows, seen in size x size px.

    depth: (H, W) mm. mask: (H, W) where the hand is, not empty. camera: (4,) of the frame. No joint is looked at: the
    middle is the mask's centre of mass (u, v, mean depth). Pixels are the nearest of the frame, since a mean of two
    depths is a surface that is not there. Outside the mask, the frame and the cube is 0.
    """
    centre = centre_of_mass(depth, mask)
    own = crop_camera(camera, centre, size, side_mm)
    v, v_inside = _nearest(size, own[3], own[1], camera[3], camera[1], depth.shape[0])
    u, u_inside = _nearest(size, own[2], own[0], camera[2], camera[0], depth.shape[1])
    seen = depth[np.ix_(v, u)]
    kept = mask[np.ix_(v, u)] & v_inside[:, None] & u_inside & (np.abs(seen - centre[2]) <= side_mm / 2)
    return HandCrop(image=np.where(kept, seen, 0).astype(np.uint16), camera=own)


def centre_of_mass(depth: NDArray[Any], mask: NDArray[np.bool_]) -> Floats:
    """(3,) mean u, v in px and mean depth in mm of the pixels of a mask that is not empty."""
    v, u = np.nonzero(mask)
    return np.array([u.mean(), v.mean(), depth[mask].astype(np.float64).mean()])


def move_joints(joints: Floats, camera: Floats, own: Floats) -> Floats:
    """(..., K, 3) joints u, v, depth of frames with `camera` -> the same points in crops with the cameras `own`."""
    return to_pixels(to_millimetres(joints, camera), own)


def _nearest(
    size: int, centre: float, focal: float, frame_centre: float, frame_focal: float, length: int
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """(size,) the frame's nearest column (or row) for each of the crop's, and whether the frame has it."""
    place = np.rint((np.arange(size) - centre) * frame_focal / focal + frame_centre).astype(np.int64)
    return np.clip(place, 0, length - 1), (place >= 0) & (place < length)
