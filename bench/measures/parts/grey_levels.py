"""Images as levels 0..255: eyes in colour or grey, depth of hands as a grey view; refuses what does not fit."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.core.chunks import in_chunks
from bench.core.depth import grey_levels
from bench.core.errors import DataError
from bench.core.images import ImageSet, Unlabelled

CHUNK = 128


def is_depth(images: ImageSet | Unlabelled) -> bool:
    """Whether these are depth images of hands; else they are eyes."""
    return bool(images.images.dtype == np.uint16)


def refuse_depth(*sets: ImageSet | Unlabelled) -> None:
    """DataError for sets of depth images."""
    for images in sets:
        if is_depth(images):
            raise DataError(
                f"{images.name}: this measure takes uint8 images of eyes, got uint16 depth; "
                "choose a column that is meant for hands"
            )


def require_depth(*sets: ImageSet | Unlabelled) -> None:
    """DataError for sets that are not depth images."""
    for images in sets:
        if not is_depth(images):
            raise DataError(
                f"{images.name}: this measure takes uint16 depth images of hands, got uint8; "
                "choose a column that is meant for eyes"
            )


def colours(images: ImageSet | Unlabelled) -> NDArray[np.float32]:
    """(N, H, W, C) grey or colour levels 0..255; C is 1 or 3.

    Depth becomes `bench.core.depth.grey_levels`: the nearer the brighter, one level is 1.6 mm, background 0, each
    image around the mean depth of its own hand. So a hand that only moves nearer or farther looks the same.
    """
    levels = _view(images.images[:]) if is_depth(images) else np.asarray(images.images[:], np.float32)
    return levels[..., None] if levels.ndim == 3 else levels


def grey(images: ImageSet | Unlabelled) -> NDArray[np.float32]:
    """(N, H, W) levels 0..255, the mean of the channels; of depth the grey view."""
    levels: NDArray[np.float32] = colours(images).mean(axis=3)
    return levels


def _view(depth: NDArray[Any]) -> NDArray[np.float32]:
    """`grey_levels`, a chunk at a time: it works in float64, and sets are large."""
    levels = np.empty(depth.shape, np.float32)
    for chunk in in_chunks(len(depth), CHUNK):
        levels[chunk] = grey_levels(depth[chunk])
    return levels
