"""Results as the table's data: one row per line, with its status, interval and the paper's number.

Reading a stored table back imports neither pandas, scipy, matplotlib nor torch: printing it costs nothing.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from bench.core.canonical import digest
from bench.core.errors import DataError
from reports.differences import Difference, difference_from_json, differences
from reports.published import Published, PublishedValue, load_published, verdict

if TYPE_CHECKING:
    from bench.engine.results import CellResults, Results, RowResults

Status = Literal["measured", "quoted", "not run", "failed"]
METRIC_FIELDS = ("name", "version", "unit", "better")
NoteKind = Literal["failure", "warning", "best", "reading", "count", "data", "mark", "figure"]


@dataclass(frozen=True)
class TableColumn:
    """What the numbers of a column are. unit '' = a pure number."""

    key: str
    label: str
    name: str
    version: int
    unit: str
    better: Literal["lower", "higher", "neither"]
    kind: Literal["error", "drift", "realism", "change", "seconds"]
    quantity: str = ""
    of: Literal["predictions", "images", "training"] = "predictions"
    estimator: str | None = None


@dataclass(frozen=True)
class Note:
    """One sentence under the table. label: the row it is about, or ''."""

    kind: NoteKind
    text: str
    label: str = ""

    @property
    def sentence(self) -> str:
        """The note with the name of its row, with a full stop; the one about the best rows says how they are marked."""
        label = "Bold" if self.kind == "best" else self.label
        text = f"{label}: {self.text}" if label else self.text
        return text if text.endswith((".", "!", "?")) else f"{text}."


@dataclass(frozen=True)
class TableCell:
    """One row and column.

    value, ci95: mean over seeds and its 95 % t-interval, only when every seed is there (never an average
    over holes). per_seed: one number per seed in `seeds`.
    paper, tolerance: the printed number and how far from it still counts as the same.
    """

    value: float | None = None
    ci95: tuple[float, float] | None = None
    per_seed: tuple[float, ...] = ()
    seeds: tuple[int, ...] = ()
    n_seeds: int = 0
    paper: float | None = None
    tolerance: float | None = None
    paper_status: str | None = None
    status: Status = "measured"
    reason: str | None = None
    bold: bool = False

    @property
    def half_width(self) -> float | None:
        """Half the width of the interval, None with fewer than two seeds."""
        return None if self.ci95 is None else (self.ci95[1] - self.ci95[0]) / 2


@dataclass(frozen=True)
class TableRow:
    """One line of the table.

    cells: by column key; a column that means nothing for the row is not there. The first is the headline.
    refiner, variant: its registry name, and the refiner with its settings as the experiment calls it.
    source: the work that the paper quotes the row from.
    """

    key: str
    label: str
    estimator: str | None
    train: str
    cells: Mapping[str, TableCell]
    refiner: str | None = None
    variant: str | None = None
    size: int = 1
    n_test: int | None = None
    source: str | None = None

    @property
    def head(self) -> TableCell:
        """The headline's cell."""
        return next(iter(self.cells.values()))

    @property
    def status(self) -> Status:
        """The headline's status; 'failed' when any of the row's cells failed."""
        return "failed" if any(cell.status == "failed" for cell in self.cells.values()) else self.head.status

    @property
    def failure(self) -> str | None:
        """Why the first failed cell failed; None when none did."""
        return next((cell.reason for cell in self.cells.values() if cell.status == "failed"), None)

    def to_json(self) -> dict[str, Any]:
        """The row with its headline's numbers beside its name, as `table.json` has it, and all cells below."""
        return {**asdict(self), **asdict(self.head), "status": self.status}


@dataclass(frozen=True)
class Table:
    """The whole table: what `table.json` holds and every rendering is made of."""

    experiment: str
    title: str
    profile: str
    data: Mapping[str, str]
    columns: tuple[TableColumn, ...]
    rows: tuple[TableRow, ...]
    provenance: Mapping[str, Any]
    digest: str
    caption: str
    notes: tuple[Note, ...] = ()
    differences: tuple[Difference, ...] = ()
    simulator: bool = False
    paper_data: bool = False
    paper_source: str = ""
    figures: tuple[str, ...] = field(default=())

    def to_json(self) -> dict[str, Any]:
        """The JSON object of `table.json` and of `bench run --json`; ValueError for a NaN anywhere."""
        head = {name: getattr(self.columns[0], name) for name in METRIC_FIELDS}
        content = {**asdict(self), "metric": head, "rows": [row.to_json() for row in self.rows]}
        plain: dict[str, Any] = json.loads(json.dumps(content, allow_nan=False))
        return plain

    @property
    def measured(self) -> tuple[TableRow, ...]:
        """The rows that the harness is responsible for, in order."""
        return tuple(row for row in self.rows if row.status != "quoted")

    @property
    def quoted(self) -> tuple[TableRow, ...]:
        """The rows that are only quoted."""
        return tuple(row for row in self.rows if row.status == "quoted")

    @property
    def published(self) -> tuple[TableColumn, ...]:
        """The columns that have a printed number in some row."""
        return tuple(
            column
            for column in self.columns
            if any(row.cells[column.key].paper is not None for row in self.rows if column.key in row.cells)
        )


