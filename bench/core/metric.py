"""The contract of a metric: from predictions and truth to one float64 per image, and a summary."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray


class Metric(ABC):
    """One measure. `version` changes whenever its values would: results of two versions are not compared."""

    name: ClassVar[str]
    version: ClassVar[int]
    unit: ClassVar[str]
    better: ClassVar[Literal["lower", "higher"]]

    @abstractmethod
    def per_image(self, predicted: NDArray[np.float64], truth: NDArray[np.float64]) -> NDArray[np.float64]:
        """(N,) float64, never a silent NaN: ValueError when an input is not finite."""

    def summary(self, values: NDArray[np.float64]) -> float:
        """One number for a set of images: the mean."""
        return float(np.mean(values))
