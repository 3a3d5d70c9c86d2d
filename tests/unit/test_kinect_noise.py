"""Kinect noise: planted strengths found again, statistics matched, nothing moved, draws by content."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from bench.core.context import RunContext
from bench.core.errors import DataError, UsageError
from bench.core.images import Unlabelled
from bench.data.simulator.hands import render_hands
from refiners.classical.depth_sensor import Draws, Strengths, draw, quantised, ragged, relief
from refiners.classical.depth_statistics import (
    LAPLACIAN_OF_WHITE_NOISE,
    depth_step_mm,
    enclosed,
    sensor_statistics,
    silhouette_statistics,
    surface_noise_mm,
)
from refiners.kinect_noise import MATCHED, KinectNoise
from tests.unit.made_up_hands import turned_hands

RUN = RunContext(0)
SENSOR: dict[str, Any] = {"edge_px": 0.5, "holes": 0.2, "noise_mm": 2.0, "step_mm": 3.0}


@pytest.fixture(scope="module")
def hands() -> NDArray[np.uint16]:
    return render_hands(200, domain="synthetic", seed=1).images


@pytest.fixture(scope="module")
def others() -> NDArray[np.uint16]:
    return render_hands(200, domain="synthetic", seed=2).images


def unlabelled(images: NDArray[Any], name: str) -> Unlabelled:
    ids = np.array([f"{name}-{index}" for index in range(len(images))])
    return Unlabelled(ids=ids, persons=ids, images=images, name=name)


def fitted(synthetic: NDArray[Any], real: NDArray[Any], run: RunContext | None = None, **settings: Any) -> KinectNoise:
    refiner = KinectNoise.configured(settings=settings)
    refiner.fit(unlabelled(synthetic, "synthetic"), unlabelled(real, "real"), run or RunContext(3))
    return refiner


def own_sensor(depth: NDArray[np.uint16], seed: int = 0) -> NDArray[np.uint16]:
    """A second source of everything: outline pixels lost or gained by a coin, holes anywhere, noise, no levels."""
    rng = np.random.default_rng(seed)
    hand = np.pad(depth > 0, ((0, 0), (1, 1), (1, 1)))
    shifted = [hand[:, 2:, 1:-1], hand[:, :-2, 1:-1], hand[:, 1:-1, 2:], hand[:, 1:-1, :-2]]
    mine = hand[:, 1:-1, 1:-1]
    lost = mine & ~np.logical_and.reduce(shifted) & (rng.random(depth.shape) < 0.15)
    gained = ~mine & np.logical_or.reduce(shifted) & (rng.random(depth.shape) < 0.15)
    around = np.stack([np.roll(depth, step, axis) for axis in (1, 2) for step in (1, -1)]).max(axis=0)
    seen = np.where(gained, around, np.where(lost | (mine & (rng.random(depth.shape) < 0.02)), 0, depth))
    noise = 3.0 * np.square(seen / 1000) * rng.standard_normal(depth.shape)
    return np.where(seen > 0, np.rint(seen + noise), 0).astype(np.uint16)


class TestStatistics:
    def test_a_square_is_smooth_but_for_its_corners(self) -> None:
        hand = np.zeros((1, 30, 30), bool)
        hand[0, 5:25, 5:25] = True
        np.testing.assert_allclose(silhouette_statistics(hand), (4 / 80, 0))

    def test_a_tooth_is_an_edge_and_a_hole_is_a_hole(self) -> None:
        hand = np.zeros((1, 30, 30), bool)
        hand[0, 5:25, 5:25] = True
        hand[0, 10, 25] = True
        hand[0, 15:17, 12] = False
        np.testing.assert_allclose(silhouette_statistics(hand), (5 / 80, 100 * 2 / 401))

    def test_wide_gaps_are_no_holes(self) -> None:
        hand = np.ones((1, 20, 20), bool)
        hand[0, 5:13, 5:13] = False
        assert not enclosed(hand)[0, 8:10, 8:10].any()

    def test_white_noise_on_a_plane(self) -> None:
        rng = np.random.default_rng(0)
        plane = 800 + 2 * np.arange(200) + 0.0 * np.arange(200)[:, None]
        noisy = np.rint(plane + 3.0 * np.square(plane / 1000) * rng.standard_normal((4, 200, 200)))
        assert surface_noise_mm(noisy) == pytest.approx(3.0, rel=0.03)

    def test_laplacian_of_white_noise(self) -> None:
        noise = np.random.default_rng(0).standard_normal((5, 100_000))
        assert np.abs(4 * noise[0] - noise[1:].sum(axis=0)).mean() == pytest.approx(LAPLACIAN_OF_WHITE_NOISE, rel=0.01)

    def test_edges_between_surfaces_are_no_noise(self) -> None:
        depth = np.full((1, 20, 20), 700, np.uint16)
        depth[0, :, 10:] = 800
        depth[0, :3] = 0
        assert surface_noise_mm(depth) == 0

    def test_no_hand_gives_zeros(self) -> None:
        assert sensor_statistics(np.zeros((2, 8, 8), np.uint16)) == (0, 0, 0)

    @pytest.mark.parametrize("step_mm", [2.9, 6.0, 15.0])
    def test_finds_the_depth_levels(self, step_mm: float) -> None:
        depth = np.random.default_rng(0).uniform(600, 1100, 60_000)
        levels = np.rint(quantised(depth, step_mm)).astype(np.uint16)
        assert depth_step_mm(levels) == pytest.approx(step_mm, rel=0.03)

    @pytest.mark.parametrize("count", [60_000, 100])
    def test_whole_millimetres_or_too_few_pixels_have_no_levels(self, count: int) -> None:
        depth = np.random.default_rng(0).integers(600, 1100, count)
        assert depth_step_mm(depth) == 0


class TestSensor:
    def test_levels_grow_with_the_square_of_the_depth(self) -> None:
        for metres in (0.5, 1.0, 2.0):
            found = np.unique(quantised(np.linspace(0.95, 1.05, 5000) * 1000 * metres, 3.0))
            assert np.diff(found).mean() == pytest.approx(3.0 * metres**2, rel=0.02)

    def test_edges_fray_to_both_sides_and_surfaces_stay(self) -> None:
        rng = np.random.default_rng(0)
        depth = np.zeros((500, 16, 16), np.uint16)
        depth[:, :, :8] = 700 + 2 * np.arange(8)
        depth += rng.permutation(500).astype(np.uint16)[:, None, None] * (depth > 0)  # no two images are equal
        seen = ragged(depth, 0.6, draw(depth, 5, 1))
        np.testing.assert_array_equal(seen[:, :, :5], depth[:, :, :5])
        lost, gained = (seen[:, :, 7] == 0).mean(), (seen[:, :, 8] > 0).mean()
        assert lost == pytest.approx(gained, rel=0.1)
        assert lost == pytest.approx(0.2023, rel=0.06)  # a normal deviate above 0.5 / 0.6
        beside = depth[:, :1, 7:8] - seen[:, :, 8:9]
        assert np.isin(beside[seen[:, :, 8:9] > 0], [0, 2, 4]).all()

    def test_relief_is_that_of_the_hand_without_background(self) -> None:
        depth = np.zeros((1, 5, 9), np.uint16)
        depth[0, :, 2:5], depth[0, :, 5:] = 700, 725
        np.testing.assert_allclose(relief(depth)[0, 2], [0, 0, 0, 0, 0.5, 0.5, 0, 0, 0])

    def test_an_enlarged_sensor_frays_by_its_own_pixels(self) -> None:
        """Twice as large an image with squares of 2 px: the small image's edges, twice as large."""
        small = np.zeros((1, 16, 16), np.uint16)
        small[0, :, :8] = 700
        drawn = draw(small, 5, 1)
        down, right, axial, hole = (values.repeat(2, axis=1).repeat(2, axis=2) for values in drawn[:4])
        large = Draws(down, right, axial, hole, grain_px=2)
        enlarged = ragged(small.repeat(2, axis=1).repeat(2, axis=2), 0.8, large)
        inside = slice(4, 28)  # a look beyond the border ends at its outermost pixels
        np.testing.assert_array_equal(
            enlarged[:, inside], ragged(small, 0.8, drawn).repeat(2, axis=1).repeat(2, axis=2)[:, inside]
        )

    def test_squares_of_pixels_share_a_draw(self) -> None:
        drawn = draw(render_hands(2, domain="synthetic", seed=1).images, 5, 3)
        assert drawn.grain_px == 3
        for values in drawn[:4]:
            assert values.shape == (2, 64, 64)
            assert (np.ptp(values[:, :63, :63].reshape(2, 21, 3, 21, 3), axis=(2, 4)) == 0).all()
            assert len(np.unique(values[0])) == 22**2


