"""k nearest neighbours on hands: joints move with the hand's distance, and its relief alone decides."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from bench.core.context import RunContext
from bench.core.depth import centres_mm, grey_levels
from bench.core.errors import DataError
from bench.core.images import ImageSet
from estimators.knn_hand import KNNHand, _features

RUN = RunContext(0)


def hands(count: int) -> ImageSet:
    side = 48
    rng = np.random.default_rng(count)
    shape = rng.integers(-100, 100, (count, 6, 6)).repeat(side // 6, axis=1).repeat(side // 6, axis=2)
    images = np.where(shape > -20, 700 + rng.integers(0, 200, (count, 1, 1)) + shape, 0).astype(np.uint16)
    joints = rng.uniform((0, 0, 700), (side, side, 900), (count, 14, 3))
    ids = np.array([f"{index:05d}" for index in range(count)])
    return ImageSet(ids=ids, persons=ids, images=images, labels={"joints": joints}, name="hands")


def fitted(train: ImageSet, **settings: Any) -> KNNHand:
    estimator = KNNHand.configured("hand-quick", settings)
    estimator.fit(train, None, RUN)
    return estimator


def farther(images: NDArray[np.uint16], by_mm: int) -> NDArray[np.uint16]:
    return np.where(images > 0, images + by_mm, 0).astype(np.uint16)


def test_finds_its_own_training_images_at_any_distance() -> None:
    train = hands(30)
    estimator = fitted(train, k=1)
    np.testing.assert_allclose(estimator.predict(train.images[:], RUN), train.labels["joints"], atol=1e-9)
    moved = estimator.predict(farther(train.images[:], 350), RUN)
    np.testing.assert_allclose(moved, train.labels["joints"] + [0, 0, 350], atol=1e-9)


def test_is_the_mean_of_the_neighbours() -> None:
    train, test = hands(40), hands(7)
    levels = [_features(each.images, 32)[0].astype(np.int64) for each in (train, test)]
    squared = np.square(levels[1][:, None] - levels[0]).sum(axis=2)
    chosen = np.argsort(squared, axis=1, kind="stable")[:, :5]
    relative = train.labels["joints"].copy()
    relative[..., 2] -= centres_mm(train.images[:])[:, None]
    expected = relative[chosen].mean(axis=1)
    expected[..., 2] += centres_mm(test.images[:])[:, None]
    np.testing.assert_allclose(fitted(train).predict(test.images[:], RUN), expected, atol=1e-9)


def test_features_are_grey_levels_averaged_over_areas() -> None:
    images = hands(5).images[:]
    features, centres = _features(images, 24)
    blocks = grey_levels(images).reshape(5, 24, 2, 24, 2).mean(axis=(2, 4)).reshape(5, -1)
    assert np.abs(features + 128.0 - blocks).max() <= 1  # rounded; black is -127, not -128
    assert features.dtype == np.int8
    np.testing.assert_array_equal(centres, centres_mm(images))
    assert _features(images[:, :24, :24], 32)[0].shape == (5, 24 * 24)  # never enlarged


def test_images_without_a_hand_are_harmless() -> None:
    assert np.isfinite(fitted(hands(20)).predict(np.zeros((2, 48, 48), np.uint16), RUN)).all()


def test_too_few_images_are_refused() -> None:
    with pytest.raises(DataError, match="hands: 4 images, but with these settings at least 5 are needed"):
        fitted(hands(4))
