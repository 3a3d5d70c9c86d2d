"""Figure of a sweep: every column over the one setting that the rows change, between synthetic and real images."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from reports.panels import draw_track, panel_grid, track
from reports.sketch import NothingToDraw, Sketch
from reports.style import COLOURS, DASHES, MARKERS, LineStyle, Preset

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from bench.engine.columns import ColumnFacts
    from bench.engine.results import Results

LOOK = LineStyle(COLOURS[1], MARKERS[1], "-")
REFERENCES = {"synthetic": LineStyle(COLOURS[0], "", DASHES[1]), "real": LineStyle(COLOURS[2], "", DASHES[2])}
WIDE = 30.0  # largest over smallest positive value from which an axis is logarithmic


def sweep(results: Results, preset: Preset | None = None) -> Iterator[Sketch]:
    """A panel per column; the rows of synthetic and real images as horizontal lines."""
    name = _setting(results)
    if name is None:
        raise NothingToDraw("no setting with numbers as values changes over the rows")
    swept = sorted(
        ((float(found.row.variant.settings[name]), number) for number, found in enumerate(results.rows)
         if found.row.variant is not None and name in found.row.variant.settings),
    )  # fmt: skip
    rows = [(value, results.rows[number]) for value, number in swept]
    tracks = [(column, cells) for column in results.columns if len(cells := track(rows, column)) > 1]
    if not tracks:
        raise NothingToDraw(f"fewer than two values of {name} have been measured")
    figure, grid = panel_grid([column.head for column, _ in tracks], name, preset or "page")
    for axes, (column, cells) in zip(grid, tracks, strict=True):
        draw_track(axes, cells, LOOK)
        _references(axes, results, column)
    _scale(grid[0], [value for value, _ in rows])
    drawn = {line.get_label(): line for axes in grid for line in axes.lines if line.get_label() in REFERENCES}
    if drawn:
        figure.legend(handles=list(drawn.values()), loc="outside lower center", ncols=len(drawn))
    lines = f" Horizontal: {' and '.join(f'{each} images' for each in drawn)}." if drawn else ""
    several = any(len(cell.values) > 1 for _, found in rows for cell in found.cells.values())
    seeds = " Thin lines are seeds, thick ones their mean." if several else ""
    labels = "; ".join(column.label for column, _ in tracks)
    yield Sketch(
        "sweep",
        f"Refined images over the setting {name}, at {', '.join(f'{value:g}' for value, _ in rows)}.{lines}{seeds}",
        f"Small panels over {name}: {labels}.",
        figure,
    )


def _setting(results: Results) -> str | None:
    """The setting that most variants give with different numbers."""
    values: dict[str, set[float]] = {}
    counts: Counter[str] = Counter()
    for found in results.rows:
        for name, value in (found.row.variant.settings if found.row.variant else {}).items():
            if isinstance(value, (int, float)) and not isinstance(value, bool):
                counts[name] += 1
                values.setdefault(name, set()).add(float(value))
    return next((name for name, _ in counts.most_common() if len(values[name]) > 1), None)


def _references(axes: Axes, results: Results, column: ColumnFacts) -> None:
    for train, look in REFERENCES.items():
        for found in results.rows:
            cell = found.complete(column.key)
            if found.row.train == train and cell:
                axes.axhline(cell.mean, color=look.color, linestyle=look.dashes, linewidth=0.9, label=train, zorder=1)
                break


def _scale(axes: Axes, values: Sequence[float]) -> None:
    """Linear, logarithmic, or logarithmic with a linear piece down to 0; ticks at the values themselves."""
    positive = [value for value in values if value > 0]
    if positive and min(values) >= 0 and max(positive) / min(positive) >= WIDE:
        if min(values) == 0:
            axes.set_xscale("symlog", linthresh=min(positive), linscale=0.6)
        else:
            axes.set_xscale("log")
    scale = axes.xaxis.get_transform()
    low, high = scale.transform([min(values), max(values)])
    room = 0.05 * (high - low)
    axes.set_xlim(*scale.inverted().transform([low - room, high + room]))
    axes.set_xticks(values, [f"{value:g}" for value in values])
    axes.minorticks_off()
