"""Baselines on depth images of hands: what moves moves by that much, and what should not move does not."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from bench.core.context import RunContext
from bench.core.depth import centres_mm
from bench.core.errors import DataError, UsageError
from bench.core.images import Unlabelled
from bench.data.simulator.eyes import render_eyes
from refiners.classical.depth_statistics import SURFACE_MM
from refiners.classical.moved_depth import moved_depth
from refiners.depth_change import DepthChange
from refiners.identity import Identity
from refiners.planted_shift import PlantedShift
from tests.unit.made_up_hands import turned_hands

RUN = RunContext(0)


@pytest.fixture(scope="module")
def hands() -> NDArray[np.uint16]:
    return turned_hands(200)


def centroids(images: NDArray[Any]) -> NDArray[np.float64]:
    """(N, 2) x, y of the silhouettes."""
    hand = images > 0
    rows, columns = np.mgrid[: images.shape[1], : images.shape[2]]
    sums = np.stack([(hand * columns).sum((1, 2)), (hand * rows).sum((1, 2))], axis=1)
    return np.asarray(sums / hand.sum((1, 2))[:, None])


def shifted(images: NDArray[Any], **settings: float) -> NDArray[Any]:
    return PlantedShift.configured(settings=settings).refine(images, RUN)


class TestPlantedShift:
    @pytest.mark.parametrize("direction_deg", [30.0, 0.0, 250.0])
    @pytest.mark.parametrize("px", [0.5, 1.0, 2.0])
    def test_the_silhouette_moves_by_that_on_average(
        self, hands: NDArray[np.uint16], px: float, direction_deg: float
    ) -> None:
        moved = centroids(shifted(hands, px=px, direction_deg=direction_deg)) - centroids(hands)
        angle = math.radians(direction_deg)
        error = moved - (px * math.cos(angle), px * math.sin(angle))
        assert np.hypot(*error.mean(axis=0)) < 0.05
        assert np.hypot(*error.T).mean() < 0.15

    def test_px_are_those_of_an_image_64_px_wide(self) -> None:
        large = turned_hands(20, size=128)
        moved = centroids(shifted(large, px=1.0, direction_deg=0)) - centroids(large)
        assert moved.mean(axis=0) == pytest.approx((2.0, 0.0), abs=0.05)

    @pytest.mark.parametrize(("direction_deg", "axis"), [(0, 2), (90, 1)])
    def test_whole_pixels_are_copied_and_the_border_is_repeated(
        self, hands: NDArray[np.uint16], direction_deg: float, axis: int
    ) -> None:
        cut = hands[:5, 20:, 20:][:, :44, :44]  # through the palm
        refined = shifted(np.ascontiguousarray(cut), px=2 * 64 / 44, direction_deg=direction_deg)
        before, after = np.moveaxis(cut, axis, 0), np.moveaxis(refined, axis, 0)
        np.testing.assert_array_equal(after[2:], before[:-2])
        np.testing.assert_array_equal(after[:2], before[[0, 0]])

    def test_no_distance_changes_nothing(self, hands: NDArray[np.uint16]) -> None:
        np.testing.assert_array_equal(shifted(hands, px=0), hands)

    @given(px=st.floats(0, 3), direction_deg=st.floats(-360, 360))
    def test_no_depth_between_two_surfaces(self, px: float, direction_deg: float) -> None:
        """A finger of 600 mm before a palm of 700 to 708 mm before nothing: no other depth comes up."""
        image = np.zeros((1, 64, 64), np.uint16)
        image[0, 16:48, 16:48] = 700 + (np.arange(32) // 4)[:, None]
        image[0, 10:30, 28:33] = 600
        refined = shifted(image, px=px, direction_deg=direction_deg)
        depth = refined[refined > 0]
        assert np.isin(depth[depth < 650], [600]).all()
        assert ((depth[depth > 650] >= 700) & (depth[depth > 650] <= 707)).all()
        assert (depth == 600).sum() == pytest.approx(100, abs=25)

    def test_depth_inside_moves_with_the_hand(self) -> None:
        """A tilted plane, half a pixel to the right: each depth is the mean of two neighbours' of before."""
        image = np.zeros((40, 40), np.uint16)
        image[8:32, 8:32] = 700 + 4 * np.arange(24)
        moved = moved_depth(image, 0, 0.5)
        np.testing.assert_array_equal(moved[10:30, 10:30], image[10:30, 10:30] - 2)

    def test_surfaces_are_told_apart_by_their_distance(self) -> None:
        image = np.full((1, 20), 700, np.uint16)
        image[:, 10:] = 700 + int(SURFACE_MM)
        assert set(moved_depth(image, 0, 0.4).ravel()) == {700, 700 + int(SURFACE_MM)}

    def test_an_empty_image_and_a_full_one_stay(self) -> None:
        images = np.stack([np.zeros((64, 64), np.uint16), np.full((64, 64), 800, np.uint16)])
        np.testing.assert_array_equal(shifted(images, px=1.3), images)

    def test_each_image_by_itself(self, hands: NDArray[np.uint16]) -> None:
        together = shifted(hands[:9], px=0.7)
        np.testing.assert_array_equal(np.concatenate([shifted(hands[[i]], px=0.7) for i in range(9)]), together)
        assert together.dtype == np.uint16


class TestDepthChange:
    def test_the_formula(self) -> None:
        image = np.array([[[0, 600, 640, 680]]], np.uint16)
        refiner = DepthChange.configured(settings={"offset_mm": -20, "relief": 0.5})
        assert refiner.refine(image, RUN).tolist() == [[[0, 600, 620, 640]]]

    def test_the_default_changes_depth_and_leaves_the_silhouette(self, hands: NDArray[np.uint16]) -> None:
        refined = DepthChange().refine(hands, RUN)
        np.testing.assert_array_equal(refined > 0, hands > 0)
        assert centres_mm(refined) - centres_mm(hands) == pytest.approx(np.full(len(hands), 20), abs=0.5)
        spread = [images[images > 0].std() for images in (refined[0], hands[0])]
        assert spread[0] / spread[1] == pytest.approx(0.85, abs=0.01)

    def test_the_hand_never_becomes_background(self) -> None:
        image = np.array([[[0, 5, 15]]], np.uint16)
        refiner = DepthChange.configured(settings={"offset_mm": -100})
        assert refiner.refine(image, RUN).tolist() == [[[0, 1, 1]]]

    def test_an_image_without_a_hand_stays(self) -> None:
        empty = np.zeros((2, 8, 8), np.uint16)
        np.testing.assert_array_equal(DepthChange().refine(empty, RUN), empty)

    def test_eyes_are_refused(self) -> None:
        images = render_eyes(2, domain="synthetic", seed=1).images
        with pytest.raises(DataError, match="depth images"):
            DepthChange().refine(images, RUN)
        ids = np.array(["a", "b"])
        eyes = Unlabelled(ids=ids, persons=ids, images=images, name="eyes")
        with pytest.raises(DataError, match="eyes: got uint8"):
            DepthChange().fit(eyes, eyes, RUN)

    def test_no_relief_is_refused(self) -> None:
        with pytest.raises(UsageError, match="relief=0"):
            DepthChange.configured(settings={"relief": 0})


def test_identity_copies_depth(hands: NDArray[np.uint16]) -> None:
    refined = Identity().refine(hands[:3], RUN)
    np.testing.assert_array_equal(refined, hands[:3])
    assert refined.dtype == np.uint16 and not np.shares_memory(refined, hands)
