"""How often each test calls chance something else when subjects differ: the reason why the verdict is over subjects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench.stats import p_greater
from bench.stats_binomial import binomial_p, sign_flip_p
from bench.study.power import SPREADS, equivalent, observed_accuracies

ALPHA = 0.05


@dataclass(frozen=True)
class FalseAlarms:
    """Shares of simulated studies, 0..1, whose people answer by chance on average but differ by `accuracy_sd`.

    Found at 5 %: better than chance (one-sided) and not chance (two-sided), by each test. Then the share that is
    found equivalent to chance within the margin, which is true.
    """

    accuracy_sd: float
    studies: int
    pooled_one_sided: float
    pooled_two_sided: float
    t_one_sided: float
    t_two_sided: float
    flips_one_sided: float
    flips_two_sided: float
    equivalent: float


def false_alarms(
    subjects: int, trials: int, margin: float, studies: int, seed: int = 0, deviations: Sequence[float] = SPREADS
) -> tuple[FalseAlarms, ...]:
    """By spread between subjects. trials: answers per subject. The same seed gives the same shares."""
    return tuple(
        _at(deviation, subjects, trials, margin, studies, np.random.default_rng([seed, number]))
        for number, deviation in enumerate(deviations)
    )


def _at(
    deviation: float, subjects: int, trials: int, margin: float, studies: int, rng: np.random.Generator
) -> FalseAlarms:
    shares = observed_accuracies(studies, subjects, trials, 0.5, deviation, rng)
    totals = np.rint(shares.sum(axis=1) * trials).astype(np.int64)
    p_of = {total: binomial_p(int(total), subjects * trials) for total in np.unique(totals)}
    pooled = np.array([p_of[total] for total in totals])
    above, below = p_greater(shares - 0.5), p_greater(0.5 - shares)
    t_test = np.stack([above, 2 * np.minimum(above, below)], axis=1)
    flips = np.array([sign_flip_p(each, rng) for each in shares - 0.5])
    (pooled_one, pooled_two), (t_one, t_two), (flips_one, flips_two) = (
        (p_values <= ALPHA).mean(axis=0).tolist() for p_values in (pooled, t_test, flips)
    )
    within = float(equivalent(shares, margin).mean())
    return FalseAlarms(deviation, studies, pooled_one, pooled_two, t_one, t_two, flips_one, flips_two, within)
