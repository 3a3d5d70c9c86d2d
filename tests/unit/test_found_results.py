"""Files and stores that a comparison names: which results they give, and what contradicts them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.core.errors import DataError, UsageError
from bench.engine import history
from bench.engine.asked import checked
from bench.engine.export import export, import_file
from bench.engine.found_results import find_results
from bench.engine.plan import Request
from bench.engine.snapshot_file import read_snapshot
from bench.engine.store import Store
from tests.unit.stored_results import snapshot, store_with
from tests.unit.test_snapshot_file import same

ASKED = {"seeds": 2, "refiners": ["identity"], "test": "simulator:test"}


@pytest.fixture
def exported(tmp_path: Path) -> Path:
    """Results of gaze-table2, quick, with a setting, two seeds and a refiner."""
    made = replace(snapshot(), asked=ASKED)
    path = tmp_path / "base.zip"
    export(made, store_with(tmp_path / "exporting", made), path)
    return path


def store_of(root: Path, *profiles: str) -> Store:
    made = Store(root)
    for profile in profiles:
        history.keep(made, snapshot(profile=profile))
    return made


def test_files_and_folders_of_stores_can_be_named(exported: Path, tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    import_file(exported, store)
    names = [str(exported), str(store.root), "main", str(tmp_path)]
    found = find_results(names, "gaze-table2", {})
    assert list(found) == names[:2]
    for each in found.values():
        same(each, replace(snapshot(), asked=ASKED))
    with pytest.raises(UsageError, match=r"say which experiment's results .* --experiment"):
        find_results([str(store.root)], None, {})
    assert list(find_results(names, None, {})) == names[:2], "the file's experiment is meant"


@pytest.mark.parametrize(
    ("experiment", "asked", "told"),
    [
        ("gaze-table3", {}, r"--experiment gaze-table3 contradicts \S+base\.zip, which was made with gaze-table2;"),
        (
            None,
            {"profile": "smoke"},
            r"--profile smoke contradicts \S+base\.zip, .* with --profile quick; leave it out",
        ),
        (None, {"settings": ["a.b=1"]}, r"--set a\.b=1 contradicts .* with --set simgan\.lambda_reg=0\.5;"),
        (None, {"refiners": ["simgan"]}, r"--refiner simgan contradicts .* with --refiner identity;"),
        (None, {"data": "simulator-colour"}, r"simulator-colour:test as test images contradicts .* simulator:test;"),
        (None, {"test": "simulator:test-15"}, r"simulator:test-15 as test images contradicts .* simulator:test;"),
    ],
)
def test_what_contradicts_a_result_is_refused(
    exported: Path, experiment: str | None, asked: dict[str, Any], told: str
) -> None:
    with pytest.raises(UsageError, match=told) as error:
        find_results([str(exported)], experiment, asked)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "asked",
    [
        {"profile": "quick", "settings": ["simgan.lambda_reg=0.5"], "refiners": ["identity"]},
        {"data": "simulator"},
        {"seeds": 5},
    ],
)
def test_what_agrees_may_be_said(exported: Path, asked: dict[str, Any]) -> None:
    assert list(find_results([str(exported)], "gaze-table2", asked)) == [str(exported)]


def test_what_a_result_was_made_without_contradicts_it_too(tmp_path: Path) -> None:
    export(snapshot(), store_with(tmp_path / "exporting", snapshot()), tmp_path / "base.zip")
    with pytest.raises(UsageError, match=r"--refiner simgan contradicts .* made with no --refiner;"):
        find_results([str(tmp_path / "base.zip")], None, {"refiners": ["simgan"]})


class TestProfileOfStores:
    """No profile is imposed: the one that both have is taken, or it is said which there are."""

    @pytest.mark.parametrize(("one", "two"), [(["smoke"], ["smoke"]), (["quick", "smoke"], ["smoke", "standard"])])
    def test_the_shared_one(self, tmp_path: Path, one: Sequence[str], two: Sequence[str]) -> None:
        names = [str(store_of(tmp_path / name, *profiles).root) for name, profiles in (("a", one), ("b", two))]
        assert {each.profile for each in find_results(names, "gaze-table2", {}).values()} == {"smoke"}

    def test_a_files(self, exported: Path, tmp_path: Path) -> None:
        names = [str(exported), str(store_of(tmp_path / "a", "smoke", "quick").root)]
        assert {each.profile for each in find_results(names, None, {}).values()} == {"quick"}

    def test_several_or_none(self, tmp_path: Path) -> None:
        one, two, three = (
            str(store_of(tmp_path / name, *profiles).root)
            for name, profiles in (("a", ["quick", "smoke"]), ("b", ["quick", "smoke"]), ("c", ["standard"]))
        )
        with pytest.raises(UsageError, match=r"--profile: \S+a has quick, smoke; \S+b has quick, smoke$"):
            find_results([one, two], "gaze-table2", {})
        assert len(find_results([one, two], "gaze-table2", {"profile": "quick"})) == 2
        with pytest.raises(DataError, match=r"no profile .* in both: \S+a has quick, smoke; \S+c has standard;"):
            find_results([one, three], "gaze-table2", {})

    def test_no_results(self, tmp_path: Path) -> None:
        (tmp_path / "empty" / "steps").mkdir(parents=True)
        names = [str(tmp_path / "empty"), str(store_of(tmp_path / "a", "smoke").root)]
        with pytest.raises(DataError, match=r"empty has no finished results of 'gaze-table2'"):
            find_results(names, "gaze-table2", {})


def test_a_request_tells_what_it_asks_for() -> None:
    assert Request("gaze-table2", "smoke", settings=("a.b=1",)).asked() == {}
    request = Request("gaze-table2", test="simulator:test", seeds=2, refiners=("identity",))
    assert request.asked() == {**ASKED, "seeds": 2} == checked(request.asked())


@pytest.mark.parametrize("asked", [{"store": "/"}, {"seeds": "2"}, {"refiners": [3]}, {"data": {"a": "b"}}])
def test_a_file_cannot_ask_for_anything_else(tmp_path: Path, asked: dict[str, Any]) -> None:
    path = tmp_path / "base.zip"
    made = replace(snapshot(), asked=asked)
    export(made, store_with(tmp_path / "exporting", made), path)
    with pytest.raises(DataError, match="is not what a run can be asked for"):
        read_snapshot(path)
