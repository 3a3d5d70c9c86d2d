"""Differences between rows: paired by seed and test image, aggregated by person, with a verdict each.

Reading stored differences back imports neither pandas, scipy, matplotlib nor torch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from bench.core.experiment import Column
    from bench.engine.results import ColumnFacts, Results, RowResults

Interval = tuple[float, float]
Verdict = Literal["better", "worse", "equivalent", "inconclusive"]
ALPHA = 0.05


@dataclass(frozen=True)
class Difference:
    """A row's mean minus that of the row it is compared with, in the column's unit.

    ci95: for other trainings and other persons at once, what the verdict is based on. ci95_seeds: for other trainings
    on the same images. ci95_persons: for other persons, the same trainings. p_value: two-sided, adjusted by Holm over
    the differences of the column. margin: differences within it do not matter. detectable: the smallest true
    difference that would be found with 80 % power, roughly: as if the spreads found were the true ones.
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
    seeds: int
    persons: int
    verdict: Verdict


def differences(results: Results) -> tuple[Difference, ...]:
    """Every difference that the experiment asks for and whose two rows are complete, Holm within each column."""
    rows = {found.row.key: found for found in results.rows}
    facts = {facts.key: facts for facts in results.columns}
    found: list[Difference] = []
    for column in results.experiment.columns:
        if column.margin is not None:
            pairs = [(row, rows[key]) for row in results.rows for key in row.row.against if key in rows]
            found += _of_column(results, column, facts[column.key], pairs)
    return tuple(found)


def _of_column(
    results: Results, column: Column, facts: ColumnFacts, pairs: Sequence[tuple[RowResults, RowResults]]
) -> list[Difference]:
    import numpy as np

    from bench.stats import holm
    from bench.stats_compare import minimum_detectable_effect, paired_by_person, tost

    assert column.margin is not None
    compared = []
    for row, other in pairs:
        cells = [each.cells.get(column.key) for each in (row, other)]
        if any(cell is None or not cell.complete for cell in cells):
            continue
        one, two = (cell.per_image for cell in cells if cell is not None)
        seeds = sorted(set(one) & set(two))
        if seeds:
            values = np.stack([one[seed]["value"] - two[seed]["value"] for seed in seeds])
            comparison = paired_by_person(values, results.persons)
            equivalent = tost(values, column.margin, results.persons).equivalent
            by_person = [values[:, results.persons == person].mean() for person in np.unique(results.persons)]
            least = [minimum_detectable_effect(each) for each in (values.mean(axis=1), by_person)]
            compared.append(
                (row, other, comparison, equivalent, max((x for x in least if x is not None), default=None))
            )
    known = [comparison.p_value for _, _, comparison, _, _ in compared if comparison.p_value is not None]
    adjusted = iter(holm(known).tolist() if known else [])
    sign = 1.0 if facts.better == "lower" else -1.0
    found = []
    for row, other, comparison, equivalent, detectable in compared:
        p_value = None if comparison.p_value is None else next(adjusted)
        ci95 = _interval(comparison)
        found.append(
            Difference(
                row=row.row.key,
                label=row.row.label,
                against=other.row.key,
                against_label=other.row.label,
                column=column.key,
                unit=facts.unit,
                mean=comparison.mean,
                ci95=ci95,
                ci95_seeds=_interval(comparison.over_seeds),
                ci95_persons=_interval(comparison.over_persons),
                p_value=p_value,
                margin=column.margin,
                detectable=detectable,
                seeds=comparison.seeds,
                persons=comparison.persons,
                verdict=_verdict(sign * comparison.mean, p_value, comparison.seeds > 1, equivalent),
            )
        )
    return found


def _interval(comparison: Any) -> Interval | None:
    if comparison is None or comparison.low is None or comparison.high is None:
        return None
    return float(comparison.low), float(comparison.high)


def _verdict(worse_by: float, p_value: float | None, several_seeds: bool, equivalent: bool) -> Verdict:
    """One seed decides nothing: another training may say the opposite."""
    if p_value is None or not several_seeds:
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
    unit = f" {difference.unit}" if difference.unit else ""
    text = f"{difference.label} against {difference.against_label}: {signed(difference.mean)}{unit}"
    if difference.ci95 is not None:
        text += f" {interval(difference.ci95)}"
    if difference.p_value is not None:
        text += f", {p_words(difference.p_value)}"
    return f"{text}: {verdict_words(difference)}"


def verdict_words(difference: Difference) -> str:
    """The verdict; for an open one what could have been found, for an equivalence its margin."""
    unit = f" {difference.unit}" if difference.unit else ""
    if difference.verdict == "equivalent":
        return f"equivalent within ±{difference.margin:g}{unit}"
    if difference.verdict != "inconclusive":
        return difference.verdict
    if difference.seeds < 2:
        return "inconclusive, one seed"
    return (
        f"inconclusive, {difference.detectable:.2f}{unit} could be found" if difference.detectable else "inconclusive"
    )


def signed(value: float) -> str:
    """`-0.78`, `+0.12`, with a true minus sign."""
    return f"{value:+.2f}".replace("-", "\N{MINUS SIGN}")


def interval(pair: Interval | None) -> str:
    """`[-1.21, -0.35]`, or an en dash."""
    return "–" if pair is None else f"[{signed(pair[0])}, {signed(pair[1])}]"


def p_words(p_value: float | None) -> str:
    """`p = 0.004`, `p < 0.001`, or an en dash."""
    if p_value is None:
        return "–"
    return "p < 0.001" if p_value < 0.001 else f"p = {p_value:.2g}"
