"""Realism: kernel distance (KID) between the images and real ones in the features of an estimator."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from bench.core.context import RunContext
from bench.core.errors import DataError
from bench.core.measure import Measure, Measurement, Quantity, Subject
from bench.measures.parts.gauge import features, gauge_of
from bench.measures.parts.pairs import check_same_kind

SUBSETS = 50
SUBSET_SIZE = 500


class KernelDistance(Measure):
    """Unbiased squared maximum mean discrepancy with the kernel (x.y / d + 1)^3 (Binkowski et al. 2018).

    Averaged over 50 random subsets of at most 500 images of each set. Being unbiased it is 0 on average for two
    samples of one distribution, so it may be negative. The features are those of this harness's own estimator of gaze
    or joints, trained on labelled real persons, in its own scale: the numbers compare image sets with each other under
    one estimator, and cannot be set against KID in Inception features. It sees the mean of the channels of colour
    images, and depth as it is. UsageError for an estimator without features.
    """

    name = "kernel-distance"
    version = 1
    kind: ClassVar[Literal["drift", "realism", "change"]] = "realism"
    quantities: ClassVar[Mapping[str, Quantity]] = {"kid": Quantity("", "lower")}
    gauge: ClassVar[Literal["none", "synthetic", "real"]] = "real"
    gauge_target: ClassVar[str | None] = None

    def measure(self, subject: Subject, run: RunContext) -> Measurement:
        """No values per image. DataError with fewer than two images on a side."""
        check_same_kind(subject.images, subject.real)
        size = min(SUBSET_SIZE, len(subject.images), len(subject.real))
        if size < 2:
            raise DataError(f"{subject.images.name}: a kernel distance needs at least 2 images on both sides")
        gauge, draws = gauge_of(subject, self.gauge_target), run.rng("kernel distance subsets")
        images = features(gauge, subject.images, run)
        real = features(gauge, subject.real, run)
        distances = []
        for done in range(SUBSETS):
            chosen = draws.choice(len(images), size, replace=False), draws.choice(len(real), size, replace=False)
            distances.append(polynomial_mmd2(images[chosen[0]], real[chosen[1]]))
            run.progress(done + 1, SUBSETS, "subsets")
        return Measurement({"kid": float(np.mean(distances))})


def polynomial_mmd2(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Unbiased estimate of the squared maximum mean discrepancy of (m, d) and (n, d) features; m, n at least 2."""
    m, n = len(one), len(other)
    within_one, within_other, between = _kernel(one, one), _kernel(other, other), _kernel(one, other)
    return float(
        (within_one.sum() - within_one.trace()) / (m * (m - 1))
        + (within_other.sum() - within_other.trace()) / (n * (n - 1))
        - 2 * between.mean()
    )


def _kernel(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    kernel: NDArray[np.float64] = (one @ other.T / one.shape[1] + 1) ** 3
    return kernel
