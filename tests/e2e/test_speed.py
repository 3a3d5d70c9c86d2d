"""The speed session works: every part once, small; nothing is said of how fast this machine is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench.engine.step import run_step
from tests.speed import memory

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
WANTED = ("R step", "D step", "iteration", "refine", "gaze CNN", "hourglass", "kNN", "simulator", "store, write",
          "store, read", "plan of", "compare", "cached run", "bench --help")  # fmt: skip


def test_the_speed_session_measures_every_part(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.speed", "--smoke", "--device", "cpu"],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    rows = json.loads((tmp_path / "out/speed.json").read_text())["rows"]
    names = [row["name"] for row in rows]
    assert [text for text in WANTED if not any(text in name for name in names)] == []
    assert all(row["ratio"] > 0 for row in rows)
    assert all(row["share_of_limit"] is None or row["share_of_limit"] > 0 for row in rows)
    assert all(name in done.stdout for name in names)


@pytest.mark.filterwarnings("ignore:Some inputs do not have OOB scores")  # of a forest of few trees
def test_every_step_of_the_memory_session_runs(tmp_path: Path) -> None:
    """In this process: one for each step, as the session has it, would be seconds of imports each."""
    memory.generate(tmp_path / memory.FILE, 200)
    outcomes = [run_step(each.to_json(), str(tmp_path / "store"), "cpu") for each in memory.recipes(tmp_path, 200)]
    assert [outcome.reason for outcome in outcomes if outcome.status != "done"] == []
    assert len(outcomes) > 10
