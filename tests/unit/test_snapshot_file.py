"""A file of results: what goes in comes out; what was changed, cut or made by something else is refused."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.core.errors import DataError, UsageError
from bench.engine.export import export
from bench.engine.snapshot import SCHEMA, Snapshot, SnapshotCell
from bench.engine.snapshot_file import open_snapshot_file, read_snapshot, write_snapshot
from tests.unit.stored_results import snapshot, store_with


def same(one: Snapshot, two: Snapshot) -> None:
    for field in fields(Snapshot):
        if field.name not in ("cells", "ids", "persons"):
            assert getattr(one, field.name) == getattr(two, field.name), field.name
    np.testing.assert_array_equal(one.ids, two.ids)
    np.testing.assert_array_equal(one.persons, two.persons)
    assert one.cells.keys() == two.cells.keys()
    for place, cell in one.cells.items():
        other = two.cells[place]
        assert (cell.key, cell.value, cell.place) == (other.key, other.value, other.place)
        if cell.scores is None or other.scores is None:
            assert cell.scores is other.scores
        else:
            np.testing.assert_array_equal(cell.scores, other.scores)
            assert other.scores.dtype == np.float64


@pytest.fixture
def exported(tmp_path: Path) -> Path:
    found = snapshot()
    path = tmp_path / "results.zip"
    export(found, store_with(tmp_path / "store", found), path)
    return path


def rewritten(path: Path, change: Callable[[dict[str, bytes]], None], *, hashes: bool = False) -> Path:
    """The file with changed members; with `hashes`, by somebody who also made the manifest fit."""
    import hashlib

    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    change(members)
    if hashes:
        manifest = json.loads(members["manifest.json"])
        own = {name: hashlib.sha256(data).hexdigest() for name, data in members.items() if name != "manifest.json"}
        members["manifest.json"] = json.dumps({**manifest, "members": own}).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def edited(name: str, change: Callable[[Any], None]) -> Callable[[dict[str, bytes]], None]:
    def edit(members: dict[str, bytes]) -> None:
        value = json.loads(members[name])
        change(value)
        members[name] = json.dumps(value).encode()

    return edit


def test_what_is_written_is_read(exported: Path) -> None:
    same(snapshot(), read_snapshot(exported))


values = st.floats(allow_nan=False, allow_infinity=False)
names = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), min_size=1, max_size=8)


@given(ids=st.lists(names, min_size=1, max_size=5, unique=True), data=st.data())
def test_any_numbers_and_names_are_kept(
    ids: list[str], data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("any") / "results.zip"
    scores = np.array(data.draw(st.lists(values, min_size=len(ids), max_size=len(ids))))
    cell = SnapshotCell("ab" * 32, data.draw(values), scores, data.draw(names))
    texts = np.array(ids)
    found = replace(snapshot(), ids=texts, persons=texts, cells={("synthetic", "error", 3): cell})
    write_snapshot(path, found)
    same(found, read_snapshot(path))


def test_equal_results_give_equal_files(exported: Path, tmp_path: Path) -> None:
    found = snapshot()
    again = tmp_path / "again.zip"
    export(found, store_with(tmp_path / "other store", found), again)
    # Records tell when a step ran; these were made without.
    assert again.read_bytes() == exported.read_bytes()


def test_no_partial_file_is_left(exported: Path) -> None:
    assert not list(exported.parent.glob("*.partial"))


@pytest.mark.parametrize("member", ["snapshot.json", "scores.parquet"])
def test_a_changed_member_is_refused(exported: Path, member: str) -> None:
    def change(members: dict[str, bytes]) -> None:
        members[member] = members[member].replace(b"a", b"b", 1)

    with pytest.raises(DataError, match=f"was changed: {member} should hash to"):
        read_snapshot(rewritten(exported, change))


@pytest.mark.parametrize("name", ["../evil.txt", "/etc/evil", "steps/short/record.json", "notes.txt"])
@pytest.mark.parametrize("hashes", [False, True])
def test_a_member_too_many_is_refused(exported: Path, name: str, hashes: bool) -> None:
    with pytest.raises(DataError, match="is missing or does not belong there"):
        read_snapshot(rewritten(exported, lambda members: members.update({name: b"x"}), hashes=hashes))


def test_a_member_too_few_is_refused(exported: Path) -> None:
    with pytest.raises(DataError, match=r"'scores\.parquet' is missing"):
        read_snapshot(rewritten(exported, lambda members: members.__delitem__("scores.parquet")))


@pytest.mark.parametrize(
    ("schema", "advice"), [(SCHEMA + 1, "update simgan-bench"), (SCHEMA - 1, "run 'bench export' again"), ("x", "run")]
)
def test_another_schema_says_what_to_do(exported: Path, schema: object, advice: str) -> None:
    change = edited("manifest.json", lambda manifest: manifest.update(schema=schema))
    with pytest.raises(DataError, match=f"has schema {schema}.*{advice}"):
        read_snapshot(rewritten(exported, change))


@pytest.mark.parametrize("kept", [0, 10, 0.5, -1])
def test_a_truncated_file_is_refused(exported: Path, kept: float) -> None:
    whole = exported.read_bytes()
    exported.write_bytes(whole[: int(len(whole) * kept) if isinstance(kept, float) else kept])
    with pytest.raises(DataError, match="truncated, damaged or not written by 'bench export'"):
        read_snapshot(exported)


def test_any_other_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "some.zip"
    with pytest.raises(DataError, match="no file"):
        read_snapshot(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "hello")
    with pytest.raises(DataError, match=r"not written by 'bench export': it has no manifest\.json"):
        read_snapshot(path)


def test_two_records_of_one_cell_are_refused(exported: Path) -> None:
    def twice(about: Any) -> None:
        about["cells"].append({**about["cells"][0], "key": "99" * 32})

    with pytest.raises(DataError, match=r"two records for refined, error, seed 0, with keys \w{12} and 999999999999"):
        read_snapshot(rewritten(exported, edited("snapshot.json", twice), hashes=True))


def wrong_name(about: Any) -> None:
    about["experiment"] = "../../elsewhere"


def no_number(about: Any) -> None:
    about["cells"][0]["value"] = float("nan")


def no_column(about: Any) -> None:
    about["cells"][0]["scores"] = "c99"


def no_cells(about: Any) -> None:
    del about["cells"]


@pytest.mark.parametrize("change", [wrong_name, no_number, no_column, no_cells])
def test_what_is_no_snapshot_is_refused_even_with_right_hashes(exported: Path, change: Callable[[Any], None]) -> None:
    with pytest.raises(DataError, match=r"cannot be read \("):
        read_snapshot(rewritten(exported, edited("snapshot.json", change), hashes=True))


def test_it_holds_records_and_predictions(exported: Path) -> None:
    with open_snapshot_file(exported) as file:
        steps = file.steps()
    predicted = {cell.key for (_, column, _), cell in snapshot().cells.items() if column == "error"}
    assert steps.keys() == predicted
    assert all(sorted(files) == ["predictions.parquet", "record.json"] for files in steps.values())


def test_a_folder_is_no_file_and_nothing_is_written_beside_it(tmp_path: Path) -> None:
    folder = tmp_path / "here"
    folder.mkdir()
    with pytest.raises(UsageError, match="is a folder; name a file"):
        write_snapshot(folder, snapshot())
    assert list(tmp_path.iterdir()) == [folder]
