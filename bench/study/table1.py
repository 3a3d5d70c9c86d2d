"""Table 1 again: the paper's counts with other tests, what these tests miss, and a simulated study of the same design.

Not an experiment in `bench/experiments`: nothing is trained here, no image is measured, and seeds are no repetitions.
The paper's counts are quoted. Its subjects' own answers are not published, so no test over subjects can be made of
them: what such tests would have said is shown by simulation.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import bench
from bench.core.errors import UsageError, did_you_mean
from bench.core.settings import PROFILES
from bench.engine.collect import source_revision
from bench.stats_binomial import binomial_p, clopper_pearson
from bench.study import figures
from bench.study.analysis import Analysis, analyse
from bench.study.design import Arm, StudyDesign
from bench.study.detection import yes_no
from bench.study.false_alarms import FalseAlarms, false_alarms
from bench.study.grids import text_of
from bench.study.pooled import Pooled, pooled
from bench.study.power import PowerTable, power_table
from bench.study.report import Report, records, to_json, write_report
from bench.study.simulate import People, simulate
from bench.study.summary import Grid, counts_grid, notes, p_text, percent, percents, power_grid, results_grid

NAME = "turing-table1"
TITLE = "Visual Turing test (paper, Table 1)"
SOURCE = "Shrivastava et al., CVPR 2017 (arXiv 1612.07828), Table 1 and section 3.1"
SUBJECTS = 10
STUDIES = dict(zip(PROFILES, (400, 4000, 10_000, 20_000), strict=True))
"""Simulated studies by profile."""
PAPER = StudyDesign(
    title="Simulated study of the paper's design",
    seed=0,
    attention_checks=0,
    practice=0,
    arms=(
        Arm(name="refined", second="refined", images_per_class=50),
        Arm(name="synthetic", second="synthetic", images_per_class=10),
    ),
)
COUNTS = {"real": {"real": 224, "fake": 276}, "fake": {"real": 207, "fake": 293}}
"""Table 1: truth -> answer -> answers of all subjects, refined images."""


@dataclass(frozen=True)
class Quoted:
    """One of the paper's two counts. printed: its p-value as it stands there."""

    arm: str
    correct: int
    trials: int
    ci95: tuple[float, float]
    p_one_sided: float
    p_two_sided: float
    printed: str

    @property
    def agrees(self) -> bool:
        """Whether the one-sided p-value, printed in the same way, is the paper's."""
        return p_text(self.p_one_sided) == self.printed


@dataclass(frozen=True)
class Table1:
    """Everything of `bench run turing-table1`. d_prime, criterion: of the pooled counts, no interval is possible."""

    profile: str
    counts: Pooled
    quoted: tuple[Quoted, ...]
    d_prime: float
    criterion: float
    alarms: tuple[FalseAlarms, ...]
    power: PowerTable
    simulated: Analysis

    def to_json(self) -> dict[str, Any]:
        """The document of `table.json` and of `--json`."""
        rows = [{**asdict(each), "status": "quoted", "agrees": each.agrees} for each in self.quoted]
        return {
            "experiment": NAME,
            "title": TITLE,
            "profile": self.profile,
            "source": SOURCE,
            "rows": rows,
            "counts": asdict(self.counts),
            "d_prime": self.d_prime,
            "criterion": self.criterion,
            "false_alarms": [asdict(each) for each in self.alarms],
            "power": self.power.to_json(),
            "simulated": self.simulated.to_json(),
            "provenance": provenance(),
        }


def table1(profile: str) -> Table1:
    """Compute it; seconds at 'quick'. UsageError for an unknown profile."""
    if profile not in STUDIES:
        raise UsageError(f"unknown profile '{profile}'{did_you_mean(profile, STUDIES)}; choose {', '.join(STUDIES)}")
    studies, trials = STUDIES[profile], PAPER.trials(PAPER.arms[0])
    found = yes_no(COUNTS["real"]["real"], 500, COUNTS["fake"]["real"], 500)
    people = People(subjects=SUBJECTS, bias=found.criterion)
    return Table1(
        profile=profile,
        counts=pooled(COUNTS),
        quoted=(_quoted("refined", 517, 1000, "0.148"), _quoted("synthetic", 162, 200, "≤ 1e-8")),
        d_prime=found.d_prime,
        criterion=found.criterion,
        alarms=false_alarms(SUBJECTS, trials, PAPER.margin, studies),
        power=power_table(trials, PAPER.margin, studies=studies),
        simulated=analyse(simulate(PAPER, people, seed=0), PAPER),
    )


def _quoted(arm: str, correct: int, trials: int, printed: str) -> Quoted:
    return Quoted(arm, correct, trials, clopper_pearson(correct, trials), *binomial_p(correct, trials), printed)


def provenance() -> dict[str, Any]:
    """Where a report is from."""
    command = "bench " + " ".join(sys.argv[1:])
    return {**source_revision(), "version": bench.__version__, "command": command}


