"""The images of a subject as grey levels, paired with what they were refined from; refuses depth."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.core.errors import DataError, UsageError
from bench.core.images import ImageSet, Unlabelled
from bench.core.measure import Subject


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


def source_of(subject: Subject) -> ImageSet:
    """What the images were refined from, row by row; UsageError when nothing was, DataError when rows differ."""
    if subject.source is None:
        raise UsageError(
            f"{subject.images.name}: nothing was refined here, so drift and change mean nothing; leave the column out"
        )
    same_images = tuple(subject.source.images.shape) == tuple(subject.images.images.shape)
    if not same_images or not np.array_equal(subject.source.ids, subject.images.ids):
        raise DataError(f"{subject.images.name} and {subject.source.name} are not the same images row by row")
    refuse_depth(subject.images, subject.source)
    return subject.source


def alike(subject: Subject) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The images and the real ones, (N, H, W, C) and (M, H, W, C): in colour when both are, else grey.

    DataError when their sizes differ.
    """
    if subject.images.size != subject.real.size:
        height, width = subject.real.size
        raise DataError(
            f"{subject.images.name} and {subject.real.name} cannot be compared: the sizes of their images differ, "
            f"{subject.images.size[0]}x{subject.images.size[1]} and {height}x{width} px; fit them to one size"
        )
    images, real = colours(subject.images), colours(subject.real)
    if images.shape[3] != real.shape[3]:
        images, real = images.mean(axis=3, keepdims=True), real.mean(axis=3, keepdims=True)
    return images, real
