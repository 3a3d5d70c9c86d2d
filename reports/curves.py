"""Figure of error curves: the share of test images, or of joints in them, within an error, with bands by person.

The paper's Figures 7 and 12.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from bench.experiments.parts.rows import BASELINES
from bench.stats import cumulative_curve, person_band
from reports.published import load_published_curves
from reports.sketch import NothingToDraw, Sketch
from reports.style import DASHES, MARKERS, SOFT_INK, LineStyle, Preset, line_styles, width_of
from reports.wording import plural

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from bench.core.experiment import Row
    from bench.engine.results import CellResults, Results

# The paper's Figure 7 runs to 25 degrees, its Figure 12 to 10 pixels.
RANGE = {"gaze": (0.0, 25.0, 101), "hand": (0.0, 10.0, 101)}
CURVE_METRIC = {"gaze": "angular-error", "hand": "joint-distance"}
AXIS = {"gaze": "Angular error (degrees)", "hand": "Distance (px of the 64x64 grid)"}
SHARE_OF = {"gaze": "Test images (%)", "hand": "Joints in test images (%)"}
PAPER_DASHES = (*DASHES, (0, (7, 1.5, 1, 1.5, 1, 1.5)))  # Figure 12 has five curves
BAND_SEED = 0
LEVEL = 0.95
MOST_IN_ONE_PANEL = 8
PANELS_ABREAST: dict[Preset, int] = {"column": 1, "page": 3}
LEGEND_CHARACTERS = 34

Curve = tuple["Row", "CellResults"]


def error_curves(results: Results, preset: Preset | None = None) -> Iterator[Sketch]:
    """One curve per row, averaged over seeds; with many rows, a panel per estimator at page width."""
    column = _column(results)
    curves = [(found.row, cell) for found in results.rows if column and (cell := found.complete(column))]
    if not curves:
        raise NothingToDraw("no row has been measured")
    if len(curves) > MOST_IN_ONE_PANEL:
        figure, banded, source = _panels(results, curves, preset or "page")
    else:
        figure, banded, source = _one_panel(results, curves, preset or "column")
    yield Sketch(
        "error-curves",
        _caption(results, curves, banded, source),
        f"Cumulative error curves of {'; '.join(row.label for row, _ in curves)}.",
        figure,
    )


def _column(results: Results) -> str | None:
    """Key of the first column whose metric is the figure's with its own settings: others have another axis."""
    metric = CURVE_METRIC[results.experiment.task]
    return next((each.key for each in results.experiment.columns if each.name == metric and not each.options), None)


def _one_panel(results: Results, curves: Sequence[Curve], preset: Preset) -> tuple[Figure, bool, str]:
    """The figure, whether it has bands, and the source of the paper's curves in it."""
    width = width_of(preset)
    figure = Figure(figsize=(width, 0.78 * width if preset == "column" else 0.5 * width), layout="constrained")
    axes = figure.add_subplot()
    banded = _draw(axes, results, curves, [row.label for row, _ in curves])
    source = _paper_curves(axes, results, curves)
    axes.set(xlabel=AXIS[results.experiment.task], ylabel=SHARE_OF[results.experiment.task])
    axes.legend(loc="lower right")
    return figure, banded, source


