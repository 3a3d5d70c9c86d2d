"""A plan's results as a snapshot: found in the history, or collected after running what is missing; and as a file."""

from __future__ import annotations

import hashlib
import json
import math
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

import bench
from bench.core import registry
from bench.core.errors import DataError
from bench.data.imagesets import load_image_set
from bench.engine import history
from bench.engine.recipe import Recipe
from bench.engine.revisions import describe, find_checkout
from bench.engine.settle import settle
from bench.engine.snapshot import Place, Revision, Snapshot, SnapshotCell
from bench.engine.snapshot_file import SnapshotFile, open_snapshot_file, portable, write_snapshot
from bench.engine.store import RECORD, Store, storage_errors

if TYPE_CHECKING:
    from bench.engine.plan import Plan
    from bench.engine.results import Results
    from bench.engine.run import Watch

NAMED = 3


def snapshot_for(plan: Plan, store: Store, *, run: bool, executor: str, device: str, watch: Watch) -> Snapshot:
    """The plan's results, kept in the history too; runs what is missing, or DataError where `run` is false.

    Results that the history holds are enough, whatever is left of the steps behind them.
    """
    found = _from_history(plan, store)
    if found is None:
        found = _measured(plan.only_cells(), store, run=run, executor=executor, device=device, watch=watch)
    if not found.failed:
        history.keep(store, found)
    return found


def _from_history(plan: Plan, store: Store) -> Snapshot | None:
    keys = {(cell.row.key, cell.column.key, cell.seed): cell.key for cell in plan.cells}
    found = history.with_keys(store, plan.experiment.name, _scoring(plan), keys)
    if found is None:
        return None
    places = {place[:2] for place in keys} | set(plan.not_run)
    reasons = {**found.missing, **plan.not_run}
    return replace(
        found,
        profile=plan.request.profile,
        revision=current_revision(),
        data={role: plan.sources[role].name for role in plan.sets},
        rows={row.key: row.label for row in plan.rows},
        cells={place: cell for place, cell in found.cells.items() if place in keys},
        missing={place: reason for place, reason in reasons.items() if place in places},
        settings=plan.request.settings,
        asked=plan.request.asked(),
    )


def _measured(plan: Plan, store: Store, *, run: bool, executor: str, device: str, watch: Watch) -> Snapshot:
    from bench.engine.collect import collect
    from bench.engine.run import execute

    missing = plan.missing(key for key in plan.recipes if store.has(key))
    if missing and not run:
        raise DataError(_not_stored(plan, missing))
    failures = execute(plan, store, executor=executor, device=device, watch=watch)
    plan = settle(plan, store)
    return snapshot_of(collect(plan, store, failures), plan, store)


def _not_stored(plan: Plan, missing: list[str]) -> str:
    lacking = [cell for cell in plan.cells if cell.key in missing]
    cells = [f"{cell.row.key}/{cell.column.key} seed {cell.seed}" for cell in lacking]
    steps = [plan.recipes[key].label for key in missing]
    named = "; ".join((cells or steps)[:NAMED]) + ("; ..." if len(cells or steps) > NAMED else "")
    return (
        f"{len(cells)} of {len(plan.cells)} cells of {plan.experiment.name} ({plan.request.profile}) are not stored"
        f" ({named}); leave out --no-run to run their {len(missing)} steps, or import results with 'bench import'"
    )


def snapshot_of(results: Results, plan: Plan, store: Store) -> Snapshot:
    """What a finished run measured, per cell with its key and where it ran.

    A value that is not a finite number is a failure of its cell.
    """
    of = {column.key: column.of for column in results.columns}
    found = {row.row.key: row.cells for row in results.rows}
    cells: dict[tuple[str, str, int], SnapshotCell] = {}
    failures: dict[Place, str] = {}
    for cell in plan.cells:
        place, numbers = (cell.row.key, cell.column.key), found[cell.row.key][cell.column.key]
        value = numbers.values.get(cell.seed)
        if value is None or not math.isfinite(value):
            reason = numbers.failures.get(cell.seed, "its value is NaN or infinite")
            failures.setdefault(place, f"seed {cell.seed}: {reason}")
            continue
        scores = numbers.scores(cell.seed) if of[cell.column.key] == "predictions" else None
        cells[*place, cell.seed] = SnapshotCell(cell.key, value, scores, _where(store.record(cell.key)))
    records = [store.record(key) for key in plan.recipes if store.has(key)]
    return Snapshot(
        experiment=plan.experiment.name,
        profile=plan.request.profile,
        revision=current_revision(),
        data={role: plan.sources[role].name for role in plan.sets},
        test=store.record(plan.sets["test"])["files"]["images.h5"],
        convention=load_image_set(store.path(plan.sets["test"]) / "images.h5").convention.line(),
        columns=results.columns,
        rows={row.key: row.label for row in plan.rows},
        cells=cells,
        ids=results.ids,
        persons=results.persons,
        missing={**plan.not_run, **failures},
        seconds=round(sum(record["seconds"] for record in records), 1),
        settings=plan.request.settings,
        asked=plan.request.asked(),
        failed=frozenset(failures),
        scoring=_scoring(plan),
        finished=max((record["finished"] for record in records), default=0.0),
    )


