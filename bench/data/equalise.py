"""Histogram equalisation of each image, as MPIIGaze's normalised patches have it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.core.errors import DataError

DESCRIPTION = (
    "equalise each image's histogram, as MPIIGaze's normalised patches are; UnityEyes renderings and the simulator's"
    " webcams are not"
)


def equalise(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(N, H, W) -> the same, each image with a nearly uniform histogram; DataError for colour and depth."""
    if images.ndim != 3 or images.dtype != np.uint8:
        raise DataError(
            f"{images.dtype} images of shape {images.shape} cannot be equalised: only grey ones; set equalise = false"
        )
    import cv2  # only when images are read: a reader's options are looked at in every run

    return np.stack([cv2.equalizeHist(image) for image in images]).astype(np.uint8, copy=False)
