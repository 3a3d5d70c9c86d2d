"""Results that are there already, in files and stores, and what they were made with: a comparison runs others alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.core import registry
from bench.core.errors import DataError, UsageError
from bench.data.manifests import resolve_roles
from bench.engine import history
from bench.engine.asked import FIELDS, as_words
from bench.engine.snapshot import Snapshot
from bench.engine.snapshot_file import read_snapshot
from bench.engine.store import Store

ROLES = ("synthetic", "real", "test", "labelled")


def find_results(names: Sequence[str], experiment: str | None, asked: Mapping[str, Any]) -> dict[str, Snapshot]:
    """The snapshots of the names that are a file of `bench export`, or a store's folder: its newest one.

    Without a profile, stores give the one that all names share. asked: what the user asked for, by the fields of a
    `Request`; UsageError where a result was made with something else.
    """
    places = {name: place for name in names if (place := _place(name)) is not None}
    files = {name: place for name, place in places.items() if isinstance(place, Snapshot)}
    for name, snapshot in files.items():
        if experiment not in (None, snapshot.experiment):
            raise _contradiction(f"--experiment {experiment}", name, snapshot.experiment)
    experiment = experiment or next((snapshot.experiment for snapshot in files.values()), None)
    stores = {name: place for name, place in places.items() if isinstance(place, Store)}
    found = dict(files)
    if stores:
        if experiment is None:
            raise UsageError(f"say which experiment's results in {next(iter(stores))} are meant: --experiment")
        profile = asked.get("profile") or _shared_profile(files, stores, experiment)
        found |= {name: history.newest(store, experiment, profile) for name, store in stores.items()}
    for name, snapshot in found.items():
        _check_agrees(asked, snapshot, name)
    return found


def made_with(snapshot: Snapshot) -> dict[str, Any]:
    """What a run has to be asked for to be like this one, by the fields of a `Request`."""
    return {"profile": snapshot.profile, "settings": list(snapshot.settings), **snapshot.asked}


def _place(name: str) -> Snapshot | Store | None:
    path = Path(name)
    if path.is_file():
        return read_snapshot(path)
    return Store(path) if any((path / inside).is_dir() for inside in ("steps", "history")) else None


def _shared_profile(files: Mapping[str, Snapshot], stores: Mapping[str, Store], experiment: str) -> str | None:
    """The only profile that all have; None where a store has no results, which it tells itself."""
    has = {name: [snapshot.profile] for name, snapshot in files.items()}
    has |= {name: history.profiles(store, experiment) for name, store in stores.items()}
    if not all(has.values()):
        return None
    shared = sorted(set.intersection(*map(set, has.values())))
    if len(shared) == 1:
        return shared[0]
    told = "; ".join(f"{name} has {', '.join(profiles)}" for name, profiles in has.items())
    if shared:
        raise UsageError(f"say which profile of {experiment} is meant, with --profile: {told}")
    raise DataError(f"no profile of {experiment} is in both: {told}; run one of them there too")


def _check_agrees(asked: Mapping[str, Any], snapshot: Snapshot, name: str) -> None:
    """UsageError naming both where the user asks for something else than a result was made with.

    The number of seeds may differ: those that both have are compared.
    """
    made = made_with(snapshot)
    for field in ("profile", "refiners", "settings"):
        ours, theirs = asked.get(field), made.get(field)
        if ours and _in_order(ours) != _in_order(theirs):
            words = " ".join(as_words({field: theirs}))
            raise _contradiction(" ".join(as_words({field: ours})), name, words or f"no {FIELDS[field]}")
    for role, source in _asked_sets(asked, snapshot).items():
        if snapshot.data.get(role, source) != source:
            raise _contradiction(f"{source} as {role} images", name, snapshot.data[role])


def _contradiction(ours: str, name: str, theirs: str) -> UsageError:
    return UsageError(
        f"{ours} contradicts {name}, which was made with {theirs}; leave it out, or compare other results"
    )


def _in_order(value: Any) -> Any:
    return sorted(value) if isinstance(value, list | tuple) else value


def _asked_sets(asked: Mapping[str, Any], snapshot: Snapshot) -> dict[str, str]:
    """Role -> name of the image set, of the roles that the user chose."""
    chosen = {role: asked.get(role) for role in ROLES}
    if not (asked.get("data") or any(chosen.values())):
        return {}
    default = registry.load("experiments", snapshot.experiment).data
    sources = resolve_roles(asked.get("data") or default, **chosen)
    return {role: source.name for role, source in sources.items() if asked.get("data") or chosen[role]}