def current_revision() -> Revision:
    """Of the code that is running."""
    checkout = find_checkout(Path(bench.__file__).parents[1])
    if checkout is None:
        return Revision(None, False, bench.__version__)
    return replace(describe(checkout, "HEAD", dirty=True), version=bench.__version__)


def _scoring(plan: Plan) -> str:
    from bench.engine.fingerprint import fingerprint

    names = {column.name for column in plan.experiment.columns if column.of == "predictions"}
    return fingerprint(*sorted(registry.module_name("metrics", name) for name in names))


def _where(record: Mapping[str, Any]) -> str:
    """`cuda, torch 2.15`: across kinds of device and versions of torch, the same training gives other numbers."""
    torch = ".".join(record["environment"].get("torch", "unknown").split(".")[:2])
    return f"{record['device'].partition(':')[0]}, torch {torch}"


def export(snapshot: Snapshot, store: Store, path: Path) -> None:
    """Write a snapshot with the records and predictions of its cells, as far as the store has them."""
    keys = {cell.key for cell in snapshot.cells.values() if store.has(cell.key)}
    steps = {key: store.verified(key) for key in keys}
    with storage_errors(path):
        write_snapshot(path, snapshot, {key: folder for key, folder in steps.items() if portable(folder)})


def import_file(path: Path, store: Store) -> tuple[Snapshot, int]:
    """Put a file's snapshot into the history and its steps into the store; how many of them are new.

    Nothing is written before all of it is verified. A step that the store has already stays as it is.
    """
    with open_snapshot_file(path) as file:
        snapshot = file.snapshot()
        history.check_conflicts(store, snapshot, path)
        records = {key: _checked_record(file, path, key, names) for key, names in file.steps().items()}
        with storage_errors(store.root):
            new = [key for key, record in records.items() if _put(file, store, key, record)]
    if not snapshot.failed:
        history.keep(store, snapshot)
    return snapshot, len(new)


def _checked_record(file: SnapshotFile, path: Path, key: str, names: list[str]) -> dict[str, Any]:
    """A step's record whose recipe has this key and whose hashes are those of its files; DataError when not."""
    try:
        record: dict[str, Any] = json.loads(file.read(f"steps/{key}/{RECORD}"))
        same_key = Recipe.from_json(record["recipe"]).key == key
        found = {name: hashlib.sha256(file.read(f"steps/{key}/{name}")).hexdigest() for name in names if name != RECORD}
        whole = same_key and record["files"] == found
    except (KeyError, TypeError, ValueError):
        whole = False
    if not whole:
        raise DataError(f"{path} was changed: the record of step {key[:12]} is not that of its files; export it again")
    return record


def _put(file: SnapshotFile, store: Store, key: str, record: dict[str, Any]) -> bool:
    """Publish a step by one rename, as if it had been run here; False when it is stored, or just being run."""
    made = store.root / "work" / f"{key}.import"
    made.parent.mkdir(parents=True, exist_ok=True)
    lock = Path(f"{store.work(key)}.lock")
    try:
        with FileLock(lock, timeout=0):
            stored = store.has(key)
            if not stored:
                shutil.rmtree(made, ignore_errors=True)
                made.mkdir()
                for name in record["files"]:
                    (made / name).write_bytes(file.read(f"steps/{key}/{name}"))
                store.commit(key, made, {name: value for name, value in record.items() if name != "files"})
    except Timeout:
        return False
    lock.unlink(missing_ok=True)
    return not stored
