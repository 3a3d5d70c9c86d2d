"""The contract of a metric: from predictions and the test images' labels to float64 values, and a summary."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from bench.core.images import ImageSet

Floats = NDArray[np.float64]


class Metric(ABC):
    """One measure. `version` changes whenever its values would: results of two versions are not compared.

    `target`: the label that it scores predictions of. `takes`: labels of the test images that it cannot do without
    beside it; without one its column is not run.
    """

    name: ClassVar[str]
    version: ClassVar[int]
    unit: ClassVar[str]
    better: ClassVar[Literal["lower", "higher"]]
    target: ClassVar[str] = "gaze"
    takes: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def per_image(self, predicted: Floats, test: ImageSet) -> Floats:
        """(N,), or (N, K) where an image has a value for each of K joints; float64, never a silent NaN.

        predicted: in the shape of the label. Errors as for `pair`.
        """

    def summary(self, values: Floats) -> float:
        """One number for a set of images: the mean of all values."""
        return float(np.mean(values))

    def pair(self, predicted: Floats, test: ImageSet) -> tuple[Floats, Floats]:
        """Predictions and true labels as float64 of the same shape.

        ValueError for predictions of another shape and for NaN or infinite ones, DataError when `test` has no such
        labels.
        """
        predicted, true = np.asarray(predicted, np.float64), test.require(self.target)
        if predicted.shape != true.shape:
            raise ValueError(
                f"predictions of '{self.target}' must be {true.shape} as the labels, got {predicted.shape}"
            )
        finite = np.asarray(np.isfinite(predicted).reshape(len(predicted), -1).all(axis=1))
        if not finite.all():
            raise ValueError(
                f"{int((~finite).sum())} of {len(finite)} predictions of '{self.target}' are NaN or infinite; "
                f"the first is number {int(np.argmin(finite))}"
            )
        return predicted, true
