"""What the classical estimators ask of their images: grey, 8 bits, one size, and enough of them."""

from __future__ import annotations

from bench.core.errors import DataError, UsageError
from bench.core.images import ImageArray, ImageSet


def check_training(train: ImageSet, at_least: int, name: str) -> None:
    """DataError unless `train` holds at least so many grey uint8 images with gaze labels."""
    train.require("gaze")
    _refuse_colour_and_depth(train.images, name)
    if len(train) < at_least:
        raise DataError(f"{train.name}: {len(train)} images, but '{name}' needs at least {at_least}; add images")


def check_queries(images: ImageArray, size: tuple[int, int] | None, name: str) -> None:
    """DataError unless `images` are grey, uint8 and of the training images' size; UsageError when that is None."""
    if size is None:
        raise UsageError(f"the estimator '{name}' has learnt nothing yet: fit or load it before predict")
    _refuse_colour_and_depth(images, name)
    if tuple(images.shape[1:]) != size:
        raise DataError(
            f"'{name}' was trained on images of {size[0]}x{size[1]} px; got images of shape {tuple(images.shape[1:])}"
        )


def _refuse_colour_and_depth(images: ImageArray, name: str) -> None:
    if images.dtype != "uint8" or len(images.shape) != 3:
        raise DataError(
            f"'{name}' takes grey uint8 images (N, H, W), got {images.dtype} images of shape {tuple(images.shape)}; "
            "convert them to grey first"
        )
