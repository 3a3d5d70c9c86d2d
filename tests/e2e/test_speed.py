"""The speed session works: every part once, small; nothing is said of how fast this machine is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

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


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peaks are read from Linux's /proc")
def test_the_memory_session_measures_every_step(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.speed.memory", "--count", "1000"],
        cwd=ROOT, env={**os.environ, "TMPDIR": str(tmp_path)}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    steps = [line for line in done.stdout.splitlines() if "GiB" in line]
    assert [line.split()[0] for line in steps].count("refine") == 3
    assert not list(tmp_path.iterdir())
