"""Two methods, or two commits, on the same seeds and test images: difference, equivalence, and what could be found."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, special, stats

from bench.stats import PairedTest, finite, paired_t, standard_error


@dataclass(frozen=True)
class Comparison:
    """A mean difference between two methods, with an interval for each question.

    over_seeds: other trainings, the same test images: did this number move? None for one seed.
    over_persons: other persons, the same trainings: would it hold for new persons? None for one person.
    low, high, p_value: both at once, the ones to decide by. With one seed or one person they speak only of
    what there are several of; with one of each they are None.
    over_seeds.mean weighs images alike, as tables do; mean and over_persons.mean weigh persons alike.
    cells: (S, P), the mean difference of each seed and person.
    """

    mean: float
    low: float | None
    high: float | None
    p_value: float | None
    over_seeds: PairedTest | None
    over_persons: PairedTest | None
    cells: NDArray[np.float64] = field(repr=False, compare=False)

    @property
    def seeds(self) -> int:
        """S."""
        return len(self.cells)

    @property
    def persons(self) -> int:
        """P."""
        return int(self.cells.shape[1])


@dataclass(frozen=True)
class Equivalence:
    """p_value: of 'the true mean difference is outside the margin', None where one unit cannot say."""

    p_value: float | None
    equivalent: bool


@dataclass(frozen=True)
class _Spread:
    """Where the difference varies: the standard error of its mean over n units, with n - 1 degrees of freedom."""

    error: float
    degrees: int


def paired_by_person(differences_by_seed: ArrayLike, persons: NDArray[np.str_], level: float = 0.95) -> Comparison:
    """Compare two methods image by image; images of one person are not independent, so persons are the units.

    differences_by_seed: (S, N), first method minus second, same seeds, same N images. persons: (N,).

    Over seeds and persons at once, the interval is mean -+ sqrt(h_s^2 + h_p^2), where h_s and h_p are half the
    t-intervals over the S seeds' and over the P persons' means. It covers at least `level` for any sizes of seed
    effects, person effects and their interaction (Banerjee 1960: P(chi^2_1 > x) is convex in x, so the bound that
    holds for each part holds for their sum). The price is caution: 1 to 3 % of false alarms at 5 % where neither
    seeds nor persons have an effect. The larger p of the two parts would give 10 % (10 seeds and 15 persons that vary
    alike), Satterthwaite's degrees of freedom 7 % (3 seeds, 15 persons). The p-value is 1 minus the level at which
    the interval touches 0.
    """
    values, cells = _cells(differences_by_seed, persons)
    mean, spreads = _mean_and_spreads(cells)
    half = _half_width(spreads, (1 - level) / 2) if spreads else None
    return Comparison(
        mean=mean,
        low=None if half is None else mean - half,
        high=None if half is None else mean + half,
        p_value=min(1.0, 2 * _p_above_zero(abs(mean), spreads)) if spreads else None,
        over_seeds=paired_t(values.mean(axis=1), level) if len(cells) > 1 else None,
        over_persons=paired_t(cells.mean(axis=0), level) if cells.shape[1] > 1 else None,
        cells=cells,
    )


def tost(
    differences: ArrayLike,
    margin: float,
    persons: NDArray[np.str_] | None = None,
    alpha: float = 0.05,
) -> Equivalence:
    """Equivalence by two one-sided t-tests (Schuirmann 1987): the true mean difference is within -+ margin.

    differences: (n,) independent pairs; with persons, (S, N) as for `paired_by_person`, over seeds and persons at once.
    The p-value is the larger of the two; equivalent when it is at most alpha, which is the same as the interval
    of level 1 - 2 alpha lying within the margin. ValueError for a margin that is not above 0.
    """
    if not (math.isfinite(margin) and margin > 0):
        raise ValueError(f"the margin of an equivalence must be above 0, not {margin:g}")
    cells = finite(differences)[:, None] if persons is None else _cells(differences, persons)[1]
    mean, spreads = _mean_and_spreads(cells)
    if not spreads:
        return Equivalence(None, False)
    p_value = _p_above_zero(margin - abs(mean), spreads)
    return Equivalence(p_value, p_value <= alpha)


def minimum_detectable_effect(differences: ArrayLike, alpha: float = 0.05, power: float = 0.8) -> float | None:
    """The smallest true mean difference that a two-sided paired t-test would find with this power.

    For as many pairs as there are, with their standard deviation as if it were the true one; a difference found
    with the wrong sign does not count. None for one pair.
    """
    sample = finite(differences)
    if not 0 < alpha < power < 1:
        raise ValueError(f"0 < alpha < power < 1 is needed, not alpha {alpha:g} and power {power:g}")
    if len(sample) < 2:
        return None
    degrees = len(sample) - 1
    high = next(2.0**step for step in count() if _power(degrees, 2.0**step, alpha) > power)
    noncentrality = optimize.brentq(lambda shift: _power(degrees, shift, alpha) - power, 0, high)
    return float(noncentrality) * float(standard_error(sample))


def seeds_to_settle(differences: ArrayLike, effect: float, alpha: float = 0.05, power: float = 0.8) -> int | None:
    """The fewest seeds whose minimum detectable effect is at most `effect`; None for one difference.

    A rough guide: the standard deviation of few seeds is itself uncertain (of 3, by a factor of 0.5 to 6).
    """
    sample = finite(differences)
    if not (math.isfinite(effect) and effect > 0 and 0 < alpha < power < 1):
        raise ValueError("an effect above 0 and 0 < alpha < power < 1 are needed")
    if len(sample) < 2:
        return None
    deviation = float(standard_error(sample)) * math.sqrt(len(sample))
    if effect >= 1000 * deviation:  # two find it for certain, and the t-distribution has no numbers for such shifts
        return 2
    # The normal approximation needs fewer than the t-test does; of more than 1,000, by less than 1 in 500.
    fewest = float(((special.ndtri(1 - alpha / 2) + special.ndtri(power)) * deviation / effect) ** 2)
    if fewest > 1000:
        return math.ceil(fewest)
    enough = (n for n in count(max(2, int(fewest))) if _power(n - 1, effect / deviation * math.sqrt(n), alpha) >= power)
    return next(enough)


def detectable(comparison: Comparison, alpha: float = 0.05, power: float = 0.8) -> float | None:
    """Roughly the smallest true difference that `paired_by_person` would find on such a study; None where p is None.

    The root of the sum of squares of the minimum detectable effects over seeds and over persons, as the interval is
    made of the two parts; as if the spreads found were the true ones.
    """
    parts = [minimum_detectable_effect(means, alpha, power) for means in _by_seed_and_person(comparison)]
    known = [part for part in parts if part is not None]
    return math.hypot(*known) if known else None


def seeds_for(comparison: Comparison, effect: float, alpha: float = 0.05, power: float = 0.8) -> int | None:
    """Roughly how many seeds make an effect detectable for the same persons, as if their spread were to stay.

    None when no number of seeds would, as the persons alone vary too much, and for one seed, which tells no spread.
    """
    by_seed, by_person = _by_seed_and_person(comparison)
    left = effect**2 - (minimum_detectable_effect(by_person, alpha, power) or 0.0) ** 2
    return seeds_to_settle(by_seed, math.sqrt(left), alpha, power) if left > 0 else None


def _by_seed_and_person(comparison: Comparison) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(S,) and (P,): the difference of each seed and of each person, persons weighing alike."""
    return comparison.cells.mean(axis=1), comparison.cells.mean(axis=0)


