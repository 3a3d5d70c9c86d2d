"""Figure of a comparison: each cell's difference with its intervals, marked by its verdict."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import matplotlib
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from bench.core.canonical import digest
from reports.compare import Cell, Comparison, Outcome
from reports.compare_text import title
from reports.differences import unit_of_difference
from reports.figures import Drawing, save
from reports.panels import few_ticks
from reports.sketch import NothingToDraw, Sketch, file_name
from reports.style import COLOURS, INK, RC, SOFT_INK, Preset, width_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# verdict -> marker, its face and its edge; told apart without colour too
LOOKS: Mapping[Outcome, tuple[str, str, str]] = {
    "better": ("P", COLOURS[1], COLOURS[1]),
    "worse": ("X", COLOURS[0], COLOURS[0]),
    "equivalent": ("s", COLOURS[2], COLOURS[2]),
    "inconclusive": ("o", "white", INK),
    "same code": ("d", "white", SOFT_INK),
}
ROW_IN, PANEL_IN = 0.2, 0.62  # height of a cell, and of a panel's title and axis
TALLEST_IN = 8.5  # of a page of 11 inches with its caption
ASIDE = 0.2  # of a row: by how far the interval over persons lies above the one over seeds


def draw_comparison(comparison: Comparison) -> list[Drawing]:
    """The figure as PDF, PNG and a neighbour with both revisions; none where nothing was compared."""
    about = provenance(comparison)
    with matplotlib.rc_context(RC):
        try:
            return [save(sketch, about) for sketch in difference_sketches(comparison)]
        except NothingToDraw:
            return []


def provenance(comparison: Comparison) -> dict[str, Any]:
    """What the figure tells of where it is from."""
    return {
        "experiment": comparison.experiment,
        "profile": comparison.profile,
        "base": {"commit": comparison.base.commit, "dirty": comparison.base.dirty},
        "head": {"commit": comparison.head.commit, "dirty": comparison.head.dirty},
        "digest": digest([[cell.row, cell.column, cell.verdict, cell.base, cell.head] for cell in comparison.cells]),
        "data": dict(comparison.data),
    }


def difference_sketches(comparison: Comparison, preset: Preset | None = None) -> Iterator[Sketch]:
    """One figure with a panel per column, or one per column where together they would not fit on a page."""
    panels: dict[str, list[Cell]] = {}
    for cell in comparison.cells:
        if cell.difference or cell.verdict == "same code":
            panels.setdefault(cell.column, []).append(cell)
    panels = {column: cells for column, cells in panels.items() if any(cell.difference for cell in cells)}
    if not panels:
        raise NothingToDraw("no cell was compared")
    alone = sum(map(_height, panels.values())) <= TALLEST_IN
    for column, cells in [("", panels)] if alone else [(column, {column: panels[column]}) for column in panels]:
        yield _sketch(comparison, cells, file_name("differences", column, alone), preset or "page")


def _height(cells: Sequence[Cell]) -> float:
    return PANEL_IN + ROW_IN * len(cells)


def _sketch(comparison: Comparison, panels: Mapping[str, Sequence[Cell]], name: str, preset: Preset) -> Sketch:
    heights = [_height(cells) for cells in panels.values()]
    figure = Figure(figsize=(width_of(preset), sum(heights) + 0.25), layout="constrained")
    grid = figure.subplots(len(panels), 1, squeeze=False, height_ratios=heights).ravel()
    for axes, (column, cells) in zip(grid, panels.items(), strict=True):
        _draw(axes, comparison, column, cells)
        axes.xaxis.set_major_locator(few_ticks(3 if preset == "column" else 8))
    # The verdicts need no legend: they are written beside the rows.
    figure.legend(handles=_legend(), loc="outside upper center", ncols=1 if preset == "column" else 3)
    told = [cell for cells in panels.values() for cell in cells if cell.difference]
    return Sketch(name, _caption(comparison, told), _alt(comparison, told), figure)


def _draw(axes: Axes, comparison: Comparison, column: str, cells: Sequence[Cell]) -> None:
    facts = comparison.columns[column]
    margin = next(cell.difference.margin for cell in cells if cell.difference)
    axes.axvspan(-margin, margin, color=INK, alpha=0.07, linewidth=0, zorder=0)
    axes.axvline(0, color=SOFT_INK, linewidth=0.6, zorder=1)
    for row, cell in enumerate(cells):
        _draw_cell(axes, row, cell)
    reach = 1.08 * max(margin, *(abs(bound) for cell in cells for bound in _bounds(cell)))
    axes.set(xlim=(-reach, reach), ylim=(len(cells) - 0.4, -0.6))
    axes.set_yticks(range(len(cells)), [cell.label for cell in cells])
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")
    words = axes.secondary_yaxis("right")
    words.set_yticks(range(len(cells)), [cell.verdict for cell in cells])
    words.tick_params(length=0, labelsize=7.5)
    words.spines["right"].set_visible(False)
    axes.set_title(facts.label)
    sides = ("better", "worse") if facts.better == "lower" else ("worse", "better")
    unit = f" ({unit_of_difference(facts.unit)})" if facts.unit else ""
    axes.set_xlabel(f"{sides[0]}  \N{LEFTWARDS ARROW}  head minus base{unit}  \N{RIGHTWARDS ARROW}  {sides[1]}")


def _draw_cell(axes: Axes, row: int, cell: Cell) -> None:
    """The interval to decide by as a thin line with caps, under it thick ones for other seeds and other persons."""
    marker, face, edge = LOOKS[cell.verdict]
    found = cell.difference
    if found is None:
        axes.plot(
            0, row, marker, markersize=5, markerfacecolor=face, markeredgecolor=edge, markeredgewidth=0.8, zorder=4
        )
        return
    for pair, colour, aside in ((found.ci95_persons, COLOURS[4], -ASIDE), (found.ci95_seeds, SOFT_INK, ASIDE)):
        if pair is not None:
            axes.plot(pair, (row + aside, row + aside), color=colour, linewidth=1.8, alpha=0.75,
                      solid_capstyle="butt", zorder=2)  # fmt: skip
    if found.ci95 is not None:
        axes.plot(found.ci95, (row, row), "|-", color=INK, linewidth=0.7, markersize=4, markeredgewidth=0.7, zorder=3)
    axes.plot(found.mean, row, marker, markersize=5.2, markerfacecolor=face, markeredgecolor=edge,
              markeredgewidth=0.8 if face == "white" else 0.3, zorder=4)  # fmt: skip


def _bounds(cell: Cell) -> list[float]:
    """Everything of a cell that the axis has to reach."""
    if cell.difference is None:
        return []
    pairs = (cell.difference.ci95, cell.difference.ci95_seeds, cell.difference.ci95_persons)
    found = [bound for pair in pairs if pair is not None for bound in pair]
    return [bound for bound in (*found, cell.difference.mean) if math.isfinite(bound)]


def _legend() -> list[Line2D]:
    return [
        Line2D([], [], color=INK, linewidth=0.7, marker="|", markersize=4, markeredgewidth=0.7,
               label="95 %, other seeds and persons"),
        Line2D([], [], color=COLOURS[4], linewidth=1.8, alpha=0.75, label="other persons, these seeds"),
        Line2D([], [], color=SOFT_INK, linewidth=1.8, alpha=0.75, label="other seeds, these persons"),
    ]  # fmt: skip


def _caption(comparison: Comparison, cells: Sequence[Cell]) -> str:
    margins = dict.fromkeys(
        f"±{cell.difference.margin:g} {unit_of_difference(cell.difference.unit)}".strip()
        for cell in cells
        if cell.difference
    )
    left_out = sum(cell.verdict == "not comparable" for cell in comparison.cells)
    return (
        f"{title(comparison)}: {comparison.summary}. Head minus base on {comparison.images:,} test images, paired by "
        "seed and image, averaged by person. Black: 95 % interval for other seeds and persons at once, what the "
        "verdicts are based on, with p adjusted by Holm; grey: other seeds; coloured: other persons. Shaded: the "
        f"margin, {' and '.join(margins)}." + (f" Not drawn: {left_out} not comparable." if left_out else "")
    )


def _alt(comparison: Comparison, cells: Sequence[Cell]) -> str:
    told = [f"{cell.label}, {comparison.columns[cell.column].label}: {cell.verdict}" for cell in cells]
    return f"Differences with intervals, one row per cell. {'; '.join(told)}."
