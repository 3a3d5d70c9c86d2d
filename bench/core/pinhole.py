"""The pinhole camera of depth images: between pixels with depth and millimetres, and the camera of a crop.

A camera is (..., 4) float64: fx, fy, cx, cy in pixels, pixel centres at whole numbers. A point in the image is
(..., 3): u to the right and v down in px, depth in mm. A point in space is (x right, y down, z = depth), mm.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

NYU_CAMERA: Floats = np.array([588.03, 587.07, 320.0, 240.0])
"""The Kinects of the NYU hand pose data set, 640x480 px (Tompson et al. 2014)."""


def to_millimetres(points: Floats, camera: Floats) -> Floats:
    """(..., K, 3) points of images -> the same points in space; camera (4,) or (..., 4), one per image."""
    focal, centre = camera[..., None, :2], camera[..., None, 2:]
    depth = points[..., 2:]
    return np.concatenate([(points[..., :2] - centre) * depth / focal, depth], axis=-1)


def to_pixels(points: Floats, camera: Floats) -> Floats:
    """(..., K, 3) points in space in front of the camera -> where the image shows them; undoes `to_millimetres`."""
    focal, centre = camera[..., None, :2], camera[..., None, 2:]
    depth = points[..., 2:]
    return np.concatenate([points[..., :2] * focal / depth + centre, depth], axis=-1)


def crop_camera(camera: Floats, centre: Floats, size: int, side_mm: float) -> Floats:
    """(..., 4): the camera of a square crop of size x size px that shows `side_mm` at the depth of its centre.

    centre: (..., 3) the point of the image that comes to lie in the middle of the crop, at ((size - 1) / 2) twice.
    Both axes are enlarged by the same factor, so the ratio of the focal lengths stays.
    """
    scale = size * centre[..., 2] / (side_mm * camera[..., 0])
    focal = camera[..., :2] * scale[..., None]
    middle = (camera[..., 2:] - centre[..., :2]) * scale[..., None] + (size - 1) / 2
    return np.concatenate([focal, middle], axis=-1)
