"""The table's data: one row per line, with its status, interval and the paper's number, and reading it back.

Imports neither pandas, scipy, matplotlib nor torch: printing a stored table costs nothing. `reports.build` makes one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

from bench.core.errors import DataError
from bench.engine.columns import ColumnFacts
from reports.differences import Difference, difference_from_json

Status = Literal["measured", "quoted", "not run", "failed"]
METRIC_FIELDS = ("name", "version", "unit", "better")
NoteKind = Literal["failure", "warning", "best", "reading", "count", "data", "mark", "figure"]


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
    columns: tuple[ColumnFacts, ...]
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
    def published(self) -> tuple[ColumnFacts, ...]:
        """The columns that have a printed number in some row."""
        return tuple(
            column
            for column in self.columns
            if any(row.cells[column.key].paper is not None for row in self.rows if column.key in row.cells)
        )


def comparable(rows: Sequence[TableRow], column: ColumnFacts) -> tuple[TableRow, ...]:
    """The rows measured in a column that share the most seeds: rows are paired by seed, so others are left out."""
    measured = [row for row in rows if column.key in row.cells and row.cells[column.key].status == "measured"]
    seeds = max((row.cells[column.key].seeds for row in measured), key=len, default=())
    return tuple(row for row in measured if row.cells[column.key].seeds == seeds)


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
    plain["columns"] = tuple(ColumnFacts(**column) for column in content["columns"])
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
