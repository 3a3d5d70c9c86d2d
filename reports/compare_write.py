"""Writes a comparison or a history: Markdown for a CI job summary, JSON, figures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bench.engine.store import storage_errors
from reports.compare import Comparison
from reports.compare_text import to_json, to_markdown
from reports.whole_files import write_atomically

if TYPE_CHECKING:
    from reports.figures import Drawing
    from reports.history import History


def write_comparison(comparison: Comparison, out: Path) -> Path:
    """Write compare.md, compare.json and figures/ into `out/<experiment>-compare/`; returns the folder.

    UsageError when it cannot be written.
    """
    drawings: list[Drawing] = []
    if any(cell.difference for cell in comparison.cells):
        from reports.compare_figure import draw_comparison  # matplotlib: only where there is something to draw

        drawings = draw_comparison(comparison)
    folder = out / f"{comparison.experiment}-compare"
    _write(folder, "compare", to_markdown(comparison), to_json(comparison), drawings)
    return folder


def write_history(history: History, out: Path) -> Path:
    """Write history.md, history.json and figures/ into `out/<experiment>-history/`, as `write_comparison` does."""
    from reports import history as texts

    folder = out / f"{history.experiment}-history"
    _write(folder, "history", texts.to_markdown(history), texts.to_json(history), texts.draw_history(history))
    return folder


def _write(folder: Path, name: str, markdown: str, json: str, drawings: Sequence[Drawing]) -> None:
    """Replace what an earlier time left there. The JSON comes last: where it is, the rest is."""
    figures = folder / "figures"
    with storage_errors(folder):
        figures.mkdir(parents=True, exist_ok=True)
        for old in [folder / f"{name}.json", *(path for path in figures.iterdir() if path.is_file())]:
            old.unlink(missing_ok=True)
        for drawing in drawings:
            for file, content in drawing.files.items():
                write_atomically(figures / file, content)
        write_atomically(folder / f"{name}.md", markdown.encode())
        write_atomically(folder / f"{name}.json", json.encode())
