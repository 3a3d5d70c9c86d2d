"""A kill at any moment loses at most the work since the last checkpoint, and changes no number."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import pytest

from tests.e2e.conftest import EXPERIMENT, SMOKE, Bench

pytestmark = pytest.mark.slow

# Long enough to be caught in the middle, with checkpoints in between.
LONGER = (*SMOKE, "--set", "simgan.iterations=600", "--executor", "processes", "--progress", "none")


def _checkpoint(bench: Bench) -> Path:
    """Where the refiner's training keeps its checkpoint."""
    plan = json.loads(bench("plan", *LONGER[1:6], "--json").stdout)
    (key,) = [step["key"] for step in plan["steps"] if step["label"].startswith("train simgan")]
    return bench.store / "work" / str(key) / "checkpoint.pt"


def _wait_for(path: Path, limit: float = 200.0) -> None:
    deadline = time.monotonic() + limit
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} did not appear"
        time.sleep(0.05)


def test_kill_in_the_middle_of_training_then_again_gives_the_same_table(bench: Bench) -> None:
    whole = Bench(bench.root / "whole")
    whole.root.mkdir()
    whole(*LONGER)
    checkpoint = _checkpoint(bench)
    running = bench.start(*LONGER)
    _wait_for(checkpoint)
    os.kill(running.pid, signal.SIGKILL)
    running.communicate()
    assert not (bench.out / EXPERIMENT).exists()
    assert checkpoint.exists(), "the checkpoint is lost"
    bench(*LONGER)
    assert bench.table()["digest"] == whole.table()["digest"]
    assert bench.table()["rows"] == whole.table()["rows"]


def test_an_interrupt_ends_with_130_and_the_way_on(bench: Bench) -> None:
    checkpoint = _checkpoint(bench)
    running = bench.start(*LONGER)
    _wait_for(checkpoint)
    os.kill(running.pid, signal.SIGINT)
    _, errors = running.communicate(timeout=60)
    assert running.returncode == 130
    last = errors.strip().splitlines()[-1]
    assert last.startswith("error: interrupted; ")
    assert "Run the same command to go on." in last
    assert list(bench.store.glob("steps/*/*/record.json")), "the prepared sets are lost"
