"""Figure of a refiner's training: losses of R and D, self-regularisation and D's accuracy over the steps."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from reports.panels import few_ticks, panel_grid
from reports.sketch import NothingToDraw, Sketch, file_name
from reports.style import COLOURS, DASHES, INK, SOFT_INK, Preset
from reports.wording import plural

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from bench.engine.results import Results, TrainingLog

PANELS: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    ("R: adversarial loss", (("r_adversarial", ""),)),
    ("R: self-regularisation", (("r_regularisation", ""),)),
    ("D: loss", (("d_loss", ""),)),
    (
        "D: accuracy",
        (("d_accuracy_real", "real"), ("d_accuracy_refined", "refined"), ("d_accuracy_history", "history")),
    ),
)


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
    titles = [f"{title} (%)" if len(lines) > 1 else title for title, lines in panels]
    figure, grid = panel_grid(titles, "Training step", preset)
    for axes, (_, lines) in zip(grid, panels, strict=True):
        _training_panel(axes, logs, lines)
    return figure


def _training_panel(axes: Axes, logs: Sequence[TrainingLog], lines: Sequence[tuple[str, str]]) -> None:
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
    if accuracy:
        axes.axhline(50, color=SOFT_INK, linewidth=0.5, zorder=1)
        axes.set_ylim(0, 102)
        axes.legend(loc="lower right")
    axes.xaxis.set_major_locator(few_ticks())


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
