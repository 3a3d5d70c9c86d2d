"""The contract of an estimator, for every one in the registry, on images of its kind: simulated eyes or hands."""

from __future__ import annotations

import functools
import typing
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from bench.contract.images import simulated
from bench.contract.stoppable import Stopped
from bench.core import registry
from bench.core.context import RunContext
from bench.core.errors import DataError, UsageError
from bench.core.estimator import Estimator
from bench.core.images import LABELS, ImageSet, Unlabelled
from tests.contract.conftest import WatchedRun

Saved = Callable[[Any, str], dict[str, bytes]]
Fit = Callable[[RunContext], Estimator]
Predict = Callable[..., NDArray[np.float64]]
Render = Callable[..., ImageSet]
ESTIMATORS: dict[str, type[Estimator]] = {
    name: registry.load("estimators", name) for name in registry.names("estimators")
}


@pytest.fixture(scope="module", params=ESTIMATORS)
def estimator_class(request: pytest.FixtureRequest) -> type[Estimator]:
    return ESTIMATORS[request.param]


@pytest.fixture(scope="module")
def render(estimator_class: type[Estimator]) -> Render:
    """Draws images that its target is read from: render(domain, count, seed)."""
    return functools.partial(simulated, "hands" if estimator_class.target == "joints" else "eyes")


@pytest.fixture(scope="module")
def train(render: Render) -> ImageSet:
    return render("synthetic", 40, 1)


@pytest.fixture(scope="module")
def validation(render: Render) -> ImageSet:
    return render("synthetic", 12, 2)


@pytest.fixture(scope="module")
def unseen(render: Render) -> ImageSet:
    return render("real", 71, 3)


@pytest.fixture(scope="module")
def fit(
    estimator_class: type[Estimator], small: Callable[..., Estimator], train: ImageSet, validation: ImageSet
) -> Fit:
    def learn(run: RunContext) -> Estimator:
        estimator = small(estimator_class)
        estimator.fit(train, validation if estimator_class.validation_share else None, run)
        return estimator

    return learn


@pytest.fixture(scope="module")
def fitted(fit: Fit) -> Estimator:
    return fit(RunContext(5))


@pytest.fixture(scope="module")
def predict(unseen: ImageSet) -> Predict:
    """predict(estimator, rows, seed): of those rows of the unseen images, with the labels that it takes beside them."""

    def predict_rows(estimator: Estimator, rows: Any = slice(None), seed: int = 5) -> NDArray[np.float64]:
        given = {label: unseen.labels[label][rows] for label in estimator.inputs}
        return estimator.predict(unseen.images[rows], RunContext(seed), given)

    return predict_rows


def without(images: ImageSet, label: str) -> ImageSet:
    kept = {name: values for name, values in images.labels.items() if name != label}
    return ImageSet(ids=images.ids, persons=images.persons, images=images.images, labels=kept, name=images.name)


def refused(action: Callable[[], object]) -> str | None:
    """The message of the UsageError with which an estimator declines; None when it does not."""
    try:
        action()
    except UsageError as error:
        return str(error)
    return None


def test_declares_itself(estimator_class: type[Estimator]) -> None:
    assert estimator_class.target in LABELS
    assert set(estimator_class.inputs) <= set(LABELS) - {estimator_class.target}
    assert 0 <= estimator_class.validation_share < 1


def test_predicts_labels_and_leaves_the_images_alone(fitted: Estimator, unseen: ImageSet, predict: Predict) -> None:
    images, labels = unseen.images[:].copy(), {name: values.copy() for name, values in unseen.labels.items()}
    predicted = predict(fitted)
    assert predicted.shape == (71, *LABELS[fitted.target][0])
    assert predicted.dtype == np.float64
    assert np.isfinite(predicted).all()
    if fitted.target == "gaze":
        np.testing.assert_allclose(np.linalg.norm(predicted, axis=1), 1, atol=1e-9)
    np.testing.assert_array_equal(unseen.images[:], images)
    for name, values in labels.items():
        np.testing.assert_array_equal(unseen.labels[name], values)


def test_independent_of_batch_and_order(fitted: Estimator, predict: Predict) -> None:
    together = predict(fitted)
    for batch, count in ((1, 9), (7, 71), (64, 71)):
        joined = np.concatenate([predict(fitted, slice(at, at + batch)) for at in range(0, count, batch)])
        np.testing.assert_array_equal(joined, together[: len(joined)], err_msg=f"batch {batch}")
    order = np.random.default_rng(0).permutation(71)
    np.testing.assert_array_equal(predict(fitted, order), together[order])


def test_prediction_does_not_draw_from_the_seed(fitted: Estimator, predict: Predict) -> None:
    np.testing.assert_array_equal(predict(fitted, seed=5), predict(fitted, seed=77))


def test_saved_and_loaded_predicts_the_same(fitted: Estimator, predict: Predict, saved: Saved, tmp_path: Path) -> None:
    files = saved(fitted, "first")
    loaded = type(fitted).load(tmp_path / "first")
    assert loaded.config == fitted.config
    np.testing.assert_array_equal(predict(loaded), predict(fitted))
    assert saved(loaded, "second") == files


