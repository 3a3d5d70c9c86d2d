"""Figures of drift: where each image's pupil or hand moved (blog, Figure 9), how much of a planted shift is found."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Circle
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from bench.stats import calibration_slope
from reports.panels import few_ticks, track
from reports.sketch import NothingToDraw, Sketch, file_name
from reports.style import COLOURS, DASHES, INK, MARKERS, SOFT_INK, Preset, width_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from bench.core.experiment import Task
    from bench.engine.results import CellResults, Results

MOST_POINTS = 500
PANELS_ABREAST: dict[Preset, int] = {"column": 3, "page": 6}
LARGEST_PANEL_IN = 1.6
LEFT_IN, RIGHT_IN, BOTTOM_IN, GAP_IN = 0.42, 0.06, 0.36, 0.12
TITLE_LINE_IN = 0.112
TITLE_CHARACTERS = 19
SHOWN_PERCENT = 95.0  # of each row: an ellipse on the wrong spot is far off, and would squeeze all panels
FIRST_MEASURES = ("pupil-ellipse", "joint-drift")
"""What the paper's authors drew, and what comes nearest to it on hands."""
UNITS: Mapping[Task, str] = {"gaze": "px of a 55 px wide image", "hand": "px of the 64x64 grid"}
SLOPE_QUANTITIES = ("mean", "bias")


@dataclass(frozen=True)
class Cloud:
    """A row's displacements: (N, 2) px of the first seed, only of images in which something was found."""

    label: str
    vectors: NDArray[np.float64]

    @property
    def mean(self) -> NDArray[np.float64]:
        """The mean vector, (2,) px."""
        found: NDArray[np.float64] = self.vectors.mean(axis=0)
        return found

    @property
    def distance(self) -> float:
        """Mean length of the vectors, px."""
        return float(np.hypot(*self.vectors.T).mean())

    @property
    def shown(self) -> NDArray[np.float64]:
        """At most `MOST_POINTS` of them, evenly spread over the set."""
        count = len(self.vectors)
        kept: NDArray[np.float64] = self.vectors[np.linspace(0, count - 1, min(count, MOST_POINTS)).round().astype(int)]
        return kept


def drift_scatter(results: Results, preset: Preset | None = None) -> Iterator[Sketch]:
    """A figure per measure that gives a displacement per image, a panel per row; then planted against found shifts."""
    found = _clouds(results)
    if not found:
        raise NothingToDraw("no measure of drift gave a displacement per image")
    for measure, clouds in found.items():
        figure, limit = _scatter(clouds, preset or "page")
        yield Sketch(
            file_name("drift-scatter", measure, alone=len(found) == 1),
            _scatter_caption(measure, clouds, limit, results.experiment.task),
            f"Scatter of displacements by {measure} in {UNITS[results.experiment.task]}: "
            + "; ".join(f"{cloud.label}, mean distance {cloud.distance:.2f}" for cloud in clouds)
            + ".",
            figure,
        )
    yield from _slopes(results, preset or "column")


def _clouds(results: Results) -> dict[str, list[Cloud]]:
    """Measure -> its rows' displacements; `FIRST_MEASURES` come first."""
    found: dict[str, list[Cloud]] = {}
    seen: set[tuple[str, str]] = set()
    for column in results.columns:
        measure = column.name
        for row in results.rows if column.of == "images" else ():
            cell = row.complete(column.key)
            vectors = _vectors(cell) if cell else None
            if vectors is not None and (measure, row.row.key) not in seen:
                seen.add((measure, row.row.key))
                found.setdefault(measure, []).append(Cloud(row.row.label, vectors))
    return dict(sorted(found.items(), key=lambda each: not each[0].startswith(FIRST_MEASURES)))


def _vectors(cell: CellResults) -> NDArray[np.float64] | None:
    values = cell.per_image.get(min(cell.values), {})
    if "dx" not in values or "dy" not in values:
        return None
    both = np.stack([values["dx"], values["dy"]], axis=1)
    kept: NDArray[np.float64] = both[np.isfinite(both).all(axis=1)]
    return kept if len(kept) else None


