"""A comparison of two revisions as text: terminal, Markdown for a CI job summary, JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from reports.compare import OUTCOMES, Cell, Change, Comparison, Outcome
from reports.differences import effect, interval, p_words, signed, verdict_words
from reports.tables import escape_markdown
from reports.wording import DECIMALS, number, plural

if TYPE_CHECKING:
    from rich.console import Console

    from bench.engine.columns import ColumnFacts
    from bench.engine.snapshot import Revision

SUMMARY_BYTES = 900_000  # GitHub takes 1 MiB per step and drops what is longer
MARKS: Mapping[Outcome, str] = {
    "worse": "x", "not comparable": "/", "inconclusive": "?", "better": "+", "equivalent": "=", "same code": "·",
}  # fmt: skip
STYLES: Mapping[Outcome, str] = {
    "worse": "bold red", "not comparable": "yellow", "inconclusive": "yellow", "better": "green", "same code": "dim",
}  # fmt: skip
HEADS = (
    "Verdict", "Row", "Column", "Base", "Head", "Difference", "95 %, seeds and persons", "95 %, other seeds",
    "95 %, other persons", "p", "Margin", "Seeds", "Persons",
)  # fmt: skip
CHANGE_HEADS = ("Row", "Column", "Base", "Head", "Difference", "95 %, other seeds", "Seeds")
EXPLAINED = (
    "Head minus base, paired by seed and test image, averaged by person. Intervals: 95 %, for other seeds and persons "
    "at once. p is adjusted by Holm over the cells compared; equivalence is not. Base and head weigh images alike, the "
    "difference persons."
)
NO_VERDICT = "Other numbers, without a verdict; 95 % t-intervals over seeds"


def title(comparison: Comparison) -> str:
    """`gaze-table3, standard: b2c3d4e against a1b2c3d`."""
    where = f"{comparison.experiment}, {comparison.profile}"
    return f"{where}: {comparison.head.name} against {comparison.base.name}"


def cell_sentence(comparison: Comparison, cell: Cell) -> str:
    """`refined/cnn: -0.62 deg [-0.95, -0.29], 5 seeds, 15 persons, p = 0.004: better`."""
    name, found = cell_name(comparison, cell), cell.difference
    if found is None:
        return f"{name}: {cell.verdict}" + (f": {cell.reason}" if cell.reason else "")
    counted = f"{plural(found.seeds, 'seed')}, {plural(found.persons, 'person')}"
    p_value = "" if found.p_value is None else f", {p_words(found.p_value)}"
    return f"{name}: {effect(found)}, {counted}{p_value}: {verdict_words(found)}"


def cell_name(comparison: Comparison, cell: Cell) -> str:
    """The row's key, with the column's label where several columns are compared."""
    columns = [comparison.columns[key] for key in dict.fromkeys(each.column for each in comparison.cells)]
    if len(columns) < 2:
        return cell.row
    own = comparison.columns[cell.column]
    alone = sum(column.label == own.label for column in columns) == 1
    return f"{cell.row}, {own.label if alone else own.head}"


def verdict_lines(comparison: Comparison) -> list[tuple[Outcome, str]]:
    """A sentence for each cell, regressions first; cells with the same code or the same reason share one."""
    found: list[tuple[Outcome, str]] = []
    for outcome in OUTCOMES:
        cells = [cell for cell in comparison.cells if cell.verdict == outcome]
        found += [(outcome, cell_sentence(comparison, cell)) for cell in cells if cell.difference]
        alike: dict[str, list[str]] = {}
        for cell in cells:
            if not cell.difference:
                alike.setdefault(cell.reason, []).append(cell_name(comparison, cell))
        for reason, names in alike.items():
            found.append((outcome, f"{'; '.join(names)}: {outcome}" + (f": {reason}" if reason else "")))
    return found


def change_sentence(comparison: Comparison, change: Change) -> str:
    """`cnn/refined, Drift (px): 0.83 to 0.91, +0.08 [-0.02, +0.18], 5 seeds`."""
    name = f"{change.row}, {comparison.columns[change.column].head}"
    if change.difference is None:
        return f"{name}: not comparable: {change.reason}"
    _, _, base, head, difference, over_seeds, _ = _change_cells(comparison, change)
    bounds = "" if change.ci95 is None else f" {over_seeds}"
    return f"{name}: {base} to {head}, {difference}{bounds}, {plural(change.seeds, 'seed')}"


def changed(comparison: Comparison) -> list[Change]:
    """The other numbers that are not of the same code."""
    return [change for change in comparison.changes if change.reason != "same code"]


def print_comparison(comparison: Comparison, console: Console) -> None:
    """Write it for a person: summary first, then every verdict with its mark and word, other numbers, notes."""
    from rich.text import Text

    worst: Outcome = next(iter(comparison.counts), "not comparable")
    lines = [Text(comparison.summary, style=STYLES.get(worst, "bold")), Text(title(comparison), style="bold"), Text()]
    lines += [Text(f"{MARKS[each]} {text}", STYLES.get(each, "")) for each, text in verdict_lines(comparison)]
    if changed(comparison):
        lines += [Text(), Text(f"{NO_VERDICT}:", style="bold")]
        lines += [Text(f"  {change_sentence(comparison, change)}") for change in changed(comparison)]
    lines += [Text(), *(Text(note, style="dim") for note in notes(comparison))]
    for line in lines:
        console.print(line, soft_wrap=True, highlight=False)


def notes(comparison: Comparison) -> list[str]:
    """What was paired with what, and what was left out."""
    kept = len(comparison.changes) - len(changed(comparison))
    same = [f"{plural(kept, 'other number')} of the same code: not listed."] if kept else []
    explained = [EXPLAINED] if any(cell.difference for cell in comparison.cells) else []
    return [*explained, *same, *comparison.notes]


def to_markdown(comparison: Comparison, most_bytes: int = SUMMARY_BYTES) -> str:
    """For a CI job summary: summary line, sentences, numbers, notes; cut after a line, and said, above `most_bytes`."""
    lines = [f"**{escape_markdown(comparison.summary)}**", "", escape_markdown(title(comparison)), ""]
    lines += [f"- **{MARKS[each]}** {escape_markdown(text)}" for each, text in verdict_lines(comparison)]
    lines += ["", *(f"- {escape_markdown(note)}" for note in notes(comparison))]
    judged = [cell for cell in comparison.cells if cell.difference]
    if judged:
        lines += ["", *_markdown_table(HEADS, [_judged_cells(comparison, cell) for cell in judged])]
    if changed(comparison):
        rows = [_change_cells(comparison, change) for change in changed(comparison)]
        lines += ["", f"**{NO_VERDICT}**", "", *_markdown_table(CHANGE_HEADS, rows)]
    return _cut(lines, most_bytes)


def _cut(lines: Sequence[str], most_bytes: int) -> str:
    """As many lines as fit, and how many did not."""
    whole = "\n".join(lines) + "\n"
    if len(whole.encode()) <= most_bytes:
        return whole
    said = "\nCut: {} of {} lines are left out, as a job summary holds no more. The JSON has everything.\n"
    room = most_bytes - len(said.format(len(lines), len(lines)).encode())
    kept = 0
    for line in lines:
        room -= len(line.encode()) + 1
        if room < 0:
            break
        kept += 1
    return "\n".join(lines[:kept]) + "\n" + said.format(len(lines) - kept, len(lines))


def _markdown_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """`Row`, `Column` and `Verdict` are words, the rest numbers."""
    rules = ["---" if head in ("Verdict", "Row", "Column") else "---:" for head in heads]
    body = [[escape_markdown(text) for text in row] for row in rows]
    return [f"| {' | '.join(cells)} |" for cells in (heads, rules, *body)]


def _judged_cells(comparison: Comparison, cell: Cell) -> tuple[str, ...]:
    """The texts below `HEADS`."""
    found, facts = cell.difference, comparison.columns[cell.column]
    assert found is not None
    return (
        f"{MARKS[cell.verdict]} {cell.verdict}", cell.row, facts.head, number(cell.base, facts.unit),
        number(cell.head, facts.unit), _points(signed(found.mean), facts), interval(found.ci95),
        interval(found.ci95_seeds), interval(found.ci95_persons),
        p_words(found.p_value).removeprefix("p ").removeprefix("= "), _points(f"{found.margin:g}", facts),
        str(found.seeds), str(found.persons),
    )  # fmt: skip


def _change_cells(comparison: Comparison, change: Change) -> tuple[str, ...]:
    """The texts below `CHANGE_HEADS`."""
    facts = comparison.columns[change.column]
    decimals = DECIMALS.get(facts.unit, 2)
    moved = f"not comparable: {change.reason}"
    if change.difference is not None:
        moved = _points(signed(change.difference, decimals), facts)
    base, head = number(change.base, facts.unit), number(change.head, facts.unit)
    return change.row, facts.head, base, head, moved, interval(change.ci95, decimals), str(change.seeds or "–")


def _points(text: str, facts: ColumnFacts) -> str:
    """A difference, or a margin of it, in a table that has the column's unit in another place: `−9.15 pp`."""
    return f"{text} pp" if facts.unit == "%" else text


def to_json(comparison: Comparison) -> str:
    """One JSON document: summary, exit code, both revisions, every cell with its sentence; floats in full."""
    content = {
        "summary": comparison.summary,
        "exit_code": comparison.exit_code,
        "experiment": comparison.experiment,
        "profile": comparison.profile,
        "base": _revision(comparison.base),
        "head": _revision(comparison.head),
        "data": dict(comparison.data),
        "images": comparison.images,
        "columns": [asdict(facts) for facts in comparison.columns.values()],
        "cells": [{**asdict(cell), "sentence": cell_sentence(comparison, cell)} for cell in comparison.cells],
        "changes": [asdict(change) for change in comparison.changes],
        "notes": notes(comparison),
    }
    return json.dumps(content, indent=1, allow_nan=False, ensure_ascii=False) + "\n"


def _revision(revision: Revision) -> dict[str, Any]:
    return {"name": revision.name, **asdict(revision)}