def _panels(results: Results, curves: Sequence[Curve], preset: Preset) -> tuple[Figure, bool, str]:
    """A panel per estimator; those with a single curve share one. Legends below, as curves fill the panels."""
    groups = _by_estimator(curves)
    abreast = min(PANELS_ABREAST[preset], len(groups))
    rows = -(-len(groups) // abreast)
    width = width_of(preset)
    longest = max(len(group) for _, group in groups)
    height = rows * ((0.8 if abreast > 1 else 0.62) * width / abreast + 0.13 * longest + 0.45)
    figure = Figure(figsize=(width, height), layout="constrained")
    grid = figure.subplots(rows, abreast, squeeze=False).ravel()
    banded, source = False, ""
    for axes, (title, group) in zip(grid, groups, strict=False):
        labels = [textwrap.shorten(row.label.removeprefix(title).lstrip(", "), LEGEND_CHARACTERS) for row, _ in group]
        banded |= _draw(axes, results, group, labels)
        source = _paper_curves(axes, results, group) or source
        axes.set_title(title)
        axes.set_xlabel(AXIS[results.experiment.task])
        axes.legend(loc="upper left", bbox_to_anchor=(0, -0.22), fontsize=7, borderaxespad=0)
    for axes in grid[::abreast]:
        axes.set_ylabel(SHARE_OF[results.experiment.task])
    for axes in grid[len(groups) :]:
        axes.set_visible(False)
    return figure, banded, source


def _by_estimator(curves: Sequence[Curve]) -> list[tuple[str, list[Curve]]]:
    """Title and curves of each panel. A panel's title is what all its labels say before their first comma."""
    by: dict[str | None, list[Curve]] = {}
    for row, cell in curves:
        by.setdefault(row.estimator, []).append((row, cell))
    single = [group[0] for group in by.values() if len(group) == 1]
    groups = [(_title(str(estimator), group), group) for estimator, group in by.items() if len(group) > 1]
    return [*groups, ("Other estimators", single)] if single else groups


def _title(estimator: str, group: Sequence[Curve]) -> str:
    heads = {row.label.partition(", ")[0] for row, _ in group}
    return heads.pop() if len(heads) == 1 else estimator


def _draw(axes: Axes, results: Results, curves: Sequence[Curve], labels: Sequence[str]) -> bool:
    """The curves of one panel; tells whether there are bands."""
    low, high, count = RANGE[results.experiment.task]
    thresholds = np.linspace(low, high, count)
    looks = line_styles(
        ((row.train, row.variant.key if row.variant else None, (row.estimator, row.size)) for row, _ in curves),
        minor=[row.variant.key for row, _ in curves if row.variant and _minor(row)],
    )
    if len({(look.color, look.marker) for look in looks}) == 1:  # several estimators, all trained on the same
        looks = [replace(look, marker=marker) for look, marker in zip(looks, MARKERS, strict=False)]
    axes.set(xlim=(low, high), ylim=(0, 100))
    banded = False
    for number, ((row, cell), look, label) in enumerate(zip(curves, looks, labels, strict=True)):
        banded |= _curve(axes, label, cell, results.persons, thresholds, look, number / len(curves), _minor(row))
    return banded


def _curve(
    axes: Axes,
    label: str,
    cell: CellResults,
    persons: NDArray[np.str_],
    thresholds: NDArray[np.float64],
    look: LineStyle,
    shift: float,
    minor: bool,
) -> bool:
    """One row's curve and band; tells whether there is a band. A minor curve is thin and without band."""
    # Seeds one after another: the curve is their mean, and a resampled person brings its images of every seed.
    found = np.stack([cell.per_image[seed]["value"] for seed in sorted(cell.values)])
    values = found.ravel()
    shares = 100 * cumulative_curve(values, thresholds)
    every = max(len(thresholds) // 6, 1)
    axes.plot(
        thresholds, shares, color=look.color, linestyle=look.dashes, marker=look.marker, label=label,
        linewidth=0.7 if minor else None, markevery=(int((0.25 + shift) * every), every), zorder=2.5 if minor else 3,
    )  # fmt: skip
    if minor:
        return False
    owners = np.tile(np.repeat(persons, found[0].size // len(persons)), len(found))  # of every joint
    band = person_band(values, owners, thresholds, LEVEL, np.random.default_rng(BAND_SEED))
    if band is None:
        return False
    axes.fill_between(thresholds, 100 * band[0], 100 * band[1], color=look.color, alpha=0.11, linewidth=0, zorder=2)
    return True


def _paper_curves(axes: Axes, results: Results, curves: Sequence[Curve]) -> str:
    """The paper's curves of the same networks behind ours, only on the paper's data; tells their source."""
    if results.simulator or not results.paper_data:
        return ""
    source, published = load_published_curves(results.experiment.name)
    wanted = {row.reference for row, _ in curves}
    drawn = [curve for curve in published if wanted.intersection(curve.references)]
    for number, curve in enumerate(drawn):
        axes.plot(
            curve.x, curve.percent, color=SOFT_INK, linewidth=0.8, linestyle=PAPER_DASHES[number % len(PAPER_DASHES)],
            label=f"paper: {curve.label}", zorder=1,
        )  # fmt: skip
    return source if drawn else ""


def _caption(results: Results, curves: Sequence[Curve], banded: bool, source: str) -> str:
    persons = plural(len(set(results.persons.tolist())), "person")
    images = f"{len(results.ids):,} {'simulated ' if results.simulator else ''}test images"
    each = next(iter(curves[0][1].per_image.values()))["value"][0].size
    counted = f"{images} within an error" if each == 1 else f"{each} joints in {images} within a distance"
    text = f"Share of the {counted}; curves are means over seeds."
    text += f" Bands: 95 %, by resampling the {persons}." if banded else f" No bands: {persons}."
    if any(_minor(row) for row, _ in curves):
        text += " Grey with markers: baselines, without bands."
    return f"{text} Grey without markers: {source}." if source else text


def _minor(row: Row) -> bool:
    """Whether a row is drawn in grey: it is a baseline."""
    return row.variant is not None and row.variant.refiner in BASELINES
