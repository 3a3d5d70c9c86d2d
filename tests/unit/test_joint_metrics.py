"""Distances of hand joints, and the share of them within d pixels, against closed forms."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from bench.core.errors import DataError
from bench.core.hands import JOINTS
from bench.core.images import ImageSet
from bench.core.metric import Floats, Metric
from bench.metrics.joint_distance import JointDistance
from bench.metrics.joint_distance_mm import JointDistanceMm
from bench.metrics.joints_within import JointsWithin

K = len(JOINTS)
CAMERA = (500.0, 400.0, 31.0, 30.0)


def hands(joints: NDArray[Any], size: tuple[int, int] = (64, 64), camera: Any = CAMERA) -> ImageSet:
    """Test images of these joints, (N, 14, 3)."""
    names = np.array([f"i{index}" for index in range(len(joints))])
    labels = {"joints": np.asarray(joints, np.float64), "camera": np.broadcast_to(np.float64(camera), (len(joints), 4))}
    return ImageSet(names, names, np.zeros((len(joints), *size), np.uint16), labels)


def at(u: float, v: float, depth_mm: float = 800.0) -> Floats:
    """One image with all joints there."""
    return np.tile([u, v, depth_mm], (1, K, 1))


def off(*offsets: tuple[float, float]) -> Floats:
    """One image with joints at (20, 30), but the first ones this far from there."""
    joints = at(20, 30)
    joints[0, : len(offsets), :2] += offsets
    return joints


class TestDistance:
    def test_of_known_offsets_is_that_of_the_triangle(self) -> None:
        found = JointDistance().per_image(off((3, 4), (-5, 12), (0, -2), (1, 1)), hands(at(20, 30)))
        assert found.shape == (1, K)
        np.testing.assert_array_equal(found[0], [5, 13, 2, np.sqrt(2), *[0] * (K - 4)])

    def test_depth_does_not_matter(self) -> None:
        assert JointDistance().per_image(at(20, 30, 900), hands(at(20, 30, 700))).max() == 0

    def test_worst_is_the_largest_of_an_image(self) -> None:
        predicted = np.concatenate([off((3, 4), (6, 8)), off((0, 1)), at(20, 30)])
        found = JointDistance(worst=True).per_image(predicted, hands(np.repeat(at(20, 30), 3, axis=0)))
        np.testing.assert_array_equal(found, [10, 1, 0])

    @given(
        st.sampled_from([(48, 64), (64, 64), (224, 64), (224, 56), (100, 7)]),
        st.integers(0, 10_000),
    )
    def test_whole_distances_are_those_between_cells(self, sizes: tuple[int, int], seed: int) -> None:
        """However places were made, only roots of sums of two squares come out: the jumps of Figure 12."""
        size, grid = sizes
        rng = np.random.default_rng(seed)
        one, other = rng.uniform(-0.5, size - 0.5, (2, 5, K, 3))
        squares = JointDistance(grid).per_image(one, hands(other, (size, size))) ** 2
        np.testing.assert_allclose(squares, squares.round(), atol=1e-9)
        cells = np.arange(-grid, grid + 1) ** 2
        assert np.isin(squares.round(), cells[:, None] + cells).all()

    @given(st.sampled_from([48, 64, 100, 224]), st.integers(0, 10_000))
    def test_whole_is_less_than_a_diagonal_from_exact(self, size: int, seed: int) -> None:
        one, other = np.random.default_rng(seed).uniform(0, size, (2, 5, K, 3))
        test = hands(other, (size, size))
        whole, exact = (JointDistance(whole=whole).per_image(one, test) for whole in (True, False))
        assert np.abs(whole - exact).max() < np.sqrt(2)

    def test_a_large_image_on_the_grid(self) -> None:
        """224 px on 64 cells: 3.5 px each, the first from -0.5 to 3, so the centre of cell i is at 3.5 i + 1.25."""
        for cell in (0, 1, 31, 63):
            centre = 3.5 * cell + 1.25
            test = hands(at(centre, centre), (224, 224))
            edges = [at(centre + shift, centre) for shift in (-1.75, 1.75 - 1e-6, 1.75, -1.75 - 1e-6)]
            found = [JointDistance().per_image(edge, test)[0, 0] for edge in edges]
            assert found == [0, 0, 1, 1]
        exact = JointDistance(whole=False).per_image(at(10 + 3.5 * 3, 10 - 3.5 * 4), hands(at(10, 10), (224, 224)))
        np.testing.assert_allclose(exact, 5)

    def test_heatmap_cells_come_back_as_they_were(self) -> None:
        """A network's cell, told as a place in an image of any size, is the same cell again."""
        cells = np.zeros((64, K, 3))
        cells[:, :, :2] = np.arange(64)[:, None, None]
        for size in (48, 64, 96, 100, 224, 480):
            places = (cells + 0.5) * size / 64 - 0.5
            test = hands(np.broadcast_to(places[:1], places.shape), (size, size))
            found = JointDistance().per_image(places, test)
            np.testing.assert_array_equal(found, np.tile(np.sqrt(2 * np.arange(64) ** 2)[:, None], K))

    def test_without_a_grid_in_pixels_of_the_image(self) -> None:
        test = hands(at(20, 30), (48, 64))
        np.testing.assert_allclose(JointDistance(grid=None).per_image(at(20.3, 29.6), test), 0.5)

    def test_a_grid_needs_square_images(self) -> None:
        with pytest.raises(DataError, match="64x64 cells needs square images, not 48x64"):
            JointDistance().per_image(at(20, 30), hands(at(20, 30), (48, 64)))

    def test_a_grid_has_cells(self) -> None:
        with pytest.raises(ValueError, match="at least one cell"):
            JointDistance(grid=0)