def table1_report(found: Table1) -> Report:
    """Texts and figures of it."""
    about = {"experiment": NAME, "profile": found.profile, **provenance()}
    drawn = figures.draw([lambda: figures.power_curves(found.power), *figures.of_analysis(found.simulated)], about)
    lines = [
        {"arm": each.arm, "subjects": "paper", "quantity": name, "value": getattr(each, name)}
        for each in found.quoted
        for name in ("correct", "trials", "p_one_sided", "p_two_sided")
    ]
    simulated = [{**line, "subjects": "simulated"} for line in records(found.simulated)]
    return Report(NAME, TITLE, grids(found), table1_notes(found), found.to_json(), [*lines, *simulated], drawn)


def grids(found: Table1) -> list[Grid]:
    """The paper's counts; their tests; false alarms; power; the simulated study."""
    counts = counts_grid("The paper's counts, 10 subjects", found.counts, "refined")
    simulated = results_grid(found.simulated)
    caption = f"Simulated study of the paper's design: {SUBJECTS} people who are not the paper's"
    return [
        counts, _tests(found), _alarms(found), power_grid(found.power), Grid(caption, simulated.heads, simulated.rows)
    ]  # fmt: skip


def _tests(found: Table1) -> Grid:
    rows: list[tuple[str, ...]] = [
        ("Correct", *(f"{each.correct} of {each.trials:,}" for each in found.quoted)),
        ("Correct, share", *(percent(each.correct / each.trials) for each in found.quoted)),
        ("95 % interval (exact)", *(percents(each.ci95) for each in found.quoted)),
        ("p, better than chance (binomial)", *(p_text(each.p_one_sided) for each in found.quoted)),
        ("as the paper prints it", *(each.printed for each in found.quoted)),
        ("the same number", *("yes" if each.agrees else "no" for each in found.quoted)),
        ("p in full", *(f"{each.p_one_sided:.6g}" for each in found.quoted)),
        ("p, not chance (binomial)", *(p_text(each.p_two_sided) for each in found.quoted)),
    ]
    heads = ("", *(f"{each.arm}, paper" for each in found.quoted))
    return Grid("The paper's test and its two-sided form: all answers pooled", heads, tuple(rows))


def _alarms(found: Table1) -> Grid:
    tests = {
        "pooled binomial, better than chance (the paper's)": "pooled_one_sided",
        "pooled binomial, not chance": "pooled_two_sided",
        "t-test over subjects, better than chance": "t_one_sided",
        "t-test over subjects, not chance": "t_two_sided",
        "sign flips over subjects, better than chance": "flips_one_sided",
        "sign flips over subjects, not chance": "flips_two_sided",
    }
    rows: list[tuple[str, ...]] = [
        (label, *(percent(getattr(each, name)) for each in found.alarms)) for label, name in tests.items()
    ]
    return Grid(
        f"False alarms at 5 %, {found.alarms[0].studies:,} simulated studies of {SUBJECTS} subjects with "
        f"{PAPER.trials(PAPER.arms[0])} answers each: people answer by chance on average, and differ by SD",
        ("", *(f"SD {100 * each.accuracy_sd:g} points" for each in found.alarms)),
        tuple(rows),
    )


def table1_notes(found: Table1) -> list[str]:
    """What is quoted, what is simulated, what follows."""
    equal, spread = found.alarms[0], found.alarms[2]
    return [
        f"Counts quoted from {SOURCE}. The test that gives its p-values is the exact one-sided binomial test of all "
        "answers pooled, P(X >= 517 of 1000 at 1/2).",
        f"Of the pooled counts, d' = {found.d_prime:.2f} and c = {found.criterion:.2f}: the subjects said 'fake' more "
        "often than 'real', to real and to refined images.",
        "p = 0.148 does not say that people cannot tell: with subjects who cannot tell at all and do not differ, this "
        f"design shows equivalence within {100 * PAPER.margin:g} points in {percent(equal.equivalent)} of studies; "
        f"when their accuracies have a standard deviation of {100 * spread.accuracy_sd:g} points, in "
        f"{percent(spread.equivalent)}. The paper's subjects' own counts, which would tell, are not published.",
        f"The pooled test calls chance 'better' in {percent(spread.pooled_one_sided)} of studies when subjects differ "
        f"by {100 * spread.accuracy_sd:g} points, the t-test over subjects in {percent(spread.t_one_sided)}.",
        "The last table and the figures of subjects show simulated people: accuracies of 51.7 % and 81 % on average, "
        "standard deviation 5 points, the paper's criterion.",
        *notes(found.simulated),
    ]


def run_table1(profile: str, refused: Sequence[str], out: Path, as_json: bool) -> str:
    """`bench run turing-table1`: writes the report into `out/turing-table1/`; what goes to stdout.

    refused: options given that mean nothing here; UsageError when there are any.
    """
    if refused:
        raise UsageError(f"{NAME} trains nothing and reads no images, so {refused[0]} means nothing here; leave it out")
    report = table1_report(table1(profile))
    write_report(report, out / NAME)
    return to_json(report.content) if as_json else text_of(report.grids, report.notes)
