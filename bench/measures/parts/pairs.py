"""What the images of a subject are compared with: their originals row by row, or real images of the same size."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.core.errors import DataError, UsageError
from bench.core.images import ImageSet, Unlabelled
from bench.core.measure import Subject
from bench.measures.parts.grey_levels import colours, is_depth


def source_of(subject: Subject) -> ImageSet:
    """What the images were refined from, row by row.

    UsageError when nothing was, DataError when rows differ or one side is depth.
    """
    if subject.source is None:
        raise UsageError(
            f"{subject.images.name}: nothing was refined here, so drift and change mean nothing; leave the column out"
        )
    same_images = tuple(subject.source.images.shape) == tuple(subject.images.images.shape)
    if not same_images or not np.array_equal(subject.source.ids, subject.images.ids):
        raise DataError(f"{subject.images.name} and {subject.source.name} are not the same images row by row")
    check_same_kind(subject.images, subject.source)
    return subject.source


def visible(images: ImageSet) -> NDArray[np.bool_]:
    """(N,) whether the pupil is not covered, by the label 'pupil_margin'; True for all without that label.

    DataError when it is covered in all.
    """
    margin = images.labels.get("pupil_margin")
    seen = np.ones(len(images), np.bool_) if margin is None else margin > 0
    if not seen.any():
        raise DataError(f"{images.name}: the pupil is covered in all of its {len(seen)} images")
    return seen


def alike(subject: Subject) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The images and the real ones, (N, H, W, C) and (M, H, W, C): in colour when both are, else grey.

    Depth as a grey view. DataError when their sizes differ or one side is depth.
    """
    check_same_kind(subject.images, subject.real)
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


def check_same_kind(one: ImageSet, other: ImageSet | Unlabelled) -> None:
    """DataError when one side is depth and the other not."""
    if is_depth(one) != is_depth(other):
        raise DataError(
            f"{one.name} and {other.name} cannot be compared: {one.images.dtype} images are of another kind than "
            f"{other.images.dtype} ones; give depth (uint16) on both sides or on none"
        )
