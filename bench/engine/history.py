"""The history: one snapshot per revision and request, kept in the store.

ROOT/history/EXPERIMENT/DIGEST.SCHEMA.zip   as `bench export` writes them, without the steps, which the store has anyway
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from bench.core.canonical import digest
from bench.core.errors import DataError, did_you_mean
from bench.engine.snapshot import SCHEMA, Snapshot
from bench.engine.snapshot_file import open_snapshot_file, read_snapshot, write_snapshot
from bench.engine.store import Store, storage_errors

OWN = f".{SCHEMA}.zip"
"""How files of this schema end. Revisions that are compared share a store, so others may lie beside them."""


def folder(store: Store) -> Path:
    """Where the snapshots lie, a folder per experiment."""
    return store.root / "history"


def keep(store: Store, snapshot: Snapshot) -> None:
    """Put a snapshot into the history; the same results of the same revision are there once."""
    path = folder(store) / snapshot.experiment / f"{_identity(snapshot)}{OWN}"
    if not path.exists():
        with storage_errors(store.root):
            write_snapshot(path, snapshot)


def snapshots(store: Store, experiment: str, profile: str | None = None) -> list[Snapshot]:
    """An experiment's snapshots in the order of their commits, or of their finish outside a repository.

    DataError when there is none, of this profile if one is given.
    """
    found = [read_snapshot(path) for path in _files(store, experiment)]
    chosen = [snapshot for snapshot in found if profile in (None, snapshot.profile)]
    if not chosen:
        raise DataError(_nothing(store, experiment, profile, sorted({snapshot.profile for snapshot in found})))
    return sorted(chosen, key=lambda snapshot: (snapshot.revision.committed or snapshot.finished, snapshot.finished))


def profiles(store: Store, experiment: str) -> list[str]:
    """The profiles that an experiment has results of."""
    found = set()
    for path in _files(store, experiment):
        with open_snapshot_file(path) as file:
            found.add(str(file.about()["profile"]))
    return sorted(found)


def newest(store: Store, experiment: str, profile: str | None) -> Snapshot:
    """The snapshot that was finished last, of the latest commit where it serves several; DataError without any."""
    return max(
        snapshots(store, experiment, profile),
        key=lambda snapshot: (snapshot.finished, snapshot.revision.committed or math.inf),
    )


def over_commits(store: Store, experiment: str, profile: str | None) -> tuple[list[Snapshot], int]:
    """The snapshots asked for as the newest one was, with its data and settings, and how many others there are."""
    found = snapshots(store, experiment, profile)
    asked = _asked(newest(store, experiment, profile))
    alike = [snapshot for snapshot in found if _asked(snapshot) == asked]
    return alike, len(found) - len(alike)


def with_keys(store: Store, experiment: str, scoring: str, keys: Mapping[tuple[str, str, int], str]) -> Snapshot | None:
    """A snapshot that holds all of these cells (row, column, seed -> key), scored by the same code.

    A cell that was never planned is held by its reason. Equal keys mean equal code, settings, data and seed.
    """
    for path in _files(store, experiment, OWN):
        with open_snapshot_file(path) as file:
            about = file.about()
            if about["scoring"] == scoring and _holds(about, keys):
                return file.snapshot()
    return None


def check_conflicts(store: Store, snapshot: Snapshot, source: Path) -> None:
    """DataError when another snapshot of the same commit and request has another key for the same cell."""
    for path in _files(store, snapshot.experiment, OWN):
        known = read_snapshot(path)
        if known.revision.dirty or snapshot.revision.dirty or _request(known) != _request(snapshot):
            continue
        for place in sorted(known.cells.keys() & snapshot.cells.keys()):
            ours, theirs = known.cells[place].key, snapshot.cells[place].key
            if ours != theirs:
                raise DataError(
                    f"{source} and the history both have {place[0]}, {place[1]}, seed {place[2]} of"
                    f" {snapshot.revision.name}, with keys {theirs[:12]} and {ours[:12]}: they were made from other"
                    " data or by other refiners than the commit's. Import it into a store of its own (--store)"
                )


def _holds(about: Mapping[str, Any], keys: Mapping[tuple[str, str, int], str]) -> bool:
    held = {(cell["row"], cell["column"], cell["seed"]): cell["key"] for cell in about["cells"]}
    never = {(each["row"], each["column"]) for each in about["missing"] if not each["failed"]}
    found = [held.get(place) == key or (place not in held and place[:2] in never) for place, key in keys.items()]
    return bool(held) and all(found)


def _files(store: Store, experiment: str, ending: str = ".zip") -> Iterator[Path]:
    """Newest first."""
    files = (folder(store) / experiment).glob(f"*{ending}")
    return iter(sorted(files, key=lambda path: (-path.stat().st_mtime, path.name)))


def _request(snapshot: Snapshot) -> tuple[Any, ...]:
    return (snapshot.experiment, snapshot.revision.commit, snapshot.revision.version, *_asked(snapshot))


def _asked(snapshot: Snapshot) -> tuple[Any, ...]:
    return snapshot.profile, tuple(sorted(snapshot.data.items())), snapshot.settings


def _identity(snapshot: Snapshot) -> str:
    """What makes a snapshot a new one: its revision, its request, its cells and what is missing."""
    keys = sorted([*place, cell.key] for place, cell in snapshot.cells.items())
    missing = sorted([*place, reason] for place, reason in snapshot.missing.items())
    return digest([*_request(snapshot), snapshot.revision.dirty, keys, missing, snapshot.scoring])


def _nothing(store: Store, experiment: str, profile: str | None, profiles: list[str]) -> str:
    if profiles:
        return f"{store.root} has results of {experiment} with profile {', '.join(profiles)}, none with '{profile}'"
    known = sorted(path.name for path in folder(store).glob("*")) if folder(store).is_dir() else []
    hint = did_you_mean(experiment, known) or (f"; it has {', '.join(known)}" if known else "")
    return f"{store.root} has no finished results of '{experiment}'{hint}; make them with 'bench run {experiment}'"
