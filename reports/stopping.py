"""When to stop a refiner's training, by realism and drift alone: no label of a real image is looked at."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reports.columns import drift_column, realism_column

if TYPE_CHECKING:
    from bench.engine.results import CellResults, Results

SHARE_OF_RANGE = 0.02


@dataclass(frozen=True)
class Suggestion:
    """moment: share of the training, 0..1. reason: the rule with its numbers, for after 'Suggested checkpoint: '."""

    moment: float
    reason: str


def suggest_checkpoint(
    moments: Sequence[float], realism: Sequence[Sequence[float]], drift: Sequence[Sequence[float]]
) -> Suggestion:
    """The earliest moment that is as realistic as the best one and drifts no further.

    moments: (M,) shares of the training, increasing. realism, drift: (M, S), a value per seed, lower is better.
    As realistic: the mean over seeds is within one standard error of the lowest mean, the standard error being that
    of the lowest (the one-standard-error rule of Breiman et al. 1984); with one seed, within 2 % of the range of
    realism over the moments. No further: the mean drift is at most that of the most realistic moment, so
    that an answer always exists. Training on after that adds changes that no longer make the images more real.
    ValueError when there is no moment, or not one row of values per moment.
    """
    if not moments or not len(moments) == len(realism) == len(drift):
        raise ValueError(f"{len(moments)} moments but {len(realism)} of realism and {len(drift)} of drift")
    real = [statistics.fmean(values) for values in realism]
    moved = [statistics.fmean(values) for values in drift]
    best = real.index(min(real))
    seeds = len(realism[best])
    if seeds > 1:
        margin = statistics.stdev(realism[best]) / math.sqrt(seeds)
        rule = f"one standard error over {seeds} seeds"
    else:
        margin = SHARE_OF_RANGE * (max(real) - min(real))
        rule = f"{100 * SHARE_OF_RANGE:g} % of the range, as there is one seed"
    chosen = next(
        index for index in range(len(moments)) if real[index] <= real[best] + margin and moved[index] <= moved[best]
    )
    told = f"{_percent(moments[chosen])} of the training"
    if chosen == best:
        return Suggestion(
            moments[best],
            f"{told}, the most realistic moment ({real[best]:.3g}); no earlier one is within {margin:.2g} of it "
            f"({rule}) and drifts no further ({moved[best]:.3g})",
        )
    return Suggestion(
        moments[chosen],
        f"{told}, the earliest moment whose realism ({real[chosen]:.3g}) is within {margin:.2g} ({rule}) of the best "
        f"({real[best]:.3g}, at {_percent(moments[best])}) and whose drift ({moved[chosen]:.3g}) is not above "
        f"the drift there ({moved[best]:.3g})",
    )


def suggestion(results: Results) -> Suggestion | None:
    """The suggested checkpoint of a run whose rows are moments of one training; None when it cannot say.

    It takes the first column of realism and the pupil's bias, at the moments where both were measured with every seed.
    """
    realism, drift = realism_column(results.columns), drift_column(results.columns)
    if realism is None or drift is None:
        return None
    measured: list[tuple[float, CellResults, CellResults]] = []
    for found in results.rows:
        moment = found.row.variant.moment if found.row.variant else None
        real, moved = found.complete(realism.key), found.complete(drift.key)
        if moment is not None and real and moved:
            measured.append((moment, real, moved))
    if len(measured) < 2:
        return None
    measured.sort(key=lambda each: each[0])
    chosen = suggest_checkpoint(
        [moment for moment, _, _ in measured],
        [list(cell.values.values()) for _, cell, _ in measured],
        [list(cell.values.values()) for _, _, cell in measured],
    )
    named = f"{chosen.reason} (realism: {realism.label}; drift: {drift.label}; no label of a real image is used)"
    return Suggestion(chosen.moment, named)


def _percent(moment: float) -> str:
    return f"{round(100 * moment)} %"
