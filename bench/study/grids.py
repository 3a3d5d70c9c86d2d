"""Tables of texts as Markdown, LaTeX, and for the terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from bench.study.summary import Grid
from reports.latex import escape_latex
from reports.tables import TERMINAL_WIDTH, escape_markdown

if TYPE_CHECKING:
    from rich.console import RenderableType


def to_markdown(grids: Sequence[Grid], notes: Sequence[str]) -> str:
    """Each table below its caption in bold, notes as a list at the end."""
    lines: list[str] = []
    for grid in grids:
        lines += [f"**{escape_markdown(grid.caption)}**", ""]
        rules = ["---", *("---:" for _ in grid.heads[1:])]
        lines += [_line(map(escape_markdown, grid.heads)), _line(rules)]
        lines += [_markdown_row(grid, row) for row in grid.rows]
        lines.append("")
    return "\n".join([*lines, *(f"- {escape_markdown(note)}" for note in notes)]) + "\n"


def _markdown_row(grid: Grid, row: Sequence[str]) -> str:
    cells = [escape_markdown(text) for text in row]
    return _line(cells if len(row) > 1 else [f"**{cells[0]}**", *("" for _ in grid.heads[1:])])


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def to_latex(grids: Sequence[Grid], notes: Sequence[str], label: str) -> str:
    r"""One `table*` float per table; needs `\usepackage{booktabs}`. The notes stand below the last one."""
    lines = [r"% Needs \usepackage{booktabs}. Written by simgan-bench; do not edit."]
    for number, grid in enumerate(grids, start=1):
        lines += [
            r"\begin{table*}[t]",
            r"  \centering\small",
            rf"  \caption{{{escape_latex(grid.caption)}}}",
            rf"  \label{{tab:{label}-{number}}}",
            rf"  \begin{{tabular}}{{@{{}}l{'r' * (len(grid.heads) - 1)}@{{}}}}",
            r"  \toprule",
            f"  {' & '.join(map(escape_latex, grid.heads))} \\\\",
            r"  \midrule",
            *(_latex_row(grid, row) for row in grid.rows),
            r"  \bottomrule",
            r"  \end{tabular}",
        ]
        if number == len(grids) and notes:
            lines += [
                r"  \par\smallskip",
                r"  \begin{minipage}{\linewidth}\footnotesize",
                *(f"  {escape_latex(note)}" for note in notes),
                r"  \end{minipage}",
            ]
        lines.append(r"\end{table*}")
    return "\n".join(lines) + "\n"


def _latex_row(grid: Grid, row: Sequence[str]) -> str:
    cells = [escape_latex(text) for text in row]
    if len(row) > 1:
        return f"  {' & '.join(cells)} \\\\"
    return rf"  \addlinespace \multicolumn{{{len(grid.heads)}}}{{@{{}}l}}{{\textit{{{cells[0]}}}}} \\"


def terminal(grids: Sequence[Grid], notes: Sequence[str]) -> RenderableType:
    """For a rich console: tables with their captions, then the notes."""
    from rich import box
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    parts: list[RenderableType] = []
    for grid in grids:
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
        table.add_column(Text(grid.heads[0]), overflow="fold")
        for head in grid.heads[1:]:
            table.add_column(Text(head), justify="right", overflow="fold")
        for row in grid.rows:
            style = "" if len(row) > 1 else "bold"
            table.add_row(*(Text(text) for text in row), style=style)
        parts += [Text(grid.caption, style="bold"), Text(), table, Text()]
    return Group(*parts, *(Text(note, style="dim") for note in notes))


def text_of(grids: Sequence[Grid], notes: Sequence[str]) -> str:
    """The same as text: as wide as the terminal, 100 characters in a pipe; NO_COLOR is honoured."""
    from rich.console import Console

    known = sys.stdout.isatty() or "COLUMNS" in os.environ
    console = Console(width=None if known else TERMINAL_WIDTH, highlight=False)
    with console.capture() as captured:
        console.print(terminal(grids, notes))
    return captured.get()
