"""The baselines that cost seconds: closed forms, a second source for each number, and input that they must refuse."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import scipy.ndimage
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from bench.core.context import RunContext
from bench.core.errors import DataError, UsageError
from bench.core.images import Unlabelled
from bench.core.refiner import Refiner
from bench.data.simulator.eyes import render_eyes
from refiners.fourier_adaptation import FourierAdaptation
from refiners.histogram_equalisation import HistogramEqualisation
from refiners.histogram_matching import HistogramMatching
from refiners.mean_std import MeanStd
from refiners.noise_blur import NoiseBlur
from refiners.photometric import Photometric
from refiners.planted_shift import PlantedShift

RUN = RunContext(0)
BASELINES = [
    HistogramEqualisation,
    HistogramMatching,
    MeanStd,
    FourierAdaptation,
    NoiseBlur,
    Photometric,
    PlantedShift,
]
LEARNING = [HistogramMatching, MeanStd, FourierAdaptation, NoiseBlur]
GREYS = arrays(np.uint8, (7, 9), elements=st.integers(0, 255))


def unlabelled(images: NDArray[Any], name: str = "images") -> Unlabelled:
    ids = np.array([f"{name}-{index}" for index in range(len(images))])
    return Unlabelled(ids=ids, persons=ids, images=images, name=name)


def eyes(count: int, domain: str = "synthetic", seed: int = 1) -> NDArray[np.uint8]:
    return render_eyes(count, domain=domain, seed=seed).images


def fitted(kind: type[Refiner], synthetic: NDArray[Any], real: NDArray[Any], **settings: Any) -> Any:
    refiner = kind.configured(settings=settings)
    refiner.fit(unlabelled(synthetic, "synthetic"), unlabelled(real, "real"), RunContext(3))
    return refiner


@pytest.mark.parametrize("kind", BASELINES)
class TestEveryBaseline:
    def test_colour_is_refused(self, kind: type[Refiner]) -> None:
        grey, colour = eyes(4), np.zeros((4, 24, 32, 3), np.uint8)
        with pytest.raises(DataError, match="8-bit grey images"):
            fitted(kind, colour, grey)
        with pytest.raises(DataError, match="8-bit grey images"):
            fitted(kind, grey, grey).refine(colour, RUN)

    def test_a_single_image_on_each_side(self, kind: type[Refiner]) -> None:
        synthetic, real = eyes(1), eyes(1, "near", 2)
        refined = fitted(kind, synthetic, real).refine(synthetic, RUN)
        assert (refined.shape, refined.dtype) == (synthetic.shape, np.uint8)

    def test_flat_images_among_others_stay_flat_but_for_noise(self, kind: type[Refiner]) -> None:
        flat = np.stack([np.full((35, 55), level, np.uint8) for level in (0, 128, 255)])
        images = np.concatenate([eyes(8), flat])
        refined = fitted(kind, images, np.concatenate([eyes(8, "noisy", 2), flat])).refine(images, RUN)
        if kind is NoiseBlur:
            assert refined[-2].mean() == pytest.approx(128, abs=0.5)
        else:
            assert (np.ptp(refined[-3:], axis=(1, 2)) == 0).all()

    def test_no_images_give_no_images(self, kind: type[Refiner]) -> None:
        images = eyes(3)
        assert fitted(kind, images, images).refine(images[:0], RUN).shape == (0, 35, 55)


@pytest.mark.parametrize("kind", [kind for kind in BASELINES if "hands" not in kind.kinds])
def test_depth_is_refused_with_the_name_of_what_takes_it(kind: type[Refiner]) -> None:
    grey, depth = eyes(4), np.full((4, 35, 55), 900, np.uint16)
    with pytest.raises(DataError, match=r"synthetic: got depth images of hands.*choose kinect-noise"):
        fitted(kind, depth, grey)
    with pytest.raises(DataError, match=r"the images to refine: got depth images of hands.*choose kinect-noise"):
        fitted(kind, grey, grey).refine(depth, RUN)


@pytest.mark.parametrize("kind", LEARNING)
def test_not_fitted_says_so(kind: type[Refiner], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not fitted yet: fit it"):
        kind().refine(eyes(1), RUN)
    with pytest.raises(UsageError, match="not fitted yet"):
        kind().save(tmp_path)


@pytest.mark.parametrize("kind", [MeanStd, NoiseBlur])
def test_real_images_without_any_contrast_are_refused(kind: type[Refiner]) -> None:
    with pytest.raises(DataError, match="real: every image has one grey level only"):
        fitted(kind, eyes(3), np.full((3, 35, 55), 90, np.uint8))


@pytest.mark.parametrize("kind", [FourierAdaptation, NoiseBlur])
def test_sizes_that_differ_are_refused(kind: type[Refiner]) -> None:
    with pytest.raises(DataError, match="resize"):
        fitted(kind, eyes(3), eyes(3)[:, :30])


class TestHistogramEqualisation:
    def test_each_image_by_itself(self) -> None:
        images = eyes(5)
        expected = np.stack([cv2.equalizeHist(image) for image in images])
        np.testing.assert_array_equal(fitted(HistogramEqualisation, images, images).refine(images, RUN), expected)


def match_by_ranks(image: NDArray[np.uint8], pool: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Second source: mid-ranks by scipy, for the image and for the pool."""
    shares = (scipy.stats.rankdata(image).reshape(image.shape) - 0.5) / image.size
    greys, first = np.unique(pool, return_index=True)
    pool_shares = ((scipy.stats.rankdata(pool) - 0.5) / pool.size)[first]
    return np.interp(shares, pool_shares, greys)


