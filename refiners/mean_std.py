"""Mean and standard deviation: grey values shifted and scaled to those of the real set."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from bench.core.chunks import in_chunks
from bench.core.context import RunContext
from bench.core.errors import DataError
from bench.core.fitted_arrays import FittedArrays
from bench.core.images import ImageArray, ImageSet, Unlabelled
from bench.core.refiner import Refiner
from bench.core.settings import Settings
from refiners.classical.eyes_only import check_eyes

IMAGE_CHUNK = 4096


class Moments(NamedTuple):
    """Of a set of images, in grey levels.

    within: root mean square of the images' own standard deviations. pooled: standard deviation of all pixels.
    """

    mean: float
    within: float
    pooled: float


class MeanStd(FittedArrays, Refiner):
    """The least that a refiner of brightness and contrast can do: one gain and one offset.

    With `per=image` each image gets the real mean and the real images' own standard deviation (root mean square);
    an image of one grey level gets the mean. With `per=set` all images share the gain and the offset that give the
    synthetic set's pixels the mean and the standard deviation of the real set's, and images still differ in both.
    """

    class Config(Settings):
        """Whose moments are matched."""

        per: Literal["image", "set"] = Field(
            "image", description="Match each image by itself, or the synthetic set as a whole."
        )

    config: Config

    def fit(self, synthetic: ImageSet | Unlabelled, real: Unlabelled, run: RunContext) -> None:
        """Measure both sets; DataError for images it cannot take, and when the real images have no contrast."""
        for images in (synthetic, real):
            check_eyes(images.images, images.name)
        measured = moments(real.images)
        if measured.within == 0:
            raise DataError(f"{real.name}: every image has one grey level only; choose real images that show something")
        self._arrays = {"real": np.array(measured), "synthetic": np.array(moments(synthetic.images))}

    def refine(self, images: NDArray[Any], run: RunContext) -> NDArray[Any]:
        """(N, H, W) uint8 of any size, rounded and clipped to 0..255."""
        arrays = self._fitted()
        real, synthetic = Moments(*arrays["real"].tolist()), Moments(*arrays["synthetic"].tolist())
        check_eyes(images, "the images to refine")
        refined = np.empty_like(images)
        for part in in_chunks(len(images), IMAGE_CHUNK):
            grey = images[part].astype(np.int64)
            if self.config.per == "image":
                mean, deviation = (values[:, None, None] for values in _own_moments(grey))
                wanted = real.within
            else:
                mean, deviation = np.array(synthetic.mean), np.array(synthetic.pooled)
                wanted = real.pooled
            gain = np.where(deviation > 0, wanted / np.where(deviation > 0, deviation, 1), 0)
            refined[part] = np.clip(np.rint((grey - mean) * gain + real.mean), 0, 255)
        return refined


def moments(images: ImageArray) -> Moments:
    """The moments of (N, H, W) uint8 images, read in chunks."""
    means, variances = [], []
    for part in in_chunks(len(images), IMAGE_CHUNK):
        mean, deviation = _own_moments(images[part].astype(np.int64))
        means.append(mean)
        variances.append(deviation**2)
    mean, variance = np.concatenate(means), np.concatenate(variances)
    return Moments(float(mean.mean()), float(np.sqrt(variance.mean())), float(np.sqrt(variance.mean() + mean.var())))


def _own_moments(grey: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(n,) mean and standard deviation of each of (n, H, W) images, from exact sums."""
    count = grey[0].size
    total, squares = grey.sum(axis=(1, 2)), np.square(grey).sum(axis=(1, 2))
    return total / count, np.sqrt(count * squares - total**2) / count
