"""Noise and blur: Gaussian blur and additive noise, both estimated from unlabelled real images; no training."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.fft
import scipy.optimize
from numpy.typing import NDArray
from pydantic import Field

from bench.core.chunks import in_chunks
from bench.core.context import RunContext
from bench.core.errors import DataError
from bench.core.fitted_arrays import FittedArrays
from bench.core.images import ImageSet, Unlabelled
from bench.core.refiner import Refiner
from bench.core.settings import Settings
from refiners.classical.content import content_seed
from refiners.classical.eyes_only import check_eyes

IMAGE_CHUNK = 1024
MOST_IMAGES = 10_000  # of each set, for the spectra
LEAST_SIZE = 16  # px; below it there are too few frequencies
FREQUENCIES = (0.1, 0.5)  # cycles per px; slower changes are light and anatomy, faster ones are diagonal only
ROUNDING_POWER = 1 / 12  # variance of rounding to whole grey levels
MOST_BLUR = 10.0  # px
LEAST_EFFECT = 0.1  # px of blur or grey levels of noise


class NoiseBlur(FittedArrays, Refiner):
    """What a camera adds: the same Gaussian blur and white noise level for all images.

    Both come from one fit of the mean power spectra: real(f) = gain synthetic(f) exp(-4 pi^2 blur^2 f^2) + noise^2.
    The gain takes up contrast and is not applied. What differs in content at high frequencies counts as blur or
    noise. An image's noise is drawn by a hash of its pixels, so it does not depend on the batch or the order.
    """

    class Config(Settings):
        """Values to use in place of the estimated ones."""

        blur_px: float | None = Field(
            None, ge=0, le=MOST_BLUR, description="Standard deviation of the blur, px; none = estimate it."
        )
        noise_grey: float | None = Field(
            None, ge=0, le=128, description="Standard deviation of the noise, grey levels; none = estimate it."
        )

    config: Config

    def fit(self, synthetic: ImageSet | Unlabelled, real: Unlabelled, run: RunContext) -> None:
        """Estimate blur and noise; DataError for images it cannot take, or that are too small or all flat.

        Warns when the real images are neither blurrier nor noisier than the synthetic ones.
        """
        for images in (synthetic, real):
            check_eyes(images.images, images.name)
        if synthetic.size != real.size or min(real.size) < LEAST_SIZE:
            raise DataError(
                f"{synthetic.name} has images of {synthetic.size} px, {real.name} of {real.size}: to compare their "
                f"spectra they must have one size, of at least {LEAST_SIZE} px; resize them"
            )
        estimated = estimate(_spectrum(synthetic, run), _spectrum(real, run), real.size)
        blur = estimated[0] if self.config.blur_px is None else self.config.blur_px
        noise = estimated[1] if self.config.noise_grey is None else self.config.noise_grey
        seed = run.stream_seed("noise blur noise")
        self._arrays = {"blur_and_noise": np.array([blur, noise]), "seed": np.array([seed])}
        run.log(1, blur_px=blur, noise_grey=noise)
        run.note(estimated_blur_px=estimated[0], estimated_noise_grey=estimated[1])
        if blur < LEAST_EFFECT and noise < LEAST_EFFECT:
            run.warn(f"{real.name} is neither blurrier nor noisier than {synthetic.name}: noise-blur changes nothing")

    def refine(self, images: NDArray[Any], run: RunContext) -> NDArray[Any]:
        """(N, H, W) uint8 of any size, blurred, with noise, rounded and clipped to 0..255."""
        arrays = self._fitted()
        check_eyes(images, "the images to refine")
        (blur, noise), seed = arrays["blur_and_noise"].tolist(), int(arrays["seed"][0])
        transfer = _gaussian_transfer(images.shape[1:], blur)
        refined = np.empty_like(images)
        for index, image in enumerate(images):
            blurred = scipy.fft.idctn(scipy.fft.dctn(image.astype(np.float64)) * transfer)
            drawn = np.random.default_rng(content_seed(image, seed)).standard_normal(image.shape)
            refined[index] = np.clip(np.rint(blurred + noise * drawn), 0, 255)
        return refined


def _gaussian_transfer(size: tuple[int, ...], blur: float) -> NDArray[np.float64]:
    """(H, W) factors of a Gaussian blur on the cosine transform: exact at any width, the border mirrored.

    A sampled Gaussian kernel is much too narrow below half a pixel.
    """
    rows, columns = (np.exp(-2 * (np.pi * blur * np.arange(length) / (2 * length)) ** 2) for length in size)
    return np.outer(rows, columns)


def _spectrum(images: ImageSet | Unlabelled, run: RunContext) -> NDArray[np.float64]:
    """(H, W // 2 + 1) mean power of at most 10,000 images; white noise of deviation s has the power s^2.

    The Hann window keeps the jump between opposite borders out of it. DataError when every image is flat.
    """
    window = np.outer(*(np.hanning(length + 2)[1:-1] for length in images.size))
    window /= np.sqrt(np.square(window).sum())
    chosen = np.sort(run.rng("noise blur images").permutation(len(images))[:MOST_IMAGES])
    power = np.zeros((images.size[0], images.size[1] // 2 + 1))
    for part in in_chunks(len(chosen), IMAGE_CHUNK):
        grey = images.images[chosen[part]].astype(np.float64)
        grey -= grey.mean(axis=(1, 2), keepdims=True)
        power += np.square(np.abs(scipy.fft.rfft2(grey * window))).sum(axis=0)
    if not power.any():
        raise DataError(f"{images.name}: every image has one grey level only; choose images that show something")
    return power / len(chosen)


def estimate(synthetic: NDArray[np.float64], real: NDArray[np.float64], size: tuple[int, int]) -> tuple[float, float]:
    """Blur (px) and noise (grey levels) that turn the one mean spectrum into the other, both at least 0.

    Least squares of the logarithms over all frequencies. The rounding of a refined image is part of its noise.
    """
    rows, columns = scipy.fft.fftfreq(size[0]), scipy.fft.rfftfreq(size[1])
    squared = rows[:, None] ** 2 + columns**2
    used = (squared >= FREQUENCIES[0] ** 2) & (squared <= FREQUENCIES[1] ** 2)
    squared, synthetic, real = squared[used], synthetic[used] + ROUNDING_POWER, real[used] + ROUNDING_POWER
    weight = squared**-0.25  # the number of frequencies grows with the frequency: each gets the same say

    def misfit(parameters: NDArray[np.float64]) -> NDArray[np.float64]:
        log_gain, blur2, noise2 = parameters
        model = np.exp(log_gain - 4 * np.pi**2 * blur2 * squared) * synthetic + noise2 * real.min()
        residuals: NDArray[np.float64] = weight * np.log(model / real)
        return residuals

    fits = [
        scipy.optimize.least_squares(
            misfit, (0.0, start, 0.5), bounds=((-10, 0, 0), (10, MOST_BLUR**2, np.inf)), x_scale=(1, 0.1, 0.1)
        )
        for start in (0.1, 1.0, 4.0)
    ]
    _, blur2, noise2 = min(fits, key=lambda fit: float(fit.cost)).x
    return float(np.sqrt(blur2)), float(np.sqrt(max(noise2 * real.min() - 2 * ROUNDING_POWER, 0)))
