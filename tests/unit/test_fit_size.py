"""Sizes and colours: 36x60 to 35x55, labels in px, what is refused."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from bench.core.errors import DataError
from bench.data.fit_size import Fit, fit_images, fit_labels, grey_images

SIZE = (35, 55)


def dot(x: int, y: int, shape: tuple[int, int]) -> np.ndarray:
    image = np.zeros((1, *shape), dtype=np.uint8)
    image[0, y - 1 : y + 2, x - 1 : x + 2] = 255
    return image


@pytest.mark.parametrize(
    ("shape", "fit"), [((36, 60), "resize"), ((36, 60), "crop"), ((30, 50), "pad"), ((70, 110), "resize")]
)
def test_the_pupil_label_follows_the_pixels(shape: tuple[int, int], fit: Fit) -> None:
    image = fit_images(dot(20, 17, shape), SIZE, fit, "x")
    moved = fit_labels({"pupil": np.array([[20.0, 17.0]]), "gaze": np.array([[0.0, 0, -1]])}, shape, SIZE, fit)
    weight = image[0].astype(float)
    rows, columns = np.indices(SIZE)
    centre = [(columns * weight).sum() / weight.sum(), (rows * weight).sum() / weight.sum()]
    assert image.shape == (1, *SIZE)
    assert_allclose(moved["pupil"][0], centre, atol=0.1)
    assert_allclose(moved["gaze"], [[0, 0, -1]])


def test_same_size_is_untouched() -> None:
    images = np.random.default_rng(0).integers(0, 256, (3, *SIZE), dtype=np.uint8)
    assert fit_images(images, SIZE, "exact", "x") is images


def test_resize_averages_areas() -> None:
    image = np.arange(70 * 110, dtype=np.int64).reshape(1, 70, 110) % 256
    out = fit_images(image.astype(np.uint8), SIZE, "resize", "x")[0]
    expected = image[0].reshape(35, 2, 55, 2).mean(axis=(1, 3))
    assert_allclose(out, expected, atol=0.5)


@pytest.mark.parametrize(("shape", "fit"), [((36, 60), "exact"), ((34, 60), "crop"), ((36, 50), "pad")])
def test_impossible_sizes_are_refused(shape: tuple[int, int], fit: Fit) -> None:
    with pytest.raises(DataError, match="fit = 'resize'"):
        fit_images(np.zeros((1, *shape), dtype=np.uint8), SIZE, fit, "mine.npz")


@pytest.mark.parametrize("channels", [3, 4])
def test_colour_becomes_luma_and_alpha_is_dropped(channels: int) -> None:
    images = np.full((2, 4, 5, channels), 7, dtype=np.uint8)
    images[..., :3] = [200, 100, 50]
    assert (grey_images(images, "x") == round(0.299 * 200 + 0.587 * 100 + 0.114 * 50)).all()


def test_one_channel_is_squeezed() -> None:
    assert grey_images(np.zeros((2, 4, 5, 1), dtype=np.uint8), "x").shape == (2, 4, 5)


@pytest.mark.parametrize(
    "images", [np.zeros((2, 4, 5)), np.zeros((2, 4, 5), np.uint16), np.zeros((2, 4, 5, 2), np.uint8)]
)
def test_other_types_are_refused(images: np.ndarray) -> None:
    with pytest.raises(DataError, match="mine"):
        grey_images(images, "mine")
