"""The table as text: Markdown, CSV, JSON and the terminal. LaTeX is in `reports.latex`."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reports.differences import Difference, finding, sentence
from reports.frame import Table, TableRow
from reports.wording import (
    against_paper,
    measured,
    paper_heads,
    paper_value,
    says_reproduced,
    seeds,
    trained_on,
    trains,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console, ConsoleOptions, RenderableType
    from rich.table import Table as Grid
    from rich.text import Text

CSV_COLUMNS = (
    "key", "label", "estimator", "train", "refiner", "variant", "size", "column", "unit", "value", "ci95_low",
    "ci95_high", "per_seed", "seeds", "n_seeds", "n_test", "paper", "tolerance", "paper_status", "status", "reason",
    "bold",
)  # fmt: skip
TERMINAL_WIDTH = 100
WIDEST = 1000
DIFFERENCES = "Differences, with 95 % intervals for other seeds and persons; p adjusted by Holm, equivalence is not"
MOST_IN_FULL = 8  # differences that the terminal shows as sentences
WORD_HEADS = ("Method", "Trained on", "Against the paper")
ROW_STYLES = {"quoted": "dim", "failed": "red", "not run": "yellow"}
NOTE_STYLES = {"warning": "yellow", "failure": "red"}
NOTE_MARKS = {"warning": "!", "failure": "x", "best": "*"}


def to_json(table: Table) -> str:
    """The text of `table.json`: floats in full, NaN impossible (ValueError)."""
    return json.dumps(table.to_json(), indent=1, allow_nan=False, ensure_ascii=False) + "\n"


def to_csv(table: Table) -> str:
    """One line per cell, floats in full; the values per seed are joined by ';'."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, CSV_COLUMNS, lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    units = {column.key: column.unit for column in table.columns}
    for row in table.rows:
        for column, cell in row.cells.items():
            low, high = cell.ci95 or (None, None)
            joined = {"per_seed": ";".join(map(repr, cell.per_seed)), "seeds": ";".join(map(str, cell.seeds))}
            facts = {**vars(row), **vars(cell), "column": column, "unit": units[column]}
            # One line per cell whatever a label holds: many readers of CSV know no line breaks within a field.
            flat = {name: " ".join(text.split()) for name, text in facts.items() if isinstance(text, str)}
            writer.writerow({**facts, **flat, **joined, "ci95_low": low, "ci95_high": high})
    return stream.getvalue()


def escape_markdown(text: str) -> str:
    """Text that Markdown shows as it is, on one line and inside a table cell."""
    flat = " ".join(text.split())
    return re.sub(r"([\\`*_{}\[\]<>|~$&#])", r"\\\1", flat)


def to_markdown(table: Table) -> str:
    """A table in GitHub's Markdown with its caption above and its notes below; quoted rows in italics."""
    heads = _heads(table)
    lines = [f"**{escape_markdown(table.caption)}**", ""]
    lines += _markdown_line([escape_markdown(text) for text in heads])
    lines += _markdown_line(["---" if text in WORD_HEADS else "---:" for text in heads])
    for row in (*table.measured, *table.quoted):
        cells = [escape_markdown(cell) for cell in _cells(table, row)]
        for number, column in enumerate(table.columns, start=len(_names(table))):
            if column.key in row.cells and row.cells[column.key].bold:
                cells[number] = f"**{cells[number]}**"
        if row.status == "quoted":
            cells[0] = f"*{cells[0]}*"
        lines += _markdown_line(cells)
    lines.append("")
    lines += [f"- {escape_markdown(text)}" for text in footnotes(table)]
    if table.differences:
        lines += ["", f"**{DIFFERENCES}**", ""]
        lines += [f"- {escape_markdown(text)}" for text in difference_sentences(table)]
    return "\n".join(lines) + "\n"


def _markdown_line(cells: list[str]) -> list[str]:
    return [f"| {' | '.join(cells)} |"]


def _names(table: Table) -> list[str]:
    """The heads of the columns before the numbers."""
    return ["Method", "Trained on"] if trains(table) else ["Method"]


def _heads(table: Table) -> list[str]:
    """Method, trained on, the columns, seeds, the printed numbers, and the verdicts on them where there are any."""
    heads = [*_names(table), *(column.head for column in table.columns), "Seeds", *paper_heads(table)]
    return [*heads, "Against the paper"] if says_reproduced(table) else heads


