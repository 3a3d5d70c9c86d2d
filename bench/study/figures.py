"""Figures of a study: accuracy of each subject, hits over false alarms, hardest images, power."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from scipy.special import ndtr, ndtri

from bench.study.analysis import Analysis, ArmResult
from bench.study.items import ImageResult
from bench.study.power import PowerTable
from bench.study.summary import arm_name, percent, with_interval
from reports.figures import Drawing, save
from reports.sketch import NothingToDraw, Sketch
from reports.style import COLOURS, DASHES, HAIRLINE, INK, MARKERS, RC, SOFT_INK, width_of
from reports.wording import plural

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ROW_IN = 0.145
HARDEST = 12
"""Images of each kind that are drawn."""
MOST_NAMED = 30
"""Subjects; of more, only every so manieth has its name at the axis."""
SENSITIVITIES = (0.5, 1.0, 2.0)


def draw(sketches: Iterable[Callable[[], Sketch]], about: Mapping[str, Any]) -> list[Drawing]:
    """Render and save figures; one without material is left out."""
    found = []
    with matplotlib.rc_context(RC):
        for sketch in sketches:
            try:
                found.append(save(sketch(), about))
            except NothingToDraw:
                continue
    return found


def of_analysis(analysis: Analysis) -> list[Callable[[], Sketch]]:
    """The figures of a study."""
    return [lambda: accuracies(analysis), lambda: hits_and_false_alarms(analysis), lambda: hardest_images(analysis)]


def accuracies(analysis: Analysis) -> Sketch:
    """Accuracy of each subject with its interval, the mean over subjects below; a panel per arm."""
    most = max(len(found.subjects) for found in analysis.arms)
    height = 0.75 + ROW_IN * min(most + 2, 60)
    figure, grid = _panels(analysis.arms, height)
    for axes, found in zip(grid, analysis.arms, strict=True):
        _accuracies(axes, found)
    grid[0].set_ylabel("Subject")
    told = [
        f"{arm_name(found)}: mean {percent(found.over.accuracy.value)}, {found.over.verdict}" for found in analysis.arms
    ]
    return Sketch(
        "accuracy-per-subject",
        "Share of correct answers of each subject with its 95 % Clopper-Pearson interval, and below (diamond) the mean "
        f"over subjects with its 95 % t-interval. Shaded: within {100 * analysis.margin:g} points of chance, the "
        f"design's margin. {'; '.join(told)}.",
        f"Accuracy of each subject with intervals, sorted; a panel per arm. {'; '.join(told)}.",
        figure,
    )


def _accuracies(axes: Axes, found: ArmResult) -> None:
    ranked = sorted(found.subjects, key=lambda each: (-each.accuracy, each.subject))
    _chance(axes, found.over.margin)
    for row, each in enumerate(ranked):
        axes.plot(_percents(each.ci95), (row, row), color=SOFT_INK, linewidth=0.8, zorder=2)
    axes.plot(
        [100 * each.accuracy for each in ranked], range(len(ranked)), "o", color=COLOURS[1], zorder=3, clip_on=False
    )
    last = len(ranked) + 0.6
    over = found.over.accuracy
    if over.ci95:
        axes.plot(_percents(over.ci95), (last, last), "|-", color=INK, linewidth=1.2, markersize=5, mew=1.2, zorder=3)
    axes.plot(100 * over.value, last, "D", color=COLOURS[0], markersize=4.5, zorder=4)
    every = -(-len(ranked) // MOST_NAMED)
    named = range(0, len(ranked), every)
    axes.set_yticks([*named, last], [*(_short(ranked[row].subject) for row in named), "mean"], fontsize=6.5)
    axes.set(xlim=(0, 100), ylim=(last + 0.8, -0.8))
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")
    axes.set_title(arm_name(found))
    axes.set_xlabel("Correct (%)")


def _chance(axes: Axes, margin: float) -> None:
    axes.axvspan(50 - 100 * margin, 50 + 100 * margin, color=INK, alpha=0.07, linewidth=0, zorder=0)
    axes.axvline(50, color=SOFT_INK, linewidth=0.6, zorder=1)


def hits_and_false_alarms(analysis: Analysis) -> Sketch:
    """Each subject as a point: hit rate over false alarm rate, with lines of equal d'."""
    arms = [found for found in analysis.arms if any(each.hit_rate is not None for each in found.subjects)]
    if not arms:
        raise NothingToDraw("no subject saw both kinds of image")
    figure, grid = _panels(arms, min(2.6, width_of("page") / len(arms)))
    word = "real" if analysis.mode == "yes-no" else "left"
    for axes, found in zip(grid, arms, strict=True):
        _equal_d_prime(axes, 1.0 if analysis.mode == "yes-no" else 2**0.5)
        points = [(each.false_alarm_rate, each.hit_rate) for each in found.subjects if each.hit_rate is not None]
        places, counts = np.unique(np.array(points, np.float64), axis=0, return_counts=True)
        axes.scatter(
            places[:, 0],
            places[:, 1],
            s=11 * counts,
            color=COLOURS[1],
            alpha=0.85,
            linewidth=0,
            zorder=3,
            clip_on=False,
        )
        axes.set(xlim=(0, 1), ylim=(0, 1), aspect="equal")
        axes.set_title(arm_name(found))
        axes.set_xlabel(f"False alarms: '{word}' when it is not")
    grid[0].set_ylabel(f"Hits: '{word}' when it is")
    told = [
        f"{arm_name(found)}: mean d' {with_interval(found.over.d_prime)}, c {with_interval(found.over.criterion)}"
        for found in arms
    ]
    return Sketch(
        "hits-and-false-alarms",
        f"Hit rate over false alarm rate, a point per subject (larger where several coincide). Lines: equal d', "
        f"{', '.join(f'{value:g}' for value in (0.0, *SENSITIVITIES))}; on the diagonal nobody can tell. "
        f"Points towards the lower left say '{word}' seldom. Means with 95 % t-intervals: {'; '.join(told)}.",
        f"Hit rates over false alarm rates of subjects with lines of equal d'. {'; '.join(told)}.",
        figure,
    )


