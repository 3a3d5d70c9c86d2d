"""A kill at any moment loses at most the work since the last checkpoint, and changes no number."""

from __future__ import annotations

import json
import os
import signal
import time

import pytest

from tests.e2e.conftest import SMOKE, Bench

pytestmark = pytest.mark.slow

# Long enough to be caught in the middle, with checkpoints in between.
LONGER = (*SMOKE, "--set", "simgan.iterations=400", "--executor", "processes", "--progress", "none")


def _wait_for_a_checkpoint(bench: Bench, limit: float = 200.0) -> None:
    deadline = time.monotonic() + limit
    while time.monotonic() < deadline:
        if any(_is_refiner(path.parent.name, bench) for path in bench.store.glob("work/*/checkpoint.pt")):
            return
        time.sleep(0.1)
    raise AssertionError("no checkpoint of the refiner's training appeared")


def _is_refiner(key: str, bench: Bench) -> bool:
    plan = json.loads(bench("plan", *LONGER[1:6], "--json").stdout)
    return any(step["key"] == key and step["label"].startswith("train simgan") for step in plan["steps"])


def test_kill_in_the_middle_of_training_then_again_gives_the_same_table(bench: Bench, tmp_path: object) -> None:
    whole = Bench(bench.root / "whole")
    whole.root.mkdir()
    whole(*LONGER)
    running = bench.start(*LONGER)
    _wait_for_a_checkpoint(bench)
    os.kill(running.pid, signal.SIGKILL)
    running.communicate()
    assert not (bench.out / "gaze-table3").exists()
    kept = list(bench.store.glob("work/*/checkpoint.pt"))
    assert kept, "the checkpoint is lost"
    bench(*LONGER)
    assert bench.table()["digest"] == whole.table()["digest"]
    assert bench.table()["rows"] == whole.table()["rows"]


def test_an_interrupt_ends_with_130_and_the_way_on(bench: Bench) -> None:
    running = bench.start(*LONGER)
    _wait_for_a_checkpoint(bench)
    os.kill(running.pid, signal.SIGINT)
    _, errors = running.communicate(timeout=60)
    assert running.returncode == 130
    last = errors.strip().splitlines()[-1]
    assert last.startswith("error: interrupted; ")
    assert "Run the same command to go on." in last
    assert list(bench.store.glob("steps/*/*/record.json")), "the prepared sets are lost"
