"""Amount of change: mean absolute difference and structural similarity of refined and synthetic image."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from bench.core.chunks import in_chunks
from bench.core.context import RunContext
from bench.core.errors import DataError
from bench.core.measure import Measure, Measurement, Quantity, Subject
from bench.measures.parts.grey_levels import colours
from bench.measures.parts.pairs import source_of

WINDOW_PX, SIGMA_PX = 11, 1.5
LEVELS = 255
CHUNK = 128
C1, C2 = (0.01 * LEVELS) ** 2, (0.03 * LEVELS) ** 2


class Change(Measure):
    """How much refining changed the images; neither good nor bad, but 0 means that nothing was learnt.

    `l1` is the paper's self-regularisation term per pixel (equation 4 with the identity), in grey levels of 0..255,
    over all channels. `ssim` is the mean structural similarity of Wang et al. 2004 on the mean of the channels, 1 for
    equal images: Gaussian window of 11x11 px with a standard deviation of 1.5 px, K1 = 0.01, K2 = 0.03, only where
    the window fits. Depth is seen as grey levels of 1.6 mm, each image around the mean depth of its hand: a hand that
    moves nearer or farther as a whole does not count (`depth-shift` tells). Background is equal on both sides, so on
    hands the SSIM is near 1 and the l1 small.
    """

    name = "change"
    version = 1
    kind: ClassVar[Literal["drift", "realism", "change"]] = "change"
    quantities: ClassVar[Mapping[str, Quantity]] = {
        "l1": Quantity("grey levels", "neither", unchanged=0.0),
        "ssim": Quantity("", "neither", unchanged=1.0),
    }
    needs_source = True

    def measure(self, subject: Subject, run: RunContext) -> Measurement:
        """per_image: l1 and ssim."""
        source = source_of(subject)
        if min(source.size) < WINDOW_PX:
            raise DataError(f"{source.name}: SSIM needs images of at least {WINDOW_PX} px, these are {source.size}")
        after, before = colours(subject.images), colours(source)
        parts = []
        for chunk in in_chunks(len(source), CHUNK):
            difference = np.abs(after[chunk] - before[chunk]).mean(axis=(1, 2, 3), dtype=np.float64)
            parts.append((difference, ssim(after[chunk].mean(axis=3), before[chunk].mean(axis=3))))
        l1, similarity = (np.concatenate(part) for part in zip(*parts, strict=True))
        values = {"l1": l1, "ssim": similarity}
        return Measurement({name: float(per_image.mean()) for name, per_image in values.items()}, values)


def ssim(one: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.float64]:
    """(N, H, W) grey levels twice -> (N,) mean structural similarity."""
    x, y = one.astype(np.float64), other.astype(np.float64)
    mean_x, mean_y = _windowed(x), _windowed(y)
    variance_x, variance_y = _windowed(x * x) - mean_x**2, _windowed(y * y) - mean_y**2
    covariance = _windowed(x * y) - mean_x * mean_y
    luminance = (2 * mean_x * mean_y + C1) / (mean_x**2 + mean_y**2 + C1)
    structure = (2 * covariance + C2) / (variance_x + variance_y + C2)
    similarity: NDArray[np.float64] = (luminance * structure).mean(axis=(1, 2))
    return similarity


def _windowed(images: NDArray[np.float64]) -> NDArray[np.float64]:
    """Gaussian-weighted mean around each pixel that has a whole window, (N, H - 10, W - 10)."""
    from scipy.ndimage import correlate1d

    half = WINDOW_PX // 2
    weights = np.exp(-0.5 * (np.arange(-half, half + 1) / SIGMA_PX) ** 2)
    weights /= weights.sum()
    smooth = correlate1d(correlate1d(images, weights, axis=1), weights, axis=2)
    return np.asarray(smooth[:, half:-half, half:-half])
