"""From subjects to people: what would other subjects do? Mean over subjects with its interval, tests, equivalence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from bench.stats import finite, p_greater, paired_t, t_interval
from bench.stats_binomial import sign_flip_p
from bench.stats_compare import minimum_detectable_effect, seeds_to_settle, tost
from bench.study.subjects import SubjectResult

CHANCE = 0.5
ALPHA = 0.05
Verdict = Literal[
    "told apart",
    "told apart, by less than the margin",
    "confused",
    "confused, by less than the margin",
    "equivalent to chance",
    "inconclusive",
]


@dataclass(frozen=True)
class Mean:
    """A mean over subjects and its 95 % t-interval; None for one subject."""

    value: float
    ci95: tuple[float, float] | None


@dataclass(frozen=True)
class OverSubjects:
    """One arm, subjects as the units; accuracies are shares correct.

    p_one_sided: t-test of 'better than chance'; p_two_sided: of 'not chance'; flip_*: the same by sign flips.
    p_equivalence: the larger p of the two one-sided t-tests against chance -+ margin (TOST).
    detectable: the smallest true distance from chance that the two-sided t-test finds in 80 % of such studies.
    subjects_needed: roughly how many subjects find a distance as large as the margin. Both None for one subject.
    reaction_s: of the subjects' medians; slower_wrong_s: median of wrong answers minus that of correct ones.
    """

    subjects: int
    accuracy: Mean
    p_one_sided: float | None
    p_two_sided: float | None
    flip_one_sided: float
    flip_two_sided: float
    margin: float
    p_equivalence: float | None
    verdict: Verdict
    detectable: float | None
    subjects_needed: int | None
    d_prime: Mean | None
    criterion: Mean | None
    reaction_s: Mean
    slower_wrong_s: Mean | None


def over_subjects(results: Sequence[SubjectResult], margin: float, rng: np.random.Generator) -> OverSubjects:
    """All statistics over the subjects of one arm. rng: for sign flips of more than 16 subjects.

    Subjects weigh alike, whatever their number of trials. The true accuracies of the subjects may differ, and so may
    their numbers of trials: the t-test needs neither to be equal.
    """
    away = finite([found.accuracy - CHANCE for found in results])
    flips = sign_flip_p(away, rng)
    test, equivalence = paired_t(away), tost(away, margin, alpha=ALPHA)
    slower = [
        (found.median_ms_wrong - found.median_ms_correct) / 1000
        for found in results
        if found.median_ms_wrong is not None and found.median_ms_correct is not None
    ]
    return OverSubjects(
        subjects=len(results),
        accuracy=mean_of(away + CHANCE),
        p_one_sided=float(p_greater(away)) if len(away) > 1 else None,
        p_two_sided=test.p_value,
        flip_one_sided=flips[0],
        flip_two_sided=flips[1],
        margin=margin,
        p_equivalence=equivalence.p_value,
        verdict=_verdict(test.mean, test.p_value, equivalence.equivalent),
        detectable=minimum_detectable_effect(away, ALPHA),
        subjects_needed=seeds_to_settle(away, margin, ALPHA),
        d_prime=_mean_of_known([found.d_prime for found in results]),
        criterion=_mean_of_known([found.criterion for found in results]),
        reaction_s=mean_of([found.median_ms / 1000 for found in results]),
        slower_wrong_s=mean_of(slower) if slower else None,
    )


def _verdict(away: float, p_two_sided: float | None, equivalent: bool) -> Verdict:
    """Equivalence first, as everywhere in the reports: a distance from chance within the margin does not matter."""
    if p_two_sided is not None and p_two_sided <= ALPHA:
        if equivalent:
            return "told apart, by less than the margin" if away > 0 else "confused, by less than the margin"
        return "told apart" if away > 0 else "confused"
    return "equivalent to chance" if equivalent else "inconclusive"


def mean_of(values: ArrayLike) -> Mean:
    """Mean and t-interval over subjects."""
    mean, low, high = t_interval(values)
    return Mean(mean, None if low is None or high is None else (low, high))


def _mean_of_known(values: Sequence[float | None]) -> Mean | None:
    known = [value for value in values if value is not None]
    return mean_of(known) if known else None
