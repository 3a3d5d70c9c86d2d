"""Intervals, error curves and paired tests over seeds and persons: thin, on scipy."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

Key = TypeVar("Key", bound=Hashable)
Curve = NDArray[np.float64]

BAND_RESAMPLES = 2000


def t_interval(values: ArrayLike, level: float = 0.95) -> tuple[float, float | None, float | None]:
    """Mean and its t-interval over seeds: mean -+ t_(n-1) s / sqrt(n); bounds are None for one value.

    Not the bootstrap: with 3 seeds its 95 % interval covers 73-75 %.
    """
    sample = _finite(values)
    mean = float(sample.mean())
    if len(sample) < 2:
        return mean, None, None
    half = float(stats.t.ppf((1 + level) / 2, len(sample) - 1)) * _standard_error(sample)
    return mean, mean - half, mean + half


def cumulative_curve(values: ArrayLike, thresholds: ArrayLike) -> Curve:
    """Share of images with an error of at most each threshold, 0..1 (the paper's Figure 7)."""
    sample = np.sort(_finite(values))
    shares: Curve = np.searchsorted(sample, np.asarray(thresholds, np.float64), side="right") / len(sample)
    return shares


def person_band(
    values: ArrayLike,
    persons: NDArray[np.str_],
    thresholds: ArrayLike,
    level: float,
    rng: np.random.Generator,
) -> tuple[Curve, Curve] | None:
    """Band of the cumulative curve by resampling persons, pointwise percentiles; None for one person.

    As many persons as there are, drawn with replacement, each with all of its images: images of one person
    are not independent. With few persons the band is too narrow, as every bootstrap of few units is.
    """
    sample = _finite(values)
    if len(sample) != len(persons):
        raise ValueError(f"{len(sample)} values but {len(persons)} persons")
    known, owner = np.unique(persons, return_inverse=True)
    if len(known) < 2:
        return None
    images = np.bincount(owner).astype(np.float64)
    # Per person, the number of images within each threshold: (persons, thresholds).
    within = np.stack([cumulative_curve(sample[owner == person], thresholds) for person in range(len(known))])
    within *= images[:, None]
    draws = rng.multinomial(len(known), np.full(len(known), 1 / len(known)), BAND_RESAMPLES)
    curves = (draws @ within) / (draws @ images)[:, None]
    low, high = np.quantile(curves, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return low, high


@dataclass(frozen=True)
class PairedTest:
    """Mean difference of paired values, its t-interval and the two-sided p-value; None where one pair cannot say."""

    mean: float
    low: float | None
    high: float | None
    p_value: float | None
    pairs: int


def paired_t(differences: ArrayLike, level: float = 0.95) -> PairedTest:
    """The paired t-test on differences: t = mean / (s / sqrt(n)) with n - 1 degrees of freedom, two-sided.

    Differences that are all alike leave nothing to chance: p is 1 when they are 0, and 0 otherwise.
    """
    sample = _finite(differences)
    mean, low, high = t_interval(sample, level)
    greater = _p_greater(sample)
    p_value = None if greater is None else min(1.0, 2 * min(greater, 1 - greater) if mean else 1.0)
    return PairedTest(mean, low, high, p_value, len(sample))


def holm(p_values: ArrayLike) -> NDArray[np.float64]:
    """Holm's step-down adjustment: p_(i) becomes max over j <= i of min(1, (m - j + 1) p_(j)), in the given order."""
    p = np.asarray(p_values, np.float64)
    if p.ndim != 1 or not ((p >= 0) & (p <= 1)).all():
        raise ValueError("p-values must be a list of numbers from 0 to 1")
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(stepped, 1)
    return adjusted


def not_significantly_worse(
    per_seed: Mapping[Key, Sequence[float] | NDArray[np.float64]],
    *,
    lower_is_better: bool = True,
    alpha: float = 0.05,
) -> set[Key]:
    """The rows that are not significantly worse than the best one: those set bold in a table.

    Each row against the row of the best mean: one-sided t-test on the differences by seed (the rows share the
    estimators' random streams, so seeds are pairs), Holm over the rows, at `alpha`. With fewer than 2 seeds
    only the best. A row as good as the best loses its bold in at most 5 % of tables; as the best is
    picked from the same numbers, *some* row of several equal ones loses it more often (two rows: 10 %).
    ValueError when the rows have different numbers of seeds.
    """
    rows = {key: _finite(values) for key, values in per_seed.items()}
    counts = {len(values) for values in rows.values()}
    if len(counts) != 1:
        raise ValueError(f"rows are paired by seed: they need the same number of seeds, not {sorted(counts)}")
    sign = 1.0 if lower_is_better else -1.0
    means = {key: sign * float(values.mean()) for key, values in rows.items()}
    best = min(means, key=lambda key: means[key])
    others = [key for key in rows if key != best]
    if counts == {1}:
        return {best, *(key for key in others if means[key] == means[best])}
    p_values = [_p_greater(sign * (rows[key] - rows[best])) or 0.0 for key in others]
    return {best, *(key for key, p in zip(others, holm(p_values), strict=True) if p > alpha)}


def _p_greater(differences: NDArray[np.float64]) -> float | None:
    """One-sided p-value of 'the mean is above 0'; None for one difference."""
    if len(differences) < 2:
        return None
    error, mean = _standard_error(differences), float(differences.mean())
    if error == 0:
        return 1.0 if mean == 0 else float(mean < 0)
    return float(stats.t.sf(mean / error, len(differences) - 1))


def _standard_error(sample: NDArray[np.float64]) -> float:
    """Standard error of the mean, s / sqrt(n); exactly 0 for equal values, in spite of rounding."""
    if (sample == sample[0]).all():
        return 0.0
    return float(sample.std(ddof=1)) / float(np.sqrt(len(sample)))


def _finite(values: ArrayLike) -> NDArray[np.float64]:
    sample = np.asarray(values, np.float64)
    if sample.ndim != 1 or not len(sample):
        raise ValueError(f"expected a list of at least one number, got shape {sample.shape}")
    if not np.isfinite(sample).all():
        raise ValueError(f"{int((~np.isfinite(sample)).sum())} of {len(sample)} values are NaN or infinite")
    return sample
