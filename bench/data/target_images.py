"""Which images a label is read from: hand joints from depth images, all else from 8-bit grey ones."""

from __future__ import annotations

from bench.core.images import ImageArray
from bench.data.image_checks import check_depth, check_grey


def check_images(target: str, images: ImageArray, owner: str, size: tuple[int, int] | None = None) -> None:
    """DataError unless `images` are of the kind that the label `target` is read from, and of `size` where given.

    owner: whose images they are, named first in errors. size: height and width in px.
    """
    check = check_depth if target == "joints" else check_grey
    check(images, owner, size)
