"""The random forest: bit for bit what scikit-learn predicts, and the arrays it is predicted from."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import RandomForestRegressor

from bench.core.context import RunContext
from bench.core.errors import UsageError
from bench.core.images import ImageSet
from bench.data.simulator.eyes import render_eyes
from estimators.random_forest import RandomForest, _trees, small_images

RUN = RunContext(0)


def eyes(count: int, seed: int = 1) -> ImageSet:
    rendered = render_eyes(count, domain="near", seed=seed)
    ids = np.array([f"{index:05d}" for index in range(count)])
    return ImageSet(
        ids=ids, persons=rendered.persons.astype(str), images=rendered.images, labels={"gaze": rendered.gaze}
    )


def fitted(train: ImageSet, run: RunContext = RUN, **settings: Any) -> RandomForest:
    estimator = RandomForest.configured("tiny", settings)
    estimator.fit(train, None, run)
    return estimator


@pytest.mark.parametrize("leaf", [1, 5])
@pytest.mark.parametrize("images_per_tree", [100, 20_000])
def test_predicts_what_scikit_learn_predicts(leaf: int, images_per_tree: int) -> None:
    train, test = eyes(300), eyes(1100, seed=2)
    forest = RandomForestRegressor(
        16,
        min_samples_leaf=leaf,
        max_features=1 / 3,
        max_samples=min(images_per_tree, 300),
        random_state=RUN.stream_seed("forest") % 2**32,
    )
    forest.fit(small_images(train.images, (9, 16)), train.gaze)
    expected = forest.predict(small_images(test.images, (9, 16)))
    estimator = fitted(train, leaf=leaf, images_per_tree=images_per_tree)
    np.testing.assert_array_equal(estimator._mean_gaze(small_images(test.images, (9, 16))), expected)
    unit = expected / np.linalg.norm(expected, axis=1, keepdims=True)
    np.testing.assert_allclose(estimator.predict(test.images[:], RUN), unit, atol=1e-15)


def test_values_on_a_threshold_go_where_scikit_learn_sends_them() -> None:
    levels = np.random.default_rng(0).integers(0, 5, (200, 4)).astype(np.float32) / 3
    gaze = np.random.default_rng(1).normal(size=(200, 3))
    forest = RandomForestRegressor(10, random_state=0).fit(levels, gaze)
    estimator = RandomForest()
    estimator._arrays = trees = _trees(forest)
    thresholds = np.unique(trees["threshold"][trees["below"] != trees["above"]])
    assert len(thresholds) >= 4
    exact = thresholds.astype(np.float32)
    beside = np.concatenate([exact, np.nextafter(exact, np.float32(-9)), np.nextafter(exact, np.float32(9))])
    queries = np.random.default_rng(2).choice(beside, (500, 4))
    np.testing.assert_array_equal(estimator._mean_gaze(queries), forest.predict(queries))


def test_small_images_are_means_over_areas() -> None:
    images = np.random.default_rng(0).integers(0, 256, (5, 18, 32), dtype=np.uint8)
    means = images.reshape(5, 9, 2, 16, 2).mean(axis=(2, 4)).reshape(5, -1)
    np.testing.assert_allclose(small_images(images, (9, 16)), means, atol=1e-4)
    assert small_images(images, (9, 16)).dtype == np.float32


def test_a_step_is_learnt() -> None:
    train = eyes(200)
    right = np.arange(200) % 2 == 1
    images = np.where(right[:, None, None], 200, 50) + np.random.default_rng(0).integers(0, 50, (200, 35, 55))
    gaze = np.where(right[:, None], [0.6, 0.0, -0.8], [-0.6, 0.0, -0.8])
    step = ImageSet(ids=train.ids, persons=train.persons, images=images.astype(np.uint8), labels={"gaze": gaze})
    run = RunContext(0)
    np.testing.assert_allclose(fitted(step, run, trees=40).predict(step.images[:], RUN), gaze, atol=1e-12)
    assert run.scalars == [{"step": 40.0, "out_of_bag_error_deg": pytest.approx(0, abs=1e-6)}]


def test_leaves_are_their_own_children() -> None:
    state = fitted(eyes(100))._fitted()
    own = np.arange(len(state["pixel"]))
    leaf = state["below"] == own
    np.testing.assert_array_equal(leaf, state["above"] == own)
    assert state["below"][~leaf].min() > 0 and np.all(state["below"][~leaf] > own[~leaf])
    assert len(state["roots"]) == 16


def test_wrong_settings_are_refused() -> None:
    for wrong in ({"size": [0, 16]}, {"trees": 9}, {"leaf": 0}, {"pixels": 1.5}, {"images_per_tree": 1}):
        with pytest.raises(UsageError, match=next(iter(wrong))):
            RandomForest.configured("quick", wrong)
