"""Gathers a finished plan's results from the store. No training, no GPU, no torch."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import bench
from bench.core import registry
from bench.core.errors import DataError
from bench.core.experiment import Column, Row
from bench.core.images import LABELS, ImageSet
from bench.core.measure import Measure
from bench.core.metric import Metric
from bench.data.imagesets import load_image_set
from bench.engine.columns import ColumnFacts
from bench.engine.plan import Cell, Plan, applies
from bench.engine.results import CellResults, Results, RowResults, TrainingLog
from bench.engine.run import check_persons
from bench.engine.steps.measure import PER_IMAGE, SUMMARY
from bench.engine.store import Store
from bench.engine.training_log import load_log

PICTURES = 8


def collect(plan: Plan, store: Store, failures: Mapping[str, str]) -> Results:
    """Results of every cell; `failures` says why a step is not in the store (see `execute`)."""
    sets = {role: load_image_set(store.verified(key) / "images.h5") for role, key in plan.sets.items()}
    test = sets["test"]
    reader = _Reader(store, test, failures)
    return Results(
        experiment=plan.experiment,
        profile=plan.request.profile,
        data={role: f"{plan.sources[role].title}, {len(sets[role]):,} images" for role in sets},
        simulator=plan.sources["test"].simulator,
        paper_data=_as_the_paper_did(plan),
        marks=(f"Labels: {test.convention.line()}.", *check_persons(plan, store)),
        ids=test.ids,
        persons=test.persons,
        columns=tuple(facts_of(column) for column in plan.experiment.columns),
        rows=tuple(RowResults(row, _cells(plan, row, reader), _warnings(plan, row, store)) for row in plan.rows),
        pictures=_pictures(plan, store, sets),
        training=tuple(_training_logs(plan, store)),
        provenance=provenance(plan, store),
    )


def _as_the_paper_did(plan: Plan) -> bool:
    """Whether a number may be set against the paper's: its data, its sizes, and no setting changed."""
    its_data = all(plan.sources[role].paper_data for role in plan.sets)
    return its_data and plan.request.profile == "paper" and not plan.request.settings


def facts_of(column: Column) -> ColumnFacts:
    """What a column's numbers are, from its metric or measure."""
    own: dict[str, Any] = {"of": column.of, "estimator": column.estimator}
    if column.of == "training":
        return ColumnFacts(column.key, column.label, "seconds", 1, "s", "neither", "seconds", **own)
    if column.of == "images":
        measure: type[Measure] = registry.load("measures", column.name)
        quantity = measure.quantities[column.quantity]
        return ColumnFacts(
            column.key, column.label, measure.name, measure.version, quantity.unit, quantity.better, measure.kind,
            column.quantity, **own,
        )  # fmt: skip
    metric: Metric = registry.load("metrics", column.name)(**column.options)
    return ColumnFacts(
        column.key, column.label, metric.name, metric.version, metric.unit, metric.better, "error", **own
    )


def _cells(plan: Plan, row: Row, reader: _Reader) -> dict[str, CellResults]:
    cells = {}
    for column in plan.experiment.columns:
        if not applies(row, column):
            continue
        planned = [cell for cell in plan.cells if cell.row.key == row.key and cell.column.key == column.key]
        cells[column.key] = reader.cell(column, planned, plan.not_run.get((row.key, column.key)))
    return cells


def _warnings(plan: Plan, row: Row, store: Store) -> tuple[str, ...]:
    """What the trainings of the row's refiner and the measures of its images warned of."""
    steps = {}
    if row.variant is not None:
        fits = {seed: plan.fits.get((row.variant.key, seed), "") for seed in plan.seeds}
        steps = {key: f"{row.variant.key}, seed {seed}" for seed, key in fits.items()}
    for cell in plan.cells:
        if cell.row.key == row.key and cell.column.of == "images":
            steps[cell.key] = f"{cell.column.label} of {row.label}, seed {cell.seed}"
    found = {who: store.record(key)["warnings"] for key, who in steps.items() if store.has(key)}
    return tuple(f"{who}: {text}" for who, texts in found.items() for text in texts)


