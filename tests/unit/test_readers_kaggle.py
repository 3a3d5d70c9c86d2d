"""Kaggle's gaze.h5: the order of keys against the rows of labels, and damaged files."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from bench.core.errors import DataError
from bench.core.images import ImageSet, LabelConvention
from bench.data.readers.kaggle_eye_gaze import KaggleEyeGaze, match_paths

COUNT = 23


def write(
    folder: Path,
    key: Callable[[int], str] = str,
    paths: Sequence[str] | None = None,
    columns: int = 4,
    name: str = "gaze.h5",
) -> Path:
    """Row i of look_vec looks i hundredths to the right; image number i is grey value i."""
    look = np.zeros((COUNT, 4))
    look[:, 0] = np.arange(COUNT) / 100
    look[:, 2] = -np.sqrt(1 - look[:, 0] ** 2)
    with h5py.File(folder / name, "w") as file:
        for row in range(COUNT):
            file[f"image/{key(row)}"] = np.full((35, 55), row, dtype=np.uint8)
        file["look_vec"] = look[:, :columns].astype(np.float32)
        if paths is not None:
            file["path"] = [path.encode() for path in paths]
    return folder / name


def read(root: Path, count: int | None = None, **options: Any) -> ImageSet:
    reader = KaggleEyeGaze.configured(settings={"file": "gaze.h5", **options})
    return reader.read(root, name="kaggle:synthetic", convention=LabelConvention(), count=count)


def pairs(found: ImageSet) -> np.ndarray:
    """(image number, label row) of each image."""
    images = np.asarray(found.images)[:, 0, 0]
    return np.column_stack([images, np.rint(found.gaze[:, 0] * 100)]).astype(int)


@pytest.mark.parametrize("columns", [2, 3, 4])
def test_numeric_keys_follow_the_rows_and_not_the_text_order(tmp_path: Path, columns: int) -> None:
    path = write(tmp_path, columns=columns)
    with h5py.File(path) as file:
        assert list(file["image"])[:3] == ["0", "1", "10"]  # the trap
    found = read(tmp_path)
    assert (pairs(found) == np.arange(COUNT)[:, None]).all()
    assert found.ids[10] == "gaze-10"
    assert_allclose(np.linalg.norm(found.gaze, axis=1), 1, atol=1e-6)


def test_text_order_is_there_for_a_copy_that_was_written_so(tmp_path: Path) -> None:
    write(tmp_path)
    found = pairs(read(tmp_path, order="lexicographic"))
    assert found[:4].tolist() == [[0, 0], [1, 1], [10, 2], [11, 3]]


@pytest.mark.parametrize("template", ["imgs/{}.jpg", "C:\\renders\\{}_cropped.png", "{:05d}"])
def test_file_names_decide_when_they_match_the_keys(tmp_path: Path, template: str) -> None:
    shuffled = np.random.default_rng(0).permutation(COUNT)  # row i is of image shuffled[i]
    write(tmp_path, paths=[template.format(number) for number in shuffled])
    found = pairs(read(tmp_path))
    assert (found == np.column_stack([shuffled, np.arange(COUNT)])).all()


def test_file_names_that_do_not_match_are_not_used(tmp_path: Path) -> None:
    write(tmp_path, paths=["same.jpg"] * COUNT)
    assert (pairs(read(tmp_path)) == np.arange(COUNT)[:, None]).all()
    with pytest.raises(DataError, match="do not match"):
        read(tmp_path, order="path")


def test_keys_that_are_no_numbers(tmp_path: Path) -> None:
    write(tmp_path, key=lambda row: f"eye{row}")
    with pytest.raises(DataError, match="order = 'lexicographic'"):
        read(tmp_path)
    assert len(read(tmp_path, order="lexicographic")) == COUNT
    assert len(read(tmp_path, labelled=False)) == COUNT


@given(st.permutations(list(range(30))))
def test_matching_paths_is_the_inverse_of_writing_them(order: list[int]) -> None:
    keys = sorted(str(number) for number in order)
    found = match_paths(keys, [f"a/b/{number:04d}.jpg" for number in order])
    assert found is not None
    assert [int(found[row]) for row in range(30)] == order


def test_the_real_file_has_no_labels(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "gaze.h5", "w") as file:
        for row in range(COUNT):
            file[f"image/{row}"] = np.full((35, 55), row, dtype=np.uint8)
    found = read(tmp_path, labelled=False, person="mpii")
    assert (np.asarray(found.images)[:, 0, 0] == np.arange(COUNT)).all()
    assert set(found.persons.tolist()) == {"mpii"}
    with pytest.raises(DataError, match="labelled = false"):
        read(tmp_path)


def test_rows_and_counts(tmp_path: Path) -> None:
    write(tmp_path)
    assert pairs(read(tmp_path, rows="5:8")).tolist() == [[5, 5], [6, 6], [7, 7]]
    assert len(read(tmp_path, count=4)) == 4


def damage(path: Path, kind: str) -> None:
    if kind == "truncated":
        path.write_bytes(path.read_bytes()[:-2000])
        return
    if kind == "text":
        path.write_text("nothing")
        return
    with h5py.File(path, "a") as file:
        if kind == "one array":
            del file["image"]
            file["image"] = np.zeros((COUNT, 35, 55), dtype=np.uint8)
        elif kind == "rows":
            del file["look_vec"]
            file["look_vec"] = np.zeros((COUNT - 1, 3))
        elif kind == "no columns":
            del file["look_vec"]
            file["look_vec"] = np.zeros(COUNT)
        elif kind == "nan":
            file["look_vec"][3, 0] = np.nan
        elif kind == "floats":
            del file["image/7"]
            file["image/7"] = np.zeros((35, 55))
        elif kind == "nothing":
            for key in list(file["image"]):
                del file[f"image/{key}"]
            del file["look_vec"]
            file["look_vec"] = np.zeros((0, 3))


@pytest.mark.parametrize(
    ("kind", "word"),
    [
        ("truncated", "gaze.h5"),
        ("text", "gaze.h5"),
        ("one array", "format 'arrays'"),
        ("rows", r"\(22, 3\) for 23 images"),
        ("no columns", "for 23 images"),
        ("nan", "NaN"),
        ("floats", "image/7"),
        ("nothing", "no image"),
    ],
)
def test_bad_input_is_one_line(tmp_path: Path, kind: str, word: str) -> None:
    damage(write(tmp_path), kind)
    with pytest.raises(DataError, match=word) as caught:
        read(tmp_path)
    assert "\n" not in str(caught.value)


def test_missing(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="bench data status"):
        read(tmp_path)
