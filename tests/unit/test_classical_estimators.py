"""What estimators without a network have in common: better than guessing, seeds, and bad input."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from bench.core import registry
from bench.core.angles import angles_deg
from bench.core.context import RunContext
from bench.core.errors import DataError, UsageError
from bench.core.estimator import Estimator
from bench.core.images import ImageSet
from bench.data.simulator.eyes import render_eyes

RUN = RunContext(0)
NAMES = ("svr", "alr", "random-forest")
ALL = (*NAMES, "knn")
SUBSAMPLED = [("svr", {"images": 50}), ("alr", {"dictionary": 50}), ("random-forest", {"images_per_tree": 50})]


def eyes(count: int, seed: int = 1) -> ImageSet:
    rendered = render_eyes(count, domain="near", seed=seed)
    ids = np.array([f"{index:05d}" for index in range(count)])
    return ImageSet(
        ids=ids, persons=rendered.persons.astype(str), images=rendered.images, labels={"gaze": rendered.gaze}
    )


def fitted(name: str, train: ImageSet, run: RunContext = RUN, **settings: Any) -> Estimator:
    kind = registry.load("estimators", name)
    estimator: Estimator = kind.configured("tiny" if "tiny" in kind.presets else "smoke", settings)
    estimator.fit(train, None, run)
    return estimator


class Stored:
    """Images that are read by slices and whole numbers only, as an HDF5 data set."""

    def __init__(self, images: NDArray[Any]) -> None:
        self._images = images
        self.shape, self.dtype = images.shape, images.dtype

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, index: Any, /) -> NDArray[Any]:
        chosen: NDArray[Any] = self._images[index]
        return chosen.copy()


@pytest.mark.parametrize("name", NAMES)
def test_clearly_better_than_the_mean_direction(name: str) -> None:
    train, test = eyes(600), eyes(150, seed=2)
    estimator = registry.load("estimators", name).configured("smoke")
    estimator.fit(train, None, RunContext(0))
    error = angles_deg(estimator.predict(test.images[:], RUN), test.gaze).mean()
    mean = train.gaze.mean(axis=0)
    guess = np.broadcast_to(mean / np.linalg.norm(mean), test.gaze.shape)
    assert error < 0.75 * angles_deg(guess, test.gaze).mean()


@pytest.mark.parametrize(("name", "settings"), SUBSAMPLED)
def test_the_seed_draws_the_images(name: str, settings: dict[str, Any]) -> None:
    train, test = eyes(120), eyes(10, seed=2).images[:]
    first, again, other = (fitted(name, train, RunContext(seed), **settings).predict(test, RUN) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.allclose(first, other, atol=1e-6)


@pytest.mark.parametrize(("name", "settings"), SUBSAMPLED)
def test_images_may_be_read_lazily(name: str, settings: dict[str, Any]) -> None:
    train, test = eyes(80), eyes(5, seed=2).images[:]
    lazy = fitted(name, train.with_images(Stored(train.images[:])), **settings)
    np.testing.assert_array_equal(lazy.predict(test, RUN), fitted(name, train, **settings).predict(test, RUN))


@pytest.mark.parametrize("name", ALL)
def test_any_memory_layout_gives_the_same(name: str) -> None:
    estimator, test = fitted(name, eyes(60)), eyes(20, seed=2).images[:]
    expected = estimator.predict(test, RUN)
    np.testing.assert_array_equal(estimator.predict(np.asfortranarray(test), RUN), expected)
    np.testing.assert_array_equal(estimator.predict(test[::-1], RUN), expected[::-1])


@pytest.mark.parametrize("name", NAMES)
def test_no_images_give_no_gaze(name: str) -> None:
    assert fitted(name, eyes(40)).predict(np.zeros((0, 35, 55), np.uint8), RUN).shape == (0, 3)


@pytest.mark.parametrize("name", NAMES)
def test_constant_images_are_harmless(name: str) -> None:
    train = eyes(40)
    flat = np.stack([np.full((35, 55), level, np.uint8) for level in (0, 90, 255)])
    assert_unit(fitted(name, train).predict(flat, RUN))
    for level in (0, 90):
        same = train.with_images(np.full((40, 35, 55), level, np.uint8))
        estimator = fitted(name, same)
        assert_unit(estimator.predict(flat, RUN))
        assert_unit(estimator.predict(train.images[:], RUN))


@pytest.mark.parametrize("name", ALL)
def test_one_direction_is_learnt(name: str) -> None:
    train = eyes(60)
    gaze = np.tile([[0.6, 0.0, -0.8]], (60, 1))
    same = ImageSet(ids=train.ids, persons=train.persons, images=train.images, labels={"gaze": gaze})
    predicted = fitted(name, same).predict(eyes(20, seed=2).images[:], RUN)
    assert angles_deg(predicted, gaze[:20]).max() < 1.01  # SVR: within its epsilon of 1 degree


@pytest.mark.parametrize("name", ALL)
def test_other_image_sizes(name: str) -> None:
    train = eyes(40)
    noise = np.random.default_rng(0).integers(0, 256, (40, 36, 60), dtype=np.uint8)
    assert_unit(fitted(name, train.with_images(noise)).predict(noise[:3], RUN))


@pytest.mark.parametrize(("name", "needed"), [("svr", 2), ("alr", 16), ("random-forest", 10), ("knn", 5)])
def test_too_few_images_are_refused(name: str, needed: int) -> None:
    assert_unit(fitted(name, eyes(needed)).predict(eyes(3).images[:], RUN))
    with pytest.raises(DataError, match=f"{needed - 1} images, but .* at least {needed} are needed"):
        fitted(name, eyes(needed - 1))


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("images", [np.zeros((40, 35, 55, 3), np.uint8), np.zeros((40, 35, 55), np.uint16)])
def test_colour_and_depth_are_refused(name: str, images: NDArray[Any]) -> None:
    train = eyes(40)
    with pytest.raises(DataError, match=r"8-bit grey images \(N, H, W\) are needed"):
        fitted(name, train.with_images(images))
    with pytest.raises(DataError, match=r"8-bit grey images \(N, H, W\) are needed"):
        fitted(name, train).predict(images, RUN)


@pytest.mark.parametrize("name", ALL)
def test_wrong_use_is_refused(name: str, tmp_path: Path) -> None:
    train = eyes(40)
    with pytest.raises(DataError, match="36x60 px where 35x55 px are needed"):
        fitted(name, train).predict(np.zeros((1, 36, 60), np.uint8), RUN)
    with pytest.raises(DataError, match="no 'gaze' labels"):
        fitted(name, ImageSet(ids=train.ids, persons=train.persons, images=train.images))
    with pytest.raises(UsageError, match="not fitted yet"):
        registry.load("estimators", name)().predict(train.images[:], RUN)
    with pytest.raises(UsageError, match="not fitted yet"):
        registry.load("estimators", name)().save(tmp_path)


def assert_unit(gaze: NDArray[np.float64]) -> None:
    np.testing.assert_allclose(np.linalg.norm(gaze, axis=1), 1, atol=1e-12)
