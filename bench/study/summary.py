"""A study's results in words: one statistic per line, one arm per column, the same for every rendering."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bench.study.analysis import Analysis, ArmResult
from bench.study.machine import MachineResult
from bench.study.over_subjects import Mean
from bench.study.pooled import Pooled
from bench.study.power import MOST_SUBJECTS, PowerTable, Spread
from reports.wording import plural

DASH = "–"
LEAST_PRINTED = 1e-8
"""The paper prints smaller p-values as '<= 1e-8'."""


@dataclass(frozen=True)
class Grid:
    """A table of texts. rows: as wide as heads; a row of one text is a heading within the table."""

    caption: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def p_text(p_value: float | None) -> str:
    """`0.148`, `0.0021`, `≤ 1e-8`: three decimals where that says enough, as the paper prints its p-values."""
    if p_value is None:
        return DASH
    if p_value <= LEAST_PRINTED:
        return "≤ 1e-8"
    return f"{p_value:.3f}" if p_value >= 0.001 else f"{p_value:.1e}"


def percent(share: float) -> str:
    """`51.7 %`."""
    return f"{100 * share:.1f} %"


def percents(pair: tuple[float, float] | None) -> str:
    """`48.6 to 54.8 %`, a dash where there is none."""
    return DASH if pair is None else f"{100 * pair[0]:.1f} to {100 * pair[1]:.1f} %"


def with_interval(mean: Mean | None, decimals: int = 2) -> str:
    """`0.09 [-0.11, 0.29]`."""
    if mean is None:
        return DASH
    interval = "" if mean.ci95 is None else f" [{mean.ci95[0]:.{decimals}f}, {mean.ci95[1]:.{decimals}f}]"
    return f"{mean.value:.{decimals}f}{interval}"


def arm_name(found: ArmResult) -> str:
    """`refined`, with what it compares where the name does not say it."""
    against = f"{found.first} vs {found.second}"
    return found.arm if found.arm in (found.second, against) else f"{found.arm} ({against})"


def counts_grid(name: str, counts: Pooled, second: str) -> Grid:
    """The paper's Table 1: what was true in rows, what was answered in columns."""
    words = tuple(counts.counts)
    shown = {word: f"{word} ({second})" if word == "fake" else word for word in words}
    rows = tuple((shown[truth], *(f"{counts.counts[truth][answer]:,}" for answer in words)) for truth in words)
    told = f"{counts.correct:,} of {counts.trials:,} correct ({percent(counts.accuracy)})"
    return Grid(f"{name}: {told}", ("truth", *(f"answered {word}" for word in words)), rows)


def results_grid(analysis: Analysis) -> Grid:
    """All statistics; after each arm a column with everybody in it, where subjects were excluded."""
    columns: list[tuple[str, ArmResult]] = []
    everyone = {found.arm: found for found in analysis.everyone}
    for found in analysis.arms:
        columns.append((arm_name(found), found))
        if found.arm in everyone:
            columns.append((f"{found.arm}, nobody excluded", everyone[found.arm]))
    machines = {found.arm: found for found in analysis.machine}
    cells = [dict(_statistics(found, machines.get(found.arm), analysis)) for _, found in columns]
    rows = tuple((label, *(texts[label] for texts in cells)) if cells[0][label] else (label,) for label in cells[0])
    return Grid("Results", ("", *(name for name, _ in columns)), rows)