@dataclass(frozen=True)
class _Reader:
    """Reads cells' numbers from the store."""

    store: Store
    test: ImageSet
    failures: Mapping[str, str]

    def cell(self, column: Column, planned: Sequence[Cell], not_run: str | None) -> CellResults:
        """All seeds of a row and column; a value that is not finite is a failure, never a number."""
        values: dict[int, float] = {}
        per_image: dict[int, dict[str, NDArray[np.float64]]] = {}
        failed: dict[int, str] = {}
        for cell in planned:
            if not self.store.has(cell.key):
                failed[cell.seed] = self.failures.get(cell.key, "not run yet; 'bench run' makes it")
                continue
            values[cell.seed], per_image[cell.seed] = self._read(column, cell.key)
        return CellResults(values, per_image, failed, not_run)

    def _read(self, column: Column, key: str) -> tuple[float, dict[str, NDArray[np.float64]]]:
        if column.of == "training":
            return float(self.store.record(key)["notes"]["fit_seconds"]), {}
        if column.of == "images":
            folder = self.store.verified(key)
            frame = pd.read_parquet(folder / PER_IMAGE)
            found = {str(name): frame[name].to_numpy(dtype=np.float64) for name in frame.columns if name != "id"}
            return float(json.loads((folder / SUMMARY).read_text())[column.quantity]), found
        metric: Metric = registry.load("metrics", column.name)(**column.options)
        scores = metric.per_image(_predictions(self.store, key, self.test, metric.target), self.test)
        return metric.summary(scores), {"value": scores}


def _predictions(store: Store, key: str, test: ImageSet, target: str) -> NDArray[np.float64]:
    """The predictions of a step in the shape of the label `target`: one row per test image, in their order."""
    frame = pd.read_parquet(store.verified(key) / "predictions.parquet")
    if not np.array_equal(frame["id"].to_numpy(dtype=str), test.ids):
        raise DataError(f"stored predictions {key[:12]} are of other images than {test.name}")
    values: NDArray[np.float64] = frame.drop(columns="id").to_numpy(dtype=np.float64)
    shape = LABELS[target][0]
    if values.shape[1] != math.prod(shape):
        raise DataError(
            f"stored predictions {key[:12]} have {values.shape[1]} numbers per image, '{target}' labels have "
            f"{math.prod(shape)}; choose an estimator of '{target}'"
        )
    return values.reshape(len(values), *shape)


def _pictures(plan: Plan, store: Store, sets: Mapping[str, ImageSet]) -> dict[str, NDArray[Any]]:
    found = {"synthetic": np.asarray(sets["synthetic"].images[:PICTURES])}
    for variant, key in plan.pictured.items():
        if store.has(key):
            refined = load_image_set(store.verified(key) / "images.h5")
            found[f"refined: {variant}"] = np.asarray(refined.images[:PICTURES])
    # Spread over the real set, so that several persons are seen.
    spread = np.linspace(0, len(sets["real"]) - 1, PICTURES).astype(int)
    found["real"] = np.asarray(sets["real"].select(spread).images[:])
    return found


def _training_logs(plan: Plan, store: Store) -> list[TrainingLog]:
    logs = []
    seen = set()  # rows of several moments share one training
    for (refiner, seed), key in plan.fits.items():
        if key in seen or not store.has(key):
            continue
        seen.add(key)
        scalars, images = load_log(store.verified(key))
        strip = tuple((step, pictures) for step, name, pictures in images if name == "refined")
        inputs = next((pictures for _, name, pictures in images if name == "inputs"), None)
        if len(scalars) or strip:
            logs.append(TrainingLog(refiner, seed, scalars, strip, inputs))
    return logs


def provenance(plan: Plan, store: Store) -> dict[str, Any]:
    """Where the numbers come from: code, data, settings, keys, environments, seconds."""
    stored = {key: store.record(key) for key in plan.recipes if store.has(key)}
    environments = {tuple(sorted(record["environment"].items())) for record in stored.values()}
    return {
        **source_revision(),
        "version": bench.__version__,
        "keys": {f"{cell.row.key}, {cell.column.key}, seed {cell.seed}": cell.key for cell in plan.cells},
        "settings": {recipe.label: dict(recipe.config) for recipe in plan.recipes.values() if recipe.trains},
        "notes": {plan.recipes[key].label: record["notes"] for key, record in stored.items() if record["notes"]},
        "data": {role: plan.sources[role].name for role in plan.sets},
        "licences": {source.name: source.licence for source in plan.sources.values()},
        "environment": [dict(found) for found in sorted(environments)],
        "hardware": sorted({record["device"] for record in stored.values()}),
        "command": "bench " + " ".join(sys.argv[1:]),
        "started": min((record["finished"] - record["seconds"] for record in stored.values()), default=None),
        "seconds": round(sum(record["seconds"] for record in stored.values()), 1),
    }


def source_revision() -> dict[str, Any]:
    """Commit of the checkout the code lies in, and whether it has uncommitted changes; None outside one."""
    folder = Path(bench.__file__).parent

    def git(*words: str) -> str | None:
        try:
            done = subprocess.run(["git", "-C", str(folder), *words], capture_output=True, text=True, timeout=10)
        except (OSError, subprocess.TimeoutExpired):
            return None
        return done.stdout.strip() if done.returncode == 0 else None

    # An installed copy may lie inside somebody else's repository: only our own tracked file counts.
    commit = git("rev-parse", "HEAD") if git("ls-files", "--error-unmatch", "__init__.py") else None
    return {"commit": commit, "dirty": bool(git("status", "--porcelain")) if commit else None}
