"""A study's answers turned into results: the paper's table, subjects, people at large, images, reaction times."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.core.errors import DataError
from bench.study.answers import COLUMNS
from bench.study.exclusions import excluded
from bench.study.items import ImageResult, image_results
from bench.study.machine import MachineResult
from bench.study.over_subjects import OverSubjects, over_subjects
from bench.study.pooled import Pooled, counted, pooled
from bench.study.subjects import SubjectResult, subject_results

if TYPE_CHECKING:
    import pandas as pd

    from bench.study.design import Arm, StudyDesign


@dataclass(frozen=True)
class ArmResult:
    """One arm. first, second: what its images were (real; refined, synthetic or real). images: the hardest first."""

    arm: str
    first: str
    second: str
    pooled: Pooled
    over: OverSubjects
    subjects: tuple[SubjectResult, ...]
    images: tuple[ImageResult, ...]


@dataclass(frozen=True)
class Analysis:
    """All results of a study.

    arms: in the design's order, without excluded subjects: the results. everyone: the same with them; empty when
    nobody is excluded. excluded: subject -> reason by the declared rules. empty: arms without answers. machine: a
    classifier's results on the same images, where asked for.
    """

    title: str
    mode: str
    design: str
    margin: float
    arms: tuple[ArmResult, ...]
    everyone: tuple[ArmResult, ...]
    excluded: Mapping[str, str]
    empty: tuple[str, ...]
    machine: tuple[MachineResult, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Plain values; shares 0..1, times as the fields' names say."""
        return asdict(self)


def analyse(answers: pd.DataFrame, design: StudyDesign, machine: Sequence[MachineResult] = ()) -> Analysis:
    """Results of a study. answers: a row per answered trial (`bench.study.answers`).

    DataError when they are of another design, not answers at all, or when no subject is left.
    """
    _check(answers, design)
    reasons = excluded(answers, design)
    trials = answers[answers["kind"] == "trial"]
    kept = trials[~trials["subject"].isin(list(reasons))]
    if not len(kept):
        why = f"every subject is excluded, the first one {next(iter(reasons.values()))}" if reasons else "no answers"
        raise DataError(f"{design.title}: nothing to analyse: {why}; collect more answers, then analyse again")
    arms = _arms(kept, design)
    return Analysis(
        title=design.title,
        mode=design.mode,
        design=design.digest,
        margin=design.margin,
        arms=arms,
        everyone=_arms(trials, design) if reasons else (),
        excluded=reasons,
        empty=tuple(arm.name for arm in design.arms if arm.name not in {found.arm for found in arms}),
        machine=tuple(machine),
    )


def _arms(trials: pd.DataFrame, design: StudyDesign) -> tuple[ArmResult, ...]:
    return tuple(_arm(found, arm, design) for arm in design.arms if len(found := trials[trials["arm"] == arm.name]))


def _arm(trials: pd.DataFrame, arm: Arm, design: StudyDesign) -> ArmResult:
    subjects = subject_results(trials, design.mode)
    # The design's seed: the same answers give the same p-values, to the last digit.
    draws = np.random.default_rng([design.seed, len(subjects)])
    return ArmResult(
        arm=arm.name,
        first=arm.first,
        second=arm.second,
        pooled=pooled(counted(trials, design.mode)),
        over=over_subjects(subjects, design.margin, draws),
        subjects=subjects,
        images=image_results(trials, design.mode),
    )


def _check(answers: pd.DataFrame, design: StudyDesign) -> None:
    missing = [name for name in COLUMNS if name not in answers.columns]
    if missing:
        raise DataError(f"these are no answers of a study: no column {', '.join(missing)}; see 'bench study export'")
    others = sorted(set(answers["design"]) - {design.digest})
    if others:
        raise DataError(
            f"answers of another design ({others[0][:12]}, not {design.digest[:12]}): a study is analysed by the "
            "design it was run with; use that study's folder"
        )
    words, arms = set(design.answers), {arm.name for arm in design.arms}
    for column, known in (("truth", words), ("answer", words), ("arm", arms)):
        strange = sorted(set(map(str, answers[column])) - known)
        if strange:
            raise DataError(f"answers with {column} '{strange[0]}'; this design knows {', '.join(sorted(known))}")
    if (answers["correct"] != (answers["answer"] == answers["truth"])).any():
        raise DataError("some answers are marked correct and are not, or the other way round: the table was changed")