def test_seed_decides(fit: Fit, fitted: Estimator, saved: Saved) -> None:
    first, run = saved(fitted, "first"), RunContext(6)
    assert saved(fit(RunContext(5)), "again") == first
    other = saved(fit(run), "other")
    assert other != first or not run.scalars, "another seed must train another one, unless nothing is trained"


def test_sets_are_not_changed(fit: Fit, train: ImageSet, validation: ImageSet, render: Render) -> None:
    fit(RunContext(5))
    for used, fresh in ((train, render("synthetic", 40, 1)), (validation, render("synthetic", 12, 2))):
        np.testing.assert_array_equal(used.images[:], fresh.images[:])
        for label, values in fresh.labels.items():
            np.testing.assert_array_equal(used.labels[label], values)


def test_missing_labels_are_refused(
    estimator_class: type[Estimator], small: Callable[..., Estimator], train: ImageSet
) -> None:
    for label in (estimator_class.target, *estimator_class.inputs):
        with pytest.raises(DataError, match=f"no '{label}' labels") as refusal:
            small(estimator_class).fit(without(train, label), None, RunContext(0))
        assert "\n" not in str(refusal.value)


def test_prediction_without_a_needed_input_is_refused(fitted: Estimator, unseen: ImageSet) -> None:
    whole = {label: unseen.labels[label] for label in fitted.inputs}
    lacking: list[Mapping[str, Any] | None] = [
        {name: values for name, values in whole.items() if name != label} for label in whole
    ]
    for given in (*lacking, *([None] if whole else [])):
        with pytest.raises(DataError, match=r"no '\w+' labels"):
            fitted.predict(unseen.images[:], RunContext(0), given)
    for label, values in whole.items():
        with pytest.raises(DataError, match=label):
            fitted.predict(unseen.images[:], RunContext(0), {**whole, label: values[:-1]})


def test_images_of_another_size_or_kind_are_refused(fitted: Estimator, unseen: ImageSet) -> None:
    given = {label: unseen.labels[label][:2] for label in fitted.inputs}
    kind = unseen.images.dtype
    other = np.uint8 if kind == np.uint16 else np.uint16
    for images in (np.zeros((2, 36, 60), kind), np.zeros((2, *unseen.size), other)):
        with pytest.raises(DataError, match=r"needed.*; \w+") as refusal:
            fitted.predict(images, RunContext(0), given)
        assert "\n" not in str(refusal.value)


def test_training_images_of_another_kind_are_refused(
    estimator_class: type[Estimator], small: Callable[..., Estimator], train: ImageSet
) -> None:
    """Also where the labels would do."""
    other = np.uint8 if train.images.dtype == np.uint16 else np.uint16
    strange = train.with_images(np.ones(train.images.shape, other))
    with pytest.raises(DataError, match=r"images .* are needed; \w+") as refusal:
        small(estimator_class).fit(strange, None, RunContext(0))
    assert "\n" not in str(refusal.value)


def test_adapts_to_unlabelled_images_or_says_that_it_cannot(fit: Fit, unseen: ImageSet, predict: Predict) -> None:
    assert typing.get_type_hints(Estimator.adapt)["real"] is Unlabelled
    estimator = fit(RunContext(5))
    before = predict(estimator)
    refusal = refused(lambda: estimator.adapt(unseen.unlabelled(), RunContext(5)))
    after = predict(estimator)
    if refusal is None:
        assert after.shape == before.shape
        assert np.isfinite(after).all()
    else:
        assert "\n" not in refusal
        np.testing.assert_array_equal(after, before)


def test_features_compare_images_or_there_are_none(fitted: Estimator, unseen: ImageSet) -> None:
    images = unseen.images[:]
    if (refusal := refused(lambda: fitted.features(images, RunContext(5)))) is not None:
        assert "\n" not in refusal
        return
    together = fitted.features(images, RunContext(5))
    assert together.ndim == 2 and len(together) == 71
    assert together.dtype == np.float64
    assert np.isfinite(together).all()
    assert together.std(axis=0).any(), "all images look alike"
    single = np.concatenate([fitted.features(images[at : at + 1], RunContext(77)) for at in range(5)])
    np.testing.assert_array_equal(single, together[:5])
    order = np.random.default_rng(0).permutation(71)
    np.testing.assert_array_equal(fitted.features(images[order], RunContext(5)), together[order])


def test_interrupted_and_resumed_equals_uninterrupted(
    fit: Fit,
    fitted: Estimator,
    saved: Saved,
    tmp_path: Path,
) -> None:
    counting = WatchedRun(5)
    fit(counting)
    if not counting.calls:
        pytest.skip("trains in one go: there is nothing to resume")
    whole = saved(fitted, "whole")
    for stop_after in sorted({1, counting.calls // 2, counting.calls - 1} - {0}):
        checkpoint = tmp_path / f"stop-{stop_after}" / "checkpoint.pt"
        with pytest.raises(Stopped):
            fit(WatchedRun(5, checkpoint=checkpoint, stop_after=stop_after))
        resumed = WatchedRun(5, checkpoint=checkpoint)
        estimator = fit(resumed)
        assert resumed.calls < counting.calls, "it started again from the beginning"
        assert saved(estimator, f"resumed-{stop_after}") == whole, f"stopped after {stop_after} of {counting.calls}"
        assert resumed.scalars == counting.scalars