def _equal_d_prime(axes: Axes, scale: float) -> None:
    """Lines on which z(H) - z(F) = scale d'; with two images it is sqrt(2) d'."""
    x = np.linspace(1e-4, 1 - 1e-4, 400)
    axes.plot((0, 1), (0, 1), color=SOFT_INK, linewidth=0.7, zorder=1)
    for value in SENSITIVITIES:
        y = ndtr(ndtri(x) + scale * value)
        axes.plot(x, y, color=HAIRLINE, linewidth=0.9, zorder=1)
        # Named where the line crosses the other diagonal, on which nobody has a bias.
        at = float(ndtr(-scale * value / 2))
        axes.annotate(
            f"d' = {value:g}", (at, 1 - at), (-3, 3), textcoords="offset points", ha="center", va="center", fontsize=6,
            color=SOFT_INK, rotation=45, rotation_mode="anchor",
        )  # fmt: skip


def hardest_images(analysis: Analysis) -> Sketch:
    """The images that most subjects got wrong, of each kind, with intervals; a panel per arm."""
    arms = [found for found in analysis.arms if max((each.shown for each in found.images), default=0) > 1]
    if not arms:
        raise NothingToDraw("no image was shown to two subjects")
    chosen = [_hardest(found.images) for found in arms]
    figure, grid = _panels(arms, 0.75 + ROW_IN * (max(map(len, chosen)) + 1))
    for axes, found, images in zip(grid, arms, chosen, strict=True):
        _chance(axes, 0.0)
        for row, each in enumerate(images):
            colour, marker = (COLOURS[2], "s") if each.truth == "real" else (COLOURS[1], "o")
            axes.plot(_percents(each.ci95), (row, row), color=SOFT_INK, linewidth=0.8, zorder=2)
            axes.plot(100 * each.share, row, marker, color=colour, zorder=3, clip_on=False)
        axes.set_yticks(range(len(images)), [f"{_short(each.image)} ({each.shown})" for each in images], fontsize=6)
        axes.set(xlim=(0, 100), ylim=(max(map(len, chosen)) - 0.3, -0.7))
        axes.tick_params(axis="y", length=0)
        axes.grid(visible=False, axis="y")
        axes.set_title(arm_name(found))
        axes.set_xlabel("Correct (%)")
    told = [f"{arm_name(found)}: {_told(images)}" for found, images in zip(arms, chosen, strict=True)]
    return Sketch(
        "hardest-images",
        f"The {HARDEST} images of each kind that most subjects got wrong (circles: fake, squares: real), with the "
        "number of subjects that saw them and 95 % Clopper-Pearson intervals. They are the extremes of many, so by "
        "chance alone some look hard: an interval below 50 % is no proof.",
        f"Share of correct answers to the hardest images. {'; '.join(told)}.",
        figure,
    )


