"""The steps of gpu-compare.yml in a toy repository, in order: worktree, run, comparison, summary, exit code."""

from __future__ import annotations

import json
import os
import sys
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from bench.engine.snapshot import Snapshot
from bench.engine.snapshot_file import read_snapshot, write_snapshot
from tests.e2e.github_runner import Done, Runner, workflow
from tests.e2e.toy_repository import SMALLEST, commit, git, make_repository
from tests.unit.reports.made_up_snapshots import changed, effect

pytestmark = pytest.mark.slow

# Stands where `uv sync` leaves the environment's. In one process: workers would each import torch first.
# BENCH_COMPARES: two files to compare in place of the revisions.
BENCH = f"""#!/bin/bash
export PYTHONPATH="$PWD"
if [ "$1" = compare ] && [ -n "$BENCH_COMPARES" ]; then shift 3; set -- compare $BENCH_COMPARES "$@"; fi
case "$1" in compare | export) set -- "$@" --executor serial ;; esac
exec "{sys.executable}" -P -m bench.cli "$@"
"""
UV = '#!/bin/bash\n[ "$*" = "sync --no-dev" ] && mkdir -p .venv/bin && cp "${0%/*}/../bench" .venv/bin/bench\n'
SMALL = {
    "experiment": "gaze-table2", "profile": "smoke", "seeds": "1", "margin": "0.3deg", "settings": " ".join(SMALLEST),
}  # fmt: skip
JOB: dict[str, Any] = workflow("gpu-compare.yml")["jobs"]["compare"]
NUMBERS = count(1)


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository at the other end; on top of main, 'remark' changes a comment only."""
    top = make_repository(tmp_path_factory.mktemp("origin") / "checkout")
    git(top, "checkout", "-q", "-b", "topic")
    commit(top, "refiners/nn/adversarial.py", "\nfrom __future__", "\n# A remark.\nfrom __future__", "remark")
    git(top, "checkout", "-q", "main")
    return top


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the caches and uploads of all jobs lie."""
    return tmp_path_factory.mktemp("kept")


def fresh_runner(top: Path, origin: Path, kept: Path, **environment: str) -> Runner:
    """A machine that has nothing but a clone and an empty store."""
    (top / "tools").mkdir(parents=True)
    for path, script in (("bench", BENCH), ("tools/uv", UV)):
        (top / path).write_text(script)
        (top / path).chmod(0o755)
    git(top, "clone", "-q", "--branch", "main", origin.as_uri(), "workspace")
    own = {
        "SIMGAN_BENCH_STORE": str(top / "store"), "PATH": f"{top / 'tools'}{os.pathsep}{os.environ['PATH']}",
        "NO_COLOR": "1", "COLUMNS": "200",
    }  # fmt: skip
    return Runner(top / "workspace", kept / "caches", kept / "uploads", top, {**own, **environment})


def by_hand(head: str, **inputs: str) -> dict[str, Any]:
    """What GitHub tells a job that was started by hand on a revision."""
    event = {"event_name": "workflow_dispatch", "sha": head, "run_id": next(NUMBERS), "event": {}}
    return {"github": event, "inputs": inputs, "vars": {}}


def by_label(head: str, base: str, **variables: str) -> dict[str, Any]:
    """What GitHub tells a job that was started by a label; it knows the settings of the repository only."""
    event = {"pull_request": {"number": 7, "head": {"sha": head}, "base": {"sha": base}}}
    known = {f"GPU_COMPARE_{name.upper()}": value for name, value in variables.items()}
    github = {"event_name": "pull_request", "sha": "f" * 40, "run_id": next(NUMBERS), "event": event}
    return {"github": github, "inputs": {}, "vars": known}


@pytest.fixture(scope="module")
def first(origin: Path, kept: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Runner, Done]:
    """By hand: a changed refiner against its base, nothing stored or kept."""
    runner = fresh_runner(tmp_path_factory.mktemp("first") / "machine", origin, kept)
    return runner, runner.run(JOB, by_hand(git(origin, "rev-parse", "weaker"), base="base", **SMALL))


def test_a_changed_refiner_is_run_compared_told_and_kept(first: tuple[Runner, Done], origin: Path) -> None:
    runner, done = first
    head = git(origin, "rev-parse", "weaker")
    found = json.loads((runner.workspace / "out" / "gaze-table2-compare" / "compare.json").read_text())
    assert [found[side]["subject"] for side in ("base", "head")] == ["base", "weaker"]
    assert not found["head"]["dirty"], "what the steps write must not count as a change of the checkout"
    verdicts = {cell["verdict"] for cell in found["cells"]}
    assert "same code" in verdicts and "not comparable" not in verdicts
    # One seed never settles anything.
    assert done.outputs == {"verdict": "inconclusive", "exit-code": "6"}, done.log
    assert done.exit_code == 0
    assert "::warning title=bench compare::No verdict" in done.log
    assert "No results of the base are kept" in done.log
    assert done.summary.startswith("## gaze-table2, smoke\n")
    assert found["summary"] in done.summary
    uploaded = runner.uploads / f"gpu-compare-gaze-table2-{head}" / "out"
    assert {path.relative_to(uploaded).as_posix() for path in uploaded.rglob("*") if path.suffix != ".pdf"} >= {
        "gaze-table2-compare/compare.json", "gaze-table2-compare/compare.md",
        "gaze-table2-compare/figures/differences.png", "results.zip", "compare.log",
    }  # fmt: skip
    exported = read_snapshot(uploaded / "results.zip")
    assert (exported.revision.commit, exported.revision.dirty) == (head, False)
    assert len(git(runner.workspace, "worktree", "list").splitlines()) == 1
    assert git(runner.workspace, "status", "--porcelain") == ""