class TestHistogramMatching:
    @given(GREYS, arrays(np.uint8, (3, 7, 9), elements=st.integers(0, 255)))
    def test_equals_matching_by_ranks(self, image: NDArray[np.uint8], real: NDArray[np.uint8]) -> None:
        refined = fitted(HistogramMatching, image[None], real).refine(image[None], RUN)[0]
        expected = match_by_ranks(image, real.ravel())
        assert np.abs(refined - expected).max() <= 0.5 + 1e-9

    def test_close_to_the_form_that_takes_the_upper_end_of_each_step(self) -> None:
        """scikit-image's `match_histograms` takes P(X <= x) where this one takes the middle of the step."""
        image, real = eyes(1)[0], eyes(50, "near", 2)
        refined = fitted(HistogramMatching, image[None], real).refine(image[None], RUN)[0]
        pool = np.sort(real.ravel())
        greys = np.unique(pool)
        shares = scipy.stats.percentileofscore(image.ravel(), image.ravel(), kind="weak").reshape(image.shape) / 100
        upper = np.interp(shares, np.searchsorted(pool, greys, side="right") / pool.size, greys)
        assert np.abs(refined - upper).mean() < 2
        assert np.corrcoef(refined.ravel(), upper.ravel())[0, 1] > 0.999

    def test_the_histogram_becomes_the_real_one(self) -> None:
        images, real = eyes(40), eyes(60, "distant", 2)
        refined = fitted(HistogramMatching, images, real).refine(images, RUN)
        before = scipy.stats.wasserstein_distance(images.ravel(), real.ravel())
        after = scipy.stats.wasserstein_distance(refined.ravel(), real.ravel())
        assert before > 10
        assert after < 1

    @given(GREYS)
    def test_an_image_matched_to_itself_stays(self, image: NDArray[np.uint8]) -> None:
        np.testing.assert_array_equal(
            fitted(HistogramMatching, image[None], image[None]).refine(image[None], RUN)[0], image
        )

    @given(GREYS, GREYS)
    def test_order_and_ties_stay(self, image: NDArray[np.uint8], real: NDArray[np.uint8]) -> None:
        refined = fitted(HistogramMatching, image[None], real[None]).refine(image[None], RUN)[0]
        order = np.argsort(image, axis=None)
        steps = np.diff(refined.ravel()[order].astype(int))
        assert (steps >= 0).all()
        assert (steps[np.diff(image.ravel()[order].astype(int)) == 0] == 0).all()

    def test_a_flat_image_gets_the_real_median(self) -> None:
        real = np.arange(101, dtype=np.uint8).reshape(1, 1, 101)
        flat = np.full((1, 4, 4), 250, np.uint8)
        np.testing.assert_array_equal(fitted(HistogramMatching, flat, real).refine(flat, RUN), 50)

    def test_counts_do_not_depend_on_the_chunks(self, monkeypatch: pytest.MonkeyPatch) -> None:
        images, real = eyes(5), eyes(30, "near", 2)
        expected = fitted(HistogramMatching, images, real).refine(images, RUN)
        monkeypatch.setattr("refiners.histogram_matching.IMAGE_CHUNK", 7)
        np.testing.assert_array_equal(fitted(HistogramMatching, images, real).refine(images, RUN), expected)


class TestMeanStd:
    def test_each_image_gets_the_real_mean_and_deviation(self) -> None:
        # Little contrast on the real side, so nothing is clipped; a gain below 1, so rounding averages out.
        rng = np.random.default_rng(0)
        images = rng.integers(20, 180, (6, 35, 55), dtype=np.uint8)
        real = (rng.integers(-30, 31, (8, 35, 55)) + rng.integers(90, 160, (8, 1, 1))).astype(np.uint8)
        refined = fitted(MeanStd, images, real).refine(images, RUN)
        assert refined.mean(axis=(1, 2)) == pytest.approx(np.full(6, real.mean()), abs=0.1)
        within = np.sqrt(real.var(axis=(1, 2)).mean())
        assert refined.std(axis=(1, 2)) == pytest.approx(np.full(6, within), rel=0.01)

    def test_the_set_gets_the_real_sets_with_one_map_for_all(self) -> None:
        rng = np.random.default_rng(0)
        images = (rng.integers(-20, 21, (6, 35, 55)) + rng.integers(60, 90, (6, 1, 1))).astype(np.uint8)
        real = (rng.integers(-30, 31, (8, 35, 55)) + rng.integers(110, 140, (8, 1, 1))).astype(np.uint8)
        refined = fitted(MeanStd, images, real, per="set").refine(images, RUN)
        assert (refined.mean(), refined.std()) == pytest.approx((real.mean(), real.std()), rel=0.005)
        assert all(len(np.unique(refined[images == level])) == 1 for level in np.unique(images))
        gain = real.std() / images.std()
        assert np.polyfit(images.ravel(), refined.ravel(), 1)[0] == pytest.approx(gain, rel=0.005)

    def test_clipped_to_0_255(self) -> None:
        image = np.zeros((1, 10, 10), np.uint8)
        image[0, 0, 0] = 255
        real = np.tile(np.array([0, 255], np.uint8), (1, 10, 5))
        refined = fitted(MeanStd, image, real).refine(image, RUN)
        assert (refined[0, 0, 0], refined[0, 5, 5]) == (255, round(127.5 - 127.5 * 0.01 / math.sqrt(0.01 * 0.99)))

    def test_moments_do_not_depend_on_the_chunks(self, monkeypatch: pytest.MonkeyPatch) -> None:
        images, real = eyes(20), eyes(30, "near", 2)
        expected = fitted(MeanStd, images, real).refine(images, RUN)
        monkeypatch.setattr("refiners.mean_std.IMAGE_CHUNK", 7)
        np.testing.assert_array_equal(fitted(MeanStd, images, real).refine(images, RUN), expected)


