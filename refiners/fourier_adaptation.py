"""Fourier domain adaptation: an image keeps its phases and gets a real image's low-frequency amplitudes.

Yang and Soatto, "FDA: Fourier Domain Adaptation for Semantic Segmentation", CVPR 2020.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import scipy.fft
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
MOST_PARTNERS = 10_000
NO_PHASE = 1e-6
"""Amplitudes below it are rounding errors of the transform, and their phases mean nothing."""
ROUNDING = 1e-9
"""So that 3 of 60 frequencies are a twentieth."""


class FourierAdaptation(FittedArrays, Refiner):
    """A baseline without training: slow shading gets a real strength, and phases, which place the edges, stay.

    The partner of an image is chosen by a hash of its pixels among at most 10,000 real images, so it does not depend
    on the batch or the order; the source draws one at random at each sight of an image. `target=mean` takes the mean
    amplitude of the real set instead.
    """

    class Config(Settings):
        """How low 'low frequency' is, and where the amplitudes come from."""

        beta: float = Field(
            0.05,
            ge=0,
            le=0.25,
            description="Half-width of the exchanged window as a share of the image's height and width; 0 is the mean "
            "grey alone. Source: 0.01, 0.05 and 0.09 on images of 512x1024 px; at 35x55 px 0.05 is 1x2 "
            "frequencies and 0.01 the mean grey alone.",
        )
        target: Literal["image", "mean"] = Field(
            "image",
            description="Amplitudes of one real image, as in the source (refined images differ in light as real ones "
            "do), or the mean over the real set (all get the same light).",
        )

    config: Config

    def fit(self, synthetic: ImageSet | Unlabelled, real: Unlabelled, run: RunContext) -> None:
        """Keep the real images' low-frequency amplitudes; DataError for images it cannot take."""
        for images in (synthetic, real):
            check_eyes(images.images, images.name)
        if synthetic.size != real.size:
            raise DataError(
                f"{synthetic.name} has images of {synthetic.size} px, {real.name} of {real.size}: their frequencies "
                "differ; resize one of the sets"
            )
        one_each = self.config.target == "image"
        chosen = np.arange(len(real))
        if one_each:
            chosen = np.sort(run.rng("fourier partners").permutation(len(real))[:MOST_PARTNERS])
        window = low_frequencies(real.size, self.config.beta)
        parts = []
        for part in in_chunks(len(chosen), IMAGE_CHUNK):
            found = np.abs(scipy.fft.fft2(real.images[chosen[part]].astype(np.float64)))[:, window]
            parts.append(found if one_each else found.sum(axis=0, keepdims=True))
        amplitudes = np.concatenate(parts) if one_each else sum(parts) / len(chosen)
        # (K, F) in the window of each partner, its images' size, and the seed that chooses partners.
        self._arrays = {
            "amplitudes": np.asarray(amplitudes, np.float32),
            "size": np.array(real.size),
            "seed": np.array([run.stream_seed("fourier choice") if one_each else 0]),
        }
        if one_each:
            run.log(1, partners=len(chosen), frequencies=int(window.sum()))

    def refine(self, images: NDArray[Any], run: RunContext) -> NDArray[Any]:
        """(N, H, W) uint8 of the size of the real images (else DataError), rounded and clipped to 0..255."""
        arrays = self._fitted()
        height, width = arrays["size"].tolist()
        check_eyes(images, "the images to refine", (height, width))
        amplitudes, seed = arrays["amplitudes"], int(arrays["seed"][0])
        window = low_frequencies((height, width), self.config.beta)
        refined = np.empty_like(images)
        for index, image in enumerate(images):
            partner = amplitudes[content_seed(image, seed) % len(amplitudes)]
            adapted = scipy.fft.ifft2(exchange(scipy.fft.fft2(image.astype(np.float64)), partner, window)).real
            refined[index] = np.clip(np.rint(adapted), 0, 255)
        return refined


def low_frequencies(size: tuple[int, int], beta: float) -> NDArray[np.bool_]:
    """(H, W) window in the order of the transform: |frequency| <= beta in cycles per px, along both axes.

    Symmetric about zero for odd and even sizes, so that an exchange of amplitudes leaves the image real.
    """
    rows, columns = (np.abs(scipy.fft.fftfreq(length)) <= beta + ROUNDING for length in size)
    return np.outer(rows, columns)


def exchange(
    spectrum: NDArray[np.complex128], amplitudes: NDArray[np.float32], window: NDArray[np.bool_]
) -> NDArray[np.complex128]:
    """(H, W) spectrum with the (F,) amplitudes in the window; frequencies that the image does not have stay zero."""
    amplitude = np.abs(spectrum)
    phase = np.where(amplitude > NO_PHASE, spectrum / np.maximum(amplitude, NO_PHASE), 0)
    phase[0, 0] = 1  # the mean grey has no phase, and a black image may get brighter
    exchanged = spectrum.copy()
    exchanged[window] = amplitudes * phase[window]
    return exchanged
