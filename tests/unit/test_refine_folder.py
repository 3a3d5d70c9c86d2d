"""Refining a folder: depth in, depth out, and one line for what the refiner does not take."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from bench.core.canonical import file_digest
from bench.core.context import RunContext
from bench.core.errors import DataError, UsageError
from bench.core.images import Unlabelled
from bench.core.refiner import Refiner
from bench.data.simulator.hands import render_hands
from bench.engine.refine_folder import refine_folder
from bench.engine.store import RECORD, Store
from refiners.identity import Identity
from refiners.kinect_noise import KinectNoise

KEY = "ab" + 62 * "0"


@pytest.fixture(scope="module")
def hands() -> NDArray[np.uint16]:
    return render_hands(6, domain="synthetic", seed=1).images


@pytest.fixture(scope="module")
def trained(hands: NDArray[np.uint16]) -> KinectNoise:
    refiner = KinectNoise.configured(settings={"edge_px": 0.5, "holes": 0.2, "noise_mm": 2, "step_mm": 3})
    ids = np.array([str(index) for index in range(len(hands))])
    images = Unlabelled(ids=ids, persons=ids, images=hands)
    refiner.fit(images, images, RunContext(1))
    return refiner


def refine(name: str, refiner: Refiner, folder: Path) -> dict[str, NDArray[Any]]:
    """Refine folder/images with a stored refiner; the files that come out, by their paths."""
    store = Store(folder / "store")
    step = store.path(KEY)
    step.mkdir(parents=True)
    refiner.save(step)
    (step / RECORD).write_text(json.dumps({"files": {path.name: file_digest(path) for path in step.iterdir()}}))
    plan: Any = SimpleNamespace(refiners=(name,), fits={(name, 0): KEY}, request=None)
    into = folder / "into"
    count = refine_folder(plan, store, seed=0, source=folder / "images", into=into, device="cpu")
    found = {path.relative_to(into).as_posix(): np.asarray(Image.open(path)) for path in into.rglob("*.png")}
    assert len(found) == count
    return found


def write(path: Path, pixels: NDArray[Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def test_depth_stays_16_bit_millimetres(trained: KinectNoise, hands: NDArray[np.uint16], tmp_path: Path) -> None:
    write(tmp_path / "images" / "one.png", hands[0])
    write(tmp_path / "images" / "side" / "two.tif", hands[1])
    found = refine("kinect-noise", trained, tmp_path)
    expected = trained.refine(hands[:2], RunContext(0))
    assert set(found) == {"one.png", "side/two.png"}
    for image, wanted in zip((found["one.png"], found["side/two.png"]), expected, strict=True):
        assert image.dtype == np.uint16
        np.testing.assert_array_equal(image, wanted)


def test_each_file_keeps_its_kind(hands: NDArray[np.uint16], tmp_path: Path) -> None:
    grey = np.arange(1925, dtype=np.uint8).reshape(35, 55)
    write(tmp_path / "images" / "hand.png", hands[0])
    write(tmp_path / "images" / "eye.png", grey)
    found = refine("identity", Identity(), tmp_path)
    np.testing.assert_array_equal(found["hand.png"], hands[0])
    np.testing.assert_array_equal(found["eye.png"], grey)
    assert found["eye.png"].dtype == np.uint8


@pytest.mark.parametrize(
    ("pixels", "message"),
    [
        (np.full((64, 64), 90, np.uint8), "got uint8 images .* 16-bit millimetres"),
        (np.full((60, 64), 700, np.uint16), "where 64x64 px are needed, as in training"),
        (np.zeros((64, 64), np.uint16), "shows no hand"),
        (np.full((64, 64), 700, np.int32), "has pixels of kind 'I'"),
        (np.full((64, 64), 700, np.float32), "has pixels of kind 'F'"),
        (np.tile(np.array([0, 2, 188], np.uint8), (64, 64, 1)), "is a colour image.*16-bit depth in mm"),
    ],
    ids=["8-bit", "size", "empty", "32-bit", "float", "NYU's colours"],
)
def test_one_file_that_is_refused_leaves_none_written(
    trained: KinectNoise, hands: NDArray[np.uint16], tmp_path: Path, pixels: NDArray[Any], message: str
) -> None:
    write(tmp_path / "images" / "a.png", hands[0])
    write(tmp_path / "images" / "b.tif", pixels)
    with pytest.raises(DataError, match=rf"b\.tif.*{message}"):
        refine("kinect-noise", trained, tmp_path)
    assert not (tmp_path / "into").exists()


def test_what_lies_there_is_not_overwritten(hands: NDArray[np.uint16], tmp_path: Path) -> None:
    write(tmp_path / "images" / "hand.png", hands[0])
    write(tmp_path / "into" / "hand.png", hands[1])
    with pytest.raises(UsageError, match=r"into is not empty; choose an empty folder or a new one$"):
        refine("identity", Identity(), tmp_path)
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "into" / "hand.png")), hands[1])


def test_an_empty_folder_is_filled(hands: NDArray[np.uint16], tmp_path: Path) -> None:
    write(tmp_path / "images" / "hand.png", hands[0])
    (tmp_path / "into").mkdir()
    assert list(refine("identity", Identity(), tmp_path)) == ["hand.png"]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("nosuch", r"there is no folder .*nosuch$"),
        ("note.txt", r"note\.txt is a file; name the folder that holds the images$"),
        ("empty", r"empty holds no images \(\.bmp, "),
    ],
)
def test_a_wrong_folder_is_told_before_a_missing_refiner(tmp_path: Path, source: str, message: str) -> None:
    (tmp_path / "note.txt").write_text("")
    (tmp_path / "empty").mkdir()
    plan: Any = SimpleNamespace(refiners=("identity",), fits={("identity", 0): KEY}, request=SimpleNamespace())
    store = Store(tmp_path / "store")
    with pytest.raises(DataError, match=message) as error:
        refine_folder(plan, store, seed=0, source=tmp_path / source, into=tmp_path / "into", device="cpu")
    assert "\n" not in str(error.value)
