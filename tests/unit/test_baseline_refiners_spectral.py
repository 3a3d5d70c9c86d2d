"""Fourier adaptation, and noise and blur: real-valued results, planted values found again, draws by content."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.fft
import scipy.ndimage
import scipy.stats
from numpy.typing import NDArray

from bench.core.context import RunContext
from bench.core.errors import DataError, UsageError
from bench.core.images import Unlabelled
from bench.core.refiner import Refiner
from bench.data.simulator.eyes import render_eyes
from refiners.classical.content import content_seed
from refiners.fourier_adaptation import FourierAdaptation, exchange, low_frequencies
from refiners.noise_blur import NoiseBlur

RUN = RunContext(0)
SIZES = [(35, 55), (36, 60), (35, 60), (36, 55), (5, 4)]


def unlabelled(images: NDArray[Any], name: str) -> Unlabelled:
    ids = np.array([f"{name}-{index}" for index in range(len(images))])
    return Unlabelled(ids=ids, persons=ids, images=images, name=name)


def eyes(count: int, domain: str = "synthetic", seed: int = 1) -> NDArray[np.uint8]:
    return render_eyes(count, domain=domain, seed=seed).images


def fitted(kind: type[Refiner], synthetic: NDArray[Any], real: NDArray[Any], seed: int = 3, **settings: Any) -> Any:
    refiner = kind.configured(settings=settings)
    refiner.fit(unlabelled(synthetic, "synthetic"), unlabelled(real, "real"), RunContext(seed))
    return refiner


def amplitude_in_window(images: NDArray[Any], beta: float) -> NDArray[np.float64]:
    window = low_frequencies((images.shape[1], images.shape[2]), beta)
    found: NDArray[np.float64] = np.abs(np.fft.fft2(images.astype(np.float64)))[:, window]
    return found


class TestContentSeed:
    def test_depends_on_pixels_and_stream_only(self) -> None:
        images = eyes(20)
        assert len({content_seed(image, 5) for image in images}) == 20
        assert content_seed(images[0], 5) == content_seed(images[0].copy(), 5)
        assert content_seed(images[0], 5) == content_seed(np.asfortranarray(images[0]), 5)
        assert content_seed(images[0], 5) != content_seed(images[0], 6)
        assert 0 <= content_seed(images[0], 2**63 - 1) < 2**64


class TestLowFrequencies:
    @pytest.mark.parametrize(
        ("size", "beta", "expected"),
        [
            ((35, 55), 0.05, (3, 5)),
            ((35, 55), 0.01, (1, 1)),
            ((60, 20), 0.05, (7, 3)),
            ((8, 8), 0.25, (5, 5)),
            ((35, 55), 0.0, (1, 1)),
        ],
    )
    def test_extent(self, size: tuple[int, int], beta: float, expected: tuple[int, int]) -> None:
        window = low_frequencies(size, beta)
        assert (int(window.any(axis=1).sum()), int(window.any(axis=0).sum())) == expected
        assert window.sum() == np.prod(expected)

    @pytest.mark.parametrize("size", SIZES)
    def test_the_exchanged_image_is_real(self, size: tuple[int, int]) -> None:
        rng = np.random.default_rng(0)
        image, other = rng.integers(0, 256, (2, *size))
        for beta in (0.0, 0.05, 0.09, 0.25):
            window = low_frequencies(size, beta)
            amplitudes = np.abs(scipy.fft.fft2(other))[window].astype(np.float32)
            exchanged = scipy.fft.ifft2(exchange(scipy.fft.fft2(image), amplitudes, window))
            assert np.abs(exchanged.imag).max() < 1e-4  # grey levels; amplitudes are kept as float32

    def test_a_window_that_is_not_symmetric_would_not_leave_it_real(self) -> None:
        rng = np.random.default_rng(0)
        image, other = rng.integers(0, 256, (2, 35, 55))
        window = np.zeros((35, 55), bool)
        window[:3, :3] = True
        amplitudes = np.abs(scipy.fft.fft2(other))[window].astype(np.float32)
        assert np.abs(scipy.fft.ifft2(exchange(scipy.fft.fft2(image), amplitudes, window)).imag).max() > 1


class TestFourierAdaptation:
    @pytest.mark.parametrize("beta", [0.05, 0.09])
    def test_amplitudes_of_one_real_image_in_the_window_and_own_phases(self, beta: float) -> None:
        # Little contrast about 128: nothing is clipped, rounding is the only error.
        images = (eyes(6) // 4 + 90).astype(np.uint8)
        real = (eyes(9, "near", 2) // 4 + 90).astype(np.uint8)
        refined = fitted(FourierAdaptation, images, real, beta=beta).refine(images, RUN)
        found, offered = amplitude_in_window(refined, beta), amplitude_in_window(real, beta)
        distance = np.abs(found[:, None] - offered[None]).max(axis=2).min(axis=1)
        # Rounding has the deviation 0.3 per pixel: about 13 in an amplitude of 1,925 pixels.
        assert (distance < 5 * np.sqrt(1925 / 12)).all()
        window = low_frequencies((35, 55), beta)
        before, after = np.fft.fft2(images), np.fft.fft2(refined)
        np.testing.assert_allclose(after[:, ~window], before[:, ~window], atol=5 * np.sqrt(1925 / 12))
        strong = (np.abs(before) > 1000) & (np.abs(after) > 1000)
        assert np.abs(np.angle(after[strong] / before[strong])).max() < 0.1

    def test_the_mean_of_the_real_set(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("refiners.fourier_adaptation.IMAGE_CHUNK", 4)
        images = (eyes(6) // 4 + 90).astype(np.uint8)
        real = (eyes(9, "near", 2) // 4 + 90).astype(np.uint8)
        refined = fitted(FourierAdaptation, images, real, target="mean").refine(images, RUN)
        expected = amplitude_in_window(real, 0.05).mean(axis=0)
        assert np.abs(amplitude_in_window(refined, 0.05) - expected).max() < 5 * np.sqrt(1925 / 12)
        other_seed = fitted(FourierAdaptation, images, real, seed=4, target="mean").refine(images, RUN)
        np.testing.assert_array_equal(refined, other_seed)

    def test_adapted_to_itself_it_stays(self) -> None:
        image = eyes(1)
        np.testing.assert_array_equal(fitted(FourierAdaptation, image, image, beta=0.2).refine(image, RUN), image)

    def test_beta_0_moves_the_mean_grey_only(self) -> None:
        images = (eyes(6) // 4 + 90).astype(np.uint8)
        real = (eyes(1, "near", 2) // 4 + 90).astype(np.uint8)
        refined = fitted(FourierAdaptation, images, real, beta=0).refine(images, RUN)
        assert refined.mean(axis=(1, 2)) == pytest.approx(np.full(6, real.mean()), abs=0.5)
        change = refined.astype(int) - images
        assert (np.ptp(change, axis=(1, 2)) <= 1).all()

    def test_partners_are_spread_over_the_real_images(self) -> None:
        images = np.random.default_rng(0).integers(0, 256, (2000, 8, 8), dtype=np.uint8)
        levels = np.arange(100, 120, dtype=np.uint8)
        real = np.broadcast_to(levels[:, None, None], (20, 8, 8))
        # Flat partners: with beta 0 the mean grey tells which partner an image got.
        means = fitted(FourierAdaptation, images // 16 + 100, real, beta=0).refine(images // 16 + 100, RUN)
        counts = np.bincount(np.rint(means.mean(axis=(1, 2))).astype(int) - 100, minlength=20)
        assert counts.sum() == 2000
        assert scipy.stats.chisquare(counts).pvalue > 1e-4

    def test_at_most_so_many_partners_are_kept(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("refiners.fourier_adaptation.MOST_PARTNERS", 5)
        refiner, run = FourierAdaptation(), RunContext(1)
        refiner.fit(unlabelled(eyes(3), "synthetic"), unlabelled(eyes(9, "near", 2), "real"), run)
        assert run.scalars == [{"step": 1, "partners": 5, "frequencies": 15}]

    def test_a_black_image_gets_the_partners_light(self) -> None:
        real, black = eyes(1, "near", 2), np.zeros((1, 35, 55), np.uint8)
        refined = fitted(FourierAdaptation, black, real).refine(black, RUN)
        np.testing.assert_array_equal(refined, np.full_like(black, round(float(real.mean()))))

    def test_another_size_than_fitted_is_refused(self) -> None:
        with pytest.raises(DataError, match="where 35x55 px are needed"):
            fitted(FourierAdaptation, eyes(2), eyes(2)).refine(eyes(2)[:, :30], RUN)


def camera(images: NDArray[np.uint8], blur: float, noise: float, gain: float = 1.0) -> NDArray[np.uint8]:
    """Blur by scipy's sampled kernel and noise of NumPy's, the second source of both."""
    rng = np.random.default_rng(0)
    taken = np.empty_like(images)
    for index, image in enumerate(images):
        blurred = scipy.ndimage.gaussian_filter(128 + gain * (image - 128.0), blur, mode="reflect")
        taken[index] = np.clip(np.rint(blurred + noise * rng.standard_normal(image.shape)), 0, 255)
    return taken


class TestNoiseBlur:
    @pytest.mark.parametrize("gain", [1.0, 0.6])
    @pytest.mark.parametrize(("blur", "noise"), [(0.8, 0.0), (0.8, 4.0), (1.2, 8.0), (2.0, 2.0)])
    def test_finds_planted_blur_and_noise_whatever_the_contrast(self, blur: float, noise: float, gain: float) -> None:
        run = RunContext(3)
        real = camera(eyes(200, seed=2), blur, noise, gain)
        NoiseBlur().fit(unlabelled(eyes(200, seed=1), "synthetic"), unlabelled(real, "real"), run)
        (found,) = run.scalars
        assert found["blur_px"] == pytest.approx(blur, rel=0.06)
        assert found["noise_grey"] == pytest.approx(noise, rel=0.04, abs=0.4)
        assert not run.warnings

    def test_noise_alone(self) -> None:
        run = RunContext(3)
        real = camera(eyes(200, seed=1), 0, 6)
        NoiseBlur().fit(unlabelled(eyes(200, seed=1), "synthetic"), unlabelled(real, "real"), run)
        assert run.scalars[0]["noise_grey"] == pytest.approx(6, rel=0.03)
        assert run.scalars[0]["blur_px"] < 0.1

    def test_the_same_images_on_both_sides_are_left_alone_with_a_warning(self) -> None:
        run, images = RunContext(3), eyes(50)
        refiner = NoiseBlur()
        refiner.fit(unlabelled(images, "synthetic"), unlabelled(images, "real"), run)
        assert run.warnings == [
            "real is neither blurrier nor noisier than synthetic: noise-blur changes nothing",
        ]
        np.testing.assert_array_equal(refiner.refine(images, RUN), images)

    def test_what_it_makes_is_what_it_finds(self) -> None:
        """Its own output taken as the real set gives its own values back."""
        images = eyes(200)
        refined = fitted(NoiseBlur, images, images, blur_px=0.5, noise_grey=3.0).refine(images, RUN)
        run = RunContext(3)
        NoiseBlur().fit(unlabelled(images, "synthetic"), unlabelled(refined, "real"), run)
        assert run.scalars[0]["blur_px"] == pytest.approx(0.5, abs=0.02)
        assert run.scalars[0]["noise_grey"] == pytest.approx(3.0, rel=0.03)

    def test_the_blur_is_scipys_gaussian(self) -> None:
        images = eyes(4)
        refined = fitted(NoiseBlur, images, images, blur_px=1.5, noise_grey=0).refine(images, RUN)
        expected = [scipy.ndimage.gaussian_filter(image.astype(float), 1.5, mode="reflect") for image in images]
        assert np.abs(refined - np.array(expected)).max() < 0.6  # 0.5 is rounding

    def test_the_noise_is_white_gaussian_and_each_images_own(self) -> None:
        images = np.full((400, 20, 20), 128, np.uint8)
        images[:, 0, :2] = np.stack([np.arange(400) // 256, np.arange(400) % 256], axis=1)  # no two are equal
        textured = eyes(2)[:, :20, :20]
        refined = fitted(NoiseBlur, textured, textured, blur_px=0, noise_grey=5.0).refine(images, RUN)
        noise = refined[:, 1:].astype(float) - 128
        assert abs(noise.mean()) < 5 * 5 / np.sqrt(noise.size)
        assert noise.std() == pytest.approx(np.sqrt(25 + 1 / 12), rel=0.01)
        for neighbour in (noise[:, :, 1:] * noise[:, :, :-1], noise[1:] * noise[:-1]):
            assert abs(neighbour.mean()) < 5 * 25 / np.sqrt(neighbour.size)

    def test_the_seed_of_the_fit_draws_the_noise(self) -> None:
        images = eyes(4)
        by_seed = [
            fitted(NoiseBlur, images, images, seed, blur_px=0, noise_grey=4.0).refine(images, RUN) for seed in (1, 2, 1)
        ]
        assert (by_seed[0] != by_seed[1]).any()
        np.testing.assert_array_equal(by_seed[0], by_seed[2])

    def test_given_values_replace_the_estimates_which_are_noted(self) -> None:
        run = RunContext(3)
        real = camera(eyes(100, seed=2), 1.0, 4)
        refiner = NoiseBlur.configured(settings={"blur_px": 0.3})
        refiner.fit(unlabelled(eyes(100), "synthetic"), unlabelled(real, "real"), run)
        assert run.scalars[0]["blur_px"] == 0.3
        assert run.scalars[0]["noise_grey"] == pytest.approx(4, rel=0.1)
        assert run.notes["estimated_blur_px"] == pytest.approx(1.0, rel=0.1)

    def test_tiny_images_are_refused(self) -> None:
        with pytest.raises(DataError, match="at least 16 px"):
            fitted(NoiseBlur, eyes(3)[:, :12], eyes(3)[:, :12])

    def test_a_negative_blur_is_refused(self) -> None:
        with pytest.raises(UsageError, match="blur_px=-1"):
            NoiseBlur.configured(settings={"blur_px": -1})
