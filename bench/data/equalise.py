"""Histogram equalisation of each image, as MPIIGaze's normalised patches have it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.core.errors import DataError

DESCRIPTION = (
    "equalise each image's histogram, as MPIIGaze's normalised patches are; UnityEyes renderings and the simulator's"
    " webcams are not"
)


def equalise(images: NDArray[np.uint8], out: NDArray[np.uint8] | None = None) -> NDArray[np.uint8]:
    """(N, H, W) -> the same, each image with a nearly uniform histogram; DataError for colour and depth.

    out: where they go, `images` itself where a second array of them is too much; None: into a new one.
    """
    if images.ndim != 3 or images.dtype != np.uint8:
        raise DataError(
            f"{images.dtype} images of shape {images.shape} cannot be equalised: only grey ones; set equalise = false"
        )
    import cv2  # only when images are read: a reader's options are looked at in every run

    flat = np.empty_like(images) if out is None else out
    for position, image in enumerate(images):
        flat[position] = cv2.equalizeHist(image)
    return flat