def _statistics(found: ArmResult, machine: MachineResult | None, analysis: Analysis) -> Iterator[tuple[str, str]]:
    """Label and text; an empty text makes a heading."""
    over, pool = found.over, found.pooled
    points = f"{100 * over.margin:g} points"
    yield "Subjects", f"{over.subjects:,}"
    yield "Answers", f"{pool.trials:,}"
    yield "Over subjects", ""
    yield "Verdict", over.verdict
    yield "Correct, mean", percent(over.accuracy.value)
    yield "95 % interval (t)", percents(over.accuracy.ci95)
    yield "p, not chance (t-test)", p_text(over.p_two_sided)
    yield "p, better than chance (t-test)", p_text(over.p_one_sided)
    yield "p, not chance (sign flips)", p_text(over.flip_two_sided)
    yield "p, better than chance (sign flips)", p_text(over.flip_one_sided)
    yield f"p, within {points} (TOST)", p_text(over.p_equivalence)
    yield "Could be found, 80 %", DASH if over.detectable is None else f"± {100 * over.detectable:.1f} points"
    yield f"Subjects to find {points}", DASH if over.subjects_needed is None else f"about {over.subjects_needed:,}"
    yield "d', mean", with_interval(over.d_prime)
    yield "Criterion c, mean", with_interval(over.criterion)
    yield "Reaction time, s", with_interval(over.reaction_s)
    yield "Slower when wrong, s", with_interval(over.slower_wrong_s)
    yield "All answers pooled", ""
    yield "Correct", f"{pool.correct:,} of {pool.trials:,}"
    yield "Correct, share", percent(pool.accuracy)
    yield "95 % interval (exact)", percents(pool.ci95)
    yield "p, better than chance (binomial)", p_text(pool.p_one_sided)
    yield "p, not chance (binomial)", p_text(pool.p_two_sided)
    if analysis.machine:
        yield "A machine", ""
        yield "Correct, classifier", percent(machine.accuracy) if machine else DASH
        yield "AUC, classifier", f"{machine.auc:.3f}" if machine else DASH


def _second(analysis: Analysis) -> str:
    return "'fake'" if analysis.mode == "yes-no" else "'right'"


def notes(analysis: Analysis) -> list[str]:
    """Sentences for under the tables: who is left out, what the tests mean."""
    found = [f"Excluded: {subject}: {reason}." for subject, reason in analysis.excluded.items()]
    if analysis.excluded:
        found.append("Excluded by the rules that the design declared beforehand; the other columns leave nobody out.")
    found += [f"No answers in the arm '{name}'." for name in analysis.empty]
    found += [
        "Pooled tests take all answers as independent. When subjects differ in skill they are not, and the pooled test "
        "calls differences that are none: the verdict is over subjects.",
        "Not significant is not equal: 'equivalent to chance' is shown by two one-sided tests against the margin "
        f"declared in the design, {100 * analysis.margin:g} points.",
        "Over subjects each weighs alike: what other people would do with such images. 'Not chance' is two-sided, "
        "'better than chance' one-sided; of all answers pooled, the latter is the paper's test.",
        f"d' (0: cannot tell) and c (above 0: says {_second(analysis)} too often) from log-linear rates, (count + 0.5) "
        "/ (trials + 1). Reaction times: mean of the subjects' medians.",
    ]
    known = [each for each in analysis.machine if not each.by_person]
    if analysis.machine:
        found.append(
            "The classifier learns from all the other images with their labels, people from a few examples: its row "
            "says what there is to be seen, not what a person would see."
        )
    if known:
        names = ", ".join(each.arm for each in known)
        found.append(f"The classifier may know faces, as one side shows one person only ({names}): it does too well.")
    return [*found, f"Design {analysis.design[:12]}, {analysis.mode}."]


def power_grid(table: PowerTable) -> Grid:
    """Power by number of subjects and spread between them, with the simulation's own interval."""
    heads = ("Subjects", *(f"SD {100 * spread.accuracy_sd:g} points" for spread in table.spreads))
    counts = [power.subjects for power in table.spreads[0].powers]
    rows: list[tuple[str, ...]] = [
        (str(count), *(_power(spread.powers[at].share, spread.powers[at].ci95) for spread in table.spreads))
        for at, count in enumerate(counts)
    ]
    rows.append((f"needed for {100 * table.wanted:g} %", *(_needed(spread) for spread in table.spreads)))
    return Grid(
        f"Studies that find equivalence within {100 * table.margin:g} points, of {table.studies:,} simulated ones: "
        f"{plural(table.trials, 'answer')} per subject, true accuracy {percent(table.accuracy)}; in brackets where the "
        "true share lies with 95 %. SD: standard deviation of the subjects' true accuracies",
        heads,
        tuple(rows),
    )


def _power(share: float, ci95: Sequence[float]) -> str:
    return f"{100 * share:.1f} % [{100 * ci95[0]:.1f}, {100 * ci95[1]:.1f}]"


def _needed(spread: Spread) -> str:
    """`19`, or `11 (10 to 11)` where the simulation leaves it open."""
    if spread.needed is None:
        return f"more than {MOST_SUBJECTS}"
    low, high = spread.needed_low, spread.needed_high
    return str(spread.needed) if low == high else f"{spread.needed} ({low} to {DASH if high is None else high})"
