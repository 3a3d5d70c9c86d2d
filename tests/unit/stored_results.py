"""Made-up results in a store: what tests of exports, imports and the history need."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bench.core.images import LabelConvention
from bench.engine.columns import ColumnFacts
from bench.engine.recipe import Recipe
from bench.engine.snapshot import Revision, Snapshot, SnapshotCell
from bench.engine.store import Store

COMMIT = "a1b2c3d4" * 5
ERROR = ColumnFacts("error", "Error", "angular-error", 1, "deg", "lower", "error")
SECONDS = ColumnFacts("seconds", "Training", "seconds", 1, "s", "neither", "seconds", of="training")


def recipe(row: str, seed: int, code: str = "c0de") -> Recipe:
    return Recipe("predict", f"test cnn on {row}, seed {seed}", ("estimators", "cnn"), {"row": row}, code, {}, seed)


def put_steps(store: Store, *recipes: Recipe) -> None:
    for each in recipes:
        made = store.work(each.key) / "out"
        made.mkdir(parents=True)
        (made / "predictions.parquet").write_bytes(f"predictions of {each.label}".encode())
        store.commit(each.key, made, {"recipe": each.to_json(), "seconds": 1.0, "device": "cpu"})


def snapshot(
    commit: str | None = COMMIT, *, code: str = "c0de", dirty: bool = False, committed: float = 100.0,
    profile: str = "quick", finished: float = 1.0,
) -> Snapshot:  # fmt: skip
    """Two rows and seeds of six test images of two persons; the second row was never planned for one column."""
    rng = np.random.default_rng(0)
    cells = {}
    for row in ("synthetic", "refined"):
        for seed in (0, 1):
            scores = rng.normal(8, 1, 6)
            key = recipe(row, seed, code).key
            cells[row, "error", seed] = SnapshotCell(key, float(scores.mean()), scores, "cpu, torch 2.15")
    cells["refined", "seconds", 0] = SnapshotCell("ab" * 32, 12.5, None, "cpu, torch 2.15")
    return Snapshot(
        experiment="gaze-table2",
        profile=profile,
        revision=Revision(commit, dirty, "0.1.0", "A change", committed),
        data={"test": "simulator:test"},
        test="cd" * 32,
        convention=LabelConvention().line(),
        columns=(ERROR, SECONDS),
        rows={"synthetic": "synthetic", "refined": "refined (simgan), größer"},
        cells=cells,
        ids=np.array([f"image {number}" for number in range(6)]),
        persons=np.array(["p1", "p1", "p1", "p2", "p2", "p2"]),
        missing={("refined", "seconds"): "seed 1: the loss became NaN"},
        failed=frozenset(),
        seconds=20.5,
        settings=("simgan.lambda_reg=0.5",),
        scoring="5c0e",
        finished=finished,
    )


def store_with(root: Path, found: Snapshot, code: str = "c0de") -> Store:
    store = Store(root)
    put_steps(store, *(recipe(row, seed, code) for row, column, seed in found.cells if column == "error"))
    return store