def _cells(table: Table, row: TableRow) -> list[str]:
    """A row's texts below `_heads`."""
    label = f"{row.label} (quoted)" if row.status == "quoted" else row.label
    numbers = [measured(row.cells.get(column.key), column.unit) for column in table.columns]
    papers = [paper_value(row, column) for column in table.published]
    names = [label, trained_on(row)][: len(_names(table))]
    cells = [*names, *numbers, seeds(row), *papers]
    return [*cells, against_paper(row)] if says_reproduced(table) else cells


def footnotes(table: Table) -> list[str]:
    """The sentences under the table, warnings marked as such; the quoted rows' sources in one sentence."""
    found = [f"Warning: {note.sentence}" if note.kind == "warning" else note.sentence for note in table.notes]
    return [*found, quoted_sentence(table)] if table.quoted else found


def difference_sentences(table: Table) -> list[str]:
    """One sentence per difference."""
    return [f"{_column_words(table, each)}{sentence(each)}" for each in table.differences]


def _column_words(table: Table, difference: Difference) -> str:
    """The label of a difference's column where several columns are compared."""
    if len({each.column for each in table.differences}) == 1:
        return ""
    return next(f"{column.label}: " for column in table.columns if column.key == difference.column)


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
    """What the terminal shows: caption, measured rows, quoted rows below a line, differences, notes."""
    from rich.console import Group
    from rich.text import Text

    parts: list[RenderableType] = [Text(table.caption, style="bold"), Text(), _Rows(table), Text()]
    if table.differences:
        parts += [Text(DIFFERENCES, style="bold"), *_terminal_differences(table), Text()]
    return Group(*parts, _terminal_notes(table))


def _terminal_differences(table: Table) -> Sequence[RenderableType]:
    """Sentences; of many differences one line each, the verdict first and the rest cut where it does not fit."""
    from rich.text import Text

    if len(table.differences) <= MOST_IN_FULL:
        return [Text(text) for text in difference_sentences(table)]
    wide = max(len(each.verdict) for each in table.differences)
    lines = [f"{each.verdict:{wide}}  {_column_words(table, each)}{finding(each)}" for each in table.differences]
    more = Text("p-values, and what could have been found, are in table.md and report.html.", style="dim")
    return [*(Text(line, no_wrap=True, overflow="ellipsis") for line in lines), more]


@dataclass(frozen=True)
class _Rows:
    """The rows in as many blocks of columns below each other as the terminal's width needs; no number is cut."""

    table: Table

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        heads = _heads(self.table)
        names = len(_names(self.table))
        wanted = list(range(names, len(heads)))
        while wanted:
            fitting = next(
                count
                for count in range(len(wanted), 0, -1)
                if count == 1 or self._width(wanted[:count], names, console) <= options.max_width
            )
            yield self._grid([*range(names), *wanted[:fitting]])
            wanted = wanted[fitting:]
            names = 1  # the following blocks repeat the method only

    def _width(self, columns: Sequence[int], names: int, console: Console) -> int:
        """What the columns take without folding a word."""
        unbounded = console.options.update(max_width=WIDEST)
        return console.measure(self._grid([*range(names), *columns]), options=unbounded).maximum

    def _grid(self, columns: Sequence[int]) -> Grid:
        """The chosen columns of `_heads`."""
        from rich import box
        from rich.table import Table as Grid

        table = self.table
        heads = _heads(table)
        grid = Grid(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
        for number in columns:
            text = heads[number]
            if text in WORD_HEADS:
                grid.add_column(text, overflow="fold", min_width=12 if number == 0 else None)
                continue
            if len(table.columns) > 1:  # many columns: narrow ones
                text = text.replace(", ", ",\n").replace(": ", ":\n").replace(" (", "\n(")
            grid.add_column(text, justify="right", no_wrap=True)
        for row in (*table.measured, *table.quoted):
            texts = self._texts(row)
            last = bool(table.quoted and table.measured) and row is table.measured[-1]
            grid.add_row(*(texts[number] for number in columns), style=ROW_STYLES.get(row.status, ""), end_section=last)
        return grid

    def _texts(self, row: TableRow) -> list[Text]:
        from rich.text import Text

        texts = [Text(cell) for cell in _cells(self.table, row)]
        for column, text in zip(self.table.columns, texts[len(_names(self.table)) :], strict=False):
            cell = row.cells.get(column.key)
            # A star as well: a pipe and some terminals show no weight.
            star = cell is not None and cell.bold
            text.stylize("bold" if star else "")
            text.append(" *" if star else "  ")
        return texts


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
