"""Drift of hands: planted shifts are recovered, what a sensor does to a hand at rest is not taken for drift."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from bench.core.context import RunContext
from bench.core.errors import DataError, TrainingFailed
from bench.core.estimator import Estimator
from bench.core.images import ImageSet
from bench.core.measure import Measure, Measurement, Subject
from bench.measures.change import Change
from bench.measures.depth_edges import JUMP_MM, DepthEdges, edges, mean_distance
from bench.measures.depth_shift import DepthShift
from bench.measures.joint_drift import JointDrift
from bench.measures.joint_residual import JointResidual
from bench.measures.parts.grey_levels import grey
from bench.measures.phase_shift import PhaseShift
from bench.measures.silhouette import Silhouette
from tests.unit.made_up_hands import drawn_hands, rolled, sensed
from tests.unit.told_gauge import told

COUNT = 40
SHIFTS = [(0.5, 0.0), (1.0, 0.0), (2.0, 0.0), (0.0, 0.5), (-1.5, 1.0)]
Depth = NDArray[np.uint16]


@pytest.fixture(scope="module")
def source() -> ImageSet:
    return drawn_hands(COUNT, seed=5)


def measured(
    measure: Measure, source: ImageSet, images: NDArray[Any] | ImageSet, gauge: Estimator | None = None
) -> Measurement:
    refined = images if isinstance(images, ImageSet) else source.with_images(images, name="refined")
    return measure.measure(Subject(refined, source, source.unlabelled(), gauge), RunContext(0))


def hands(*depth: Any) -> ImageSet:
    """An image set of these depth images."""
    ids = np.array([str(index) for index in range(len(depth))])
    return ImageSet(ids, ids, np.stack(depth).astype(np.uint16), name="drawn")


def block(rows: slice, columns: slice, mm: int = 800, size: int = 64) -> Depth:
    image = np.zeros((size, size), np.uint16)
    image[rows, columns] = mm
    return image


class TestPlantedShifts:
    """The same hands, drawn a fraction of a pixel further on: all of it moves, outline, edges and relief."""

    @pytest.mark.parametrize(("dx", "dy"), SHIFTS)
    @pytest.mark.parametrize("measure", [Silhouette(), PhaseShift()], ids=lambda measure: measure.name)
    def test_each_is_recovered(self, source: ImageSet, measure: Measure, dx: float, dy: float) -> None:
        found = measured(measure, source, drawn_hands(COUNT, seed=5, dx=dx, dy=dy).images[:])
        assert np.median(found.per_image["dx"]) == pytest.approx(dx, abs=0.1)
        assert np.median(found.per_image["dy"]) == pytest.approx(dy, abs=0.1)
        assert found.summary["mean"] == pytest.approx(np.hypot(dx, dy), abs=0.1)
        assert found.summary["bias"] == pytest.approx(np.hypot(dx, dy), abs=0.1)
        assert found.summary["failures"] == 0

    @pytest.mark.parametrize("measure", [Silhouette(), PhaseShift()], ids=lambda measure: measure.name)
    def test_slope_is_one(self, source: ImageSet, measure: Measure) -> None:
        planted = np.arange(-3, 3.1, 1.5)
        found = [measured(measure, source, drawn_hands(COUNT, seed=5, dx=at, dy=-at).images[:]) for at in planted]
        for axis, sign in (("dx", 1), ("dy", -1)):
            slope = np.polyfit(planted, [one.per_image[axis].mean() for one in found], 1)[0]
            assert sign * slope == pytest.approx(1, abs=0.05)

    def test_edges_tell_a_share_of_it(self, source: ImageSet) -> None:
        found = [measured(DepthEdges(), source, drawn_hands(COUNT, 5, dx=at).images[:]).summary["mean"]
                 for at in (0.5, 1.0, 2.0)]  # fmt: skip
        assert 0.3 < found[0] < 0.5 < found[1] < 0.9 < found[2] < 1.5

    def test_depth_moves_on_its_own(self, source: ImageSet) -> None:
        nearer = drawn_hands(COUNT, seed=5, mm=-30).images[:]
        assert measured(DepthShift(), source, nearer).summary == pytest.approx({"mean": 30, "bias": 30, "failures": 0})
        for measure in (Silhouette(), PhaseShift(), DepthEdges()):
            assert measured(measure, source, nearer).summary["mean"] == pytest.approx(0, abs=1e-9)

    def test_px_are_those_of_the_grid(self, source: ImageSet) -> None:
        """Images of 128 px moved by 2 px are moved by 1 px of the grid."""
        large = ImageSet(source.ids, source.persons, source.images[:].repeat(2, axis=1).repeat(2, axis=2))
        for measure in (Silhouette(), PhaseShift(), DepthEdges()):
            expected = measured(measure, source, rolled(source, 1, 0)).summary["mean"]
            assert measured(measure, large, rolled(large, 2, 0)).summary["mean"] == pytest.approx(expected, rel=0.25)
        far = measured(PhaseShift(), large, rolled(large, 13, 0)).summary
        assert far["failures"] < 10 and far["median"] == pytest.approx(6.5, abs=0.1)


class TestSensorNoise:
    """Noise, holes and ragged edges of hands that do not move, with room: 200 hands gave a third less."""

    def test_floor(self, source: ImageSet) -> None:
        found = {measure.name: measured(measure, source, sensed(source)).summary
                 for measure in (Silhouette(), PhaseShift(), DepthEdges(), DepthShift())}  # fmt: skip
        assert found["phase-shift"]["bias"] < 0.15
        assert found["silhouette"]["bias"] < 0.35
        assert found["silhouette"]["added"] == 0 < 5 < found["silhouette"]["outside"]
        assert found["depth-edges"]["lost"] < 0.6 < found["depth-edges"]["added"]
        assert found["depth-shift"]["mean"] < 1

    def test_a_shift_shows_through_it(self, source: ImageSet) -> None:
        images = sensed(rolled(source, 2, 0))
        for measure in (Silhouette(), PhaseShift()):
            assert measured(measure, source, images).per_image["dx"].mean() == pytest.approx(2, abs=0.3)
        assert measured(Silhouette(), source, images).summary["added"] > 5


class TestSilhouette:
    def test_closed_form(self) -> None:
        """A square of 10x10 px: half of it moved off; a column of it eaten."""
        square = block(slice(20, 30), slice(20, 30))
        images = np.stack([block(slice(20, 30), slice(25, 35)), block(slice(20, 30), slice(22, 30))])
        found = measured(Silhouette(), hands(square, square), images)
        np.testing.assert_allclose(found.per_image["outside"], [100 * 2 / 3, 20])
        np.testing.assert_allclose(found.per_image["added"], [100 / 3, 0])
        np.testing.assert_allclose(found.per_image["dx"], [5, 1])
        assert found.summary == pytest.approx(
            {"outside": (200 / 3 + 20) / 2, "added": 50 / 3, "mean": 3, "bias": 3, "failures": 0}
        )

    @settings(max_examples=25)
    @given(st.integers(-4, 4), st.integers(-4, 4))
    def test_whole_pixels_are_exact(self, dx: int, dy: int) -> None:
        source = hands(block(slice(11, 40), slice(9, 20)), block(slice(20, 21), slice(30, 50)))
        found = measured(Silhouette(), source, rolled(source, dx, dy))
        np.testing.assert_allclose(found.per_image["dx"], dx, atol=1e-9)
        np.testing.assert_allclose(found.per_image["dy"], dy, atol=1e-9)

    def test_erased_hands_are_all_outside_and_failures(self, source: ImageSet) -> None:
        images = source.images[:].copy()
        images[:10] = 0
        found = measured(Silhouette(), source, images)
        assert found.summary == pytest.approx({"outside": 25, "added": 0, "mean": 0, "bias": 0, "failures": 25})
        assert np.isnan(found.per_image["dx"]).sum() == 10
        with pytest.raises(TrainingFailed, match="no hand found"):
            measured(Silhouette(), source, np.zeros_like(images))


class TestDepthEdges:
    @settings(max_examples=25)
    @given(st.integers(0, 2**32 - 1))
    def test_equals_all_pairs_of_edge_pixels(self, seed: int) -> None:
        one, other = np.random.default_rng(seed).random((2, 12, 17)) < 0.1
        one[3, 4] = other[7, 2] = True
        expected = cdist(np.argwhere(one), np.argwhere(other)).min(axis=1).mean()
        assert mean_distance(one, other) == pytest.approx(expected, abs=1e-4)

    def test_edges_lie_on_the_nearer_side(self) -> None:
        """A finger on a palm on nothing; steps up to the threshold are slopes, and the image's border is no edge."""
        image = block(slice(0, 12), slice(4, 12), 800, size=16)
        image[0:6, 6:9] = 800 - JUMP_MM - 1
        image[8:11, 6:9] = 800 - JUMP_MM
        expected = np.zeros((16, 16), bool)
        expected[:12, [4, 11]] = expected[11, 4:12] = True  # the palm's outline, but for the image's upper border
        expected[:6, [6, 8]] = expected[5, 6:9] = True
        np.testing.assert_array_equal(edges(image[None])[0], expected)
        assert not edges(np.full((1, 8, 8), 700, np.uint16)).any()

    def test_a_hole_adds_edges_and_takes_none(self) -> None:
        square = block(slice(16, 49), slice(16, 49))
        holed = square.copy()
        holed[30:35, 30:35] = 0
        found = measured(DepthEdges(), hands(square), holed[None]).summary
        assert found["lost"] == 0 < found["added"] == 2 * found["mean"]
        back = measured(DepthEdges(), hands(holed), square[None]).summary
        assert (back["lost"], back["added"]) == (found["added"], 0)

    def test_images_without_edges_are_failures(self, source: ImageSet) -> None:
        images = source.images[:].copy()
        images[:10] = 0
        found = measured(DepthEdges(), source, images)
        assert found.summary == {"mean": 0, "lost": 0, "added": 0, "failures": 25}
        with pytest.raises(TrainingFailed, match="no depth edge"):
            measured(DepthEdges(), source, np.full_like(images, 800))