def _power(degrees: int, noncentrality: float, alpha: float) -> float:
    return float(stats.nct.sf(special.stdtrit(degrees, 1 - alpha / 2), degrees, noncentrality))


def _cells(
    differences_by_seed: ArrayLike, persons: NDArray[np.str_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The differences as (S, N), and their means by seed and person as (S, P)."""
    rows = [finite(row) for row in np.asarray(differences_by_seed, np.float64)]
    if not rows or len(rows[0]) != len(persons):
        raise ValueError(f"{len(rows[0]) if rows else 0} differences but {len(persons)} persons")
    values = np.stack(rows)
    known, owner = np.unique(persons, return_inverse=True)
    images = np.bincount(owner)
    cells = np.stack([np.bincount(owner, row, len(known)) / images for row in values])
    return values, cells


def _mean_and_spreads(cells: NDArray[np.float64]) -> tuple[float, list[_Spread]]:
    """Mean of (S, P) cells, and how it varies over the seeds and over the persons of which there are several."""
    spreads = [
        _Spread(float(standard_error(means)), len(means) - 1)
        for means in (cells.mean(axis=1), cells.mean(axis=0))
        if len(means) > 1
    ]
    return float(cells.mean()), spreads


def _half_width(spreads: Sequence[_Spread], tail: float) -> float:
    """Half the interval that leaves out `tail` on each side: root of the sum of squares of half the t-intervals."""
    return math.hypot(*(float(special.stdtrit(spread.degrees, tail)) * spread.error for spread in spreads))


def _p_above_zero(mean: float, spreads: Sequence[_Spread]) -> float:
    """One-sided p-value of 'the true mean is above 0': the tail whose `_half_width` just reaches to 0."""
    varying = [spread for spread in spreads if spread.error > 0]
    if not varying:
        return float(mean <= 0)
    if mean <= 0:
        return 1 - _p_above_zero(-mean, spreads) if mean else 0.5
    # With one spread this is the t-test itself; another one can only raise p.
    least = max(float(special.stdtr(spread.degrees, -mean / spread.error)) for spread in varying)
    if len(varying) == 1 or least < 1e-300:
        return least
    root = optimize.brentq(lambda log: _half_width(varying, math.exp(log)) - mean, math.log(least / 2), math.log(0.5))
    return math.exp(root)
