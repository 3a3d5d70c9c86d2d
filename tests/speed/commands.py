"""What a user waits for at the command line: a plan, a comparison, a run that is stored, the help."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from bench.engine.explain import explain
from bench.engine.plan import Request, make_plan
from bench.engine.snapshot import Snapshot, SnapshotCell
from bench.engine.store import Store
from reports.compare import compare
from reports.compare_text import to_json
from tests.speed.rows import Row, seconds, within
from tests.unit.reports.made_up_snapshots import MARGIN, cells, effect, names, snapshot

CELLS = 10_000
PLAN_SECONDS, COMPARE_SECONDS, CACHED_SECONDS, HELP_SECONDS = 5.0, 5.0, 1.5, 0.3
PERSONS, IMAGES = 15, 3000
"""MPIIGaze's test images: 45,000 of 15 persons."""
TINY = (
    "--set", "images.synthetic=64", "--set", "images.real=64", "--set", "images.test=48",
    "--set", "cnn.preset=tiny", "--set", "simgan.iterations=2", "--set", "simgan.pretrain_refiner=2",
    "--set", "simgan.pretrain_discriminator=2",
)  # fmt: skip


def rows(smoke: bool) -> Iterator[Row]:
    """Each against its target; those of processes of their own also against the interpreter's bare start."""
    yield _plan(CELLS // 100 if smoke else CELLS)
    yield _compare(images=IMAGES // 100 if smoke else IMAGES)
    yield from _processes("gaze-table2" if smoke else "gaze-table3", rounds=1 if smoke else 7)


def _plan(wanted: int) -> Row:
    """`bench plan` without printing, with an empty store."""
    per_seed = len(make_plan(Request("refiner-comparison", seeds=1)).cells)
    request = Request("refiner-comparison", seeds=-(-wanted // per_seed))
    with tempfile.TemporaryDirectory() as folder:
        return within(
            f"plan of {wanted:,} cells", seconds(lambda: explain(make_plan(request), Store(Path(folder)))), PLAN_SECONDS
        )


def _compare(images: int) -> Row:
    """Two snapshots with 8 cells of 5 seeds, all changed a little."""
    persons, sides = names(PERSONS, images), list[Snapshot]()
    random = np.random.default_rng(0)
    scores = [random.gamma(4.0, 2.0, (5, PERSONS * images)) for _ in range(8)]
    for code, change in (("a", 0.0), ("b", 0.1)):
        found: dict[tuple[str, str, int], SnapshotCell] = {}
        for index, score in enumerate(scores):
            found |= cells(f"cnn/row{index}", "error", score + effect(change, persons=PERSONS, images=images), code)
        sides.append(snapshot(found, len(sides) + 1, persons=persons))
    taken = statistics.median(seconds(lambda: to_json(compare(sides[0], sides[1], MARGIN))) for _ in range(3))
    return within(f"compare {PERSONS * images:,} images x 5 seeds x 8 cells", taken, COMPARE_SECONDS)


def _processes(experiment: str, rounds: int) -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as folder:
        run = ["run", experiment, "--profile", "smoke", "--seeds", "2", *TINY, "--store", f"{folder}/store"]
        run += ["--out", f"{folder}/out", "--progress", "none"]
        _bench(run)
        for name, words, target in (
            (f"cached run of {experiment}", run, CACHED_SECONDS),
            ("bench --help", ["--help"], HELP_SECONDS),
        ):
            bare, ours = [], []
            for _ in range(rounds):
                bare.append(seconds(lambda: _python("-c", "import typer")))
                ours.append(seconds(lambda words=words: _bench(words)))  # type: ignore[misc]
            taken = statistics.median(ours)
            share = statistics.median(bare) / taken
            yield Row(
                name, target / taken, f"target of {target:g} s", taken, "s", share, "import typer", least_ratio=1.0
            )


def _bench(words: Sequence[str]) -> None:
    _python("-m", "bench.cli", *words)


def _python(*words: str) -> None:
    subprocess.run([sys.executable, *words], check=True, capture_output=True)
