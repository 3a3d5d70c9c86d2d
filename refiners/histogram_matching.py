"""Histogram matching: the grey values of each image get the distribution of the real set's."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.core.chunks import in_chunks
from bench.core.context import RunContext
from bench.core.fitted_arrays import FittedArrays
from bench.core.images import ImageSet, Unlabelled
from bench.core.refiner import Refiner
from refiners.classical.eyes_only import check_eyes

IMAGE_CHUNK = 4096
LEVELS = np.arange(256)


class HistogramMatching(FittedArrays, Refiner):
    """Exact histogram specification (Gonzalez and Woods, Digital Image Processing) to all real images pooled.

    The grey value at a quantile of an image becomes the real set's grey value at that quantile, linearly between
    the grey values that the real set has. A grey value that several pixels share stands at the middle of its step in
    the cumulative histogram (its mean rank), for both sides: dark and bright are treated alike, and an image of one
    grey level goes to the real median, not to the real maximum.
    """

    def fit(self, synthetic: ImageSet | Unlabelled, real: Unlabelled, run: RunContext) -> None:
        """Keep the cumulative histogram of all real images; DataError for images it cannot take."""
        check_eyes(synthetic.images, synthetic.name)
        check_eyes(real.images, real.name)
        counts = np.zeros(256, np.int64)
        for part in in_chunks(len(real), IMAGE_CHUNK):
            counts += np.bincount(real.images[part].ravel(), minlength=256)
        self._arrays = {"cumulative": np.cumsum(counts)}

    def refine(self, images: NDArray[Any], run: RunContext) -> NDArray[Any]:
        """(N, H, W) uint8 of any size; the map of an image depends on that image and the real set only."""
        real_counts = np.diff(self._fitted()["cumulative"], prepend=0)
        check_eyes(images, "the images to refine")
        held = real_counts > 0
        real_quantiles = mean_quantiles(real_counts)[held]
        refined = np.empty_like(images)
        for index, image in enumerate(images):
            quantiles = mean_quantiles(np.bincount(image.ravel(), minlength=256))
            greys = np.interp(quantiles, real_quantiles, LEVELS[held])
            refined[index] = np.rint(greys).astype(np.uint8)[image]
        return refined


def mean_quantiles(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """(256,) counts of grey values -> share of the pixels below each value, plus half of those that have it."""
    cumulative = np.cumsum(counts)
    quantiles: NDArray[np.float64] = (2 * cumulative - counts) / (2 * cumulative[-1])
    return quantiles
