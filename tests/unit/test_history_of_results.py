"""The history of a store, and what an import puts into it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from bench.core.errors import DataError
from bench.engine import history
from bench.engine.export import export, import_file
from bench.engine.snapshot import Snapshot
from bench.engine.store import Store
from tests.unit.stored_results import COMMIT, recipe, snapshot, store_with
from tests.unit.test_snapshot_file import edited, rewritten, same

OTHER = "0ther123" * 5


def keys_of(found: Snapshot) -> dict[tuple[str, str, int], str]:
    return {place: cell.key for place, cell in found.cells.items()}


def kept(store: Store) -> list[Path]:
    return sorted(history.folder(store).glob("*/*.zip"))


@pytest.fixture
def exported(tmp_path: Path) -> Path:
    found = snapshot()
    path = tmp_path / "results.zip"
    export(found, store_with(tmp_path / "exporting", found), path)
    return path


def test_the_same_results_are_kept_once(tmp_path: Path) -> None:
    store = Store(tmp_path)
    history.keep(store, snapshot())
    history.keep(store, replace(snapshot(), seconds=99.0))
    assert len(kept(store)) == 1
    history.keep(store, snapshot(OTHER))
    history.keep(store, snapshot(dirty=True))
    assert len(kept(store)) == 3


def test_snapshots_come_in_the_order_of_commits(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for commit, committed in ((OTHER, 300.0), (COMMIT, 200.0), (None, 250.0)):
        history.keep(store, snapshot(commit, committed=committed))
    found = history.snapshots(store, "gaze-table2")
    assert [each.revision.commit for each in found] == [COMMIT, None, OTHER]


def test_only_what_was_asked_alike_is_one_history(tmp_path: Path) -> None:
    store = Store(tmp_path)
    history.keep(store, replace(snapshot(), settings=()))
    history.keep(store, snapshot(OTHER, finished=2.0))
    history.keep(store, snapshot(OTHER, profile="smoke", finished=0.5))
    found, others = history.over_commits(store, "gaze-table2", None)
    assert [each.settings for each in found] == [("simgan.lambda_reg=0.5",)]
    assert others == 2
    assert history.newest(store, "gaze-table2", "smoke").profile == "smoke"


def test_nothing_stored_says_what_there_is(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with pytest.raises(DataError, match="no finished results of 'gaze-table2'; make them with 'bench run gaze-table2'"):
        history.snapshots(store, "gaze-table2")
    history.keep(store, snapshot())
    with pytest.raises(DataError, match="with profile quick, none with 'paper'"):
        history.snapshots(store, "gaze-table2", "paper")
    with pytest.raises(DataError, match=r"'gaze-table3' \(did you mean 'gaze-table2'\?\)"):
        history.snapshots(store, "gaze-table3")


def test_results_are_found_by_their_keys(tmp_path: Path) -> None:
    store, found = Store(tmp_path), snapshot()
    history.keep(store, found)
    keys = keys_of(found)
    assert history.with_keys(store, "gaze-table2", found.scoring, keys) is not None
    fewer = {place: key for place, key in keys.items() if place[2] == 0}
    assert history.with_keys(store, "gaze-table2", found.scoring, fewer) is not None
    never_planned = {**keys, ("refined", "seconds", 7): "12" * 32}
    assert history.with_keys(store, "gaze-table2", found.scoring, never_planned) is not None


@pytest.mark.parametrize("change", ["key", "seed", "scoring", "failed"])
def test_other_results_are_not(tmp_path: Path, change: str) -> None:
    store, found = Store(tmp_path), snapshot()
    if change == "failed":
        found = replace(found, failed=frozenset(found.missing))
    history.keep(store, found)
    keys = keys_of(found)
    if change == "key":
        keys["refined", "error", 1] = "12" * 32
    if change == "seed":
        keys["refined", "error", 2] = "12" * 32
    if change == "failed":
        keys["refined", "seconds", 1] = "12" * 32
    scoring = "other" if change == "scoring" else found.scoring
    assert history.with_keys(store, "gaze-table2", scoring, keys) is None


def test_files_of_another_schema_do_not_disturb_a_run(tmp_path: Path) -> None:
    store, found = Store(tmp_path), snapshot()
    history.keep(store, found)
    (kept(store)[0].parent / "newer.99.zip").write_bytes(b"what a newer version wrote")
    assert history.with_keys(store, "gaze-table2", found.scoring, keys_of(found)) is not None
    with pytest.raises(DataError, match=r"newer\.99\.zip is truncated, damaged or not written by 'bench export'"):
        history.snapshots(store, "gaze-table2")


def test_an_import_makes_the_cells_done(exported: Path, tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    found, new = import_file(exported, store)
    same(found, snapshot())
    assert new == 4
    same(history.newest(store, "gaze-table2", None), found)
    for row, column, seed in found.cells:
        if column == "error":
            folder = store.verified(recipe(row, seed).key)
            assert (folder / "predictions.parquet").read_text().endswith(f"{row}, seed {seed}")
    assert import_file(exported, store)[1] == 0
    assert not list((store.root / "work").iterdir())


def test_a_stored_step_stays_as_it_is(exported: Path, tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    step = recipe("refined", 1)
    made = store.work(step.key) / "out"
    made.mkdir(parents=True)
    (made / "predictions.parquet").write_bytes(b"own")
    store.commit(step.key, made, {"recipe": step.to_json()})
    assert import_file(exported, store)[1] == 3
    assert (store.verified(step.key) / "predictions.parquet").read_bytes() == b"own"


def test_a_step_that_is_running_is_left_alone(exported: Path, tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    work = store.work(recipe("refined", 0).key)
    work.mkdir(parents=True)
    (work / "checkpoint.pt").write_bytes(b"half way")
    with FileLock(f"{work}.lock"):
        assert import_file(exported, store)[1] == 3
    assert (work / "checkpoint.pt").exists()


def _name(step: str) -> str:
    return f"steps/{step}/record.json"


def other_recipe(record: Any) -> None:
    record["recipe"]["seed"] = 77


def other_hash(record: Any) -> None:
    record["files"]["predictions.parquet"] = "00" * 32


def path_outside(record: Any) -> None:
    record["files"]["../../outside"] = "00" * 32


def no_recipe(record: Any) -> None:
    del record["recipe"]


@pytest.mark.parametrize("change", [other_recipe, other_hash, path_outside, no_recipe])
def test_a_record_that_does_not_fit_writes_nothing(exported: Path, tmp_path: Path, change: Any) -> None:
    store = Store(tmp_path / "store")
    key = recipe("synthetic", 0).key
    with pytest.raises(DataError, match=f"the record of step {key[:12]} is not that of its files"):
        import_file(rewritten(exported, edited(_name(key), change), hashes=True), store)
    assert not store.root.exists()


def test_one_commit_with_two_keys_for_a_cell_is_explained(exported: Path, tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    history.keep(store, snapshot(code="another"))
    with pytest.raises(
        DataError, match=r"both have refined, error, seed 0 of a1b2c3d, with keys \w+ and \w+: .*--store"
    ):
        import_file(exported, store)
    assert not (store.root / "steps").exists()


@pytest.mark.parametrize("known", [snapshot(code="x", dirty=True), snapshot(OTHER, code="x"), snapshot()])
def test_other_revisions_and_equal_keys_are_no_conflict(exported: Path, tmp_path: Path, known: Snapshot) -> None:
    store = Store(tmp_path / "store")
    history.keep(store, known)
    assert import_file(exported, store)[1] == 4


def test_an_export_reads_back_as_json(exported: Path) -> None:
    import zipfile

    with zipfile.ZipFile(exported) as archive:
        about = json.loads(archive.read("snapshot.json"))
    assert about["revision"]["commit"] == COMMIT
    assert about["rows"][1]["label"] == "refined (simgan), größer"
