"""Figure of the trade-off: error over drift of every row, coloured by realism."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from bench.experiments.parts.rows import BASELINES
from bench.stats import t_interval
from reports.columns import drift_column, error_column, realism_column
from reports.panels import few_ticks
from reports.point_labels import label_points
from reports.sketch import NothingToDraw, Sketch
from reports.style import COLOURS, INK, SOFT_INK, Preset, width_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from bench.engine.columns import ColumnFacts
    from bench.engine.results import CellResults, Results, RowResults

# kind -> marker, size, and its colour where no realism was measured
LOOKS = {"synthetic": ("o", 4.6, COLOURS[0]), "baseline": ("D", 3.8, SOFT_INK), "refiner": ("s", 4.6, COLOURS[1])}
SHADES = "viridis"


@dataclass(frozen=True)
class Point:
    """A row with its mean drift, error and realism, and half the intervals of the first two (0 for one seed)."""

    found: RowResults
    kind: str
    drift: float
    error: float
    half_drift: float
    half_error: float
    realism: float | None


def realism_drift_error(results: Results, preset: Preset | None = None) -> Iterator[Sketch]:
    """Rows as points: best are low, left, and of the colour that stands for likeness to real images."""
    preset = preset or "column"
    error, drift = error_column(results.columns), drift_column(results.columns)
    if error is None or drift is None:
        raise NothingToDraw("this experiment measures no error or no drift")
    realism = realism_column(results.columns)
    points = [point for found in results.rows if (point := _point(found, error, drift, realism))]
    if not points:
        raise NothingToDraw(f"no row has both {error.label} and {drift.label}")
    width = width_of(preset)
    figure = Figure(figsize=(width, 0.95 * width if preset == "column" else 0.55 * width), layout="constrained")
    axes = figure.add_subplot()
    shaded = realism is not None and any(point.realism is not None for point in points)
    _draw(figure, axes, points, realism if shaded else None)
    levels = _real_levels(axes, results, error)
    _dress(axes, points, levels, drift, error)
    figure.draw_without_rendering()
    figure.set_layout_engine("none")  # labels are placed on the final layout
    bars = [bar for point in points for bar in _bars(point)]
    places = [(point.drift, point.error) for point in points]
    label_points(axes, places, [point.found.row.label for point in points], bars)
    yield Sketch(
        "realism-drift-error",
        _caption(results, points, (error, drift, realism if shaded else None), bool(levels)),
        f"{error.label} over {drift.label} of {'; '.join(point.found.row.label for point in points)}.",
        figure,
    )


def _point(found: RowResults, error: ColumnFacts, drift: ColumnFacts, realism: ColumnFacts | None) -> Point | None:
    wrong, moved = found.complete(error.key), found.complete(drift.key)
    if wrong is None or moved is None:
        return None
    likeness = found.complete(realism.key) if realism else None
    return Point(
        found,
        _kind(found),
        drift=moved.mean,
        error=wrong.mean,
        half_drift=_half_width(moved),
        half_error=_half_width(wrong),
        realism=likeness.mean if likeness else None,
    )


def _half_width(cell: CellResults) -> float:
    mean, _, high = t_interval(list(cell.values.values()))
    return 0.0 if high is None else high - mean


def _kind(found: RowResults) -> str:
    if found.row.variant is None:
        return found.row.train
    return "baseline" if found.row.variant.refiner in BASELINES else "refiner"


def _draw(figure: Figure, axes: Axes, points: Sequence[Point], realism: ColumnFacts | None) -> None:
    """Points with error bars; one colour scale for all."""
    shades = [point.realism for point in points if point.realism is not None]
    bounds = (min(shades), max(shades)) if shades else (0.0, 1.0)
    shown = None
    for point in points:
        marker, size, color = LOOKS[point.kind]
        axes.errorbar(
            point.drift, point.error, xerr=point.half_drift or None, yerr=point.half_error or None,
            fmt="none", ecolor=SOFT_INK, elinewidth=0.5, zorder=2,
        )  # fmt: skip
        if realism is None or point.realism is None:
            face = color if realism is None else "white"
            axes.plot(point.drift, point.error, marker, color=face, markersize=size, mec=INK, mew=0.5, zorder=3)
            continue
        shown = axes.scatter(
            [point.drift], [point.error], c=[point.realism], marker=marker, s=size**2, cmap=SHADES,
            vmin=bounds[0], vmax=bounds[1], edgecolors=INK, linewidths=0.5, zorder=3,
        )  # fmt: skip
    if shown is not None and realism is not None:
        bar = figure.colorbar(shown, ax=axes, pad=0.02, fraction=0.05, aspect=28)
        bar.set_label(realism.head)
        bar.outline.set_linewidth(0.4)
        bar.locator = few_ticks()
        bar.update_ticks()


def _bars(point: Point) -> list[tuple[float, float, float, float]]:
    """The error bars of a point, each as x and y of its ends."""
    x, y, aside, up = point.drift, point.error, point.half_drift, point.half_error
    return [(x - aside, y, x + aside, y), (x, y - up, x, y + up)]


def _real_levels(axes: Axes, results: Results, error: ColumnFacts) -> list[float]:
    """The error of estimators trained on real images, which have no drift: a line with its interval."""
    levels: list[float] = []
    for found in results.rows:
        cell = found.complete(error.key)
        if found.row.train == "real" and cell:
            mean, half = cell.mean, _half_width(cell)
            axes.axhline(mean, color=COLOURS[2], linewidth=0.9, linestyle=(0, (4, 2)), zorder=1)
            if half:
                axes.axhspan(mean - half, mean + half, color=COLOURS[2], alpha=0.13, linewidth=0, zorder=0)
            levels += [mean - half, mean + half]
            break
    return levels


def _dress(
    axes: Axes, points: Sequence[Point], levels: Sequence[float], drift: ColumnFacts, error: ColumnFacts
) -> None:
    """Limits with room for labels, axis labels, and a legend of the markers above."""
    right = max(point.drift + point.half_drift for point in points)
    low = min((*levels, *(point.error - point.half_error for point in points)))
    high = max((*levels, *(point.error + point.half_error for point in points)))
    room = 0.08 * (high - low) or 0.1
    axes.set(xlim=(0, 1.12 * right or 1.0), ylim=(low - room, high + room))
    axes.set(xlabel=drift.head, ylabel=error.head)
    axes.xaxis.set_major_locator(few_ticks())
    axes.yaxis.set_major_locator(few_ticks(6))
    kinds = [kind for kind in LOOKS if any(point.kind == kind for point in points)]
    handles = [
        Line2D([], [], marker=LOOKS[kind][0], color="none", markerfacecolor="white", markeredgecolor=INK,
               markeredgewidth=0.6, markersize=LOOKS[kind][1], label=kind)
        for kind in kinds
    ]  # fmt: skip
    if levels:
        handles.append(Line2D([], [], color=COLOURS[2], linewidth=0.9, linestyle=(0, (4, 2)), label="real"))
    axes.legend(
        handles=handles, loc="lower left", bbox_to_anchor=(0, 1), ncols=len(handles), handlelength=1.6,
        columnspacing=1.0, handletextpad=0.4, borderaxespad=0.1,
    )  # fmt: skip


def _caption(
    results: Results,
    points: Sequence[Point],
    columns: tuple[ColumnFacts, ColumnFacts, ColumnFacts | None],
    real: bool,
) -> str:
    error, drift, realism = columns
    text = f"{error.label} over {drift.label}, means over seeds; better is lower and further left."
    if any(point.half_error for point in points):
        text += " Bars: 95 % t-intervals over seeds."
    if realism:
        text += f" Colour: {realism.label}, lower is more like real images."
        text += " White: not measured." if any(point.realism is None for point in points) else ""
    if real:
        text += " Dashed: trained on real images, which have no drift."
    drawn = {point.found.row.key for point in points}
    absent = [found.row.label for found in results.rows if found.row.key not in drawn and found.row.train != "real"]
    return f"{text} Not drawn, for want of a number: {'; '.join(absent)}." if absent else text
