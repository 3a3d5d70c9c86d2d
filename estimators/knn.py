"""k nearest neighbours: the mean gaze of the training images that look most alike (Table 3's light baseline)."""

from __future__ import annotations

from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from bench.core.chunks import in_chunks
from bench.core.context import RunContext
from bench.core.images import ImageArray, ImageSet
from bench.core.settings import Settings
from bench.training.device import choose_device
from estimators.classical.array_estimator import ArrayEstimator
from estimators.classical.neighbours import nearest

IMAGE_CHUNK = 4096
LEVELS_PER_DEVIATION = 32
"""z-scores are kept in steps of 1/32 and cut at +-127/32, about 4 standard deviations."""


class KNNSettings(Settings):
    """Settings of the k-nearest-neighbour estimator."""

    k: int = Field(
        5,
        ge=1,
        description="Neighbours averaged. Not in the paper or in Wood et al. 2016 (UNCONFIRMED). One neighbour "
        "hands on all of its own error; far ones pull towards the mean gaze; 5 is a usual small number, "
        "chosen beforehand and not tuned.",
    )
    equalise: bool = Field(
        True,
        description="Equalise the histogram of each image first, as MPIIGaze's normalised images are. "
        "Not in the paper (UNCONFIRMED).",
    )
    standardise: Literal["none", "image", "pixel"] = Field(
        "image",
        description="z-score: of each image by its own mean and standard deviation (removes brightness and "
        "contrast), or of each pixel by those of the training set. Not in the paper (UNCONFIRMED).",
    )
    weights: Literal["uniform", "distance"] = Field(
        "uniform",
        description="Weights of the neighbours: all equal, or 1 / distance (identical images alone if there "
        "are any). Not in the paper (UNCONFIRMED).",
    )


class KNN(ArrayEstimator):
    """Exact k nearest neighbours on pixels; the prediction is the mean of the neighbours' unit gaze vectors.

    Table 3's 'k-NN with UnityEyes' [Wood et al. 2016], whose features and k are not published (UNCONFIRMED).
    Features are whole numbers of 8 bits, so every squared distance is computed exactly, and the result is the
    same to the last bit whatever the chunking, thread count or device. Equal distances go to the earlier image.
    Rounding z-scores to 1/32 of a standard deviation is the one deviation from real arithmetic.
    """

    Config = KNNSettings
    config: KNNSettings

    @property
    def _images_needed(self) -> int:
        return self.config.k

    def _learn(self, train: ImageSet, run: RunContext) -> dict[str, NDArray[Any]]:
        moments = _pixel_moments(train.images, self.config)
        features = _features(train.images, self.config, moments)
        return {"features": features, "gaze": train.gaze.astype(np.float64), "pixel_moments": moments}

    def _read(self, images: NDArray[np.uint8], run: RunContext) -> NDArray[np.float64]:
        arrays = self._fitted()
        queries = _features(images, self.config, arrays["pixel_moments"])
        squared, chosen = nearest(queries, arrays["features"], self.config.k, choose_device(run.device), run)
        return self._mean_gaze(squared, chosen)

    def _mean_gaze(self, squared: NDArray[np.int64], chosen: NDArray[np.int64]) -> NDArray[np.float64]:
        """Weighted mean of the neighbours' vectors, at unit length, added up nearest first."""
        weights = np.ones(squared.shape)
        if self.config.weights == "distance":
            same = (squared == 0).any(axis=1, keepdims=True)
            weights = np.where(same, squared == 0, 1 / np.sqrt(np.maximum(squared, 1)))
        total, gaze = np.zeros((len(chosen), 3)), self._fitted()["gaze"]
        for rank in range(self.config.k):
            total += weights[:, rank, None] * gaze[chosen[:, rank]]
        mean: NDArray[np.float64] = total / np.linalg.norm(total, axis=1, keepdims=True)
        return mean


def _grey(images: ImageArray, chunk: slice, config: KNNSettings) -> NDArray[np.uint8]:
    """(n, H * W) grey values of a chunk, equalised if asked for."""
    grey = images[chunk]
    if config.equalise:
        grey = np.stack([cv2.equalizeHist(image) for image in grey])
    return grey.reshape(len(grey), -1)


def _pixel_moments(images: ImageArray, config: KNNSettings) -> NDArray[np.float64]:
    """(2, H * W) mean and standard deviation of each pixel over the training set (exact sums); else (2, 0)."""
    if config.standardise != "pixel":
        return np.empty((2, 0))
    total = squares = np.int64(0)
    for chunk in in_chunks(len(images), IMAGE_CHUNK):
        grey = _grey(images, chunk, config).astype(np.int64)
        total, squares = total + grey.sum(axis=0), squares + (grey**2).sum(axis=0)
    mean = total / len(images)
    return np.stack([mean, np.sqrt(np.maximum(squares / len(images) - mean**2, 0))])


def _features(images: ImageArray, config: KNNSettings, moments: NDArray[np.float64]) -> NDArray[np.int8]:
    """(N, H, W) uint8 -> (N, H * W) int8: grey value - 128, or z-score in steps of 1/32."""
    features = np.empty((len(images), int(np.prod(images.shape[1:]))), np.int8)
    for chunk in in_chunks(len(images), IMAGE_CHUNK):
        grey = _grey(images, chunk, config)
        if config.standardise == "none":
            features[chunk] = np.maximum(grey.astype(np.int16) - 128, -127)
            continue
        mean, deviation = moments if config.standardise == "pixel" else _image_moments(grey)
        scaled = (grey - mean) * (LEVELS_PER_DEVIATION / np.where(deviation > 0, deviation, np.inf))
        features[chunk] = np.clip(np.rint(scaled), -127, 127)
    return features


def _image_moments(grey: NDArray[np.uint8]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and standard deviation of each image, (n, 1), from exact sums."""
    count = grey.shape[1]
    total = grey.sum(axis=1, dtype=np.int64, keepdims=True)
    squares = np.square(grey, dtype=np.int64).sum(axis=1, keepdims=True)
    return total / count, np.sqrt(count * squares - total**2) / count
