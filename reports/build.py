"""Builds the table from a run's results: statuses, intervals, bold rows, the paper's numbers and differences."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from bench.core.canonical import digest
from bench.engine.columns import ColumnFacts
from bench.engine.results import CellResults, Results, RowResults
from bench.stats import not_significantly_worse, t_interval
from reports.differences import differences
from reports.frame import Status, Table, TableCell, TableRow, comparable
from reports.notes import caption, notes
from reports.published import Published, PublishedValue, load_published, verdict


def build_table(results: Results) -> Table:
    """The table of a run's results."""
    experiment = results.experiment
    published = load_published(experiment.name)
    columns = results.columns
    rows = tuple(_row(results, found, columns, published) for found in results.rows)
    rows = _embolden(rows, columns) + _quoted(results, columns, published)
    return Table(
        experiment=experiment.name,
        title=experiment.title,
        profile=results.profile,
        data=dict(results.data),
        columns=columns,
        rows=rows,
        provenance=dict(results.provenance),
        digest=digest(_measured_values(rows, columns)),
        caption=caption(results, columns, rows),
        notes=notes(results, columns, rows, published),
        differences=differences(results),
        simulator=results.simulator,
        paper_data=results.paper_data,
        paper_source=f"{published.short}, {published.where}" if published.values else "",
    )


def _measured_values(rows: Sequence[TableRow], columns: Sequence[ColumnFacts]) -> dict[str, dict[str, float]]:
    """Values by row, column and seed: two tables with equal digests hold the same measurements. Seconds differ."""
    return {
        f"{row.key} {column.key}": dict(zip(map(str, cell.seeds), cell.per_seed, strict=True))
        for row in rows
        for column in columns
        if column.of != "training" and (cell := row.cells.get(column.key)) and cell.status == "measured"
    }


def _row(results: Results, found: RowResults, columns: Sequence[ColumnFacts], published: Published) -> TableRow:
    row = found.row
    cells = {}
    for number, column in enumerate(columns):
        if column.key in found.cells:
            # The headline's printed number has the row's own id, another column's its key after a slash.
            reference = row.reference and (f"{row.reference}/{column.key}" if number else row.reference)
            printed = published.values.get(reference) if reference else None
            cells[column.key] = _cell(found.cells[column.key], printed, results.paper_data and not results.simulator)
    return TableRow(
        key=row.key,
        label=row.label,
        estimator=row.estimator,
        train=row.train,
        cells=cells,
        refiner=row.variant.refiner if row.variant else None,
        variant=row.variant.key if row.variant else None,
        size=row.size,
        n_test=len(results.ids),
    )


def _cell(found: CellResults, printed: PublishedValue | None, reproduction: bool) -> TableCell:
    """A cell with its status: measured only when every seed gave a finite value."""
    values = {seed: value for seed, value in sorted(found.values.items()) if math.isfinite(value)}
    failures = {
        **{seed: "its value is NaN or infinite" for seed in found.values if seed not in values},
        **found.failures,
    }
    values = {seed: value for seed, value in values.items() if seed not in failures}
    value, ci95, reason, paper_status = None, None, None, None
    status: Status = "measured"
    if found.not_run is not None:
        status, reason = "not run", found.not_run
    elif failures:
        status, reason = "failed", _failure_line(failures, len(failures) + len(values))
    elif not values:
        status, reason = "not run", "no seed has been run"
    else:
        value, low, high = t_interval(list(values.values()))
        ci95 = None if low is None or high is None else (low, high)
        if printed is not None:
            paper_status = verdict(printed, ci95) if reproduction else "not comparable"
    return TableCell(
        value=value,
        ci95=ci95,
        per_seed=tuple(values.values()),
        seeds=tuple(values),
        n_seeds=len(values),
        paper=None if printed is None else printed.value,
        tolerance=None if printed is None else printed.tolerance,
        paper_status=paper_status,
        status=status,
        reason=reason,
    )


def _failure_line(failures: Mapping[int, str], seeds: int) -> str:
    """`1 of 3 seeds failed (seed 2: the loss became NaN)`; equal reasons are said once."""
    by_reason: dict[str, list[int]] = {}
    for seed in sorted(failures):
        by_reason.setdefault(failures[seed], []).append(seed)
    told = "; ".join(
        f"seed{'s' if len(at) > 1 else ''} {', '.join(map(str, at))}: {reason}" for reason, at in by_reason.items()
    )
    return f"{len(failures)} of {seeds} seed{'s' if seeds > 1 else ''} failed ({told})"


def _embolden(rows: tuple[TableRow, ...], columns: Sequence[ColumnFacts]) -> tuple[TableRow, ...]:
    """Mark, in each column of predictions, the rows that are not significantly worse than any other."""
    for column in columns:
        per_seed = {row.key: row.cells[column.key].per_seed for row in comparable(rows, column)}
        if column.of != "predictions" or not per_seed:
            continue
        best = not_significantly_worse(per_seed, lower_is_better=column.better == "lower")
        rows = tuple(_bold(row, column.key) if row.key in best else row for row in rows)
    return rows


def _bold(row: TableRow, column: str) -> TableRow:
    return replace(row, cells={**row.cells, column: replace(row.cells[column], bold=True)})


def _quoted(results: Results, columns: Sequence[ColumnFacts], published: Published) -> tuple[TableRow, ...]:
    """The printed numbers that no row of the experiment measures, each in its own column."""
    measured = {found.row.reference for found in results.rows}
    taken = {found.row.key for found in results.rows}
    rows: dict[str, TableRow] = {}
    for entry in published.values.values():
        id_, _, key = entry.id.partition("/")
        if id_ in measured:
            continue
        reason = f"quoted by the paper from {entry.source}" if entry.source else "the paper's own result"
        cell = TableCell(paper=entry.value, tolerance=entry.tolerance, status="quoted", reason=reason)
        own = f"paper/{id_}" if id_ in taken else id_
        row = rows.get(id_) or TableRow(own, entry.label, id_, entry.train, {}, source=entry.source)
        rows[id_] = replace(row, cells={**row.cells, key or columns[0].key: cell})
    return tuple(rows.values())
