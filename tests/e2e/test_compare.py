"""A toy repository's commits through worktree, run, comparison, summary and exit code."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import Bench, make
from tests.e2e.toy_repository import SMALLEST, environment, git, in_toy, make_repository

pytestmark = pytest.mark.slow

SMALL = (
    "--experiment", "gaze-table2", "--profile", "smoke", "--seeds", "2",
    *(word for setting in SMALLEST for word in ("--set", setting)),
)  # fmt: skip
SERIAL = ("--executor", "serial")


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_repository(tmp_path_factory.mktemp("toy") / "checkout")


@pytest.fixture(scope="module")
def ran(toy: Path, tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """The first comparison, of a comment, in an empty store: both revisions' cells are there afterwards."""
    bench = make(tmp_path_factory.mktemp("compare"), source=toy)
    done = in_toy(bench, toy, "compare", "base", "comment", *SMALL, *SERIAL)
    assert done.returncode == 0, done.stderr
    assert "12 same code" in done.stdout
    # The second revision found everything that the first one had run.
    title = f"base ({git(toy, 'rev-parse', 'base')[:7]})"
    assert all(line.startswith((f"{title}: ", "report: ")) for line in done.stderr.splitlines())
    return bench


def finished_steps(bench: Bench) -> dict[str, tuple[str, float]]:
    """Key -> label and when it was finished."""
    records = {path.parent.name: json.loads(path.read_text()) for path in bench.store.glob("steps/*/*/record.json")}
    return {key: (record["recipe"]["label"], record["finished"]) for key, record in records.items()}


@pytest.fixture(autouse=True)
def _leaves_the_repository_as_it_was(toy: Path) -> Iterator[None]:
    yield
    assert len(git(toy, "worktree", "list").splitlines()) == 1
    assert git(toy, "status", "--porcelain") == ""


def test_a_weaker_refiner_runs_only_what_it_touches_and_gets_a_verdict(ran: Bench, toy: Path) -> None:
    before = finished_steps(ran)
    done = in_toy(ran, toy, "compare", "base", "HEAD", *SMALL, *SERIAL, "--margin", "0.3deg")
    after = finished_steps(ran)
    assert {key: after[key] for key in before} == before, "a step of base was run again"
    assert {after[key][0].partition(",")[0] for key in after.keys() - before.keys()} == {
        "train simgan", "refine with simgan", "train cnn on simgan", "test cnn on simgan",
    }  # fmt: skip
    folder = ran.out / "gaze-table2-compare"
    found = json.loads((folder / "compare.json").read_text())
    verdicts = {(cell["row"], cell["column"]): cell["verdict"] for cell in found["cells"]}
    assert {place[0] for place, verdict in verdicts.items() if verdict == "same code"} == {"synthetic", "synthetic-4x"}
    judged = {verdict for place, verdict in verdicts.items() if place[0].startswith("refined")}
    assert judged <= {"better", "worse", "equivalent", "inconclusive"}
    assert done.returncode == found["exit_code"] == (5 if "worse" in judged else 6 if "inconclusive" in judged else 0)
    assert [found[side]["subject"] for side in ("base", "head")] == ["base", "weaker"]
    # What a workflow appends to its job summary.
    summary = (folder / "compare.md").read_text()
    assert found["summary"] in summary
    assert len(summary.encode()) < 900_000
    for cell in found["cells"]:
        if cell["verdict"] != "same code":
            assert cell["sentence"] in done.stdout
    assert (folder / "figures" / "differences.png").stat().st_size > 1000


def test_stored_results_are_compared_without_running(ran: Bench, toy: Path) -> None:
    before = finished_steps(ran)
    done = in_toy(ran, toy, "compare", "base", "comment", *SMALL, "--no-run", "--json")
    assert json.loads(done.stdout)["summary"].startswith("12 same code")
    assert done.returncode == 0
    assert finished_steps(ran) == before


def test_missing_results_are_named_without_running(ran: Bench, toy: Path) -> None:
    done = in_toy(ran, toy, "compare", "base", "comment", *SMALL, "--seeds", "3", "--no-run")
    assert done.returncode == 3
    told = f"error: base ({git(toy, 'rev-parse', 'base')[:7]}): 12 of 36 cells of gaze-table2 (smoke) are not stored"
    assert done.stderr.splitlines()[-1].startswith(told)


