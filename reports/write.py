"""Writes a run's report: tables, figures, the page and its provenance, each file whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from bench.engine.store import storage_errors
from reports.build import build_table
from reports.figures import Drawing, draw_figures
from reports.frame import Note, Table, load_table
from reports.html import FIGURE_TITLES, to_html
from reports.latex import to_latex
from reports.tables import to_csv, to_json, to_markdown
from reports.whole_files import write_atomically

if TYPE_CHECKING:
    from bench.engine.results import Results

__all__ = ["load_table", "write_report"]

TEXTS: Mapping[str, Callable[[Table], str]] = {
    "table.md": to_markdown,
    "table.tex": to_latex,
    "table.csv": to_csv,
}


def write_report(results: Results, out: Path) -> Table:
    """Write everything into `out/<experiment>/` and give the table back.

    `table.json` comes last: where it is, the rest is. UsageError when the folder cannot be written.
    """
    folder = out / results.experiment.name
    table = build_table(results)
    drawings, missing = draw_figures(results, table)
    table = replace(
        table,
        figures=tuple(drawing.name for drawing in drawings),
        notes=(*table.notes, *(Note("figure", f"No figure '{name}': {reason}.") for name, reason in missing.items())),
    )
    with storage_errors(folder):
        (folder / "figures").mkdir(parents=True, exist_ok=True)
        _write_figures(folder / "figures", drawings)
        for name, render in TEXTS.items():
            write_atomically(folder / name, render(table).encode())
        write_atomically(folder / "provenance.json", _provenance(table).encode())
        write_atomically(folder / "report.html", to_html(table, drawings).encode())
        write_atomically(folder / "table.json", to_json(table).encode())
    return table


def _provenance(table: Table) -> str:
    content = {
        "experiment": table.experiment,
        "profile": table.profile,
        "digest": table.digest,
        **table.provenance,
    }
    return json.dumps(content, indent=1, allow_nan=False, ensure_ascii=False) + "\n"


def _write_figures(folder: Path, drawings: Sequence[Drawing]) -> None:
    """Each figure as PDF, PNG and its JSON neighbour; a figure of an earlier run is not left behind."""
    written = set()
    for drawing in drawings:
        for name, content in drawing.files.items():
            write_atomically(folder / name, content)
            written.add(name)
    for old in folder.iterdir():
        if old.name.startswith(tuple(FIGURE_TITLES)) and old.name not in written:
            old.unlink()
