"""Image sets check themselves; unlabelled ones have no labels to leak."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.core.errors import DataError
from bench.core.images import ImageSet


def build(count: int = 4, **changes: Any) -> ImageSet:
    """A small valid set of eyes, with changes."""
    parts: dict[str, Any] = {
        "ids": np.array([f"i{index}" for index in range(count)]),
        "persons": np.array(["p0"] * count),
        "images": np.arange(count * 6, dtype=np.uint8).reshape(count, 2, 3),
        "labels": {"gaze": np.tile([0.0, 0.0, -1.0], (count, 1))},
    }
    return ImageSet(**{**parts, **changes})


def test_a_valid_set_tells_its_size() -> None:
    assert build().size == (2, 3)
    assert len(build()) == 4


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"ids": np.array(["a", "a", "b", "c"])}, "ids are not unique"),
        ({"ids": np.array(["a", "b"])}, "4 images but 2 ids"),
        ({"persons": np.array(["p"])}, "4 images but 1 persons"),
        ({"images": np.zeros((4, 2, 3), np.float32)}, "must be uint8"),
        ({"images": np.zeros((4, 2, 3, 4), np.uint8)}, r"\(N, H, W\)"),
        ({"images": np.zeros((4, 2, 3, 3), np.uint16)}, "depth images have no colour"),
        ({"images": np.zeros((0, 2, 3), np.uint8)}, "not empty"),
        ({"labels": {"gaze": np.zeros((3, 3))}}, r"must have shape \(4, 3\)"),
        ({"labels": {"gaze": np.full((4, 3), np.nan)}}, "NaN or infinite for 4 of 4"),
        ({"labels": {"gaze": np.full((4, 3), 1.0)}}, "unit length"),
        ({"labels": {"camera": np.zeros((4, 4))}}, "focal lengths must be above 0"),
        ({"labels": {"gaaze": np.zeros((4, 3))}}, "unknown label 'gaaze'"),
    ],
)
def test_what_does_not_hold_is_a_data_error_of_one_line(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        build(**changes)
    assert "\n" not in str(caught.value)


def test_unlabelled_has_no_labels_and_is_another_type() -> None:
    bare = build().unlabelled()
    assert not hasattr(bare, "labels")
    assert not hasattr(bare, "gaze")
    assert not isinstance(bare, ImageSet)


def test_a_missing_label_is_named() -> None:
    with pytest.raises(DataError, match=r"no 'pupil' labels \(has: gaze\)"):
        build().require("pupil")


def test_sets_are_immutable() -> None:
    with pytest.raises(FrozenInstanceError):
        build().ids = np.array(["x"])  # type: ignore[misc]


class Stored:
    """Stands in for an HDF5 data set: increasing, unique indices and slices only."""

    def __init__(self, values: np.ndarray[Any, Any]) -> None:
        self.values, self.shape, self.dtype = values, values.shape, values.dtype

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, index: Any) -> np.ndarray[Any, Any]:
        if not isinstance(index, slice):
            assert (np.diff(index) > 0).all()
        found: np.ndarray[Any, Any] = self.values[index]
        return found


@given(st.lists(st.integers(0, 9), min_size=1, max_size=20, unique=True))
def test_select_gives_any_order_from_memory_and_from_disk(indices: list[int]) -> None:
    whole = build(10)
    lazy = build(10, images=Stored(np.asarray(whole.images)))
    for chosen in (whole.select(indices), lazy.select(indices)):
        assert np.array_equal(chosen.images[:], np.asarray(whole.images)[indices])
        assert list(chosen.ids) == [f"i{index}" for index in indices]


def test_grey_is_the_mean_of_the_channels() -> None:
    images = np.random.default_rng(0).integers(0, 256, (3, 5, 7, 3), dtype=np.uint8)
    colour = ImageSet(ids=np.array(["a", "b", "c"]), persons=np.array(["p", "p", "q"]), images=images)
    grey = colour.grey()
    np.testing.assert_array_equal(grey.images[:], np.rint(images.mean(axis=3)).astype(np.uint8))
    assert grey.images.dtype == np.uint8
    assert grey.grey() is grey
