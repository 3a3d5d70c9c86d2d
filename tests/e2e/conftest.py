"""Runs the real command line in processes of its own, with a store and an output folder of the test's."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

CHECKOUT = Path(__file__).parents[2]
# A quick experiment for what is the same in all of them; tests/e2e/test_experiments.py runs every one.
EXPERIMENT = "gaze-table2"
SMOKE = ("run", EXPERIMENT, "--profile", "smoke")
# In one process: worker processes would each import torch first, and two tests run at a time anyway.
SERIAL = ("--executor", "serial", "--progress", "none")


@dataclass(frozen=True)
class Bench:
    """`bench` with one store; `source` puts another copy of the packages first."""

    root: Path
    source: Path | None = None
    env: dict[str, str] = field(default_factory=dict)

    @property
    def store(self) -> Path:
        return self.root / "store"

    @property
    def out(self) -> Path:
        return self.root / "out"

    def environment(self) -> dict[str, str]:
        own = {"SIMGAN_BENCH_STORE": str(self.store), "NO_COLOR": "1", "COLUMNS": "200"}
        path = {"PYTHONPATH": str(self.source)} if self.source else {}
        return {**os.environ, **own, **path, **self.env}

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "bench.cli", *words]

    def __call__(self, *words: str, check: int | None = 0) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            self.command(*words), env=self.environment(), cwd=self.root, capture_output=True, text=True, timeout=600
        )
        assert check is None or done.returncode == check, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def start(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.command(*words), env=self.environment(), cwd=self.root, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            # Started from a job in the background, a process would ignore interrupts.
            preexec_fn=_heed_interrupts,
        )  # fmt: skip

    def table(self, experiment: str = EXPERIMENT) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.out / experiment / "table.json").read_text())
        return found


def _heed_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def make(root: Path, **changes: Any) -> Bench:
    """A `Bench` with an existing root folder."""
    root.mkdir(parents=True, exist_ok=True)
    return Bench(root, **changes)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A `bench` with an empty store."""
    return make(tmp_path / "bench")


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """A `bench` whose store holds a finished smoke run; tests only read it."""
    ready = make(tmp_path_factory.mktemp("finished"))
    ready(*SMOKE, *SERIAL)
    return ready