def test_the_working_tree_is_named_as_dirty(ran: Bench, toy: Path) -> None:
    git(toy, "checkout", "-q", "comment")
    (toy / "bench" / "notes.py").write_text("# mine\n")
    try:
        done = in_toy(ran, toy, "compare", "HEAD", ".", *SMALL, "--json", "--no-run")
    finally:
        (toy / "bench" / "notes.py").unlink()
        git(toy, "checkout", "-q", "main")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["base"]["dirty"], found["head"]["dirty"]) == (False, True)
    assert found["head"]["name"] == f"{git(toy, 'rev-parse', 'comment')[:7]} (with uncommitted changes)"
    assert done.stderr.startswith("warning: uncommitted changes are not part of HEAD; '.' compares")


def test_a_broken_commit_gets_its_error_and_no_verdict(ran: Bench, toy: Path) -> None:
    done = in_toy(ran, toy, "compare", "base", "broken", *SMALL, "--no-run")
    assert done.returncode == 4
    assert done.stdout == ""
    assert done.stderr.splitlines()[-1].startswith(
        f"error: broken ({git(toy, 'rev-parse', 'broken')[:7]}): SyntaxError"
    )


def test_an_unknown_revision_is_guessed(ran: Bench, toy: Path) -> None:
    done = in_toy(ran, toy, "compare", "mian", "HEAD", *SMALL)
    assert done.returncode == 2
    assert done.stderr.startswith("error: unknown revision 'mian' (did you mean 'main'?)")


def test_a_shallow_clone_is_told_how_to_get_the_rest(ran: Bench, toy: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", "--depth", "1", toy.as_uri(), "shallow")
    done = in_toy(ran, tmp_path / "shallow", "compare", "base", "HEAD", *SMALL)
    assert done.returncode == 3
    assert "git fetch --unshallow" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_exported_results_serve_another_machine(ran: Bench, toy: Path, tmp_path: Path) -> None:
    """Base's results as an artifact: exported here, imported into an empty store, compared there without running."""
    words = [word for word in SMALL if word not in ("--experiment", "gaze-table2")]
    artifact = tmp_path / "base.zip"
    done = in_toy(ran, toy, "export", "gaze-table2", str(artifact), *words, *SERIAL)
    assert done.returncode == 0, done.stderr
    assert artifact.stat().st_size < 200_000
    there = make(tmp_path / "there", source=toy)
    done = in_toy(there, toy, "import", str(artifact))
    assert done.returncode == 0, done.stderr
    assert "8 new steps" in done.stdout
    done = in_toy(there, toy, "compare", "weaker", str(artifact), *SMALL, "--no-run")
    assert done.returncode == 0, done.stderr
    assert "12 same code" in done.stdout
    done = in_toy(there, toy, "compare", str(artifact), "--no-run")  # HEAD, with what the file was made with
    assert done.returncode == 0, done.stderr
    assert "12 same code" in done.stdout
    settings = " ".join(f"--set {setting}" for setting in SMALLEST)
    assert done.stderr.startswith(f"HEAD as {artifact} was made: gaze-table2 --profile smoke --seeds 2 {settings}\n")
    damaged = tmp_path / "damaged.zip"
    damaged.write_bytes(artifact.read_bytes()[:-100])
    done = in_toy(there, toy, "import", str(damaged))
    assert (done.returncode, len(done.stderr.splitlines())) == (3, 1)


def test_the_history_shows_the_commits(ran: Bench, toy: Path) -> None:
    done = in_toy(ran, toy, "history", "gaze-table2", "--column", "error")
    assert done.returncode == 0, done.stderr
    for name in ("base", "comment"):
        assert f"| {git(toy, 'rev-parse', name)[:7]} |" in done.stdout
    assert (ran.out / "gaze-table2-history" / "figures" / "history.png").exists()


def test_an_interrupt_ends_the_revision_too(ran: Bench, toy: Path) -> None:
    words = ("compare", "base", "HEAD", *SMALL, *SERIAL, "--set", "simgan.iterations=100000", "--out", str(ran.out))
    running = subprocess.Popen(
        ran.command(*words), cwd=toy, env=environment(ran), text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    deadline = time.monotonic() + 200
    while not list(ran.store.glob("work/*/progress.json")):
        assert time.monotonic() < deadline and running.poll() is None
        time.sleep(0.1)
    os.kill(running.pid, signal.SIGINT)
    _, errors = running.communicate(timeout=60)
    assert running.returncode == 130
    assert errors.splitlines()[-1].startswith("error: interrupted; ")
