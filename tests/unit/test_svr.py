"""Support vector regression: features from closed forms and plain loops, predictions against scikit-learn's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.fft import dctn
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR

from bench.core.context import RunContext
from bench.core.errors import DataError, UsageError
from bench.core.images import ImageSet
from bench.data.gaze_angles import pitch_yaw_from_vectors, vectors_from_pitch_yaw
from bench.data.simulator.eyes import render_eyes
from estimators.classical.hog import hog
from estimators.svr import SupportVectorRegression, SVRSettings, _features, kernel_values

RUN = RunContext(0)
Bytes = NDArray[np.uint8]


def eyes(count: int, seed: int = 1) -> ImageSet:
    rendered = render_eyes(count, domain="near", seed=seed)
    ids = np.array([f"{index:05d}" for index in range(count)])
    return ImageSet(
        ids=ids, persons=rendered.persons.astype(str), images=rendered.images, labels={"gaze": rendered.gaze}
    )


def fitted(train: ImageSet, **settings: Any) -> SupportVectorRegression:
    estimator = SupportVectorRegression.configured("quick", settings)
    estimator.fit(train, None, RUN)
    return estimator


def plain_hog(image: Bytes, cell: int) -> NDArray[np.float64]:
    """The definition, pixel by pixel."""
    height, width = image.shape
    rows, columns = height // cell, width // cell
    top, left = (height - rows * cell) // 2, (width - columns * cell) // 2
    histograms = np.zeros((rows, columns, 9))
    for y in range(rows * cell):
        for x in range(columns * cell):
            at_y, at_x = y + top, x + left
            down = float(image[at_y + 1, at_x]) - float(image[at_y - 1, at_x]) if 0 < at_y < height - 1 else 0.0
            right = float(image[at_y, at_x + 1]) - float(image[at_y, at_x - 1]) if 0 < at_x < width - 1 else 0.0
            orientation = int(np.degrees(np.arctan2(down, right)) % 180 // 20) % 9
            histograms[y // cell, x // cell, orientation] += np.hypot(down, right) / cell**2
    found = []
    for row in range(rows - 1):
        for column in range(columns - 1):
            block = histograms[row : row + 2, column : column + 2].ravel()
            block = np.minimum(block / np.sqrt((block**2).sum() + 1e-10), 0.2)
            found.append(block / np.sqrt((block**2).sum() + 1e-10))
    return np.concatenate(found)


class TestHOG:
    @pytest.mark.parametrize(("size", "cell"), [((35, 55), 8), ((16, 16), 8), ((36, 60), 6)])
    def test_is_its_definition(self, size: tuple[int, int], cell: int) -> None:
        images = np.random.default_rng(0).integers(0, 256, (3, *size), dtype=np.uint8)
        np.testing.assert_allclose(hog(images, cell), [plain_hog(image, cell) for image in images], atol=1e-12)

    def test_size_and_range(self) -> None:
        found = hog(eyes(5).images[:], 8)
        assert found.shape == (5, 3 * 5 * 36)  # 4x6 cells give 3x5 blocks
        assert found.min() >= 0 and found.max() <= 1

    @pytest.mark.parametrize("quarter_turns", [0, 1])
    def test_ramp_has_one_orientation(self, quarter_turns: int) -> None:
        ramp = np.rot90(np.tile(np.arange(32, dtype=np.uint8) * 4, (32, 1)), quarter_turns)
        blocks = hog(ramp[None], 8).reshape(-1, 4, 9)
        orientation = 4 * quarter_turns  # 90 degrees lie in the fifth bin of 20
        np.testing.assert_allclose(blocks[:, :, orientation], 0.5, atol=1e-6)
        assert np.delete(blocks, orientation, axis=2).max() == 0

    def test_contrast_and_brightness_drop_out(self) -> None:
        dark = np.random.default_rng(0).integers(0, 80, (2, 35, 55), dtype=np.uint8)
        np.testing.assert_allclose(hog(dark * 3 + np.uint8(10), 8), hog(dark, 8), atol=1e-6)


def test_features_are_hog_of_each_level_and_low_frequencies() -> None:
    images = eyes(4).images[:]
    found = _features(images, SVRSettings(hog_cells_px=(8, 16), dct_side=5))
    low = [dctn(image.astype(float), norm="ortho")[:5, :5].ravel() for image in images]
    np.testing.assert_allclose(found, np.hstack([hog(images, 8), hog(images, 16), low]), atol=1e-9)
    np.testing.assert_allclose(found[:, -25], images.mean(axis=(1, 2)) * np.sqrt(35 * 55))


@pytest.mark.parametrize("kernel", ["rbf", "poly"])
def test_predicts_what_scikit_learn_predicts(kernel: Any) -> None:
    train, test = eyes(300), eyes(150, seed=2)
    estimator = fitted(train, kernel=kernel, c=0.7, epsilon_deg=2)
    raw, queries = (_features(images, estimator.config) for images in (train.images, test.images))
    machine = SVR(kernel=kernel, gamma=1 / raw.shape[1], C=0.7, epsilon=np.radians(2), coef0=1, degree=3)
    pipeline = make_pipeline(StandardScaler(), machine)
    angles = [pipeline.fit(raw, angle).predict(queries) for angle in pitch_yaw_from_vectors(train.gaze).T]
    expected = vectors_from_pitch_yaw(np.stack(angles, axis=1))
    np.testing.assert_allclose(estimator.predict(test.images[:], RUN), expected, atol=1e-9)


def test_rbf_kernel_is_its_formula() -> None:
    queries, support = np.random.default_rng(0).normal(size=(2, 6, 4))
    distances = np.linalg.norm(queries[:, None] - support, axis=2)
    np.testing.assert_allclose(kernel_values(queries, support, 0.3, "rbf"), np.exp(-0.3 * distances**2), atol=1e-12)
    np.testing.assert_array_less(kernel_values(queries, queries, 0.3, "rbf"), 1 + 1e-15)


def test_support_vectors_alone_are_kept() -> None:
    train = eyes(200)
    run = RunContext(0)
    estimator = SupportVectorRegression.configured("quick", {"epsilon_deg": 12})
    estimator.fit(train, None, run)
    assert run.notes["support_vectors"] == len(estimator._fitted()["support"]) < 200
    assert np.all(np.any(estimator._fitted()["dual"] != 0, axis=1))


def test_wrong_settings_and_small_images_are_refused() -> None:
    for size in ((15, 40), (40, 15)):
        small = eyes(5).with_images(np.zeros((5, *size), np.uint8))
        with pytest.raises(DataError, match=f"{size[0]}x{size[1]} px are too small for 'svr'.*at least 16x16 px"):
            fitted(small)
    settings: list[dict[str, Any]] = [
        {"hog_cells_px": []},
        {"hog_cells_px": [0]},
        {"images": 1},
        {"c": 0},
        {"kernel": "cosine"},
    ]
    for wrong in settings:
        with pytest.raises(UsageError, match=next(iter(wrong))):
            SupportVectorRegression.configured("quick", wrong)
