"""Stored pixels as a network's numbers and back: levels, and depth in mm on its two scales."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from bench.core.errors import DataError
from bench.training.batches import arrays, resident, to_unit
from bench.training.pixels import CentredDepth, DepthScale, Levels, PaperDepth, pixels_of, require_scale

SCALES: tuple[DepthScale, ...] = ("centred", "paper")


def hands(count: int, seed: int = 0, centre: tuple[int, int] = (500, 1300)) -> NDArray[np.uint16]:
    """Random depth within 60 mm of a centre, about half background."""
    rng = np.random.default_rng(seed)
    depth = rng.integers(*centre, (count, 1, 1)) + rng.integers(-60, 61, (count, 6, 7))
    return np.where(rng.random(depth.shape) < 0.5, depth, 0).astype(np.uint16)


# Levels


def test_every_level_survives_the_way_to_the_net_and_back() -> None:
    values = torch.arange(256, dtype=torch.uint8).reshape(1, 1, 16, 16)
    unit = Levels().to_unit(values)
    assert (float(unit.min()), float(unit.max())) == (-1.0, 1.0)
    assert torch.equal(Levels().from_unit(unit, like=values), values)


def test_levels_are_rounded_to_nearest_clamped_and_cut_from_the_graph() -> None:
    unit = torch.tensor([-1.5, -0.999, 0.5 / 127.5, 1.0, 1.2], requires_grad=True).reshape(1, 1, 1, 5)
    stored = Levels().from_unit(unit, like=torch.zeros(1, 1, 1, 5, dtype=torch.uint8))
    assert stored.flatten().tolist() == [0, 0, 128, 255, 255]
    assert not stored.requires_grad


# Depth, both scales


@pytest.mark.parametrize("scale", SCALES)
def test_depth_survives_the_way_to_the_net_and_back(scale: DepthScale) -> None:
    images = hands(50)
    stored = resident(images, "cpu")
    pixels = pixels_of(stored, scale)
    unit = pixels.to_unit(stored)
    assert unit.dtype == torch.float32
    assert float(unit.abs().max()) <= 1
    assert np.array_equal(arrays(pixels.from_unit(unit, like=stored)), images)


@pytest.mark.parametrize("scale", SCALES)
@given(st.lists(st.integers(0, 1749), min_size=1, max_size=30))
def test_any_depth_within_the_range_comes_back_exactly(scale: DepthScale, values: list[int]) -> None:
    """Of the centred scale within 150 mm before and 135 behind the centre; beyond, at that bound."""
    images = np.array(values, dtype=np.uint16).reshape(1, 1, -1)
    stored = resident(images, "cpu")
    pixels = pixels_of(stored, scale)
    back = arrays(pixels.from_unit(pixels.to_unit(stored), like=stored))
    assert np.array_equal(back == 0, images == 0)
    expected = images.astype(float)
    if scale == "centred" and (images > 0).any():
        centre = images[images > 0].mean()
        expected = np.where(images > 0, np.clip(images, centre - 150, centre + 135), 0)
    assert np.abs(back - expected).max() <= 0.51


@pytest.mark.parametrize("scale", SCALES)
def test_an_image_does_not_depend_on_its_batch(scale: DepthScale) -> None:
    stored = resident(hands(40, centre=(400, 1600)), "cpu")
    pixels = pixels_of(stored, scale)
    unit = pixels.to_unit(stored)
    moved = (unit + torch.linspace(-0.05, 0.05, 7)).clamp(-1, 1)
    back = pixels.from_unit(moved, like=stored)
    for index in (0, 17, 39):
        one = slice(index, index + 1)
        assert torch.equal(pixels.to_unit(stored[one]), unit[one])
        assert torch.equal(pixels.from_unit(moved[one], like=stored[one]), back[one])
    assert torch.equal(pixels.to_unit(stored.flip(0)), unit.flip(0))


@pytest.mark.parametrize("scale", SCALES)
def test_an_image_without_foreground_is_background(scale: DepthScale) -> None:
    stored = torch.zeros(2, 1, 3, 4, dtype=torch.int16)
    pixels = pixels_of(stored, scale)
    unit = pixels.to_unit(stored)
    assert bool((unit == (1.0 if scale == "centred" else 0.0)).all())
    assert not pixels.from_unit(unit, like=stored).any()


def test_what_is_painted_where_there_is_no_hand_has_no_depth() -> None:
    stored = torch.zeros(1, 1, 3, 4, dtype=torch.int16)
    assert not CentredDepth().from_unit(torch.full((1, 1, 3, 4), 0.5), like=stored).any()


@pytest.mark.parametrize("scale", SCALES)
def test_stored_depth_is_never_negative_and_leaves_the_graph(scale: DepthScale) -> None:
    stored = resident(hands(3, centre=(70, 80)), "cpu")
    unit = torch.linspace(-3, 3, stored.numel(), requires_grad=True).reshape(stored.shape)
    back = pixels_of(stored, scale).from_unit(unit, like=stored)
    assert back.dtype == torch.int16
    assert int(back.min()) >= 0
    assert not back.requires_grad


def test_inputs_stay_as_they_are() -> None:
    stored = resident(hands(3), "cpu")
    unit = CentredDepth().to_unit(stored)
    before = stored.clone(), unit.clone()
    for pixels in (CentredDepth(), PaperDepth()):
        pixels.to_unit(stored)
        pixels.from_unit(unit, like=stored)
    assert torch.equal(stored, before[0])
    assert torch.equal(unit, before[1])


# The scales themselves


def test_centred_is_the_distance_from_the_mean_of_the_hand() -> None:
    stored = resident(np.array([[[0, 700, 850, 1000]], [[0, 0, 900, 915]]], dtype=np.uint16), "cpu")
    unit = CentredDepth().to_unit(stored)
    expected = torch.tensor([[1, -1, 0, 0.9], [1, 1, -0.05, 0.05]])
    torch.testing.assert_close(unit.reshape(2, 4), expected)


def test_a_hand_looks_the_same_at_any_distance() -> None:
    near = hands(5, centre=(500, 501))
    far = np.where(near > 0, near + 777, 0).astype(np.uint16)
    one, two = (CentredDepth().to_unit(resident(images, "cpu")) for images in (near, far))
    torch.testing.assert_close(one, two, rtol=0, atol=1e-6)


def test_the_papers_foreground_is_negative() -> None:
    stored = resident(np.array([[[0, 731, 1000, 1500]]], dtype=np.uint16), "cpu")
    unit = PaperDepth().to_unit(stored).flatten()
    torch.testing.assert_close(unit, torch.tensor([0, -1269 / 2000, -0.5, -0.25]))


def test_the_type_decides() -> None:
    levels, depth = torch.zeros(1, 1, 2, 2, dtype=torch.uint8), torch.zeros(1, 1, 2, 2, dtype=torch.int16)
    assert isinstance(pixels_of(levels, "paper"), Levels)
    assert isinstance(pixels_of(depth), CentredDepth)
    assert isinstance(pixels_of(depth, "paper"), PaperDepth)
    assert torch.equal(pixels_of(levels).to_unit(levels), to_unit(levels))


def test_depth_beyond_the_papers_scale_is_told() -> None:
    images: NDArray[Any] = np.full((2, 3, 4), 1749, np.uint16)
    require_scale(images, "paper", "hands")
    require_scale(images[:0], "paper", "hands")
    images[1, 2, 3] = 1750
    require_scale(images, "centred", "hands")
    for held in (images, resident(images, "cpu")):
        with pytest.raises(DataError, match=r"hands: depth of 1750 mm; with depth=paper.*choose depth=centred") as told:
            require_scale(held, "paper", "hands")
        assert "\n" not in str(told.value)
    require_scale(np.full((1, 2, 2), 255, np.uint8), "paper", "eyes")


# Arrays and resident tensors


def test_depth_is_the_same_on_the_device_and_back() -> None:
    images = hands(4)
    images[0, 0, 0] = 32_767
    stored = resident(images, "cpu")
    assert stored.dtype == torch.int16
    assert stored.shape == (4, 1, 6, 7)
    back = arrays(stored)
    assert back.dtype == np.uint16
    assert np.array_equal(back, images)


def test_depth_in_another_unit_is_told() -> None:
    images = hands(2)
    images[1, 0, 0] = 32_768
    with pytest.raises(DataError, match=r"depth of 32768 mm; up to 32767 mm can be used: is it in another unit\?"):
        resident(images, "cpu")
