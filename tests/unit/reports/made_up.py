"""Made-up runs of experiments with several columns: the experiments' own rows and columns, plausible numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bench.core.experiment import Column, Experiment, Row
from bench.engine.collect import facts_of
from bench.engine.plan import applies
from bench.engine.results import CellResults, Results, RowResults
from bench.experiments import ablation_lambda, gaze_table3, label_preservation, refiner_comparison, training_progress

DISPLACED = ("pupil-residual", "pupil-ellipse", "phase-shift")
UNMOVED = ("identity", "photometric", "histogram-equalisation", "noise-blur")


def cell(values: Sequence[float], per_image: Mapping[str, NDArray[np.float64]] | None = None) -> CellResults:
    """A finished cell with these values per seed; every seed with the same values per image."""
    return CellResults(dict(enumerate(values)), dict.fromkeys(range(len(values)), per_image or {}))


def run(
    template: Results,
    experiment: Experiment,
    rows: Sequence[Row],
    value: Callable[[Row, Column], tuple[float, float]],
    seeds: int = 3,
    images: int = 700,
) -> Results:
    """A run whose cells have the mean and the spread over seeds that `value` gives; drifts have dx and dy."""
    rng = np.random.default_rng(5)
    found = []
    for row in rows:
        shift = rng.normal(0, 0.35, (images, 2)) + moved(row)
        cells = {}
        for column in experiment.columns:
            if applies(row, column):
                mean, spread = value(row, column)
                values = [float(mean + spread * each) for each in (rng.normal(size=seeds) if seeds > 1 else [0.0])]
                values = [min(value, 1.0) for value in values] if column.key == "auc" else values
                per_image = {"dx": shift[:, 0], "dy": shift[:, 1]} if column.name in DISPLACED else {}
                if column.of == "predictions":
                    per_image = {"value": mean * rng.gamma(3.2, 1 / 3.2, len(template.ids))}
                cells[column.key] = cell(values, per_image)
        found.append(RowResults(row, cells))
    return replace(
        template,
        experiment=replace(experiment, rows=lambda refiners: tuple(rows)),
        columns=tuple(facts_of(column) for column in experiment.columns),
        rows=tuple(found),
    )


def moved(row: Row) -> NDArray[np.float64]:
    """By how much a row's refiner moves the pupil, px."""
    if row.variant is None or row.variant.refiner in UNMOVED:
        return np.zeros(2)
    if row.variant.refiner == "planted-shift":
        angle = np.radians(30.0)
        return float(row.variant.settings["px"]) * np.array([np.cos(angle), np.sin(angle)])
    return np.array([0.3, -0.4])


COMPARED = ("error-cnn", "error-knn", "drift", "drift-bias", "auc", "swd", "change", "seconds")
NUMBERS = {
    "synthetic": (7.3, 8.4, 0.52, 0.05, 0.999, 0.71, 0.0, 0.0),
    "histogram-matching": (6.9, 8.0, 0.71, 0.12, 0.981, 0.42, 31.0, 0.4),
    "mean-std": (7.0, 8.1, 0.60, 0.08, 0.990, 0.48, 27.0, 0.2),
    "adabn": (6.8, 8.4, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0),
    "simgan": (6.4, 7.9, 0.83, 0.33, 0.902, 0.21, 24.0, 61.0),
    "simgan-no-history": (6.7, 8.1, 0.96, 0.45, 0.931, 0.27, 26.0, 55.0),
    "simgan-global": (6.9, 8.2, 1.21, 0.74, 0.957, 0.33, 29.0, 44.0),
    "real": (5.8, 8.2, 0.0, 0.0, 0.5, 0.02, 0.0, 0.0),
}


def comparison(template: Results) -> Results:
    """refiner-comparison with 8 rows: one cell failed, one could not be run, real images have no drift."""
    rows = [row for row in refiner_comparison.rows(("simgan",)) if row.key in NUMBERS]

    def value(row: Row, column: Column) -> tuple[float, float]:
        number = dict(zip(COMPARED, NUMBERS[row.key], strict=True))[column.key]
        return number, 0.0 if row.train != "refined" else 0.015 * abs(number)

    found = run(template, only(refiner_comparison.EXPERIMENT, COMPARED), rows, value)
    found = with_cell(found, "simgan-no-history", "error-knn", failures={1: "out of memory"})
    return with_cell(found, "histogram-matching", "swd", values={}, per_image={}, not_run="no weights were given")


