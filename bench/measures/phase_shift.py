"""Drift of the whole image: its shift against the synthetic one by phase correlation, to a hundredth of a pixel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from bench.core.chunks import in_chunks
from bench.core.context import RunContext
from bench.core.errors import TrainingFailed
from bench.core.measure import Measure, Measurement, Quantity, Subject
from bench.measures.parts.displacement import percent_missing, scale_of, summed_up
from bench.measures.parts.grey_levels import grey
from bench.measures.parts.pairs import source_of

REACH_PX = 8.0
LOW_PASS_PX = 1.0
CHUNK = 128


class PhaseShift(Measure):
    """One shift per image: where the phase correlation of refined and synthetic image peaks (Kuglin & Hines 1975).

    Photometric changes leave the phase nearly alone, so this sees a moved image and little else; a refiner that
    moves the pupil and keeps the skin hardly shows. Hann window; a Gaussian low-pass of 1 px on the normalised
    cross-spectrum, as the highest frequencies hold noise; the peak is searched on a grid within 8 px and then on
    finer ones, by the Fourier sum itself (Guizar-Sicairos et al. 2008), not by fitting neighbours: OpenCV's centroid
    is 0.3 px off at half pixels on such small images. px are those of an image 55 px wide, on hands of the 64x64 grid,
    where depth is seen as grey levels and the outline tells most.
    A flat image, or a peak at the border of the range, is a failure: left out of all but `failures`. `bias` is the
    length of the mean vector. TrainingFailed when no shift is found at all.
    """

    name = "phase-shift"
    version = 2
    kind: ClassVar[Literal["drift", "realism", "change"]] = "drift"
    quantities: ClassVar[Mapping[str, Quantity]] = {
        "mean": Quantity("px", "lower", unchanged=0.0),
        "sd": Quantity("px", "neither", unchanged=0.0),
        "median": Quantity("px", "lower", unchanged=0.0),
        "bias": Quantity("px", "lower", unchanged=0.0),
        "failures": Quantity("%", "lower"),
    }
    needs_source = True

    def measure(self, subject: Subject, run: RunContext) -> Measurement:
        """per_image: dx, dy by which the refined image lies to the right of and below the synthetic one, px."""
        source = source_of(subject)
        before, after, scale = grey(source), grey(subject.images), scale_of(source)
        parts = []
        for chunk in in_chunks(len(before), CHUNK):
            parts.append(shifts(before[chunk], after[chunk], REACH_PX / scale))
            run.progress(chunk.stop, len(before), "images")
        drift = np.concatenate(parts) * scale
        if not np.isfinite(drift).all(axis=1).any():
            raise TrainingFailed(
                f"{subject.images.name}: no shift found in any of its {len(drift)} pairs; are they flat?"
            )
        summary = {**summed_up(drift), "failures": percent_missing(drift)}
        return Measurement(summary, {"dx": drift[:, 0], "dy": drift[:, 1]})


def shifts(before: NDArray[np.float32], after: NDArray[np.float32], reach_px: float = REACH_PX) -> NDArray[np.float64]:
    """(N, H, W) twice -> (N, 2) px (x, y) from `before` to `after`; NaN where an image is flat or the peak is cut."""
    height, width = before.shape[1:]
    vertical, horizontal = np.fft.fftfreq(height), np.fft.fftfreq(width)
    cross = np.conj(_spectra(before)) * _spectra(after)
    size = np.abs(cross)
    low_pass = np.exp(-2 * (np.pi * LOW_PASS_PX) ** 2 * (vertical[:, None] ** 2 + horizontal**2))
    cross *= low_pass / np.where(size > 0, size, np.inf)

    peaks = np.zeros((len(before), 2))
    for reach, step in ((reach_px, 0.5), (0.5, 0.1), (0.1, 0.01)):
        offsets = step * np.arange(-round(reach / step), round(reach / step) + 1)
        x, y = peaks[:, :1] + offsets, peaks[:, 1:] + offsets
        rows = np.exp(2j * np.pi * y[:, :, None] * vertical)
        columns = np.exp(2j * np.pi * horizontal[:, None] * x[:, None, :])
        best = (rows @ cross @ columns).real.reshape(len(before), -1).argmax(axis=1)
        which = np.arange(len(before))
        peaks = np.stack([x[which, best % len(offsets)], y[which, best // len(offsets)]], axis=1)
    peaks[(size.max(axis=(1, 2)) == 0) | (np.abs(peaks).max(axis=1) >= reach_px)] = np.nan
    return peaks


def _spectra(images: NDArray[np.float32]) -> NDArray[np.complex128]:
    """Fourier transforms of the images less their mean, faded out at the borders (Hann)."""
    height, width = images.shape[1:]
    window = np.outer(np.hanning(height + 2)[1:-1], np.hanning(width + 2)[1:-1])
    levels = images.astype(np.float64)
    levels -= (levels * window).sum(axis=(1, 2), keepdims=True) / window.sum()
    # rounding of a flat image must not look like structure
    levels[np.abs(levels).max(axis=(1, 2)) < 1e-6] = 0
    return np.asarray(np.fft.fft2(levels * window))