def test_a_base_whose_results_are_kept_is_not_run_again(
    first: tuple[Runner, Done], origin: Path, kept: Path, tmp_path: Path
) -> None:
    """By label, on another machine with an empty store; the change is a comment, so its results are there as well."""
    runner = fresh_runner(tmp_path / "machine", origin, kept)
    base, head = (git(origin, "rev-parse", name) for name in ("weaker", "remark"))
    done = runner.run(JOB, by_label(head, base, **SMALL))
    assert done.exit_code == 0, done.log
    assert done.outputs == {"verdict": "not worse", "exit-code": "0"}
    assert "12 same code: nothing to compare" in done.summary
    assert "4 new steps" in done.log
    # A step that is run here would have left its record beside those that were imported.
    assert len(list((tmp_path / "machine" / "store").glob("steps/*/*/record.json"))) == 4
    assert sorted(path.name for path in kept.glob(f"caches/bench-{head}-gaze-table2-smoke-*"))
    assert "::notice title=bench compare::Nothing is worse" in done.log


@pytest.mark.parametrize(
    ("difference", "code", "verdict", "annotation"),
    [
        (effect(0.0), 0, "not worse", "::notice title=bench compare::Nothing is worse"),
        (effect(1.0), 5, "worse", "::error title=bench compare::Something is worse."),
        (effect(0.1, 0.5), 6, "inconclusive", "::warning title=bench compare::No verdict: "),
    ],
)
def test_each_verdict_has_its_end(
    difference: Any, code: int, verdict: str, annotation: str, origin: Path, tmp_path: Path
) -> None:
    base, head = changed({"cnn/refined": difference})
    runner = made_up(base, head, origin, tmp_path)
    done = runner.run(JOB, by_hand(git(origin, "rev-parse", "main"), base="main"))
    assert done.outputs == {"verdict": verdict, "exit-code": str(code)}, done.log
    assert done.exit_code == (5 if code == 5 else 0)  # inconclusive: passes, with a warning
    assert annotation in done.log
    told = done.steps["compare"]["outputs"]["told"]
    assert done.summary.startswith(f"## gaze-table3, standard\n\n{told}\n\n**")
    # Results that nobody stored here cannot be kept, and that is said.
    assert "::warning::The head has no complete results" in done.log
    assert not runner.caches.exists()
    (uploaded,) = runner.uploads.iterdir()
    assert (uploaded / "out" / "gaze-table3-compare" / "compare.md").is_file()


def made_up(base: Snapshot, head: Snapshot, origin: Path, top: Path) -> Runner:
    """A machine on which `bench compare` compares these."""
    files = [top / "base.zip", top / "head.zip"]
    for file, found in zip(files, (base, head), strict=True):
        write_snapshot(file, found)
    return fresh_runner(top / "machine", origin, top / "kept", BENCH_COMPARES=" ".join(map(str, files)))


def test_damaged_results_fail_the_job(origin: Path, tmp_path: Path) -> None:
    base, head = changed({"cnn/refined": effect(0.0)})
    runner = made_up(base, head, origin, tmp_path)
    (tmp_path / "base.zip").write_bytes(b"no zip")
    done = runner.run(JOB, by_hand(git(origin, "rev-parse", "main"), base="main"))
    assert (done.exit_code, done.outputs) == (3, {"verdict": "no results", "exit-code": "3"}), done.log
    assert f"    error: {tmp_path / 'base.zip'} is truncated, damaged" in done.summary
    assert "nothing was compared" in done.summary


@pytest.mark.parametrize(
    ("base", "head", "code", "told"),
    [
        ("side", "main", 4, "A revision's code cannot run"),
        ("main", "side", 1, "bench compare ended with exit code 1"),  # it is the head's code that compares
    ],
)
def test_code_that_cannot_run_fails_the_job(
    base: str, head: str, code: int, told: str, origin: Path, kept: Path, tmp_path: Path
) -> None:
    """The branch 'side' is known by its remote name only."""
    runner = fresh_runner(tmp_path / "machine", origin, kept)
    done = runner.run(JOB, by_hand(git(origin, "rev-parse", head), base=base, **SMALL))
    assert (done.exit_code, done.outputs["exit-code"]) == (code, str(code)), done.log
    assert f"::error title=bench compare::{told}" in done.log
    assert "SyntaxError" in done.summary


def test_damaged_kept_results_are_told_and_done_without(origin: Path, tmp_path: Path) -> None:
    base, head = changed({"cnn/refined": effect(0.0)})
    runner = made_up(base, head, origin, tmp_path)
    main = git(origin, "rev-parse", "main")
    cache = runner.caches / f"bench-{main}-gaze-table3-standard-1" / "out"
    cache.mkdir(parents=True)
    (cache / "results.zip").write_bytes(b"no zip")
    done = runner.run(JOB, by_hand(main, base="main"))
    assert done.exit_code == 0, done.log
    assert "::warning::The base's kept results were refused" in done.log
    assert not (runner.workspace / "out" / "results.zip").exists()


def test_a_base_that_is_no_revision_ends_before_anything_runs(origin: Path, tmp_path: Path) -> None:
    """And what a person typed never becomes a command."""
    runner = fresh_runner(tmp_path / "machine", origin, tmp_path / "kept")
    done = runner.run(JOB, by_hand(git(origin, "rev-parse", "main"), base="$(touch ../typed); `touch ../typed`"))
    assert done.exit_code == 2
    assert "::error::The base is no revision of this repository." in done.log
    assert "Ended before the comparison" in done.summary
    assert not (tmp_path / "machine" / "typed").exists()
    assert not (runner.workspace / "out").exists()