class TestPhotometric:
    def test_the_formula(self) -> None:
        images = np.arange(256, dtype=np.uint8).reshape(1, 16, 16)
        refined = Photometric.configured(settings={"gain": 0.8, "gamma": 1.5, "offset": 20}).refine(images, RUN)
        expected = [round(255 * 0.8 * (grey / 255) ** 1.5 + 20) for grey in range(256)]
        assert refined.ravel().tolist() == expected

    def test_the_default_changes_light_and_clips_nothing(self) -> None:
        ramp = np.arange(256, dtype=np.uint8).reshape(1, 16, 16)
        refined = Photometric().refine(ramp, RUN).ravel().astype(int)
        assert np.abs(refined - np.arange(256)).mean() > 10
        assert (np.diff(refined) >= 0).all() and refined.min() > 0 and refined.max() < 255

    def test_extreme_light_is_clipped(self) -> None:
        images = np.array([[[0, 255]]], np.uint8)
        assert Photometric.configured(settings={"offset": 255}).refine(images, RUN).tolist() == [[[255, 255]]]
        assert Photometric.configured(settings={"offset": -255}).refine(images, RUN).tolist() == [[[0, 0]]]


def blob(row: float, column: float) -> NDArray[np.uint8]:
    rows, columns = np.mgrid[:35, :55]
    grey: NDArray[np.float64] = 240 * np.exp(-((rows - row) ** 2 + (columns - column) ** 2) / (2 * 3.0**2))
    return np.rint(grey).astype(np.uint8)


class TestPlantedShift:
    @given(px=st.floats(0, 5), direction_deg=st.floats(-360, 360))
    def test_a_blob_moves_by_exactly_that(self, px: float, direction_deg: float) -> None:
        images = np.stack([blob(17, 27), blob(16.3, 25.8)])
        shift = PlantedShift.configured(settings={"px": px, "direction_deg": direction_deg})
        for before, after in zip(images, shift.refine(images, RUN), strict=True):
            moved = np.subtract(scipy.ndimage.center_of_mass(after), scipy.ndimage.center_of_mass(before))
            angle = math.radians(direction_deg)
            assert moved == pytest.approx([px * math.sin(angle), px * math.cos(angle)], abs=0.02)

    @pytest.mark.parametrize("px", [0.5, 1.0, 2.3])
    def test_registration_of_eyes_finds_it(self, px: float) -> None:
        images = eyes(10)
        refined = PlantedShift.configured(settings={"px": px}).refine(images, RUN)
        found = []
        for before, after in zip(images, refined, strict=True):
            start = np.eye(2, 3, dtype=np.float32)
            _, warp = cv2.findTransformECC(before, after, start, cv2.MOTION_TRANSLATION)
            found.append(warp[:, 2])
        expected = [px * math.cos(math.radians(30)), px * math.sin(math.radians(30))]
        assert np.median(found, axis=0) == pytest.approx(expected, abs=0.15)

    @pytest.mark.parametrize(("direction_deg", "axis"), [(0, 2), (90, 1)])
    def test_whole_pixels_are_copied_and_the_border_is_repeated(self, direction_deg: float, axis: int) -> None:
        images = eyes(3)
        refined = PlantedShift.configured(settings={"px": 2, "direction_deg": direction_deg}).refine(images, RUN)
        before, after = np.moveaxis(images, axis, 0), np.moveaxis(refined, axis, 0)
        np.testing.assert_array_equal(after[2:], before[:-2])
        np.testing.assert_array_equal(after[:2], before[[0, 0]])

    def test_no_distance_changes_nothing(self) -> None:
        images = eyes(3)
        np.testing.assert_array_equal(PlantedShift.configured(settings={"px": 0}).refine(images, RUN), images)

    def test_a_negative_distance_is_refused(self) -> None:
        with pytest.raises(UsageError, match="px=-1"):
            PlantedShift.configured(settings={"px": -1})
