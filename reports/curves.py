"""Figures of curves: cumulative errors with bands by person, and the refiner's training."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

from bench.stats import cumulative_curve, person_band
from reports.published import load_published_curves
from reports.sketch import NothingToDraw, Sketch, file_name
from reports.style import COLOURS, DASHES, INK, SOFT_INK, LineStyle, Preset, line_styles, width_of
from reports.wording import plural

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from bench.engine.results import Results, RowResults, TrainingLog

# The paper's Figure 7 runs to 25 degrees, its Figure 12 to 10 pixels.
RANGE = {"gaze": (0.0, 25.0, 101), "hand": (0.0, 10.0, 101)}
AXIS = {"gaze": "Angular error (degrees)", "hand": "Distance (pixels)"}
BAND_SEED = 0
LEVEL = 0.95

PANELS: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    ("R: adversarial loss", (("r_adversarial", ""),)),
    ("R: self-regularisation", (("r_regularisation", ""),)),
    ("D: loss", (("d_loss", ""),)),
    (
        "D: accuracy",
        (("d_accuracy_real", "real"), ("d_accuracy_refined", "refined"), ("d_accuracy_history", "history")),
    ),
)


def error_curves(results: Results, preset: Preset | None = None) -> Iterator[Sketch]:
    """Share of test images within an error, one curve per row, averaged over seeds (paper, Figure 7)."""
    preset = preset or "column"
    rows = [found for found in results.rows if found.values and not found.failures and found.not_run is None]
    if not rows:
        raise NothingToDraw("no row has been measured")
    low, high, count = RANGE[results.experiment.task]
    thresholds = np.linspace(low, high, count)
    width = width_of(preset)
    figure = Figure(figsize=(width, 0.78 * width if preset == "column" else 0.5 * width), layout="constrained")
    axes = figure.add_subplot()
    styles = line_styles((each.row.train, each.row.refiner, (each.row.estimator, each.row.size)) for each in rows)
    banded = [
        _error_curve(axes, found, results.persons, thresholds, look, number / len(rows))
        for number, (found, look) in enumerate(zip(rows, styles, strict=True))
    ]
    source = _paper_curves(axes, results, rows)
    axes.set(xlim=(low, high), ylim=(0, 100), xlabel=AXIS[results.experiment.task], ylabel="Test images (%)")
    axes.legend(loc="lower right")
    yield Sketch("error-curves", _error_caption(results, any(banded), source), _error_alt(rows), figure)


def _error_curve(
    axes: Axes,
    found: RowResults,
    persons: NDArray[np.str_],
    thresholds: NDArray[np.float64],
    look: LineStyle,
    shift: float,
) -> bool:
    """One row's curve and band; tells whether there is a band."""
    # Seeds one after another: the curve is their mean, and a resampled person brings its images of every seed.
    values = np.concatenate([found.values[seed] for seed in sorted(found.values)])
    owners = np.tile(persons, len(found.values))
    shares = 100 * cumulative_curve(values, thresholds)
    every = max(len(thresholds) // 6, 1)
    axes.plot(
        thresholds, shares, color=look.color, linestyle=look.dashes, marker=look.marker,
        markevery=(int((0.25 + shift) * every), every), label=found.row.label, zorder=3,
    )  # fmt: skip
    band = person_band(values, owners, thresholds, LEVEL, np.random.default_rng(BAND_SEED))
    if band is None:
        return False
    axes.fill_between(thresholds, 100 * band[0], 100 * band[1], color=look.color, alpha=0.11, linewidth=0, zorder=2)
    return True


def _paper_curves(axes: Axes, results: Results, rows: Sequence[RowResults]) -> str:
    """The paper's curves of the same networks behind ours, only on the paper's data; tells their source."""
    if results.simulator or not results.paper_data:
        return ""
    source, published = load_published_curves(results.experiment.name)
    wanted = {found.row.reference for found in rows}
    drawn = [curve for curve in published if curve.reference is not None and curve.reference in wanted]
    for number, curve in enumerate(drawn):
        axes.plot(
            curve.x, curve.percent, color=SOFT_INK, linewidth=0.8, linestyle=DASHES[number % len(DASHES)],
            label=f"paper: {curve.label}", zorder=1,
        )  # fmt: skip
    return source if drawn else ""


def _error_caption(results: Results, banded: bool, source: str) -> str:
    persons = plural(len(set(results.persons.tolist())), "person")
    of = "simulated test images" if results.simulator else "test images"
    text = f"Share of the {len(results.ids):,} {of} within an error; curves are means over seeds."
    text += f" Bands: 95 %, by resampling the {persons}." if banded else f" No bands: {persons}."
    return f"{text} Grey: {source}." if source else text


def _error_alt(rows: Sequence[RowResults]) -> str:
    return f"Cumulative error curves of {', '.join(found.row.label for found in rows)}."


def training_curves(results: Results, preset: Preset | None = None) -> Iterator[Sketch]:
    """Losses of R and D, self-regularisation and D's accuracy over the training steps, one figure per refiner."""
    preset = preset or "page"
    logs: dict[str, list[TrainingLog]] = {}
    for log in results.training:
        if any(_logged(log, name) for _, lines in PANELS for name, _ in lines):
            logs.setdefault(log.refiner, []).append(log)
    if not logs:
        raise NothingToDraw("no refiner of this run kept a training log")
    for refiner, found in logs.items():
        seeds = plural(len(found), "seed")
        thin = "; thin lines are seeds, thick ones their mean" if len(found) > 1 else ""
        yield Sketch(
            file_name("training-curves", refiner, alone=len(logs) == 1),
            f"Training of {refiner}, {seeds}{thin}. An accuracy of 50 % is chance: D cannot tell the images apart.",
            f"Loss and accuracy curves of {refiner} over its training steps.",
            _training_figure(found, preset),
        )


def _logged(log: TrainingLog, name: str) -> bool:
    return name in log.scalars and bool(log.scalars[name].notna().any())


def _training_figure(logs: Sequence[TrainingLog], preset: Preset) -> Figure:
    panels = [(title, lines) for title, lines in PANELS if any(_logged(log, name) for log in logs for name, _ in lines)]
    columns = len(panels) if preset == "page" else min(2, len(panels))
    rows = -(-len(panels) // columns)
    width = width_of(preset)
    figure = Figure(figsize=(width, rows * (1.5 if preset == "page" else 1.3)), layout="constrained")
    grid = np.atleast_1d(figure.subplots(rows, columns, sharex=True)).ravel()
    for axes, (title, lines) in zip(grid, panels, strict=False):
        _training_panel(axes, logs, title, lines)
    for axes in grid[len(panels) :]:
        axes.set_visible(False)
    for axes in grid[max(0, len(panels) - columns) : len(panels)]:
        axes.set_xlabel("Training step")
    return figure


def _training_panel(axes: Axes, logs: Sequence[TrainingLog], title: str, lines: Sequence[tuple[str, str]]) -> None:
    accuracy = len(lines) > 1
    scale = 100.0 if accuracy else 1.0
    for number, (name, label) in enumerate(lines):
        color = COLOURS[(2, 1, 4)[number]] if accuracy else INK
        dashes = DASHES[number % len(DASHES)]
        tracks = [_track(log, name, scale) for log in logs if _logged(log, name)]
        for track in tracks if len(tracks) > 1 else []:
            axes.plot(*track, color=color, linewidth=0.35, alpha=0.5)
        mean = _mean(tracks)
        if mean is not None:
            axes.plot(*mean, color=color, linestyle=dashes, label=label or None)
    axes.set_title(f"{title} (%)" if accuracy else title)
    if accuracy:
        axes.axhline(50, color=SOFT_INK, linewidth=0.5, zorder=1)
        axes.set_ylim(0, 102)
        axes.legend(loc="lower right")
    axes.xaxis.set_major_locator(_few_ticks())
    axes.yaxis.set_major_locator(_few_ticks())


def _track(log: TrainingLog, name: str, scale: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Steps in order and the finite values logged there (the mean, where a step was logged twice)."""
    kept = log.scalars[["step", name]].dropna().groupby("step")[name].mean()
    return kept.index.to_numpy(dtype=np.float64), scale * kept.to_numpy(dtype=np.float64)


def _mean(
    tracks: Sequence[tuple[NDArray[np.float64], NDArray[np.float64]]],
) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Mean over seeds at the steps that all of them logged."""
    if not tracks:
        return None
    steps = functools.reduce(np.intersect1d, [steps for steps, _ in tracks])
    values = [values[np.searchsorted(at, steps)] for at, values in tracks]
    return steps, np.mean(values, axis=0)


def _few_ticks() -> Any:
    from matplotlib.ticker import MaxNLocator

    return MaxNLocator(nbins=4, steps=[1, 2, 2.5, 5, 10])
