"""The contract of a metric, for every one in the registry."""

from __future__ import annotations

import typing

import numpy as np
import pytest

from bench.contract.images import simulated
from bench.core import registry
from bench.core.errors import DataError
from bench.core.images import LABELS, ImageSet
from bench.core.metric import Floats, Metric

COUNT = 31


@pytest.fixture(params=registry.names("metrics"))
def metric(request: pytest.FixtureRequest) -> Metric:
    found = typing.cast("Metric", registry.load("metrics", request.param)())
    assert found.name == request.param, "a metric is called like its file"
    return found


@pytest.fixture
def test_set(metric: Metric) -> ImageSet:
    return simulated("hands" if metric.target == "joints" else "eyes", "real", COUNT, seed=4)


@pytest.fixture
def predicted(metric: Metric, test_set: ImageSet) -> Floats:
    """The true labels, each number about a third of their size off."""
    true = test_set.labels[metric.target]
    return np.asarray(true + 0.3 * np.abs(true).mean() * np.random.default_rng(0).normal(size=true.shape))


def test_declares_itself(metric: Metric) -> None:
    assert metric.version >= 1
    assert metric.unit
    assert metric.better in ("lower", "higher")
    assert metric.target in LABELS
    assert set(metric.takes) <= set(LABELS) - {metric.target}
    assert (type(metric).__doc__ or "").partition("\n")[0]
    assert registry.summary("metrics", metric.name)


def test_finite_float64_per_image_or_joint_and_inputs_untouched(
    metric: Metric, test_set: ImageSet, predicted: Floats
) -> None:
    before = predicted.copy(), {name: values.copy() for name, values in test_set.labels.items()}
    values = metric.per_image(predicted, test_set)
    assert values.shape in ((COUNT,), test_set.labels[metric.target].shape[:-1])
    assert values.dtype == np.float64
    assert np.isfinite(values).all()
    assert metric.summary(values) == pytest.approx(values.mean())
    np.testing.assert_array_equal(predicted, before[0])
    for name, then in before[1].items():
        np.testing.assert_array_equal(test_set.labels[name], then)


def test_each_image_for_itself(metric: Metric, test_set: ImageSet, predicted: Floats) -> None:
    together = metric.per_image(predicted, test_set)
    alone = [metric.per_image(predicted[[index]], test_set.select([index]))[0] for index in range(COUNT)]
    np.testing.assert_array_equal(together, alone)
    order = np.random.default_rng(0).permutation(COUNT)
    np.testing.assert_array_equal(metric.per_image(predicted[order], test_set.select(order)), together[order])


def test_a_perfect_prediction_is_best(metric: Metric, test_set: ImageSet, predicted: Floats) -> None:
    perfect = metric.per_image(test_set.labels[metric.target], test_set)
    worse = metric.per_image(predicted, test_set)
    assert (perfect <= worse).all() if metric.better == "lower" else (perfect >= worse).all()
    assert metric.summary(perfect) != metric.summary(worse)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_never_a_silent_nan(metric: Metric, test_set: ImageSet, predicted: Floats, bad: float) -> None:
    predicted.reshape(COUNT, -1)[3, 0] = bad
    with pytest.raises(ValueError, match=rf"1 of {COUNT} predictions of '{metric.target}' .* number 3"):
        metric.per_image(predicted, test_set)


def test_predictions_of_another_shape_are_refused(metric: Metric, test_set: ImageSet, predicted: Floats) -> None:
    flat = predicted.reshape(COUNT, -1)
    for wrong in (predicted[:-1], predicted[..., :-1], flat[:, 0], predicted[None]):
        with pytest.raises(ValueError, match=f"'{metric.target}' must be"):
            metric.per_image(wrong, test_set)


def test_missing_labels_are_named(metric: Metric, test_set: ImageSet, predicted: Floats) -> None:
    for name in (metric.target, *metric.takes):
        labels = {each: values for each, values in test_set.labels.items() if each != name}
        lacking = ImageSet(test_set.ids, test_set.persons, test_set.images, labels)
        with pytest.raises(DataError, match=f"no '{name}' labels"):
            metric.per_image(predicted, lacking)
