"""Gathers a finished plan's results from the store. No training, no GPU, no torch."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import bench
from bench.core import registry
from bench.core.errors import DataError
from bench.core.images import ImageSet
from bench.data.imagesets import load_image_set
from bench.engine.plan import Plan
from bench.engine.results import Results, RowResults, TrainingLog
from bench.engine.run import check_persons
from bench.engine.store import Store
from bench.engine.training_log import load_log

PICTURES = 8
TARGETS = {"gaze": "gaze", "hand": "joints"}


def collect(plan: Plan, store: Store, failures: Mapping[str, str]) -> Results:
    """Results of every cell; `failures` says why a step is not in the store (see `execute`)."""
    sets = {role: load_image_set(store.verified(key) / "images.h5") for role, key in plan.sets.items()}
    test = sets["test"]
    truth = test.require(TARGETS[plan.experiment.task])
    metric = registry.load("metrics", plan.experiment.metric)()
    rows = []
    for row in plan.rows:
        values: dict[int, NDArray[np.float64]] = {}
        failed: dict[int, str] = {}
        warnings: list[str] = []
        for cell in (cell for cell in plan.cells if cell.row == row):
            if store.has(cell.predictions):
                values[cell.seed] = metric.per_image(_predictions(store, cell.predictions, test), truth)
            else:
                failed[cell.seed] = failures.get(cell.predictions, "not run yet; 'bench run' makes it")
            if row.refiner is not None and store.has(plan.fits[row.refiner, cell.seed]):
                found = store.record(plan.fits[row.refiner, cell.seed])["warnings"]
                warnings += [f"{row.refiner}, seed {cell.seed}: {text}" for text in found]
        rows.append(RowResults(row, values, failed, plan.not_run.get(row.key), tuple(warnings)))
    return Results(
        experiment=plan.experiment,
        profile=plan.request.profile,
        data={role: f"{plan.sources[role].title}, {len(sets[role]):,} images" for role in sets},
        simulator=plan.sources["test"].simulator,
        paper_data=all(source.paper_data for source in plan.sources.values()),
        marks=(f"Labels: {test.convention.line()}.", *check_persons(plan, store)),
        ids=test.ids,
        persons=test.persons,
        rows=tuple(rows),
        pictures=_pictures(plan, store, sets),
        training=tuple(_training_logs(plan, store)),
        provenance=provenance(plan, store),
    )


def _predictions(store: Store, key: str, test: ImageSet) -> NDArray[np.float64]:
    frame = pd.read_parquet(store.verified(key) / "predictions.parquet")
    if not np.array_equal(frame["id"].to_numpy(dtype=str), test.ids):
        raise DataError(f"stored predictions {key[:12]} are of other images than {test.name}")
    values: NDArray[np.float64] = frame.drop(columns="id").to_numpy(dtype=np.float64)
    return values


def _pictures(plan: Plan, store: Store, sets: Mapping[str, ImageSet]) -> dict[str, NDArray[Any]]:
    found = {"synthetic": np.asarray(sets["synthetic"].images[:PICTURES])}
    for refiner in plan.refiners:
        key = plan.refined[refiner, plan.seeds[0], 1]
        if store.has(key):
            refined = load_image_set(store.verified(key) / "images.h5")
            found[f"refined: {refiner}"] = np.asarray(refined.images[:PICTURES])
    # Spread over the real set, so that several persons are seen.
    spread = np.linspace(0, len(sets["real"]) - 1, PICTURES).astype(int)
    found["real"] = np.asarray(sets["real"].select(spread).images[:])
    return found


def _training_logs(plan: Plan, store: Store) -> list[TrainingLog]:
    logs = []
    for (refiner, seed), key in plan.fits.items():
        if not store.has(key):
            continue
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
        "keys": {f"{cell.row.key}, seed {cell.seed}": cell.predictions for cell in plan.cells},
        "settings": {
            recipe.label: dict(recipe.config) for recipe in plan.recipes.values() if recipe.step.startswith("fit_")
        },
        "notes": {plan.recipes[key].label: record["notes"] for key, record in stored.items() if record["notes"]},
        "data": {role: source.name for role, source in plan.sources.items()},
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
