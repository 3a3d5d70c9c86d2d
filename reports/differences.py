"""Differences between rows: paired by seed and test image, aggregated by person, with a verdict each.

Reading stored differences back imports neither pandas, scipy, matplotlib nor torch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from bench.engine.columns import ColumnFacts
    from bench.engine.results import Results, RowResults
    from bench.stats import PairedTest
    from bench.stats_compare import Comparison

Interval = tuple[float, float]
Verdict = Literal["better", "worse", "equivalent", "inconclusive"]
ALPHA = 0.05
MOST_SEEDS = 100  # beyond, the number is not said: nobody trains as many


@dataclass(frozen=True)
class Difference:
    """A row's mean minus that of the row it is compared with, in the column's unit; percentages differ by points.

    ci95: for other trainings and other persons at once, what the verdict is based on. ci95_seeds: for other trainings
    on the same images. ci95_persons: for other persons, the same trainings. p_value: two-sided, adjusted by Holm over
    the differences of the column. margin: differences within it do not matter. detectable: the smallest true
    difference that would be found with 80 % power, roughly: as if the spreads found were the true ones.
    seeds_needed: with how many a true difference as large as the margin would be found, the persons being the same;
    None with one seed, and when no number of seeds would do, as the persons vary too much.
    """

    row: str
    label: str
    against: str
    against_label: str
    column: str
    unit: str
    mean: float
    ci95: Interval | None
    ci95_seeds: Interval | None
    ci95_persons: Interval | None
    p_value: float | None
    margin: float
    detectable: float | None
    seeds_needed: int | None
    seeds: int
    persons: int
    verdict: Verdict


@dataclass(frozen=True)
class Pair:
    """What is compared with what in one column. values: (S, N), a row's minus the other's, by seed and test image."""

    row: str
    label: str
    against: str
    against_label: str
    facts: ColumnFacts
    margin: float
    values: NDArray[np.float64]


def differences(results: Results) -> tuple[Difference, ...]:
    """Every difference that the experiment asks for and whose two rows are complete, Holm within each column."""
    rows = {found.row.key: found for found in results.rows}
    facts = {facts.key: facts for facts in results.columns}
    asked = [(row, rows[key]) for row in results.rows for key in row.row.against if key in rows]
    found: list[Difference] = []
    for column in results.experiment.columns:
        if column.margin is not None:
            pairs = [_pair(row, other, facts[column.key], column.margin) for row, other in asked]
            found += judge([pair for pair in pairs if pair is not None], results.persons)
    return tuple(found)


def judge(pairs: Sequence[Pair], persons: NDArray[np.str_]) -> list[Difference]:
    """The difference of each pair with its verdict, the p-values adjusted by Holm over all of them.

    persons: (N,), whom each test image is of.
    """
    from bench.stats_compare import detectable, paired_by_person, seeds_for, tost

    comparisons = [paired_by_person(pair.values, persons) for pair in pairs]
    return [
        Difference(
            row=pair.row,
            label=pair.label,
            against=pair.against,
            against_label=pair.against_label,
            column=pair.facts.key,
            unit=pair.facts.unit,
            mean=comparison.mean,
            ci95=_interval(comparison),
            ci95_seeds=_interval(comparison.over_seeds),
            ci95_persons=_interval(comparison.over_persons),
            p_value=p_value,
            margin=pair.margin,
            detectable=detectable(comparison),
            seeds_needed=seeds_for(comparison, pair.margin),
            seeds=comparison.seeds,
            persons=comparison.persons,
            verdict=verdict_of(
                comparison.mean if pair.facts.better == "lower" else -comparison.mean,
                p_value,
                equivalent=tost(pair.values, pair.margin, persons).equivalent,
                seeds=comparison.seeds,
                persons=comparison.persons,
            ),
        )
        for pair, comparison, p_value in zip(pairs, comparisons, _holm(comparisons), strict=True)
    ]


def _pair(row: RowResults, other: RowResults, facts: ColumnFacts, margin: float) -> Pair | None:
    values = _by_seed(row, other, facts.key)
    if values is None:
        return None
    return Pair(row.row.key, row.row.label, other.row.key, other.row.label, facts, margin, values)


def _by_seed(row: RowResults, other: RowResults, column: str) -> NDArray[np.float64] | None:
    """(S, N): row minus other per test image, of the seeds that both have; None when a row is incomplete."""
    import numpy as np

    one, two = row.complete(column), other.complete(column)
    seeds = sorted(set(one.per_image) & set(two.per_image)) if one and two else []
    if not (one and two and seeds):
        return None
    return np.stack([one.scores(seed) - two.scores(seed) for seed in seeds])


def _holm(comparisons: Sequence[Comparison]) -> list[float | None]:
    """The p-values adjusted for each other; None stays where there is none."""
    from bench.stats import holm

    adjusted = iter(holm([each.p_value for each in comparisons if each.p_value is not None]).tolist())
    return [None if each.p_value is None else next(adjusted) for each in comparisons]


def _interval(found: Comparison | PairedTest | None) -> Interval | None:
    if found is None or found.low is None or found.high is None:
        return None
    return float(found.low), float(found.high)


def verdict_of(worse_by: float, p_value: float | None, *, equivalent: bool, seeds: int, persons: int) -> Verdict:
    """What to say of a difference; above 0 is worse.

    One seed or one person decides nothing: another training or another person may say the opposite. A difference
    that is certain but shown to lie within the margin is equivalent: it does not matter.
    """
    if p_value is None or seeds < 2 or persons < 2:
        return "inconclusive"
    if equivalent:
        return "equivalent"
    if p_value <= ALPHA:
        return "worse" if worse_by > 0 else "better"
    return "inconclusive"


def difference_from_json(content: Mapping[str, Any]) -> Difference:
    """A difference from the JSON of a table; KeyError or TypeError when it is something else."""
    pairs = {name: content[name] for name in ("ci95", "ci95_seeds", "ci95_persons")}
    intervals = {name: None if pair is None else (float(pair[0]), float(pair[1])) for name, pair in pairs.items()}
    return Difference(**{**content, **intervals})


def sentence(difference: Difference) -> str:
    """`refined (simgan) against synthetic: -0.78 deg [-1.21, -0.35], p = 0.004: better`."""
    p_value = "" if difference.p_value is None else f", {p_words(difference.p_value)}"
    return f"{finding(difference)}{p_value}: {verdict_words(difference)}"


def finding(difference: Difference) -> str:
    """`refined (simgan) against synthetic: -0.78 deg [-1.21, -0.35]`."""
    return f"{difference.label} against {difference.against_label}: {effect(difference)}"


def effect(difference: Difference) -> str:
    """`-0.78 deg [-1.21, -0.35]`, or `-0.78 deg` where there is no interval."""
    text = f"{signed(difference.mean)}{_unit(difference)}"
    return text if difference.ci95 is None else f"{text} {interval(difference.ci95)}"


def verdict_words(difference: Difference) -> str:
    """The verdict; for an equivalence its margin, for an open one what could have been found and what would help."""
    margin = f"{difference.margin:g}{_unit(difference)}"
    if difference.verdict == "equivalent":
        return f"equivalent within ±{margin}"
    if difference.verdict != "inconclusive":
        return difference.verdict
    if difference.seeds < 2 or difference.detectable is None:
        return "inconclusive, one seed"
    if difference.persons < 2:
        return "inconclusive, one person"
    text = f"inconclusive, {difference.detectable:.2f}{_unit(difference)} could be found"
    if difference.detectable <= difference.margin:
        return text
    if difference.seeds_needed is None:
        return f"{text}; more persons are needed to show {margin}"
    seeds = f"about {difference.seeds_needed}" if difference.seeds_needed <= MOST_SEEDS else f"over {MOST_SEEDS}"
    return f"{text}; {seeds} seeds would show {margin}"


def unit_of_difference(unit: str) -> str:
    """A column's unit, or `points` for percentages: 48 % is 2 percentage points, not 2 %, more than 46 %."""
    return "points" if unit == "%" else unit


def _unit(difference: Difference) -> str:
    unit = unit_of_difference(difference.unit)
    return f" {unit}" if unit else ""


def signed(value: float, decimals: int = 2) -> str:
    """`-0.78`, `+0.12`, with a true minus sign."""
    return f"{value:+.{decimals}f}".replace("-", "\N{MINUS SIGN}")


def interval(pair: Interval | None, decimals: int = 2) -> str:
    """`[-1.21, -0.35]`, or an en dash."""
    return "–" if pair is None else f"[{signed(pair[0], decimals)}, {signed(pair[1], decimals)}]"


def p_words(p_value: float | None) -> str:
    """`p = 0.004`, `p < 0.001`, or an en dash."""
    if p_value is None:
        return "–"
    return "p < 0.001" if p_value < 0.001 else f"p = {p_value:.2g}"