class TestKinectNoise:
    def test_what_it_makes_is_what_it_finds(self, hands: NDArray[np.uint16], others: NDArray[np.uint16]) -> None:
        run = RunContext(3)
        fitted(hands, fitted(others, others, **SENSOR).refine(others, RunContext(7)), run)
        found = run.scalars[0]
        assert found["edge_px"] == pytest.approx(0.5, abs=0.03)
        assert found["holes"] == pytest.approx(0.2, abs=0.02)
        assert found["noise_mm"] == pytest.approx(2.0, abs=0.1)
        assert found["step_mm"] == pytest.approx(3.0, abs=0.05)
        assert not run.warnings

    def test_another_sensors_statistics_are_matched(
        self, hands: NDArray[np.uint16], others: NDArray[np.uint16]
    ) -> None:
        real, run = own_sensor(others), RunContext(3)
        refined = sensor_statistics(fitted(hands, real, run).refine(hands, RUN))
        wanted, before = sensor_statistics(real), sensor_statistics(hands)
        assert np.subtract(wanted, before).min() > 0.05
        np.testing.assert_allclose(refined, wanted, rtol=0.03)
        assert run.scalars[0]["step_mm"] == 0
        assert run.notes["refined_holes"] == pytest.approx(wanted.holes, rel=0.03)

    def test_nothing_moves_on_average(self) -> None:
        """Of hands turned all ways: holes are mostly in the fingers, so the centre of upright hands sinks."""
        hands = turned_hands(200)
        refined = fitted(hands, hands, **SENSOR).refine(hands, RUN)
        moved = []
        for before, after in zip(hands > 0, refined > 0, strict=True):
            moved.append(np.mean(np.nonzero(after), axis=1) - np.mean(np.nonzero(before), axis=1))
        assert (refined != hands).mean() > 0.05
        assert np.hypot(*np.mean(moved, axis=0)) < 0.05

    def test_shape_type_order_and_batches(self, hands: NDArray[np.uint16], monkeypatch: pytest.MonkeyPatch) -> None:
        refiner = fitted(hands, hands, **SENSOR)
        together = refiner.refine(hands[:20], RUN)
        assert together.shape == (20, 64, 64)
        assert together.dtype == np.uint16
        monkeypatch.setattr("refiners.kinect_noise.REFINED_PIXELS", 3 * 64 * 64)
        np.testing.assert_array_equal(refiner.refine(hands[:20][::-1], RunContext(8))[::-1], together)
        np.testing.assert_array_equal(refiner.refine(hands[[4]], RUN)[0], together[4])

    def test_the_seed_of_the_fit_draws_the_noise(self, hands: NDArray[np.uint16]) -> None:
        one, other, again = (
            fitted(hands, hands, RunContext(seed), **SENSOR).refine(hands[:4], RUN) for seed in (1, 2, 1)
        )
        assert (one != other).any()
        np.testing.assert_array_equal(one, again)

    def test_given_strengths_stay_and_the_rest_is_estimated(
        self, hands: NDArray[np.uint16], others: NDArray[np.uint16]
    ) -> None:
        run = RunContext(3)
        fitted(hands, own_sensor(others), run, edge_px=0.3, step_mm=5)
        assert (run.scalars[0]["edge_px"], run.scalars[0]["step_mm"]) == (0.3, 5)
        assert run.scalars[0]["holes"] > 0.05 and run.scalars[0]["noise_mm"] > 1

    def test_no_strength_changes_nothing(self, hands: NDArray[np.uint16]) -> None:
        refiner = fitted(hands, hands, edge_px=0, holes=0, noise_mm=0, step_mm=0)
        np.testing.assert_array_equal(refiner.refine(hands[:5], RUN), hands[:5])

    def test_the_same_images_on_both_sides_are_left_alone_with_a_warning(self, hands: NDArray[np.uint16]) -> None:
        run = RunContext(3)
        refiner = fitted(hands, hands, run)
        assert run.warnings == ["real is as clean as synthetic: kinect-noise changes nothing"]
        np.testing.assert_array_equal(refiner.refine(hands, RUN), hands)

    def test_out_of_reach_is_a_warning(self, hands: NDArray[np.uint16]) -> None:
        run = RunContext(3)
        speckled = np.where(np.random.default_rng(0).random(hands.shape) < 0.4, 0, hands).astype(np.uint16)
        fitted(hands[:30], speckled[:30], run, noise_mm=0, step_mm=0)
        assert any("does not reach" in warning for warning in run.warnings)

    def test_an_image_without_a_hand_stays_empty(self, hands: NDArray[np.uint16]) -> None:
        empty = np.zeros((2, 64, 64), np.uint16)
        refiner = fitted(np.concatenate([hands[:20], empty]), own_sensor(np.concatenate([hands[:20], empty])))
        np.testing.assert_array_equal(refiner.refine(empty, RUN), empty)

    def test_every_strength_has_a_statistic_or_levels(self) -> None:
        assert set(MATCHED) | {"step_mm"} == set(Strengths._fields)


