"""What refiners and estimators ask of images: 8 bits, grey or colour, or depth; one size."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np

from bench.core.errors import DataError
from bench.core.images import ImageArray

Kind = Literal["grey", "colour", "depth"]
CHANNELS: Mapping[Kind, int] = {"grey": 1, "colour": 3, "depth": 1}


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
    _check_size(shape, owner, size)


def check_depth(images: ImageArray, owner: str, size: tuple[int, int] | None = None) -> None:
    """DataError unless `images` are (N, H, W) uint16 depth in mm and, where it is given, of that (height, width).

    owner: whose images they are, named first in errors.
    """
    shape = tuple(images.shape)
    if images.dtype != np.uint16 or len(shape) != 3:
        raise DataError(
            f"{owner}: got {images.dtype} images of shape {shape} where depth images (N, H, W), 16-bit millimetres "
            "with background 0, are needed; choose a data set of hands, e.g. --data simulator-hands"
        )
    _check_size(shape, owner, size)


def kind_of(images: ImageArray, owner: str) -> Kind:
    """'grey' for (N, H, W) uint8 images, 'colour' for (N, H, W, 3), 'depth' for (N, H, W) uint16; DataError for others.

    owner: whose images they are, named first in errors.
    """
    shape = tuple(images.shape)
    if images.dtype == np.uint8 and (len(shape) == 3 or (len(shape) == 4 and shape[3] == 3)):
        return "grey" if len(shape) == 3 else "colour"
    if images.dtype == np.uint16 and len(shape) == 3:
        return "depth"
    raise DataError(
        f"{owner}: got {images.dtype} images of shape {shape} where 8-bit grey images (N, H, W), RGB ones "
        "(N, H, W, 3) or depth in mm, uint16 (N, H, W), are needed; convert them"
    )


def _check_size(shape: tuple[int, ...], owner: str, size: tuple[int, int] | None) -> None:
    if size is not None and shape[1:] != size:
        raise DataError(
            f"{owner}: got images of {shape[1]}x{shape[2]} px where {size[0]}x{size[1]} px are needed, as in training; "
            "resize them, or train on images of their size"
        )