def _hardest(images: Sequence[ImageResult]) -> list[ImageResult]:
    """The hardest of each kind among those that most subjects saw, two at least; hardest first."""
    found: list[ImageResult] = []
    for truth in ("fake", "real"):
        kind = [each for each in images if each.truth == truth]
        most = max((each.shown for each in kind), default=0)
        found += [each for each in kind if each.shown > 1 and 2 * each.shown >= most][:HARDEST]
    return found


def _told(images: Sequence[ImageResult]) -> str:
    return ", ".join(f"{each.image} {percent(each.share)} of {each.shown}" for each in images[:3])


def power_curves(table: PowerTable) -> Sketch:
    """Power over the number of subjects, a line per spread between subjects."""
    figure = Figure(figsize=(width_of("column"), 2.3), layout="constrained")
    axes = figure.add_subplot()
    axes.axhline(100 * table.wanted, color=SOFT_INK, linewidth=0.6)
    for at, spread in enumerate(table.spreads):
        x = [power.subjects for power in spread.powers]
        axes.plot(
            x, [100 * power.share for power in spread.powers], color=COLOURS[at % len(COLOURS)],
            marker=MARKERS[at % len(MARKERS)], linestyle=DASHES[at % len(DASHES)], clip_on=False, zorder=3,
            label=f"{100 * spread.accuracy_sd:g} points",
        )  # fmt: skip
        low, high = (np.array([100 * power.ci95[side] for power in spread.powers]) for side in (0, 1))
        axes.fill_between(x, low, high, color=COLOURS[at % len(COLOURS)], alpha=0.2, linewidth=0)
    axes.set(ylim=(0, 100), xlabel="Subjects", ylabel="Equivalence found (%)")
    axes.legend(title="SD between subjects", title_fontsize=7, loc="lower right")
    told = [
        f"{100 * spread.accuracy_sd:g} points: {spread.needed or 'more than can be tried'}" for spread in table.spreads
    ]
    return Sketch(
        "power",
        f"How often a study finds equivalence within {100 * table.margin:g} points when people's true accuracy is "
        f"{percent(table.accuracy)} on average, with {plural(table.trials, 'answer')} per subject; by how much people "
        f"differ (standard deviation of their accuracies). {table.studies:,} simulated studies each; bands: 95 %. "
        f"Subjects needed for {100 * table.wanted:g} %: {'; '.join(told)}.",
        f"Power over number of subjects. Needed for {100 * table.wanted:g} %: {'; '.join(told)}.",
        figure,
    )


def _panels(arms: Sequence[ArmResult], height: float) -> tuple[Figure, list[Axes]]:
    """A panel per arm, side by side: a column's width for one, a page's for more."""
    width = width_of("column" if len(arms) == 1 else "page")
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, list(figure.subplots(1, len(arms), squeeze=False).ravel())


def _short(name: str) -> str:
    """A name that fits beside an axis; ends tell images apart, not beginnings."""
    return name if len(name) <= 16 else f"\N{HORIZONTAL ELLIPSIS}{name[-15:]}"


def _percents(pair: tuple[float, float]) -> tuple[float, float]:
    return 100 * pair[0], 100 * pair[1]
