"""Checks of images: grey or colour, 8 bits, one size, and whose images they are."""

from __future__ import annotations

import numpy as np
import pytest

from bench.core.errors import DataError
from bench.data.image_checks import channels_of, check_grey


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


def test_channels_are_one_or_three() -> None:
    assert channels_of(blank(2, 3, 4), "eyes") == 1
    assert channels_of(blank(2, 3, 4, 3), "eyes") == 3
    for wrong in (blank(2, 3, 4, 1), blank(2, 3, 4, 4), blank(2, 3), blank(2, 3, 4).astype(np.uint16)):
        with pytest.raises(DataError, match=r"eyes: got .* 8-bit grey images"):
            channels_of(wrong, "eyes")
