"""What refiners and estimators ask of images: 8 bits, grey or colour, one size."""

from __future__ import annotations

import numpy as np

from bench.core.errors import DataError
from bench.core.images import ImageArray


def check_grey(images: ImageArray, owner: str, size: tuple[int, int] | None = None) -> None:
    """DataError unless `images` are (N, H, W) uint8 and, where it is given, of that (height, width).

    owner: whose images they are, named first in errors.
    """
    shape = tuple(images.shape)
    if images.dtype != np.uint8 or len(shape) != 3:
        raise DataError(
            f"{owner}: got {images.dtype} images of shape {shape} where 8-bit grey images (N, H, W) are needed; "
            "convert them"
        )
    if size is not None and shape[1:] != size:
        raise DataError(
            f"{owner}: got images of {shape[1]}x{shape[2]} px where {size[0]}x{size[1]} px are needed, as in training; "
            "resize them, or train on images of their size"
        )


def channels_of(images: ImageArray, owner: str) -> int:
    """1 for (N, H, W) uint8 images, 3 for (N, H, W, 3); DataError for any other."""
    shape = tuple(images.shape)
    if images.dtype != np.uint8 or not (len(shape) == 3 or (len(shape) == 4 and shape[3] == 3)):
        raise DataError(
            f"{owner}: got {images.dtype} images of shape {shape} where 8-bit grey images (N, H, W) or RGB ones "
            "(N, H, W, 3) are needed; convert them"
        )
    return 1 if len(shape) == 3 else 3
