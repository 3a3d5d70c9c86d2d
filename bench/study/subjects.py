"""What each subject did: accuracy, d', reaction times; and who is excluded by the rules declared beforehand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.stats_binomial import clopper_pearson
from bench.study.design import ANSWERS, Mode
from bench.study.detection import Detection, two_alternative, yes_no

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class SubjectResult:
    """One subject in one arm.

    accuracy: share correct; ci95: its Clopper-Pearson interval. hit_rate: share of 'real' answers to real images
    ('left' to pairs with the real one left), false_alarm_rate: to the others. d_prime, criterion: as in `Detection`.
    All four are None when only one kind was seen. median_ms: reaction time, of correct and of wrong answers.
    """

    subject: str
    arm: str
    trials: int
    correct: int
    accuracy: float
    ci95: tuple[float, float]
    hit_rate: float | None
    false_alarm_rate: float | None
    d_prime: float | None
    criterion: float | None
    median_ms: float
    median_ms_correct: float | None
    median_ms_wrong: float | None


def subject_results(trials: pd.DataFrame, mode: Mode) -> tuple[SubjectResult, ...]:
    """Every subject of one arm, by name. trials: the arm's answers, without practice and attention checks."""
    return tuple(_result(str(name), found, mode) for name, found in trials.groupby("subject", sort=True))


def _result(name: str, trials: pd.DataFrame, mode: Mode) -> SubjectResult:
    first, _ = ANSWERS[mode]
    said, is_first = trials["answer"] == first, trials["truth"] == first
    firsts, seconds = int(is_first.sum()), int((~is_first).sum())
    hits, alarms = int((said & is_first).sum()), int((said & ~is_first).sum())
    found: Detection | None = None
    if firsts and seconds:
        found = (yes_no if mode == "yes-no" else two_alternative)(hits, firsts, alarms, seconds)
    correct = int(trials["correct"].sum())
    return SubjectResult(
        subject=name,
        arm=str(trials["arm"].iloc[0]),
        trials=len(trials),
        correct=correct,
        accuracy=correct / len(trials),
        ci95=clopper_pearson(correct, len(trials)),
        hit_rate=hits / firsts if found else None,
        false_alarm_rate=alarms / seconds if found else None,
        d_prime=found.d_prime if found else None,
        criterion=found.criterion if found else None,
        median_ms=float(trials["reaction_ms"].median()),
        median_ms_correct=_median_ms(trials[trials["correct"]]),
        median_ms_wrong=_median_ms(trials[~trials["correct"]]),
    )


def _median_ms(trials: pd.DataFrame) -> float | None:
    return float(trials["reaction_ms"].median()) if len(trials) else None
