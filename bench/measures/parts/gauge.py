"""Asks the estimator that a measure measures with, the gauge, for predictions or features; it sees grey or depth."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.core.context import RunContext
from bench.core.errors import TrainingFailed, UsageError
from bench.core.estimator import Estimator
from bench.core.images import ImageSet, Unlabelled
from bench.core.measure import Subject


def gauge_of(subject: Subject, target: str | None) -> Estimator:
    """The gauge, an estimator of `target` (None = of anything); UsageError when there is none or it is of another."""
    if subject.gauge is None:
        raise UsageError("this measure needs a trained estimator to measure with; name one in its column")
    if target is not None and subject.gauge.target != target:
        raise UsageError(
            f"this measure needs an estimator of '{target}' to measure with, got one of '{subject.gauge.target}'; "
            "name another in its column"
        )
    return subject.gauge


def predicted(gauge: Estimator, images: ImageSet, labels: ImageSet, run: RunContext) -> NDArray[np.float64]:
    """The gauge's predictions for `images`; labels it takes as inputs are those of `labels`.

    DataError when such a label is missing, TrainingFailed when a prediction is not finite.
    """
    given = {name: labels.require(name) for name in gauge.inputs} or None
    return _finite("predicts", gauge.predict(_stored(images), run, given), images)


def features(gauge: Estimator, images: ImageSet | Unlabelled, run: RunContext) -> NDArray[np.float64]:
    """(N, D) what the gauge sees in `images`.

    UsageError when it has no features, TrainingFailed when one is not finite.
    """
    return _finite("sees", gauge.features(_stored(images), run), images)


def _stored(images: ImageSet | Unlabelled) -> NDArray[Any]:
    """(N, H, W) as estimators take them: grey levels or depth in mm."""
    return ImageSet(images.ids, images.persons, images.images, name=images.name).grey().images[:]


def _finite(does: str, found: NDArray[np.float64], images: ImageSet | Unlabelled) -> NDArray[np.float64]:
    values = np.asarray(found, np.float64)
    bad = int((~np.isfinite(values)).reshape(len(values), -1).any(axis=1).sum())
    if bad:
        raise TrainingFailed(f"{images.name}: the estimator to measure with {does} NaN or infinity for {bad} images")
    return values
