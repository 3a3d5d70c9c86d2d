"""The contract of an estimator: image to gaze vector, or image to hand joints."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from bench.core.context import RunContext
from bench.core.errors import UsageError
from bench.core.images import ImageSet, Unlabelled
from bench.core.settings import Component


class Estimator(Component):
    """Predicts labels from images (paper, section 3).

    One file in `estimators/` holds one subclass and its `Config`; the file's name is its registry name.
    `target` names the label it learns.
    """

    target: ClassVar[str] = "gaze"
    validation_share: ClassVar[float] = 0.1
    """Share of the training set held out for early stopping; 0 when the estimator needs none."""

    inputs: ClassVar[tuple[str, ...]] = ()
    """Labels that it takes beside the image, also to predict (head pose)."""

    @abstractmethod
    def fit(self, train: ImageSet, validation: ImageSet | None, run: RunContext) -> None:
        """Learn from `train`; `validation` (None when `validation_share` is 0) may stop it early.

        Their images may still be on disk: `images[:]` loads all of them, a slice some.
        """

    @abstractmethod
    def predict(
        self, images: NDArray[Any], run: RunContext, given: Mapping[str, NDArray[np.float64]] | None = None
    ) -> NDArray[np.float64]:
        """(N, H, W) -> (N, *label shape) float64, in order; gaze vectors have unit length.

        Independent of batch size and order. given: the labels named by `inputs`, (N, *label shape) each;
        DataError when one of them is missing.
        """

    def adapt(self, real: Unlabelled, run: RunContext) -> None:
        """Adapt the trained estimator to unlabelled images of the real domain (AdaBN); UsageError if it cannot."""
        raise UsageError(f"{type(self).__name__} cannot adapt to unlabelled images; see 'bench list estimators'")

    def features(self, images: NDArray[Any], run: RunContext) -> NDArray[np.float64]:
        """(N, H, W) -> (N, D) what it sees in the images, to compare sets by (KID); UsageError if it has none."""
        raise UsageError(f"{type(self).__name__} has no features to compare images by")