class TestWithin:
    @pytest.mark.parametrize(
        ("px", "expected"),
        [(0, 1), (0.99, 1), (1, 2), (1.41, 2), (1.42, 3), (1.99, 3), (2, 4), (2.23, 4), (2.24, 5), (4.99, 5), (5, 6)],
    )
    def test_counts_jump_at_the_distances_and_include_them(self, px: float, expected: int) -> None:
        predicted = off((0, 0), (0, 1), (1, 1), (2, 0), (1, 2), (3, 4), *[(9, 9)] * (K - 6))
        found = JointsWithin(px).per_image(predicted, hands(at(20, 30)))
        np.testing.assert_array_equal(found[0], [100.0] * expected + [0.0] * (K - expected))

    def test_the_summary_is_the_share_of_pairs_and_not_of_images(self) -> None:
        predicted = np.concatenate([at(20, 30), off((9, 9), (9, 9), (9, 9), (9, 9), (9, 9), (9, 9), (9, 9))])
        metric = JointsWithin()
        found = metric.per_image(predicted, hands(np.repeat(at(20, 30), 2, axis=0)))
        assert found.shape == (2, K)
        assert metric.summary(found) == pytest.approx(75)

    def test_is_the_distance_at_the_threshold(self) -> None:
        one, other = np.random.default_rng(0).uniform(0, 40, (2, 20, K, 3))
        test = hands(other, (224, 224))
        for grid in (64, 56, None):
            distance = JointDistance(grid).per_image(one, test)
            found = JointsWithin(3, grid).per_image(one, test)
            np.testing.assert_array_equal(found, np.where(distance <= 3, 100, 0))

    @pytest.mark.parametrize("px", [-1.0, np.nan, np.inf])
    def test_a_threshold_is_a_distance(self, px: float) -> None:
        with pytest.raises(ValueError, match="0 px or more"):
            JointsWithin(px)


class TestMillimetres:
    def test_sideways_by_the_focal_length_and_depth(self) -> None:
        """10 px at 800 mm and 500 px focal length are 16 mm across, and 12 px at 400 px are 24 mm down."""
        metric = JointDistanceMm()
        np.testing.assert_allclose(metric.per_image(at(30, 30), hands(at(20, 30))), 16)
        np.testing.assert_allclose(metric.per_image(at(20, 42), hands(at(20, 30))), 24)

    def test_in_depth_along_the_ray(self) -> None:
        """At the centre of the camera depth is distance; elsewhere the ray is longer."""
        metric = JointDistanceMm()
        np.testing.assert_allclose(metric.per_image(at(31, 30, 850), hands(at(31, 30, 800))), 50)
        ray = 50 * np.hypot(1, 500 / CAMERA[0])
        np.testing.assert_allclose(metric.per_image(at(531, 30, 850), hands(at(531, 30, 800))), ray)

    def test_each_image_has_its_own_camera(self) -> None:
        cameras = np.array([[500.0, 500, 0, 0], [1000.0, 1000, 50, 50]])
        true = np.repeat(at(20, 30, 500), 2, axis=0)
        found = JointDistanceMm().per_image(np.repeat(at(23, 34, 500), 2, axis=0), hands(true, camera=cameras))
        np.testing.assert_allclose(found, np.tile([[5.0], [2.5]], K))

    def test_worst_is_the_largest_of_an_image(self) -> None:
        found = JointDistanceMm(worst=True).per_image(off((10, 0), (5, 0)), hands(at(20, 30)))
        np.testing.assert_allclose(found, [16])


@pytest.mark.parametrize("metric", [JointDistance(), JointsWithin(), JointDistanceMm()])
def test_summary_is_the_mean_over_images_and_joints(metric: Metric) -> None:
    values = np.random.default_rng(0).uniform(0, 9, (5, K))
    assert metric.summary(values) == pytest.approx(values.mean())
