"""Asks the estimator that a measure measures with, the gauge, for its predictions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.core.context import RunContext
from bench.core.errors import DataError, UsageError
from bench.core.estimator import Estimator
from bench.core.images import ImageSet
from bench.core.measure import Subject


def gauge_of(subject: Subject) -> Estimator:
    """The gauge; UsageError when there is none."""
    if subject.gauge is None:
        raise UsageError("this measure needs a trained estimator to measure with; name one in its column")
    return subject.gauge


def predicted(
    gauge: Estimator, target: str, images: ImageSet, labels: ImageSet, run: RunContext
) -> NDArray[np.float64]:
    """The gauge's labels of the kind `target` for `images`; labels it takes as inputs are those of `labels`.

    UsageError when the gauge predicts something else, DataError when an input is missing or a prediction is not finite.
    """
    if gauge.target != target:
        raise UsageError(
            f"this measure needs an estimator of '{target}' to measure with, got one of '{gauge.target}'; "
            "name another in its column"
        )
    given = {name: labels.require(name) for name in gauge.inputs} or None
    values = np.asarray(gauge.predict(images.grey().images[:], run, given), np.float64)
    if not np.isfinite(values).all():
        bad = int((~np.isfinite(values)).reshape(len(values), -1).any(axis=1).sum())
        raise DataError(f"{images.name}: the estimator to measure with predicts NaN or infinity for {bad} images")
    return values
