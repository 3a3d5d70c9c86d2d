"""What estimators without a network share: checks of images, state in arrays, training images drawn."""

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
from bench.data.target_images import check_images


class ArrayEstimator(FittedArrays, Estimator):
    """Learns arrays from images of one size, and reads the labels of others of that size from them."""

    validation_share = 0.0

    @property
    @abstractmethod
    def _images_needed(self) -> int:
        """Training images at least."""

    @abstractmethod
    def _learn(self, train: ImageSet, run: RunContext) -> dict[str, NDArray[Any]]:
        """The arrays, under any names but 'image_size'."""

    @abstractmethod
    def _read(self, images: NDArray[Any], run: RunContext) -> NDArray[np.float64]:
        """(N, H, W) -> (N, *label shape), in order, from what was learnt; gaze vectors at unit length."""

    def fit(self, train: ImageSet, validation: ImageSet | None, run: RunContext) -> None:
        """Learn from labelled images; DataError when they are something else, too few or too small."""
        train.require(self.target)
        check_images(self.target, train.images, train.name)
        needed = self._images_needed
        if len(train) < needed:
            raise DataError(
                f"{train.name}: {len(train)} images, but with these settings at least {needed} are needed; add images"
            )
        self._arrays = {**self._learn(train, run), "image_size": np.array(train.size)}

    def predict(
        self, images: NDArray[Any], run: RunContext, given: Mapping[str, NDArray[np.float64]] | None = None
    ) -> NDArray[np.float64]:
        """(N, H, W) -> (N, *label shape) float64, in order."""
        height, width = self._fitted()["image_size"].tolist()
        check_images(self.target, images, "the images to predict", (height, width))
        return self._read(images, run)


def drawn_at_most(count: int, train: ImageSet, run: RunContext, stream: str) -> ImageSet:
    """`count` of the images, drawn from a named stream and in their order; all of them when there are no more."""
    if len(train) <= count:
        return train
    return train.select(np.sort(run.rng(stream).choice(len(train), count, replace=False)))