class TestDepthShift:
    def test_ragged_edges_and_directions(self, source: ImageSet) -> None:
        depth = source.images[:].astype(int)
        depth += np.where(np.arange(COUNT) % 2, 12, -12)[:, None, None] * (depth > 0)
        depth[:, :, 30] = np.where(depth[:, :, 30] > 0, 3000, 0)
        found = measured(DepthShift(), source, depth.astype(np.uint16))
        assert found.summary == {"mean": 12, "bias": 0, "failures": 0}
        np.testing.assert_array_equal(found.per_image["dz"][:2], [-12, 12])

    def test_nothing_in_common(self, source: ImageSet) -> None:
        images = source.images[:].copy()
        images[:10] = np.where(images[:10] > 0, 0, 800)
        assert measured(DepthShift(), source, images).summary == {"mean": 0, "bias": 0, "failures": 25}
        with pytest.raises(TrainingFailed, match="no pixel of a hand in common"):
            measured(DepthShift(), source, np.zeros_like(images))


def errors(*vectors: Sequence[float]) -> NDArray[np.float64]:
    """(COUNT, 14, 3): all joints of an image the same, the vectors in turn."""
    return np.array([vectors[index % len(vectors)] for index in range(COUNT)])[:, None].repeat(14, axis=1)


class TestJoints:
    def test_drift_in_closed_form(self, source: ImageSet) -> None:
        joints = source.labels["joints"]
        gauge, refined = told("joints", source, joints + 3, joints + 3 + errors((3, 4, 50), (-1, 0, -50)))
        found = measured(JointDrift(), source, refined, gauge)
        assert found.summary == pytest.approx({"mean": 3, "sd": 2, "median": 3, "bias": np.hypot(1, 2)})
        np.testing.assert_allclose(found.per_image["distance"][:2], [5, 1])
        np.testing.assert_allclose(found.per_image["dy"][:2], [4, 0], atol=1e-9)

    def test_joints_that_move_apart_have_no_bias(self, source: ImageSet) -> None:
        apart = errors((2, 0, 0))
        apart[:, ::2] *= -1
        joints = source.labels["joints"]
        gauge, refined = told("joints", source, joints, joints + apart)
        found = measured(JointDrift(), source, refined, gauge)
        assert found.summary == pytest.approx({"mean": 2, "sd": 0, "median": 2, "bias": 0}, abs=1e-9)
        np.testing.assert_allclose(found.per_image["dx"], 0, atol=1e-9)

    def test_residual_in_closed_form(self, source: ImageSet) -> None:
        joints = source.labels["joints"]
        gauge, refined = told(
            "joints", source, joints + np.array([0, 0.5, 9]), joints + errors((3, 4, 50), (-1, 0, -50))
        )
        found = measured(JointResidual(), source, refined, gauge)
        assert found.summary == pytest.approx({"mean": 3, "sd": 2, "median": 3, "bias": np.hypot(1, 2), "excess": 2.5})
        np.testing.assert_allclose(found.per_image["dx"][:2], [3, -1])

    def test_px_are_those_of_the_grid(self, source: ImageSet) -> None:
        large = ImageSet(
            source.ids, source.persons, source.images[:].repeat(2, axis=1).repeat(2, axis=2), source.labels
        )
        joints = source.labels["joints"]
        gauge, refined = told("joints", large, joints, joints + errors((3, 4, 0)))
        for measure in (JointDrift(), JointResidual()):
            assert measured(measure, large, refined, gauge).summary["mean"] == pytest.approx(2.5)

    def test_without_labels_there_is_no_residual(self, source: ImageSet) -> None:
        bare = ImageSet(source.ids, source.persons, source.images)
        gauge, refined = told("joints", bare, source.labels["joints"], source.labels["joints"])
        with pytest.raises(DataError, match="no 'joints' labels"):
            measured(JointResidual(), bare, refined, gauge)
        assert measured(JointDrift(), bare, refined, gauge).summary["mean"] == 0


