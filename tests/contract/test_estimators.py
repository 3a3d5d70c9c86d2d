"""The contract of an estimator, on simulated eyes, for every gaze estimator in the registry."""

from __future__ import annotations

import typing
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.core import registry
from bench.core.context import RunContext
from bench.core.errors import DataError
from bench.core.estimator import Estimator
from bench.core.images import LABELS, ImageSet

Saved = Callable[[Any, str], dict[str, bytes]]
Fit = Callable[[RunContext], Estimator]
GAZE = [name for name in registry.names("estimators") if registry.load("estimators", name).target == "gaze"]


@pytest.fixture(scope="module")
def train(eyes: Callable[..., ImageSet]) -> ImageSet:
    return eyes(40, "synthetic", 1)


@pytest.fixture(scope="module")
def validation(eyes: Callable[..., ImageSet]) -> ImageSet:
    return eyes(12, "synthetic", 2)


@pytest.fixture(scope="module")
def unseen(eyes: Callable[..., ImageSet]) -> Any:
    return eyes(71, "distant", 3).images[:]


@pytest.fixture(scope="module", params=GAZE)
def estimator_class(request: pytest.FixtureRequest) -> type[Estimator]:
    return typing.cast("type[Estimator]", registry.load("estimators", request.param))


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


@pytest.mark.parametrize("name", registry.names("estimators"))
def test_declares_itself(name: str) -> None:
    estimator = registry.load("estimators", name)
    assert estimator.target in LABELS
    assert 0 <= estimator.validation_share < 1


def test_predicts_unit_vectors_and_leaves_the_images_alone(fitted: Estimator, unseen: Any) -> None:
    before = unseen.copy()
    predicted = fitted.predict(unseen, RunContext(5))
    assert predicted.shape == (71, 3)
    assert predicted.dtype == np.float64
    np.testing.assert_allclose(np.linalg.norm(predicted, axis=1), 1, atol=1e-9)
    np.testing.assert_array_equal(unseen, before)


def test_independent_of_batch_and_order(fitted: Estimator, unseen: Any) -> None:
    together = fitted.predict(unseen, RunContext(5))
    for batch, count in ((1, 9), (7, 71), (64, 71)):
        parts = [fitted.predict(unseen[at : at + batch], RunContext(5)) for at in range(0, count, batch)]
        joined = np.concatenate(parts)
        np.testing.assert_array_equal(joined, together[: len(joined)], err_msg=f"batch {batch}")
    order = np.random.default_rng(0).permutation(71)
    np.testing.assert_array_equal(fitted.predict(unseen[order], RunContext(5)), together[order])


def test_prediction_does_not_draw_from_the_seed(fitted: Estimator, unseen: Any) -> None:
    np.testing.assert_array_equal(fitted.predict(unseen, RunContext(5)), fitted.predict(unseen, RunContext(77)))


def test_saved_and_loaded_predicts_the_same(fitted: Estimator, unseen: Any, saved: Saved, tmp_path: Path) -> None:
    files = saved(fitted, "first")
    loaded = type(fitted).load(tmp_path / "first")
    assert loaded.config == fitted.config
    np.testing.assert_array_equal(loaded.predict(unseen, RunContext(5)), fitted.predict(unseen, RunContext(5)))
    assert saved(loaded, "second") == files


def test_seed_decides(fit: Fit, fitted: Estimator, saved: Saved) -> None:
    first, run = saved(fitted, "first"), RunContext(6)
    assert saved(fit(RunContext(5)), "again") == first
    other = saved(fit(run), "other")
    assert (other == first) == (not run.scalars), "another seed must train another one, unless nothing is trained"


def test_sets_are_not_changed(fit: Fit, train: ImageSet, validation: ImageSet, eyes: Callable[..., ImageSet]) -> None:
    fit(RunContext(5))
    for used, fresh in ((train, eyes(40, "synthetic", 1)), (validation, eyes(12, "synthetic", 2))):
        np.testing.assert_array_equal(used.images[:], fresh.images[:])
        for label, values in fresh.labels.items():
            np.testing.assert_array_equal(used.labels[label], values)


def test_missing_labels_are_refused(
    estimator_class: type[Estimator], small: Callable[..., Estimator], train: ImageSet
) -> None:
    bare = ImageSet(ids=train.ids, persons=train.persons, images=train.images)
    with pytest.raises(DataError, match="no 'gaze' labels"):
        small(estimator_class).fit(bare, None, RunContext(0))


def test_images_of_another_size_or_type_are_refused(fitted: Estimator) -> None:
    for images in (np.zeros((2, 36, 60), np.uint8), np.zeros((2, 35, 55), np.uint16)):
        with pytest.raises(DataError):
            fitted.predict(images, RunContext(0))


def test_interrupted_and_resumed_equals_uninterrupted(
    fit: Fit,
    fitted: Estimator,
    saved: Saved,
    new_run: Callable[..., Any],
    stopped: type[Exception],
    tmp_path: Path,
) -> None:
    counting = new_run(5)
    fit(counting)
    if not counting.calls:
        pytest.skip("trains in one go: there is nothing to resume")
    whole = saved(fitted, "whole")
    for stop_after in sorted({1, counting.calls // 2, counting.calls - 1} - {0}):
        checkpoint = tmp_path / f"stop-{stop_after}" / "checkpoint.pt"
        with pytest.raises(stopped):
            fit(new_run(5, checkpoint=checkpoint, stop_after=stop_after))
        resumed = new_run(5, checkpoint=checkpoint)
        estimator = fit(resumed)
        assert resumed.calls < counting.calls, "it started again from the beginning"
        assert saved(estimator, f"resumed-{stop_after}") == whole, f"stopped after {stop_after} of {counting.calls}"
        assert resumed.scalars == counting.scalars
