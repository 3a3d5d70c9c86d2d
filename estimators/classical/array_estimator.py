"""What estimators of gaze without a network share: checks of images, state in arrays, training images drawn."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.core.context import RunContext
from bench.core.errors import DataError
from bench.core.estimator import Estimator
from bench.core.fitted_arrays import FittedArrays
from bench.core.images import ImageSet
from bench.data.image_checks import check_grey


class ArrayEstimator(FittedArrays, Estimator):
    """Learns arrays from grey images of one size, and reads the gaze in others of that size from them."""

    target = "gaze"
    validation_share = 0.0

    @property
    @abstractmethod
    def _images_needed(self) -> int:
        """Training images at least."""

    @abstractmethod
    def _learn(self, train: ImageSet, run: RunContext) -> dict[str, NDArray[Any]]:
        """The arrays, under any names but 'image_size'."""

    @abstractmethod
    def _read_gaze(self, images: NDArray[np.uint8], run: RunContext) -> NDArray[np.float64]:
        """(N, H, W) -> (N, 3) unit vectors, in order, from what was learnt."""

    def fit(self, train: ImageSet, validation: ImageSet | None, run: RunContext) -> None:
        """Learn from 8-bit grey images with gaze; DataError when they are something else, too few or too small."""
        train.require(self.target)
        check_grey(train.images, train.name)
        needed = self._images_needed
        if len(train) < needed:
            raise DataError(
                f"{train.name}: {len(train)} images, but with these settings at least {needed} are needed; add images"
            )
        self._arrays = {**self._learn(train, run), "image_size": np.array(train.size)}

    def predict(
        self, images: NDArray[Any], run: RunContext, given: Mapping[str, NDArray[np.float64]] | None = None
    ) -> NDArray[np.float64]:
        """(N, H, W) uint8 -> (N, 3) float64 unit vectors, in order."""
        height, width = self._fitted()["image_size"].tolist()
        check_grey(images, "the images to predict", (height, width))
        return self._read_gaze(images, run)


def drawn_at_most(count: int, train: ImageSet, run: RunContext, stream: str) -> ImageSet:
    """`count` of the images, drawn from a named stream and in their order; all of them when there are no more."""
    if len(train) <= count:
        return train
    return train.select(np.sort(run.rng(stream).choice(len(train), count, replace=False)))
