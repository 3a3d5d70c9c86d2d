"""Small panels side by side, one per number, as the figures of progress, sweeps and training use them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from reports.style import LineStyle, Preset, width_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from bench.engine.columns import ColumnFacts
    from bench.engine.results import CellResults, RowResults

MOST_COLUMNS: dict[Preset, int] = {"column": 2, "page": 4}
PANEL_HEIGHT_IN: dict[Preset, float] = {"column": 1.3, "page": 1.5}

Track = list[tuple[float, "CellResults"]]


def panel_grid(titles: Sequence[str], xlabel: str, preset: Preset) -> tuple[Figure, list[Axes]]:
    """A figure with a titled panel each, in reading order; the lowest of each column tells what x is."""
    count, most = len(titles), MOST_COLUMNS[preset]
    rows = -(-count // most)
    columns = -(-count // rows)
    figure = Figure(figsize=(width_of(preset), rows * PANEL_HEIGHT_IN[preset]), layout="constrained")
    figure.get_layout_engine().set(hspace=0.07)  # type: ignore[union-attr, call-arg]
    grid = figure.subplots(rows, columns, sharex=True, squeeze=False).ravel()
    for axes in grid[count:]:
        axes.set_visible(False)
    for axes, title in zip(grid, titles, strict=False):
        axes.set_title(title)
        axes.yaxis.set_major_locator(few_ticks())
    for axes in grid[count - columns : count]:
        axes.set_xlabel(xlabel)
        axes.tick_params(labelbottom=True)
    return figure, list(grid[:count])


def few_ticks(most: int = 4) -> MaxNLocator:
    """Round steps, at most so many."""
    return MaxNLocator(nbins=most, steps=[1, 2, 2.5, 5, 10])


def track(rows: Sequence[tuple[float, RowResults]], column: ColumnFacts) -> Track:
    """A column's complete cells at the x of their rows."""
    return [(x, cell) for x, found in rows if (cell := found.complete(column.key))]


def draw_track(axes: Axes, cells: Track, look: LineStyle) -> None:
    """The mean over seeds at each x, and a thin line per seed where there are several."""
    x = [at for at, _ in cells]
    by_seed = np.array([[cell.values[seed] for seed in sorted(cell.values)] for _, cell in cells]).T
    for values in by_seed if len(by_seed) > 1 else ():
        axes.plot(x, values, color=look.color, linewidth=0.4, alpha=0.55)
    axes.plot(x, by_seed.mean(axis=0), color=look.color, linestyle=look.dashes, marker=look.marker, zorder=3)
