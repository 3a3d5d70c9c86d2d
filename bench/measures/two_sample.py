"""Realism: can a classifier tell the images from real ones? AUC of a two-sample test across persons."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from bench.core.chunks import in_chunks
from bench.core.context import RunContext
from bench.core.errors import DataError
from bench.core.measure import Measure, Measurement, Quantity, Subject
from bench.measures.parts.pairs import alike

FOLDS = 5
LOW_ROWS, LOW_COLUMNS = 6, 8  # DCT coefficients kept: a whole brow or lid, nothing smaller
BANDS = 8
QUANTILES = np.linspace(0.0, 1.0, 11)
SMALLEST_PX = 16
SHRINKAGE = 0.5
"""How far the covariance within the sets is drawn towards a sphere, 0..1."""
CONSTANT = 1e-9
"""Features that spread less than this share of their size are constant but for rounding, and ignored."""
CHUNK = 256


class TwoSample(Measure):
    """Classifier two-sample test (Lopez-Paz & Oquab 2017): the AUC at telling the images from real ones.

    0.5: it cannot tell them apart; 1: it always can. A linear discriminant, so it may miss what a network would see:
    a value near 0.5 is no proof of realism. Mean AUC of 5 folds (fewer when a side has fewer persons); nobody is in
    the training and the test images of one fold, else faces known by heart would count as a difference. With ten
    persons on a side, two sets of one domain come out at 0.5 +- 0.12, so below 0.5 as well (measured on the
    simulator: standard deviation over groups of persons).
    The features, per channel: the lowest 6x8 coefficients of the cosine transform (light and shape), log energy of
    the transform in 8 bands of frequency (sharpness, noise), 11 quantiles of the levels (brightness, contrast), and,
    at three scales, log of the mean square and of the median size of the Laplacian (texture, noise).
    Depth is seen as grey levels of 1.6 mm. Where most of an image is background, medians and low quantiles are the
    same in every image; such features are ignored.
    """

    name = "two-sample"
    version = 2
    kind: ClassVar[Literal["drift", "realism", "change"]] = "realism"
    quantities: ClassVar[Mapping[str, Quantity]] = {"auc": Quantity("", "lower")}

    def measure(self, subject: Subject, run: RunContext) -> Measurement:
        """No values per image. DataError when the sizes differ, or with fewer than two images on a side."""
        images, real = alike(subject)
        if min(len(images), len(real)) < 2:
            raise DataError(f"{subject.images.name}: a two-sample test needs at least 2 images on both sides")
        if min(subject.real.size) < SMALLEST_PX:
            raise DataError(f"{subject.real.name}: a two-sample test needs images of at least {SMALLEST_PX} px")
        groups = subject.images.persons, subject.real.persons
        if min(len(np.unique(persons)) for persons in groups) < 2:
            run.warn(
                f"two-sample test of {subject.images.name} against {subject.real.name}: one of them shows one person "
                "only, so its folds are by image, and knowing faces helps to tell: the AUC is too large"
            )
            groups = subject.images.ids, subject.real.ids
        folds, real_folds = deal(*groups, run.rng("two-sample folds"))
        area = cross_validated_auc(features(images), features(real), folds, real_folds)
        return Measurement({"auc": area})


def deal(one: NDArray[np.str_], other: NDArray[np.str_], draws: np.random.Generator) -> list[NDArray[np.int64]]:
    """The fold of each row of both sides, such that a group is in one fold and every fold has rows of both sides."""
    sides = [set(map(str, groups)) for groups in (one, other)]
    count = min(FOLDS, *map(len, sides))
    shared = sides[0] & sides[1]
    fold: dict[str, int] = {group: at % count for at, group in enumerate(draws.permutation(sorted(shared)))}
    for side in sides:
        # going on where the shared groups ended: `count` groups in a row reach every fold
        for at, group in enumerate(draws.permutation(sorted(side - shared)), start=len(shared)):
            fold[group] = at % count
    return [np.array([fold[str(group)] for group in groups]) for groups in (one, other)]


def cross_validated_auc(
    one: NDArray[np.float64], other: NDArray[np.float64], folds: NDArray[np.int64], other_folds: NDArray[np.int64]
) -> float:
    """Mean over the folds of the AUC on a fold of a discriminant fitted to the other folds."""
    areas = []
    for fold in np.unique(folds):
        axis = discriminant(one[folds != fold], other[other_folds != fold])
        areas.append(auc(one[folds == fold] @ axis, other[other_folds == fold] @ axis))
    return float(np.mean(areas))


def discriminant(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """Fisher's axis, larger for `one`: features standardised, covariance within sets shrunk towards a sphere.

    0 for features that do not vary. They would weaken the shrinking of the others.
    """
    both = np.concatenate([one, other])
    spread = both.std(axis=0)
    axis = np.zeros(len(spread))
    varying = spread > CONSTANT * np.abs(both).max(axis=0)
    if not varying.any():
        return axis
    scale = spread[varying]
    one, other = one[:, varying] / scale, other[:, varying] / scale
    within = np.concatenate([one - one.mean(axis=0), other - other.mean(axis=0)])
    covariance = (1 - SHRINKAGE) * within.T @ within / len(within)
    covariance += SHRINKAGE * np.eye(len(scale)) * max(float(within.var(axis=0).mean()), 1e-12)
    axis[varying] = np.linalg.solve(covariance, one.mean(axis=0) - other.mean(axis=0)) / scale
    return axis


def auc(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Share of pairs in which the score of `one` is the larger, ties counted half (Mann-Whitney)."""
    below, to = (np.searchsorted(np.sort(other), one, side=side) for side in ("left", "right"))
    return float((below + to).mean() / (2 * len(other)))


def features(images: NDArray[np.float32]) -> NDArray[np.float64]:
    """(N, H, W, C) levels 0..255 -> (N, F) features of light, shape, contrast, sharpness and noise."""
    parts = []
    for chunk in in_chunks(len(images), CHUNK):
        channels = np.moveaxis(images[chunk], 3, 0)
        parts.append(np.concatenate([_channel_features(channel) for channel in channels], axis=1))
    return np.concatenate(parts)


def _channel_features(levels: NDArray[np.float32]) -> NDArray[np.float64]:
    from scipy.fft import dctn
    from scipy.ndimage import gaussian_filter, laplace

    count, height, width = levels.shape
    spectrum = dctn(levels.astype(np.float64), axes=(1, 2), norm="ortho")
    frequency = np.hypot(np.arange(height)[:, None] / height, np.arange(width) / width)
    band = np.minimum((frequency * BANDS).astype(int), BANDS - 1)
    energy = [np.square(spectrum[:, band == at]).mean(axis=1) for at in range(BANDS)]
    parts = [
        spectrum[:, :LOW_ROWS, :LOW_COLUMNS].reshape(count, -1),
        np.log(np.stack(energy, axis=1) + 1e-2),
        np.quantile(levels.reshape(count, -1), QUANTILES, axis=1).T,
    ]
    for scale in (0.0, 1.0, 2.0):
        smooth = gaussian_filter(levels, (0, scale, scale))
        edges = np.abs(laplace(smooth, axes=(1, 2))).reshape(count, -1)
        parts.append(np.log(np.stack([np.square(edges).mean(axis=1), np.median(edges, axis=1)], axis=1) + 1e-2))
    return np.concatenate(parts, axis=1)
