"""The report as one self-contained page: table, figures, notes, data sets and provenance."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from reports import style
from reports.differences import interval, p_words, signed, unit_of_difference, verdict_words
from reports.frame import Table, TableCell, TableRow
from reports.latex import to_latex
from reports.notes import ROLES
from reports.tables import DIFFERENCES, quoted_sentence
from reports.wording import (
    against_paper,
    duration,
    measured,
    number,
    paper_heads,
    paper_value,
    printed,
    says_reproduced,
    seeds,
    trained_on,
    trains,
)

if TYPE_CHECKING:
    from reports.figures import Drawing

FIGURE_TITLES = {
    "error-curves": "Cumulative error",
    "pictures": "Pictures",
    "training-curves": "Training",
    "training-strip": "Refined images during training",
    "drift-scatter": "Drift per image",
    "drift-slope": "Planted and measured drift",
    "realism-drift-error": "Error, drift and realism",
    "progress": "Progress of the training",
    "sweep": "Sweep",
}
PROVENANCE_WORDS = {"dirty": "uncommitted changes", "seconds": "computing time"}


@dataclass(frozen=True)
class Dots:
    """Where a row's numbers lie in its small chart, in percent of its width."""

    mean: float
    low: float
    high: float
    seeds: tuple[float, ...]
    paper: float | None
    told: str


@dataclass(frozen=True)
class Line:
    """One line of the page's table."""

    row: TableRow
    cells: tuple[tuple[str, str], ...]  # text and class of each column
    trained_on: str
    seeds: str
    papers: tuple[str, ...]
    against: str
    dots: Dots | None


def to_html(table: Table, drawings: Sequence[Drawing]) -> str:
    """The page's text. Everything is embedded: it can be mailed, archived and printed."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page = environment.get_template("report.html.j2").render(
        table=table,
        trains=trains(table),
        heads=[column.head for column in table.columns],
        paper_heads=paper_heads(table),
        measured=_lines(table, table.measured, says_reproduced(table)),
        quoted=_lines(table, table.quoted, False),
        verdicts=says_reproduced(table),
        quoted_sentence=quoted_sentence(table),
        figures=[
            {
                "title": _title(drawing.name),
                "name": drawing.name,
                "caption": drawing.caption,
                "alt": drawing.alt,
                "narrow": drawing.width_in <= style.width_of("column"),
                "source": "data:image/png;base64," + base64.b64encode(drawing.png).decode(),
            }
            for drawing in drawings
        ],
        differences_title=DIFFERENCES,
        several=len({each.column for each in table.differences}) > 1,
        differences=[
            {
                "what": f"{each.label} against {each.against_label}",
                "column": next(column.label for column in table.columns if column.key == each.column),
                "mean": signed(each.mean),
                "unit": unit_of_difference(each.unit),
                "both": interval(each.ci95),
                "seeds": interval(each.ci95_seeds),
                "persons": interval(each.ci95_persons),
                "p": p_words(each.p_value).removeprefix("p = ").removeprefix("p "),
                "verdict": verdict_words(each),
            }
            for each in table.differences
        ],
        roles=ROLES,
        plain={
            PROVENANCE_WORDS.get(name, name): _plain(name, value)
            for name, value in table.provenance.items()
            if not _nested(value)
        },
        nested={name: _pretty(value) for name, value in table.provenance.items() if _nested(value)},
        latex=to_latex(table),
    )
    return page.rstrip() + "\n"


def _title(name: str) -> str:
    for figure, title in FIGURE_TITLES.items():
        if name == figure:
            return title
        if name.startswith(f"{figure}-"):
            return f"{title}: {name.removeprefix(f'{figure}-')}"
    return name


def _nested(value: Any) -> bool:
    return isinstance(value, (Mapping, list, tuple))


def _plain(name: str, value: Any) -> str:
    """A fact of the provenance in words."""
    if value is None:
        return "unknown"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if name == "started" and isinstance(value, (int, float)):
        return datetime.fromtimestamp(value, UTC).strftime("%Y-%m-%d %H:%M UTC")
    if name == "seconds":
        return duration(float(value))
    return str(value)


def _pretty(value: Any) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False)


def _lines(table: Table, rows: Sequence[TableRow], against_the_paper: bool) -> list[Line]:
    """The rows; the headline with charts. The paper's number is drawn only where it is comparable."""
    numbers = [
        each
        for row in rows
        if row.head.value is not None
        for each in (
            *row.head.per_seed,
            *(row.head.ci95 or ()),
            *((row.head.paper,) if against_the_paper and row.head.paper is not None else ()),
        )
    ]
    # From zero: a length on the page is then an error, not a difference of errors.
    full = 1.04 * max((*numbers, 0.0)) or 1.0
    return [
        Line(
            row=row,
            cells=tuple(_cell(row.cells.get(column.key), column.unit) for column in table.columns),
            trained_on=trained_on(row),
            seeds=seeds(row),
            papers=tuple(paper_value(row, column) for column in table.published),
            against=against_paper(row),
            dots=_dots(row.head, table.columns[0].unit, full, against_the_paper),
        )
        for row in rows
    ]


def _cell(cell: TableCell | None, unit: str) -> tuple[str, str]:
    """A cell's text and its class on the page."""
    kind = "best" if cell and cell.bold else "status" if cell and cell.status in ("failed", "not run") else ""
    return measured(cell, unit), kind


def _dots(cell: TableCell, unit: str, full: float, against_the_paper: bool) -> Dots | None:
    if cell.value is None:
        return None

    def at(value: float) -> float:
        return round(min(max(100 * value / full, 0.0), 100.0), 2)

    low, high = cell.ci95 or (cell.value, cell.value)
    interval = f", interval {number(low, unit)} to {number(high, unit)}" if cell.ci95 else ""
    paper = cell.paper if against_the_paper else None
    return Dots(
        mean=at(cell.value),
        low=at(low),
        high=at(high),
        seeds=tuple(at(seed) for seed in cell.per_seed),
        paper=None if paper is None else at(paper),
        told=f"mean {number(cell.value, unit)}{interval}" + ("" if paper is None else f", paper {printed(paper)}"),
    )
