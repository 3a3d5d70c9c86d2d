"""The check of refiners that change grey levels: eyes are taken, depth images of hands are not."""

from __future__ import annotations

import numpy as np

from bench.core.errors import DataError
from bench.core.images import ImageArray
from bench.data.image_checks import check_grey


def check_eyes(images: ImageArray, owner: str, size: tuple[int, int] | None = None) -> None:
    """DataError for depth images, which names what takes them; for the rest as `check_grey`."""
    if images.dtype == np.uint16:
        raise DataError(
            f"{owner}: got depth images of hands where images of eyes, 8-bit grey, are needed; choose kinect-noise, "
            "the baseline on depth"
        )
    check_grey(images, owner, size)