def load_table(path: Path) -> Table:
    """The table of a `table.json`; DataError with the next step when it is not one."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return table_from_json(content)
    except FileNotFoundError as error:
        raise DataError(f"{path} does not exist; run 'bench run' for it first") from error
    except (OSError, UnicodeDecodeError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise DataError(f"{path} is not a stored table ({error}); 'bench report' writes it again") from error


def table_from_json(content: Mapping[str, Any]) -> Table:
    """A table from `Table.to_json()`; KeyError, TypeError or ValueError when it is something else."""
    plain = {name: content[name] for name in (item.name for item in fields(Table))}
    plain["columns"] = tuple(TableColumn(**column) for column in content["columns"])
    plain["rows"] = tuple(_row_from_json(row) for row in content["rows"])
    plain["notes"] = tuple(Note(**note) for note in content["notes"])
    plain["differences"] = tuple(difference_from_json(each) for each in content["differences"])
    plain["figures"] = tuple(content["figures"])
    return Table(**plain)


def _row_from_json(row: Mapping[str, Any]) -> TableRow:
    own = {item.name: row[item.name] for item in fields(TableRow)}
    return TableRow(**{**own, "cells": {key: _cell_from_json(cell) for key, cell in row["cells"].items()}})


def _cell_from_json(cell: Mapping[str, Any]) -> TableCell:
    ci95 = cell["ci95"]
    return TableCell(
        **{
            **cell,
            "ci95": None if ci95 is None else (float(ci95[0]), float(ci95[1])),
            "per_seed": tuple(cell["per_seed"]),
            "seeds": tuple(cell["seeds"]),
        }
    )


def build_table(results: Results) -> Table:
    """The table of a run's results."""
    from reports.notes import caption, notes

    experiment = results.experiment
    published = load_published(experiment.name)
    columns = tuple(TableColumn(**vars(facts)) for facts in results.columns)
    rows = tuple(_row(results, found, columns, published) for found in results.rows)
    rows = _embolden(rows, columns) + _quoted(results, columns[0], published)
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


def _measured_values(rows: Sequence[TableRow], columns: Sequence[TableColumn]) -> dict[str, dict[str, float]]:
    """Values by row, column and seed: two tables with equal digests hold the same measurements. Seconds differ."""
    return {
        f"{row.key} {column.key}": dict(zip(map(str, cell.seeds), cell.per_seed, strict=True))
        for row in rows
        for column in columns
        if column.of != "training" and (cell := row.cells.get(column.key)) and cell.status == "measured"
    }


def _row(results: Results, found: RowResults, columns: Sequence[TableColumn], published: Published) -> TableRow:
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
    from bench.stats import t_interval

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


def _embolden(rows: tuple[TableRow, ...], columns: Sequence[TableColumn]) -> tuple[TableRow, ...]:
    """Mark, in each column of predictions, the rows that are not significantly worse than any other."""
    from bench.stats import not_significantly_worse

    for column in columns:
        per_seed = {row.key: row.cells[column.key].per_seed for row in comparable(rows, column)}
        if column.of != "predictions" or not per_seed:
            continue
        best = not_significantly_worse(per_seed, lower_is_better=column.better == "lower")
        rows = tuple(_bold(row, column.key) if row.key in best else row for row in rows)
    return rows


def _bold(row: TableRow, column: str) -> TableRow:
    return replace(row, cells={**row.cells, column: replace(row.cells[column], bold=True)})


def comparable(rows: Sequence[TableRow], column: TableColumn) -> tuple[TableRow, ...]:
    """The rows measured in a column that share the most seeds: rows are paired by seed, so others are left out."""
    measured = [row for row in rows if column.key in row.cells and row.cells[column.key].status == "measured"]
    seeds = max((row.cells[column.key].seeds for row in measured), key=len, default=())
    return tuple(row for row in measured if row.cells[column.key].seeds == seeds)


def _quoted(results: Results, headline: TableColumn, published: Published) -> tuple[TableRow, ...]:
    """The printed numbers that no row of the experiment measures."""
    measured = {found.row.reference for found in results.rows}
    return tuple(
        TableRow(
            key=entry.id,
            label=entry.label,
            estimator=entry.id,
            train=entry.train,
            cells={
                headline.key: TableCell(
                    paper=entry.value,
                    tolerance=entry.tolerance,
                    status="quoted",
                    reason=f"quoted by the paper from {entry.source}" if entry.source else "the paper's own result",
                )
            },
            source=entry.source,
        )
        for entry in published.values.values()
        if entry.id.partition("/")[0] not in measured
    )