def _scatter(clouds: Sequence[Cloud], preset: Preset) -> tuple[Figure, float]:
    """The panels, and how far each axis goes."""
    abreast = min(PANELS_ABREAST[preset], len(clouds))
    rows = -(-len(clouds) // abreast)
    width = width_of(preset)
    side = min((width - LEFT_IN - RIGHT_IN - (abreast - 1) * GAP_IN) / abreast, LARGEST_PANEL_IN)
    titles = ["\n".join(textwrap.wrap(cloud.label, TITLE_CHARACTERS)) for cloud in clouds]
    above = TITLE_LINE_IN * (2 + max(title.count("\n") for title in titles)) + 0.1
    height = rows * (side + above) + (rows - 1) * GAP_IN + BOTTOM_IN
    figure = Figure(figsize=(width, height))
    limit = _limit(clouds)
    for number, (cloud, title) in enumerate(zip(clouds, titles, strict=True)):
        line, place = divmod(number, abreast)
        left, top = LEFT_IN + place * (side + GAP_IN), line * (side + above + GAP_IN) + above
        box = (left / width, 1 - (top + side) / height, side / width, side / height)
        axes = figure.add_axes(box, label=str(number))
        _panel(axes, cloud, title, limit)
        axes.tick_params(labelleft=place == 0, labelbottom=number + abreast >= len(clouds))
        axes.set_ylabel("dy (px)" if place == 0 else "")
        axes.set_xlabel("dx (px)" if number + abreast >= len(clouds) else "")
    return figure, limit


def _limit(clouds: Sequence[Cloud]) -> float:
    """One limit for all axes: nearly all points of each row lie within, and every mean vector does."""
    far = [float(np.percentile(np.abs(cloud.vectors).max(axis=1), SHOWN_PERCENT)) for cloud in clouds]
    means = [float(np.abs(cloud.mean).max()) for cloud in clouds]
    return 1.15 * max(*far, *means, 0.05)


def _panel(axes: Axes, cloud: Cloud, title: str, limit: float) -> None:
    """Axis y points down, as in the image. Points beyond the limit are crosses on the border."""
    outside = (np.abs(cloud.shown) > limit).any(axis=1)
    inner, outer = cloud.shown[~outside], np.clip(cloud.shown[outside], -limit, limit)
    axes.axhline(0, color=SOFT_INK, linewidth=0.4, zorder=1)
    axes.axvline(0, color=SOFT_INK, linewidth=0.4, zorder=1)
    axes.plot(*inner.T, ".", color=COLOURS[1], markersize=2.2, alpha=0.35, zorder=2)
    axes.plot(*outer.T, "x", color=COLOURS[1], markersize=2.2, mew=0.5, alpha=0.6, zorder=2, clip_on=False)
    axes.add_patch(Circle((0, 0), cloud.distance, fill=False, edgecolor=INK, linewidth=0.7, linestyle="--", zorder=3))
    for color, wide in (("white", 2.4), (COLOURS[0], 1.3)):  # a white rim, to be seen on the points
        axes.plot(*cloud.mean, "+", color=color, markersize=7.5 if wide < 2 else 8.3, mew=wide, zorder=4)
    axes.set(xlim=(-limit, limit), ylim=(limit, -limit), aspect="equal")
    told = f"mean {cloud.distance:.2f}, bias {float(np.hypot(*cloud.mean)):.2f}"
    axes.set_title(f"{title}\n{told}", size=7, linespacing=1.05)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(nbins=3, steps=[1, 2, 5, 10], symmetric=True))
        axis.set_tick_params(labelsize=7)


def _scatter_caption(measure: str, clouds: Sequence[Cloud], limit: float, task: Task) -> str:
    outside = sum(int((np.abs(cloud.shown) > limit).any(axis=1).sum()) for cloud in clouds)
    points = sum(len(cloud.shown) for cloud in clouds)
    beyond = f" Beyond the axes, at their border: {outside:,} of {points:,} points." if outside else ""
    whose = "the mean over each image's joints" if measure.startswith("joint-") else "each image"
    return (
        f"Displacement of {whose} after refinement by {measure}, {UNITS[task]}, y down; first seed, at "
        f"most {MOST_POINTS} images a panel. Plus: mean vector, whose length is the bias; circle: mean distance."
        f"{beyond}"
    )


def _slopes(results: Results, preset: Preset) -> Iterator[Sketch]:
    """Planted shifts against what each measure says of them; nothing when fewer than two sizes were planted."""
    planted = sorted(
        ((float(found.row.variant.settings["px"]), number) for number, found in enumerate(results.rows)
         if found.row.variant and found.row.variant.refiner == "planted-shift" and "px" in found.row.variant.settings),
    )  # fmt: skip
    rows = [(px, results.rows[number]) for px, number in planted]
    px_columns = [column for column in results.columns if column.of == "images" and column.unit == "px"]
    shown = [column for column in px_columns if column.quantity in SLOPE_QUANTITIES]
    tracks = [(column, [(px, cell.mean) for px, cell in track(rows, column)]) for column in shown]
    lines = [(column, pairs) for column, pairs in tracks if len({px for px, _ in pairs}) > 1]
    if not lines:
        return
    width = width_of(preset)
    figure = Figure(figsize=(width, 0.8 * width if preset == "column" else 0.45 * width), layout="constrained")
    axes = figure.add_subplot()
    top = 1.08 * max(value for _, pairs in lines for pair in pairs for value in pair)
    axes.plot((0, top), (0, top), color=SOFT_INK, linewidth=0.7, zorder=1)
    told = []
    for number, (column, pairs) in enumerate(lines):
        px, found = zip(*pairs, strict=True)
        axes.plot(
            px, found, color=COLOURS[number % len(COLOURS)], marker=MARKERS[number % len(MARKERS)],
            linestyle=DASHES[number % len(DASHES)], label=column.label, zorder=2,
        )  # fmt: skip
        slope, low, high = calibration_slope(px, found)
        spread = "" if low is None or high is None else f" [{low:.2f}, {high:.2f}]"
        told.append(f"{column.label} {slope:.2f}{spread}")
    axes.set(xlim=(0, 1.08 * max(px for px, _ in rows)), ylim=(0, top))
    axes.set(xlabel="Planted shift (px)", ylabel="Measured (px)")
    axes.xaxis.set_major_locator(few_ticks(6))
    axes.yaxis.set_major_locator(few_ticks(6))
    axes.legend(loc="upper left")
    yield Sketch(
        "drift-slope",
        "Planted shifts and what the measures say of them, means over seeds; on the grey diagonal a shift is found in "
        f"full. Slopes by least squares with 95 % intervals: {'; '.join(told)}.",
        f"Lines of measured over planted shift. Slopes: {'; '.join(told)}.",
        figure,
    )
