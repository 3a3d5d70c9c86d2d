"""Image sets on disk: round trips, equal bytes, lazy reads, damaged files."""

import hashlib
import pickle
import time
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.core.errors import DataError
from bench.core.images import ImageSet, LabelConvention
from bench.data.imagesets import LazyImages, in_memory, load_image_set, save_image_set


def make(count: int = 300, seed: int = 0, dtype: type = np.uint8) -> ImageSet:
    rng = np.random.default_rng(seed)
    gaze = rng.normal(size=(count, 3))
    return ImageSet(
        ids=np.array([f"kü-{row}" for row in range(count)]),
        persons=np.array([f"Zoë {row % 3}" for row in range(count)]),
        images=rng.integers(0, 256, (count, 7, 9)).astype(dtype),
        labels={"gaze": gaze / np.linalg.norm(gaze, axis=1, keepdims=True), "eye_width": rng.normal(size=count)},
        convention=LabelConvention(space="sömewhere", mirroring=""),
        name="mine:test",
    )


def assert_same(one: ImageSet, other: ImageSet) -> None:
    assert one.name == other.name
    assert one.convention == other.convention
    assert (one.ids == other.ids).all()
    assert (one.persons == other.persons).all()
    assert one.images.dtype == other.images.dtype
    assert (one.images[:] == other.images[:]).all()
    assert set(one.labels) == set(other.labels)
    for label, values in one.labels.items():
        assert values.dtype == np.float64
        assert (values == other.labels[label]).all()


@pytest.mark.parametrize("count", [1, 128, 300])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_round_trip(tmp_path: Path, count: int, dtype: type) -> None:
    stored = make(count, dtype=dtype)
    save_image_set(tmp_path / "a.h5", stored)
    loaded = load_image_set(tmp_path / "a.h5")
    assert isinstance(loaded.images, LazyImages)
    assert_same(loaded, stored)
    assert_same(in_memory(loaded), stored)
    assert [path.name for path in tmp_path.iterdir()] == ["a.h5"]


@settings(max_examples=20, deadline=None)
@given(
    st.lists(
        st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1).filter(
            lambda text: text == text.rstrip("\0")
        ),
        min_size=1,
        max_size=5,
        unique=True,
    )
)
def test_any_text_is_an_id(tmp_path_factory: pytest.TempPathFactory, ids: list[str]) -> None:
    path = tmp_path_factory.mktemp("ids") / "a.h5"
    images = np.zeros((len(ids), 2, 2), dtype=np.uint8)
    save_image_set(path, ImageSet(ids=np.array(ids), persons=np.array(ids), images=images))
    assert load_image_set(path).ids.tolist() == ids


def test_equal_content_gives_equal_bytes(tmp_path: Path) -> None:
    save_image_set(tmp_path / "a.h5", make())
    time.sleep(1.1)  # HDF5 keeps times in whole seconds where it keeps any
    save_image_set(tmp_path / "b.h5", make())
    save_image_set(tmp_path / "c.h5", load_image_set(tmp_path / "a.h5"))
    digests = {hashlib.sha256((tmp_path / name).read_bytes()).hexdigest() for name in ("a.h5", "b.h5", "c.h5")}
    assert len(digests) == 1


def test_streamed_batches_give_the_same_file(tmp_path: Path) -> None:
    stored = make()
    images = np.asarray(stored.images)
    save_image_set(tmp_path / "a.h5", stored)
    save_image_set(tmp_path / "b.h5", stored, batches=(images[first : first + 64] for first in range(0, 300, 64)))
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()


@pytest.mark.parametrize(
    "batches",
    [
        [np.zeros((299, 7, 9), np.uint8)],
        [np.zeros((301, 7, 9), np.uint8)],
        [np.zeros((300, 7, 8), np.uint8)],
        [np.zeros((300, 7, 9), np.float32)],
    ],
)
def test_wrong_batches_leave_nothing_behind(tmp_path: Path, batches: list[np.ndarray]) -> None:
    with pytest.raises(DataError, match="images"):
        save_image_set(tmp_path / "a.h5", make(), batches=batches)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "index",
    [
        0,
        -1,
        slice(None),
        slice(3, 250, 7),
        slice(None, None, -1),
        np.array([5, 3, 3, 299]),
        np.arange(300) % 2 == 0,
        [-1, 4],
    ],
)
def test_lazy_images_index_as_arrays_do(tmp_path: Path, index: object) -> None:
    stored = make()
    save_image_set(tmp_path / "a.h5", stored)
    lazy = pickle.loads(pickle.dumps(load_image_set(tmp_path / "a.h5"))).images
    expected = np.asarray(stored.images)[index]  # type: ignore[call-overload]
    assert lazy[index].dtype == np.uint8
    assert (lazy[index] == expected).all()
    assert (np.asarray(lazy) == stored.images).all()
    assert len(lazy) == 300


def test_a_selection_of_a_lazy_set(tmp_path: Path) -> None:
    stored = make()
    save_image_set(tmp_path / "a.h5", stored)
    where = np.array([200, 5, 77])
    assert (load_image_set(tmp_path / "a.h5").select(where).images[:] == np.asarray(stored.images)[where]).all()


@pytest.mark.parametrize("kind", ["truncated", "text", "empty", "foreign", "keys", "missing"])
def test_a_damaged_file_is_one_line(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.h5"
    save_image_set(path, make())
    if kind == "truncated":
        path.write_bytes(path.read_bytes()[:-3000])
    elif kind == "text":
        path.write_text("not HDF5")
    elif kind == "empty":
        path.write_bytes(b"")
    elif kind == "foreign":
        with h5py.File(path, "w") as file:
            file["images"] = np.zeros((2, 3, 4))
    elif kind == "keys":
        with h5py.File(path, "a") as file:
            del file["persons"]
    else:
        path.unlink()
    with pytest.raises(DataError) as caught:
        load_image_set(path)
    assert "\n" not in str(caught.value)
    assert "a.h5" in str(caught.value)
    assert "prepare" in str(caught.value)


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DataError, match="cannot write"):
        save_image_set(tmp_path / "file" / "a.h5", make())
