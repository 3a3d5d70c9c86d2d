"""The paper's way to look at a study (Table 1): all answers of all subjects in one table of counts, and one test."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.stats_binomial import binomial_p, clopper_pearson
from bench.study.design import ANSWERS, Mode

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Pooled:
    """counts: truth -> answer -> number of answers. ci95: Clopper-Pearson, of the share correct.

    p_one_sided: exact binomial test of 'more correct than by chance', as the paper prints it; p_two_sided: of 'not
    chance'. All three take answers as independent, which they are not when subjects differ in skill: then the
    interval is too narrow and p too small.
    """

    counts: Mapping[str, Mapping[str, int]]
    trials: int
    correct: int
    accuracy: float
    ci95: tuple[float, float]
    p_one_sided: float
    p_two_sided: float


def pooled(counts: Mapping[str, Mapping[str, int]]) -> Pooled:
    """From counts of answers; ValueError when there are none."""
    trials = sum(sum(row.values()) for row in counts.values())
    correct = sum(row[truth] for truth, row in counts.items())
    one, two = binomial_p(correct, trials)
    return Pooled(counts, trials, correct, correct / trials, clopper_pearson(correct, trials), one, two)


def counted(trials: pd.DataFrame, mode: Mode) -> dict[str, dict[str, int]]:
    """Truth -> answer -> how often, zeros included."""
    words = ANSWERS[mode]
    return {
        truth: {answer: int(((trials["truth"] == truth) & (trials["answer"] == answer)).sum()) for answer in words}
        for truth in words
    }