class TestRefused:
    def test_not_fitted(self, hands: NDArray[np.uint16]) -> None:
        with pytest.raises(UsageError, match="not fitted yet: fit it"):
            KinectNoise().refine(hands, RUN)

    def test_grey_images(self, hands: NDArray[np.uint16]) -> None:
        grey = (hands // 8).astype(np.uint8)
        with pytest.raises(DataError, match=r"synthetic: got uint8.*16-bit millimetres"):
            fitted(grey, hands)
        with pytest.raises(DataError, match="16-bit millimetres"):
            fitted(hands, hands, **SENSOR).refine(grey, RUN)

    def test_other_sizes(self, hands: NDArray[np.uint16]) -> None:
        with pytest.raises(DataError, match="resize one of the sets"):
            fitted(hands, hands[:, :60])
        with pytest.raises(DataError, match="where 64x64 px are needed, as in training"):
            fitted(hands, hands, **SENSOR).refine(hands[:, :60], RUN)

    def test_no_hand_in_any_image(self, hands: NDArray[np.uint16]) -> None:
        with pytest.raises(DataError, match=r"real: no image shows a hand.*check their depth encoding"):
            fitted(hands, np.zeros_like(hands))

    @pytest.mark.parametrize(
        ("settings", "message"), [({"edge_px": -1}, "edge_px=-1"), ({"grain_px": 0}, "grain_px=0"), ({"z": 1}, "'z'")]
    )
    def test_settings(self, settings: dict[str, Any], message: str) -> None:
        with pytest.raises(UsageError, match=message):
            KinectNoise.configured(settings=settings)

    def test_the_paper_preset_has_coarser_noise(self) -> None:
        assert KinectNoise.configured("hand-paper").config.grain_px == 2
        assert KinectNoise.configured("hand-quick").config.grain_px == 1
