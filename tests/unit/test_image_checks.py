"""Checks of images: grey or colour, 8 bits, one size, and whose images they are."""

from __future__ import annotations

import numpy as np
import pytest

from bench.core.errors import DataError
from bench.data.image_checks import check_depth, check_grey, kind_of


def blank(*shape: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.zeros(shape, np.uint8)


def test_grey_ones_pass() -> None:
    check_grey(blank(2, 3, 4), "eyes")
    check_grey(blank(0, 3, 4), "eyes", (3, 4))


@pytest.mark.parametrize("wrong", [blank(2, 3, 4, 3), blank(2, 3), blank(2, 3, 4).astype(np.float32)])
def test_others_are_refused(wrong: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> None:
    with pytest.raises(DataError, match=rf"eyes: got {wrong.dtype} images .* 8-bit grey images .* convert") as told:
        check_grey(wrong, "eyes")
    assert "\n" not in str(told.value)


def test_another_size_is_refused() -> None:
    with pytest.raises(DataError, match=r"eyes: got images of 4x3 px where 3x4 px are needed.*resize") as told:
        check_grey(blank(2, 4, 3), "eyes", (3, 4))
    assert "\n" not in str(told.value)


def test_depth_passes() -> None:
    check_depth(blank(2, 3, 4).astype(np.uint16), "hands")
    check_depth(blank(0, 3, 4).astype(np.uint16), "hands", (3, 4))


@pytest.mark.parametrize("wrong", [blank(2, 3, 4), blank(2, 3).astype(np.uint16), blank(2, 3, 4).astype(np.float32)])
def test_other_than_depth_is_refused(wrong: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> None:
    with pytest.raises(
        DataError, match=rf"hands: got {wrong.dtype} images .* 16-bit millimetres .* simulator-hands"
    ) as told:
        check_depth(wrong, "hands")
    assert "\n" not in str(told.value)


def test_depth_of_another_size_is_refused() -> None:
    with pytest.raises(DataError, match=r"hands: got images of 4x3 px where 3x4 px are needed.*resize"):
        check_depth(blank(2, 4, 3).astype(np.uint16), "hands", (3, 4))


def test_kinds_are_told_apart() -> None:
    assert kind_of(blank(2, 3, 4), "eyes") == "grey"
    assert kind_of(blank(2, 3, 4, 3), "eyes") == "colour"
    assert kind_of(blank(2, 3, 4).astype(np.uint16), "hands") == "depth"
    for wrong in (blank(2, 3, 4, 1), blank(2, 3, 4, 4), blank(2, 3), blank(2, 3, 4, 3).astype(np.uint16)):
        with pytest.raises(DataError, match=r"images: got .* 8-bit grey images .* depth in mm.*convert") as told:
            kind_of(wrong, "images")
        assert "\n" not in str(told.value)
