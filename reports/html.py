"""The report as one self-contained page: table, figures, notes, data sets and provenance."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from reports import style
from reports.frame import Table, TableRow
from reports.latex import to_latex
from reports.notes import ROLES
from reports.tables import quoted_sentence
from reports.wording import duration, measured, number, printed, says_reproduced, trained_on

if TYPE_CHECKING:
    from reports.figures import Drawing

FIGURE_TITLES = {
    "error-curves": "Cumulative error",
    "pictures": "Pictures",
    "training-curves": "Training",
    "training-strip": "Refined images during training",
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
    measured: str
    trained_on: str
    paper: str
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
        measured=_lines(table.measured, says_reproduced(table)),
        quoted=_lines(table.quoted, False),
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


def _lines(rows: Sequence[TableRow], against_paper: bool) -> list[Line]:
    """The rows with their charts. The paper's number is drawn only where it is comparable."""
    shown = [row for row in rows if row.value is not None]
    numbers = [
        each
        for row in shown
        for each in (
            *row.per_seed,
            *(row.ci95 or ()),
            *((row.paper,) if against_paper and row.paper is not None else ()),
        )
    ]
    # From zero: a length on the page is then an error, not a difference of errors.
    full = 1.04 * max((*numbers, 0.0)) or 1.0
    return [
        Line(
            row=row,
            measured=measured(row),
            trained_on=trained_on(row),
            paper=printed(row.paper),
            dots=None if row.value is None else _dots(row, row.value, full, row.paper if against_paper else None),
        )
        for row in rows
    ]


def _dots(row: TableRow, value: float, full: float, paper: float | None) -> Dots:
    def at(number: float) -> float:
        return round(min(max(100 * number / full, 0.0), 100.0), 2)

    low, high = row.ci95 or (value, value)
    interval = f", interval {number(low)} to {number(high)}" if row.ci95 else ""
    return Dots(
        mean=at(value),
        low=at(low),
        high=at(high),
        seeds=tuple(at(seed) for seed in row.per_seed),
        paper=None if paper is None else at(paper),
        told=f"mean {number(value)}{interval}" + ("" if paper is None else f", paper {printed(paper)}"),
    )
