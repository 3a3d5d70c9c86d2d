"""The table as text: Markdown, CSV, JSON and the terminal. LaTeX is in `reports.latex`."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import sys
from typing import TYPE_CHECKING

from reports.frame import Table, TableRow
from reports.wording import measured, printed, says_reproduced, trained_on

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

CSV_COLUMNS = (
    "key", "label", "estimator", "train", "refiner", "size", "value", "ci95_low", "ci95_high", "per_seed", "seeds",
    "n_seeds", "n_test", "paper", "tolerance", "paper_status", "status", "reason", "bold",
)  # fmt: skip
TERMINAL_WIDTH = 100
ROW_STYLES = {"quoted": "dim", "failed": "red", "not run": "yellow"}
NOTE_STYLES = {"warning": "yellow", "failure": "red"}
NOTE_MARKS = {"warning": "!", "failure": "x", "best": "*"}


def to_json(table: Table) -> str:
    """The text of `table.json`: floats in full, NaN impossible (ValueError)."""
    return json.dumps(table.to_json(), indent=1, allow_nan=False, ensure_ascii=False) + "\n"


def to_csv(table: Table) -> str:
    """One line per row, floats in full; the values per seed are joined by ';'."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, CSV_COLUMNS, lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    for row in table.rows:
        low, high = row.ci95 or (None, None)
        joined = {"per_seed": ";".join(map(repr, row.per_seed)), "seeds": ";".join(map(str, row.seeds))}
        # One line per row whatever a label holds: many readers of CSV know no line breaks within a field.
        flat = {name: " ".join(text.split()) for name, text in vars(row).items() if isinstance(text, str)}
        writer.writerow({**vars(row), **flat, **joined, "ci95_low": low, "ci95_high": high})
    return stream.getvalue()


def escape_markdown(text: str) -> str:
    """Text that Markdown shows as it is, on one line and inside a table cell."""
    flat = " ".join(text.split())
    return re.sub(r"([\\`*_{}\[\]<>|~$&#])", r"\\\1", flat)


def to_markdown(table: Table) -> str:
    """A table in GitHub's Markdown with its caption above and its notes below; quoted rows in italics."""
    verdicts = says_reproduced(table)
    heads = ["Method", "Trained on", f"Error ({table.metric.unit})", "Seeds", "Paper"]
    lines = [f"**{escape_markdown(table.caption)}**", ""]
    lines += _markdown_line([*heads, "Against the paper"] if verdicts else heads)
    lines += _markdown_line(["---", "---", "---:", "---:", "---:", "---"][: 6 if verdicts else 5])
    for row in (*table.measured, *table.quoted):
        cells = [escape_markdown(cell) for cell in _cells(row)]
        if row.bold:
            cells[2] = f"**{cells[2]}**"
        if row.status == "quoted":
            cells[0] = f"*{cells[0]}*"
        lines += _markdown_line([*cells, escape_markdown(row.paper_status or "–")] if verdicts else cells)
    lines.append("")
    lines += [f"- {escape_markdown(sentence)}" for sentence in footnotes(table)]
    return "\n".join(lines) + "\n"


def _markdown_line(cells: list[str]) -> list[str]:
    return [f"| {' | '.join(cells)} |"]


def _cells(row: TableRow) -> list[str]:
    """Method, trained on, error, seeds, paper."""
    label = f"{row.label} (quoted)" if row.status == "quoted" else row.label
    seeds = str(row.n_seeds) if row.status == "measured" else "–"
    return [label, trained_on(row), measured(row), seeds, printed(row.paper)]


def footnotes(table: Table) -> list[str]:
    """The sentences under the table, warnings marked as such; the quoted rows' sources in one sentence."""
    found = [f"Warning: {note.sentence}" if note.kind == "warning" else note.sentence for note in table.notes]
    return [*found, quoted_sentence(table)] if table.quoted else found


def quoted_sentence(table: Table) -> str:
    """Which rows are quoted, and from where."""
    sources = "; ".join(f"{row.label} ({row.source or 'its own result'})" for row in table.quoted)
    return f"Quoted by the paper, not measured: {sources}."


def print_table(table: Table, console: Console | None = None) -> None:
    """Write the table for a person to a console (stdout); NO_COLOR is honoured."""
    from rich.console import Console

    if console is None:
        known = sys.stdout.isatty() or "COLUMNS" in os.environ
        wide = None if known else TERMINAL_WIDTH  # a pipe has no width; rich would take 80
        console = Console(width=wide, highlight=False)
    console.print(terminal(table))


def terminal(table: Table) -> RenderableType:
    """What the terminal shows: caption, measured rows, quoted rows below a line, notes."""
    from rich.console import Group
    from rich.text import Text

    return Group(Text(table.caption, style="bold"), Text(), _terminal_rows(table), Text(), _terminal_notes(table))


def _terminal_rows(table: Table) -> RenderableType:
    from rich import box
    from rich.table import Table as Grid
    from rich.text import Text

    verdicts = says_reproduced(table)
    grid = Grid(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    grid.add_column("Method", overflow="fold", min_width=12)
    grid.add_column("Trained on", overflow="fold")
    grid.add_column(f"Error ({table.metric.unit})", justify="right", no_wrap=True)
    grid.add_column("", width=1)
    grid.add_column("Seeds", justify="right", no_wrap=True)
    grid.add_column("Paper", justify="right", no_wrap=True)
    if verdicts:
        grid.add_column("Against the paper", overflow="fold")
    for row in (*table.measured, *table.quoted):
        method, train, error, seeds, paper = (Text(cell) for cell in _cells(row))
        error.stylize("bold" if row.bold else "")
        # A star as well: a pipe and some terminals show no weight.
        cells = [method, train, error, Text("*" if row.bold else ""), seeds, paper]
        if verdicts:
            cells.append(Text(row.paper_status or "–"))
        last = bool(table.quoted and table.measured) and row is table.measured[-1]
        grid.add_row(*cells, style=ROW_STYLES.get(row.status, ""), end_section=last)
    return grid


def _terminal_notes(table: Table) -> RenderableType:
    """The notes with hanging indents, warnings and failures in colour."""
    from rich.table import Table as Grid
    from rich.text import Text

    grid = Grid.grid(padding=(0, 1, 0, 0))
    grid.add_column(width=1)
    grid.add_column(overflow="fold")
    for note in table.notes:
        if note.kind == "figure":
            continue
        mark = NOTE_MARKS.get(note.kind, "·")
        text = note.text if note.kind == "best" else note.sentence  # the star stands for bold
        grid.add_row(Text(mark), Text(text), style=NOTE_STYLES.get(note.kind, "dim"))
    if table.quoted:
        grid.add_row(Text("·"), Text(quoted_sentence(table)), style="dim")
    return grid
