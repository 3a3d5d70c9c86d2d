"""Adaptive linear regression: the optimality conditions of its minimum, closed forms and degenerate weights."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from bench.core.context import RunContext
from bench.core.images import ImageSet
from bench.data.simulator.eyes import render_eyes
from estimators.alr import AdaptiveLinearRegression, block_means, sparsest_weights

RUN = RunContext(0)
Floats = NDArray[np.float64]


def eyes(count: int, seed: int = 1) -> ImageSet:
    rendered = render_eyes(count, domain="near", seed=seed)
    ids = np.array([f"{index:05d}" for index in range(count)])
    return ImageSet(
        ids=ids, persons=rendered.persons.astype(str), images=rendered.images, labels={"gaze": rendered.gaze}
    )


def fitted(train: ImageSet, **settings: Any) -> AdaptiveLinearRegression:
    estimator = AdaptiveLinearRegression.configured("quick", settings)
    estimator.fit(train, None, RUN)
    return estimator


def directions(rng: np.random.Generator, count: int, dimensions: int = 6) -> Floats:
    vectors: Floats = rng.normal(size=(count, dimensions))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors


def assert_sparsest(features: Floats, query: Floats, weights: Floats, tolerance: float) -> None:
    """The Karush-Kuhn-Tucker conditions, which only the minimum of this convex problem meets."""
    residual = query - features.T @ weights
    np.testing.assert_allclose(np.linalg.norm(residual), tolerance, rtol=1e-7)
    correlation = features @ residual
    used = np.abs(weights) > 1e-12
    np.testing.assert_allclose(correlation[used], np.sign(weights[used]) * np.abs(correlation).max(), atol=1e-9)


class TestSparsestWeights:
    @given(seed=st.integers(0, 2**32 - 1), tolerance=st.floats(0.01, 0.9), count=st.integers(7, 60))
    def test_meets_the_conditions_of_the_minimum(self, seed: int, tolerance: float, count: int) -> None:
        rng = np.random.default_rng(seed)
        features, query = directions(rng, count), directions(rng, 1)[0]
        assert_sparsest(features, query, sparsest_weights(features, query, tolerance), tolerance)

    @pytest.mark.parametrize("tolerance", [0.01, 0.05, 0.3])
    def test_on_eyes(self, tolerance: float) -> None:
        features, queries = block_means(eyes(400).images, (3, 5)), block_means(eyes(20, seed=2).images, (3, 5))
        for query in queries:
            weights = sparsest_weights(features, query, tolerance)
            assert_sparsest(features, query, weights, tolerance)
            assert np.count_nonzero(weights) <= 16

    def test_orthogonal_dictionary_is_soft_thresholding(self) -> None:
        query = np.array([0.8, -0.5, 0.1])
        weights = sparsest_weights(np.eye(3), query, 0.3)
        # All above the threshold but 0.1: 2 t^2 + 0.1^2 = 0.3^2 gives t = 0.2.
        np.testing.assert_allclose(weights, [0.6, -0.3, 0.0], atol=1e-12)

    def test_an_entry_is_its_own_mix(self) -> None:
        features = directions(np.random.default_rng(0), 40)
        weights = sparsest_weights(features, features[7], 0.05)
        np.testing.assert_allclose(weights, 0.95 * np.eye(40)[7], atol=1e-12)

    def test_the_closest_mix_where_none_is_close(self) -> None:
        features, query = np.eye(4)[:2], np.array([0.6, 0.4, 0.5, 0.5])
        np.testing.assert_allclose(sparsest_weights(features, query, 0.05), [0.6, 0.4], atol=1e-5)

    def test_wrong_paths_are_noticed(self) -> None:
        # Both correlate equally with the query, and LARS goes on with the first alone: it must not be believed.
        weights = sparsest_weights(np.eye(4)[:2], np.array([0.5, 0.5, 0.5, 0.5]), 0.05)
        assert not weights.any() or np.allclose(weights, [0.5, 0.5])

    def test_nothing_is_mixed_for_a_query_within_the_tolerance(self) -> None:
        assert not sparsest_weights(np.eye(3), np.array([0.0, 0.04, 0.0]), 0.05).any()


class TestBlockMeans:
    def test_means_of_whole_blocks(self) -> None:
        images = np.random.default_rng(0).integers(0, 256, (4, 6, 10), dtype=np.uint8)
        means = images.reshape(4, 3, 2, 5, 2).mean(axis=(2, 4)).reshape(4, 15)
        expected = means / np.linalg.norm(means, axis=1, keepdims=True)
        np.testing.assert_allclose(block_means(images, (3, 5)), expected, atol=1e-6)

    def test_means_of_parts_of_pixels(self) -> None:
        image = eyes(1).images[0]
        # 35x55 has 35/3 x 11 px per block: copies of each row make the blocks whole.
        whole = cv2.resize(image, (55, 105), interpolation=cv2.INTER_NEAREST)
        means = whole.reshape(3, 35, 5, 11).mean(axis=(1, 3)).ravel()
        found = block_means(image[None], (3, 5))[0]
        np.testing.assert_allclose(found, means / np.linalg.norm(means), atol=1e-6)

    def test_brightness_drops_out(self) -> None:
        dark = np.random.default_rng(0).integers(1, 80, (2, 35, 55), dtype=np.uint8)
        np.testing.assert_allclose(block_means(dark * 3, (3, 5)), block_means(dark, (3, 5)), atol=1e-6)


def test_a_training_image_gets_its_own_gaze() -> None:
    train = eyes(100)
    predicted = fitted(train).predict(train.images[:], RUN)
    np.testing.assert_allclose(predicted, train.gaze, atol=1e-9)


def test_gaze_is_the_mix_of_the_dictionary() -> None:
    train, test = eyes(200), eyes(20, seed=2)
    features = block_means(train.images, (3, 5))
    for query, predicted in zip(
        block_means(test.images, (3, 5)), fitted(train).predict(test.images[:], RUN), strict=True
    ):
        weights = sparsest_weights(features, query, 0.05)
        mix = (weights / weights.sum()) @ train.gaze
        np.testing.assert_allclose(predicted, mix / np.linalg.norm(mix), atol=1e-12)


def test_the_nearest_entry_answers_where_the_weights_have_no_sum() -> None:
    train = eyes(100)
    estimator = fitted(train)
    # A black image has no feature: all weights are 0. The opposite of a feature takes negative weights only.
    features, gaze = estimator._fitted()["features"], estimator._fitted()["gaze"]
    for query in (np.zeros(15), -features[3]):
        nearest = np.linalg.norm(features - query, axis=1).argmin()
        np.testing.assert_allclose(estimator._gaze_of(query), gaze[nearest], atol=1e-9)


def test_equal_images_have_their_mean_gaze() -> None:
    train = eyes(60)
    same = train.with_images(np.repeat(train.images[:1], 60, axis=0))
    mean = train.gaze.mean(axis=0)
    predicted = fitted(same).predict(train.images[:3], RUN)
    np.testing.assert_allclose(predicted, np.tile(mean / np.linalg.norm(mean), (3, 1)), atol=1e-9)


def test_equal_entries_are_one(recwarn: pytest.WarningsRecorder) -> None:
    train, test = eyes(60), eyes(5, seed=2).images[:]
    twice = ImageSet(
        ids=np.arange(120).astype(str),
        persons=np.repeat(train.persons, 2),
        images=np.repeat(train.images[:], 2, axis=0),
        labels={"gaze": np.repeat(train.gaze, 2, axis=0)},
    )
    np.testing.assert_allclose(fitted(twice).predict(test, RUN), fitted(train).predict(test, RUN), atol=1e-12)
    assert not recwarn.list
