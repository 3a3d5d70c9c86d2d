"""k nearest neighbours: exact, whatever the chunks; against scikit-learn and a plain float64 search."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sklearn.neighbors import NearestNeighbors

from bench.core.angles import angles_deg
from bench.core.context import RunContext
from bench.core.images import ImageSet
from bench.data.simulator.eyes import render_eyes
from estimators.classical import neighbours
from estimators.classical.neighbours import nearest
from estimators.knn import KNN, KNNSettings, _features, _pixel_moments

RUN = RunContext(0)


def eyes(count: int, seed: int = 1) -> ImageSet:
    rendered = render_eyes(count, domain="distant", seed=seed)
    ids = np.array([f"{index:05d}" for index in range(count)])
    return ImageSet(
        ids=ids, persons=rendered.persons.astype(str), images=rendered.images, labels={"gaze": rendered.gaze}
    )


def fitted(train: ImageSet, **settings: Any) -> KNN:
    estimator = KNN.configured("quick", settings)
    estimator.fit(train, None, RUN)
    return estimator


def features_of(images: NDArray[np.uint8], config: KNNSettings) -> NDArray[np.int8]:
    return _features(images, config, _pixel_moments(images, config))


def plain_search(
    queries: NDArray[np.int8], training: NDArray[np.int8], k: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Whole-number distances, ties by index."""
    squared = ((queries[:, None].astype(np.int64) - training[None].astype(np.int64)) ** 2).sum(axis=2)
    chosen = np.argsort(squared, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(squared, chosen, axis=1), chosen


@pytest.fixture
def noise() -> tuple[NDArray[np.int8], NDArray[np.int8]]:
    rng = np.random.default_rng(0)
    return (
        rng.integers(-127, 128, (23, 1925), dtype=np.int8),
        rng.integers(-127, 128, (97, 1925), dtype=np.int8),
    )


class TestSearch:
    @pytest.mark.parametrize("chunks", [(512, 8192), (1, 1), (7, 13), (23, 97), (5, 96)])
    @pytest.mark.parametrize("bytes_multiply", [True, False])
    def test_bit_identical_whatever_the_chunks_and_the_products(
        self,
        noise: tuple[NDArray[np.int8], NDArray[np.int8]],
        chunks: tuple[int, int],
        bytes_multiply: bool,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        if bytes_multiply and not neighbours.multiplies_bytes("cpu"):
            pytest.skip("this processor does not multiply bytes exactly")
        monkeypatch.setattr(neighbours, "multiplies_bytes", lambda device: bytes_multiply)
        squared, chosen = nearest(*noise, 9, "cpu", RUN, chunks=chunks)
        expected_squared, expected = plain_search(*noise, 9)
        np.testing.assert_array_equal(squared, expected_squared)
        np.testing.assert_array_equal(chosen, expected)

    @pytest.mark.parametrize("training_chunk", [1, 4, 10, 64])
    def test_ties_go_to_the_earlier_image(self, training_chunk: int) -> None:
        training = np.zeros((30, 40), np.int8)
        training[[3, 8, 21]] = 1
        queries = np.array([np.zeros(40), np.ones(40)], np.int8)
        squared, chosen = nearest(queries, training, 5, "cpu", RUN, chunks=(512, training_chunk))
        np.testing.assert_array_equal(chosen, [[0, 1, 2, 4, 5], [3, 8, 21, 0, 1]])
        np.testing.assert_array_equal(squared, [[0] * 5, [0, 0, 0, 40, 40]])

    def test_exact_at_the_largest_distance(self) -> None:
        training = np.stack([np.full(1925, 127, np.int8), np.full(1925, -127, np.int8)])
        training = np.concatenate([training, training])
        training[2, 0], training[3, 0] = 126, -126
        squared, chosen = nearest(training[:1], training, 4, "cpu", RUN)
        np.testing.assert_array_equal(chosen, [[0, 2, 3, 1]])
        np.testing.assert_array_equal(squared, [[0, 1, 1924 * 254**2 + 253**2, 1925 * 254**2]])

    def test_exact_beyond_the_sums_of_32_bits(self) -> None:
        training = np.full((3, 60_000), 127, np.int8)
        training[1], training[2, :7] = -127, -127
        squared, chosen = nearest(training[:1], training, 3, "cpu", RUN, chunks=(1, 2))
        np.testing.assert_array_equal(chosen, [[0, 2, 1]])
        np.testing.assert_array_equal(squared, [[0, 7 * 254**2, 60_000 * 254**2]])

    def test_bytes_are_not_used_where_pairs_of_products_saturate(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def saturating(left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
            """As processors without VNNI multiply: unsigned by signed, two products added in 16 bits."""
            products = (left.int() + 128)[:, :, None] * right.int()[None]
            pairs = products.view(len(left), -1, 2, right.shape[1]).sum(dim=2).clamp(-(2**15), 2**15 - 1)
            found: torch.Tensor = pairs.sum(dim=1) - 128 * right.int().sum(dim=0)
            return found

        monkeypatch.setattr(torch, "_int_mm", saturating)
        assert not neighbours.multiplies_bytes.__wrapped__("cpu")

    def test_every_image_finds_itself_first(self) -> None:
        features = features_of(eyes(60).images[:], KNNSettings())
        squared, chosen = nearest(features, features, 1, "cpu", RUN, chunks=(512, 17))
        np.testing.assert_array_equal(chosen[:, 0], np.arange(60))
        assert not squared.any()


@pytest.mark.parametrize("equalise", [True, False])
@pytest.mark.parametrize("standardise", ["none", "image", "pixel"])
def test_agrees_with_scikit_learn(equalise: bool, standardise: str) -> None:
    train, test = eyes(300), eyes(50, seed=2)
    estimator = fitted(train, k=7, equalise=equalise, standardise=standardise)
    moments = estimator._fitted()["pixel_moments"]
    training = _features(train.images, estimator.config, moments).astype(np.float64)
    queries = _features(test.images, estimator.config, moments).astype(np.float64)
    _, found = NearestNeighbors(n_neighbors=7, algorithm="brute").fit(training).kneighbors(queries)
    mean = train.gaze[found].mean(axis=1)
    expected = mean / np.linalg.norm(mean, axis=1, keepdims=True)
    np.testing.assert_allclose(estimator.predict(test.images[:], RUN), expected, atol=1e-12)


def test_z_score_by_image_is_rounded_only() -> None:
    images = eyes(40).images[:]
    config = KNNSettings(equalise=False)
    flat = images.reshape(40, -1).astype(np.float64)
    z = (flat - flat.mean(axis=1, keepdims=True)) / flat.std(axis=1, keepdims=True)
    off = features_of(images, config) / 32 - np.clip(z, -127 / 32, 127 / 32)
    assert np.abs(off).max() <= 1 / 64 + 1e-9


def test_z_score_by_pixel_uses_the_training_set() -> None:
    images = eyes(40).images[:]
    config = KNNSettings(equalise=False, standardise="pixel")
    flat = images.reshape(40, -1).astype(np.float64)
    np.testing.assert_allclose(_pixel_moments(images, config), [flat.mean(axis=0), flat.std(axis=0)], atol=1e-9)


def test_equalisation_is_opencv_s_and_removes_gain() -> None:
    images = eyes(10).images[:]
    config = KNNSettings(standardise="none")
    expected = np.stack([cv2.equalizeHist(image) for image in images]).reshape(10, -1).astype(int) - 128
    np.testing.assert_array_equal(features_of(images, config), np.maximum(expected, -127))


def test_flat_images_are_harmless() -> None:
    train = eyes(20)
    flat = np.full((3, 35, 55), 90, np.uint8)
    for standardise in ("none", "image", "pixel"):
        assert np.isfinite(fitted(train, standardise=standardise).predict(flat, RUN)).all()
    same = train.with_images(np.repeat(flat[:1], 20, axis=0))
    assert np.isfinite(fitted(same, standardise="pixel").predict(flat, RUN)).all()


def test_distance_weights() -> None:
    train = eyes(50)
    estimator = fitted(train, k=3, weights="distance")
    np.testing.assert_allclose(estimator.predict(train.images[:5], RUN), train.gaze[:5], atol=1e-12)
    queries = eyes(5, seed=2).images[:]
    features = features_of(queries, estimator.config)
    squared, chosen = plain_search(features, features_of(train.images[:], estimator.config), 3)
    mean = (train.gaze[chosen] / np.sqrt(squared)[:, :, None]).sum(axis=1)
    expected = mean / np.linalg.norm(mean, axis=1, keepdims=True)
    np.testing.assert_allclose(estimator.predict(queries, RUN), expected, atol=1e-12)


def test_better_than_the_mean_direction() -> None:
    train, test = eyes(600), eyes(100, seed=2)
    error = angles_deg(fitted(train).predict(test.images[:], RUN), test.gaze).mean()
    guess = np.broadcast_to(train.gaze.mean(axis=0), test.gaze.shape)
    assert error < 0.9 * angles_deg(guess, test.gaze).mean()
