"""The levels 0..255 of eye images, in colour or grey; refuses depth."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.core.errors import DataError
from bench.core.images import ImageSet, Unlabelled


def refuse_depth(*sets: ImageSet | Unlabelled) -> None:
    """DataError for sets that are not 8-bit images."""
    for images in sets:
        if images.images.dtype != np.uint8:
            raise DataError(
                f"{images.name}: this measure takes uint8 eye images, got {images.images.dtype}; "
                "choose a column that is meant for depth"
            )


def colours(images: ImageSet | Unlabelled) -> NDArray[np.float32]:
    """(N, H, W, C) grey or colour levels 0..255; C is 1 or 3. DataError for depth."""
    refuse_depth(images)
    levels: NDArray[np.float32] = np.asarray(images.images[:], np.float32)
    return levels[..., None] if levels.ndim == 3 else levels


def grey(images: ImageSet | Unlabelled) -> NDArray[np.float32]:
    """(N, H, W) levels 0..255, the mean of the channels. DataError for depth."""
    levels: NDArray[np.float32] = colours(images).mean(axis=3)
    return levels
