"""Brings eye images to one size and to grey or RGB, and moves the labels that are in pixels along.

The paper uses 55x35 (width x height) images, MPIIGaze's normalised patches are 60x36. How the authors went
from one to the other is not written down; public re-implementations resize, and so does the default here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from bench.core.errors import DataError

Fit = Literal["resize", "crop", "pad", "exact"]
Bytes = NDArray[np.uint8]
EYE_SIZE = (35, 55)
FIT_DESCRIPTION = (
    "how images of another size get the wanted one: 'resize' (OpenCV INTER_AREA, aspect not kept), 'crop' "
    "(centred window), 'pad' (centred, edges repeated) or 'exact' (refuse them). How MPIIGaze's 36x60 became "
    "35x55 is not described in the paper; public code resizes"
)


def grey_images(images: NDArray[Any], owner: str) -> Bytes:
    """(N, H, W) uint8 of (N, H, W), (N, H, W, 1), (N, H, W, 3) RGB or (N, H, W, 4) RGBA uint8 images.

    Colour becomes luma (0.299 R + 0.587 G + 0.114 B, ITU-R BT.601); an alpha channel is dropped.
    """
    if images.dtype != np.uint8:
        raise DataError(
            f"{owner}: images are {images.dtype}, expected uint8 from 0 to 255; convert and save them again"
        )
    if images.ndim == 3:
        return images
    if images.ndim != 4 or images.shape[3] not in (1, 3, 4):
        raise DataError(f"{owner}: images must be (N, H, W) or (N, H, W, 3), got shape {images.shape}")
    if images.shape[3] == 1:
        return images[..., 0]
    return np.stack([grey_image(image) for image in images]) if len(images) else images[..., 0]


def rgb_images(images: NDArray[Any], owner: str) -> Bytes:
    """(N, H, W, 3) uint8 of RGB or RGBA images, alpha dropped; DataError for others."""
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] not in (3, 4):
        raise DataError(
            f"{owner}: colour images must be uint8 (N, H, W, 3), got {images.dtype} {images.shape}; leave out colour"
        )
    return images[..., :3]


def grey_image(image: NDArray[Any]) -> Bytes:
    """(H, W) uint8 luma of one (H, W, 3) RGB or (H, W, 4) RGBA image."""
    import cv2

    return np.asarray(cv2.cvtColor(np.ascontiguousarray(image[..., :3]), cv2.COLOR_RGB2GRAY), dtype=np.uint8)


def fit_images(images: Bytes, size: tuple[int, int], fit: Fit, owner: str) -> Bytes:
    """(N, H, W) or (N, H, W, 3) `images` brought to `size` (height, width); unchanged if they have it."""
    if images.shape[1:3] == size:
        return images
    refuse_size(images.shape[1:3], size, fit, owner)
    out = np.empty((len(images), *size, *images.shape[3:]), dtype=np.uint8)
    for position, image in enumerate(images):
        out[position] = fit_image(image, size, fit)
    return out


def fit_image(image: Bytes, size: tuple[int, int], fit: Fit) -> Bytes:
    """One (H, W) or (H, W, 3) image at `size`; the caller has asked `refuse_size`."""
    import cv2

    height, width = size
    if fit == "resize":
        return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), dtype=np.uint8)
    top, left = _offset(image.shape, size)
    if fit == "crop":
        return image[top : top + height, left : left + width]
    below, right = height - image.shape[0] + top, width - image.shape[1] + left
    return np.pad(image, ((-top, below), (-left, right), *[(0, 0)] * (image.ndim - 2)), mode="edge")


def refuse_size(shape: tuple[int, ...], size: tuple[int, int], fit: Fit, owner: str) -> None:
    """DataError when images of `shape` cannot be brought to `size` in the way of `fit`."""
    smaller = shape[0] < size[0] or shape[1] < size[1]
    larger = shape[0] > size[0] or shape[1] > size[1]
    if (fit == "exact" and (smaller or larger)) or (fit == "crop" and smaller) or (fit == "pad" and larger):
        raise DataError(
            f"{owner}: images are {shape[0]}x{shape[1]} (height x width), wanted {size[0]}x{size[1]}, "
            f"which fit = '{fit}' cannot give; use fit = 'resize' or another size"
        )


def fit_labels(
    labels: Mapping[str, NDArray[np.float64]], shape: tuple[int, ...], size: tuple[int, int], fit: Fit
) -> dict[str, NDArray[np.float64]]:
    """The labels after `fit_images`: pixel positions and lengths move with the image, the rest stays.

    A pixel's centre has whole-number coordinates. `pupil_margin` has no direction, so after a resize with two
    scales it is scaled by their geometric mean. Gaze stays as it is, as in public code, although a resize
    that changes the aspect bends it slightly.
    """
    out = dict(labels)
    if tuple(shape) == size:
        return out
    if fit == "resize":
        scale = np.array([size[1] / shape[1], size[0] / shape[0]])
        if "pupil" in out:
            out["pupil"] = (out["pupil"] + 0.5) * scale - 0.5
        if "eye_width" in out:
            out["eye_width"] = out["eye_width"] * scale[0]
        if "pupil_margin" in out:
            out["pupil_margin"] = out["pupil_margin"] * np.sqrt(scale[0] * scale[1])
    elif "pupil" in out:
        top, left = _offset(shape, size)
        out["pupil"] = out["pupil"] - np.array([left, top], dtype=np.float64)
    return out


def _offset(shape: tuple[int, ...], size: tuple[int, int]) -> tuple[int, int]:
    """Top left corner of the centred window of `size`; negative when it reaches beyond the image."""
    return (shape[0] - size[0]) // 2, (shape[1] - size[1]) // 2
