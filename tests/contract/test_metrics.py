"""The contract of a metric, for every one in the registry."""

from __future__ import annotations

import typing
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from bench.core import registry
from bench.core.images import LABELS, ImageSet
from bench.core.metric import Metric

Pair = tuple[NDArray[np.float64], NDArray[np.float64]]


@pytest.fixture(params=registry.names("metrics"))
def metric(request: pytest.FixtureRequest) -> Metric:
    found = typing.cast("Metric", registry.load("metrics", request.param)())
    assert found.name == request.param, "a metric is called like its file"
    return found


@pytest.fixture
def labels(metric: Metric, eyes: Callable[..., ImageSet]) -> Pair:
    """(predicted, truth): gaze vectors, or random labels of the kind that the metric names as its `target`."""
    target: Any = getattr(metric, "target", "gaze")
    truth = eyes(31, "distant", 4).labels.get(target)
    if truth is None:
        truth = np.random.default_rng(1).normal(100, 20, (31, *LABELS[target][0]))
    predicted = truth + 0.1 * np.abs(truth).mean() * np.random.default_rng(0).normal(size=truth.shape)
    return predicted, truth


def test_declares_itself(metric: Metric) -> None:
    assert metric.version >= 1
    assert metric.unit
    assert metric.better in ("lower", "higher")
    assert (type(metric).__doc__ or "").partition("\n")[0]
    assert registry.summary("metrics", metric.name)


def test_one_finite_float64_per_image_and_inputs_untouched(metric: Metric, labels: Pair) -> None:
    before = [values.copy() for values in labels]
    values = metric.per_image(*labels)
    assert values.shape == (31,)
    assert values.dtype == np.float64
    assert np.isfinite(values).all()
    assert np.isfinite(metric.summary(values))
    for now, then in zip(labels, before, strict=True):
        np.testing.assert_array_equal(now, then)


def test_each_image_for_itself(metric: Metric, labels: Pair) -> None:
    predicted, truth = labels
    together = metric.per_image(predicted, truth)
    alone = [metric.per_image(predicted[index : index + 1], truth[index : index + 1])[0] for index in range(31)]
    np.testing.assert_array_equal(together, alone)
    order = np.random.default_rng(0).permutation(31)
    np.testing.assert_array_equal(metric.per_image(predicted[order], truth[order]), together[order])


def test_a_perfect_prediction_is_best(metric: Metric, labels: Pair) -> None:
    predicted, truth = labels
    perfect, worse = metric.per_image(truth, truth), metric.per_image(predicted, truth)
    assert (perfect <= worse).all() if metric.better == "lower" else (perfect >= worse).all()


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("side", [0, 1])
def test_never_a_silent_nan(metric: Metric, labels: Pair, bad: float, side: int) -> None:
    broken = [values.copy() for values in labels]
    broken[side].reshape(31, -1)[3, 0] = bad
    with pytest.raises(ValueError, match=r"\b1\b"):
        metric.per_image(*broken)