class TestGreyView:
    def test_a_level_is_sixteen_tenths_of_a_millimetre(self) -> None:
        """A flat hand of 400 px whose halves move 8 mm to and from the camera: its mean depth stays."""
        flat = block(slice(20, 40), slice(20, 40), 800)
        bent = flat.copy()
        bent[20:40, 20:30], bent[20:40, 30:40] = 792, 808
        level_mm = 150 / 95.5
        found = measured(Change(), hands(flat), bent[None]).summary
        assert found["l1"] == pytest.approx(8 / level_mm * 400 / 64**2, rel=1e-5)
        assert found["ssim"] < 1
        levels = grey(hands(bent))
        assert levels[0, 30, 20] - levels[0, 30, 39] == pytest.approx(16 / level_mm, rel=1e-5)
        assert (levels[0, :20] == 0).all()

    def test_a_hand_that_only_comes_nearer_looks_the_same(self, source: ImageSet) -> None:
        nearer = drawn_hands(COUNT, seed=5, mm=-30).images[:]
        assert measured(Change(), source, nearer).summary == pytest.approx({"l1": 0, "ssim": 1}, abs=1e-4)

    def test_many_images_are_seen_as_few(self) -> None:
        many = drawn_hands(300, seed=2)
        np.testing.assert_array_equal(grey(many)[200:], grey(many.select(slice(200, None))))


def test_depth_is_compared_with_depth_only(source: ImageSet) -> None:
    levels = source.with_images((source.images[:] // 8).astype(np.uint8), name="eyes")
    for measure in (PhaseShift(), Change()):
        for one, other in ((source, levels), (levels, source)):
            with pytest.raises(DataError, match="of another kind"):
                measured(measure, one, other)