def only(experiment: Experiment, columns: Sequence[str]) -> Experiment:
    """The experiment with these columns of its own."""
    return replace(experiment, columns=tuple(column for column in experiment.columns if column.key in columns))


def with_cell(results: Results, row: str, column: str, **changes: object) -> Results:
    """The run with another outcome of one cell."""
    rows = []
    for found in results.rows:
        if found.row.key == row:
            changed = replace(found.cells[column], **changes)  # type: ignore[arg-type]
            found = replace(found, cells={**found.cells, column: changed})
        rows.append(found)
    return replace(results, rows=tuple(rows))


def preservation(template: Results) -> Results:
    """label-preservation: planted shifts are found to 95 % by the ellipse and in full by the others."""

    def value(row: Row, column: Column) -> tuple[float, float]:
        shift = float(np.hypot(*moved(row)))
        share = 0.95 if column.name == "pupil-ellipse" else 1.0
        floor = 0.0 if column.quantity == "bias" else 0.1
        return floor + share * shift, 0.01

    experiment = label_preservation.EXPERIMENT
    return run(template, experiment, label_preservation.rows(("simgan",)), value)


def progress(template: Results, seeds: int = 3) -> Results:
    """training-progress: realism is as good as at the end from half of the training on, drift grows all the time."""

    def value(row: Row, column: Column) -> tuple[float, float]:
        assert row.variant is not None and row.variant.moment is not None
        at = row.variant.moment
        gone = float(np.exp(-7 * at))
        means = {
            "swd": 0.2 + 0.5 * gone, "auc": 0.9 + 0.1 * gone, "drift": 0.6 + 0.4 * at, "drift-bias": 0.1 + 0.4 * at,
            "change": 25 * (1 - gone) + 4, "error-knn": 8 + 0.6 * gone + 0.3 * at,
        }  # fmt: skip
        return means[column.key], 0.01 * means[column.key]

    experiment = only(training_progress.EXPERIMENT, ("swd", "auc", "drift", "drift-bias", "change", "error-knn"))
    return run(template, experiment, training_progress.rows(("simgan",)), value, seeds)


def swept(template: Results, seeds: int = 3) -> Results:
    """ablation-lambda: less realism and less drift with more of the tie to the input."""

    def value(row: Row, column: Column) -> tuple[float, float]:
        tie = float(row.variant.settings["lambda_reg"]) if row.variant else 9.0
        loose = 1 / (1 + 3 * tie) if row.train == "refined" else 0.0
        means = {
            "error-cnn": 7.3 - 1.2 * loose, "drift": 0.6 + loose, "drift-bias": 0.1 + 0.9 * loose,
            "auc": 0.99 - 0.1 * loose, "swd": 0.7 - 0.5 * loose, "change": 40 * loose,
        }  # fmt: skip
        if row.train == "real":
            means |= {"error-cnn": 5.8, "auc": 0.5, "swd": 0.02}
        return means[column.key], 0.02 * means[column.key] * (row.train == "refined")

    experiment = only(ablation_lambda.EXPERIMENT, ("error-cnn", "drift", "drift-bias", "auc", "swd", "change"))
    return run(template, experiment, ablation_lambda.rows(("simgan",)), value, seeds)


def crowded(template: Results) -> Results:
    """gaze-table3 with its 20 rows."""
    start = {"synthetic": 8.0, "refined": 7.0, "real": 6.0}

    def value(row: Row, column: Column) -> tuple[float, float]:
        return start[row.train] + (2.0 if row.estimator == "knn" else 0.0) + 0.1 * (len(row.key) % 7), 0.0

    return run(template, gaze_table3.EXPERIMENT, gaze_table3.rows(("simgan",)), value, seeds=2)
