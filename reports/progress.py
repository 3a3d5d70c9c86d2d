"""Figure of a training's progress: realism, drift, change and error at moments of it, with the suggested checkpoint."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from reports.panels import draw_track, panel_grid, track
from reports.sketch import NothingToDraw, Sketch
from reports.stopping import Suggestion, suggestion
from reports.style import COLOURS, MARKERS, SOFT_INK, LineStyle, Preset

if TYPE_CHECKING:
    from bench.engine.results import Results

LOOK = LineStyle(COLOURS[1], MARKERS[1], "-")


def progress(results: Results, preset: Preset | None = None) -> Iterator[Sketch]:
    """A panel per column over the share of the training (blog, Figures 6 and 7)."""
    moments = sorted(
        (100 * found.row.variant.moment, number, found)
        for number, found in enumerate(results.rows)
        if found.row.variant is not None and found.row.variant.moment is not None
    )
    rows = [(percent, found) for percent, _, found in moments]
    tracks = [(column, cells) for column in results.columns if len(cells := track(rows, column)) > 1]
    if not tracks:
        raise NothingToDraw("fewer than two moments of a training have been measured")
    figure, grid = panel_grid([column.head for column, _ in tracks], "Training (%)", preset or "page")
    chosen = suggestion(results)
    for axes, (_, cells) in zip(grid, tracks, strict=True):
        draw_track(axes, cells, LOOK)
        axes.set(xlim=(-4, 104), xticks=(0, 25, 50, 75, 100))
        if chosen:
            axes.axvline(100 * chosen.moment, color=SOFT_INK, linewidth=0.8, linestyle=(0, (3, 2)), zorder=1)
    labels = "; ".join(column.label for column, _ in tracks)
    yield Sketch(
        "progress",
        _caption(results, chosen),
        f"Small panels over the share of the training: {labels}."
        + (f" A vertical line marks {100 * chosen.moment:.0f} %." if chosen else ""),
        figure,
    )


def _caption(results: Results, chosen: Suggestion | None) -> str:
    several = any(len(cell.values) > 1 for found in results.rows for cell in found.cells.values())
    lines = " Thin lines are seeds, thick ones their mean." if several else ""
    dashed = f" Dashed: suggested checkpoint, {chosen.reason}." if chosen else ""
    return f"The refined images as the refiner trains; 0 % is R after its pretraining.{lines}{dashed}"
