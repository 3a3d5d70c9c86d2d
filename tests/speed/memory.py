"""How much memory the steps take with a set as large as the paper's: 1.2 million images of 35x55, 2.3 GB.

Each step runs in a worker process of its own, as `bench` runs it, on generated images. The peak is that process's own
(VmHWM of Linux): every page that was in memory at once, libraries and mapped files included. The images and what is
made of them, 17 GB, lie in a temporary folder ($TMPDIR), which is removed at the end.

`python -m tests.speed.memory` prints the table; `--count` is the number of images, `--smoke` checks only that it runs.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from rich.console import Console

from bench.core.chunks import in_chunks
from bench.core.images import LabelConvention
from bench.data.manifests import DataSource
from bench.engine.executors import open_executor
from bench.engine.recipe import Recipe
from bench.engine.step import run_step, step_code

PAPER_IMAGES, SMOKE_IMAGES = 1_200_000, 2_000
TARGET_GIB = 4.0
FILE = "generated-eyes-whose-ids-are-long.h5"  # the images' ids have 40 characters then
REAL_SHARE = 0.18  # of the images; the paper has 214,000 real ones
FEW = 64
CHUNK = 4096
SMALL = {"refiner_maps": 4, "refiner_blocks": 1, "iterations": 5, "pretrain_refiner": 5, "pretrain_discriminator": 5}


def peaks(count: int) -> Iterator[tuple[str, float, float]]:
    """Of each step with `count` images: its name, its peak in GiB and its seconds. RuntimeError when a step fails."""
    with tempfile.TemporaryDirectory() as folder:
        generate(Path(folder) / FILE, count)
        for recipe in recipes(Path(folder), count):
            with open_executor("processes", "cpu") as (pool, _):
                yield recipe.label, *pool.submit(_peak, recipe.to_json(), f"{folder}/store").result()


def generate(path: Path, count: int) -> None:
    """A file for the format 'arrays': images of few grey values, gaze and 20 persons."""
    random = np.random.default_rng(0)
    base = random.integers(0, 64, (CHUNK, 35, 55), dtype=np.uint8)
    gaze = random.normal((0.0, 0.0, -4.0), 1.0, (count, 3))
    with h5py.File(path, "w") as file:
        images = file.create_dataset("images", (count, 35, 55), np.uint8, chunks=(128, 35, 55))
        for part in in_chunks(count, CHUNK):
            shift = random.integers(0, 192, (part.stop - part.start, 1, 1), dtype=np.uint8)
            images[part] = base[: len(shift)] + shift
        file["gaze"] = gaze / np.linalg.norm(gaze, axis=1, keepdims=True)
        file["person"] = np.arange(count) * 20 // count


def recipes(folder: Path, count: int) -> list[Recipe]:
    """From the file in the folder to predictions and a measure, inputs first: networks are small, sets are whole."""
    steps = _Steps(folder)
    every, real, few = (steps.prepare(some) for some in (count, round(REAL_SHARE * count), FEW))
    refined = ""
    refiners: Mapping[str, Mapping[str, Any]] = {"histogram-matching": {}, "mean-std": {}, "simgan": SMALL}
    for name, settings in refiners.items():
        config = {"preset": "quick", "settings": settings}
        fit = steps.add(f"train {name}", "fit_refiner", ("refiners", name), config, synthetic=every, real=real)
        refined = steps.add(f"refine with {name}", "refine", ("refiners", name), {}, refiner=fit, images=every)
    forest = {"trees": 10, "size": (5, 8)}
    for name, settings, test in (("cnn", {}, every), ("knn", {}, few), ("random-forest", forest, few)):
        config = (
            {"preset": "tiny", "settings": settings} if name == "cnn" else {"preset": "quick", "settings": settings}
        )
        fit = steps.add(f"train {name}", "fit_estimator", ("estimators", name), config, train=refined)
        steps.add(f"test {name}", "predict", ("estimators", name), {}, estimator=fit, images=test)
    half = {"preset": "tiny", "settings": {}, "every_second": True}
    gauge = steps.add("train cnn to measure with", "fit_estimator", ("estimators", "cnn"), half, train=every)
    drift = {"settings": {}, "gauge": "cnn"}
    inputs = {"images": refined, "source": every, "real": real, "gauge": gauge}
    steps.add("measure gaze-drift", "measure", ("measures", "gaze-drift"), drift, **inputs)
    return steps.made


@dataclass
class _Steps:
    """Recipes of steps on the file in a folder."""

    folder: Path
    made: list[Recipe] = field(default_factory=list)

    def add(self, label: str, step: str, component: tuple[str, str], config: Mapping[str, Any], **inputs: str) -> str:
        """One more step; returns its key."""
        place = {"source": self._source()} if step == "prepare" else {}
        seed = None if step == "prepare" else 0
        self.made.append(Recipe(step, label, component, config, step_code(step, component), inputs, seed, place))
        return self.made[-1].key

    def prepare(self, count: int) -> str:
        """At most so many of the images."""
        return self.add(f"prepare {count:,} images", "prepare", ("readers", "arrays"), {"source": FILE, "count": count})

    def _source(self) -> dict[str, Any]:
        return DataSource(
            name="generated:all",
            title="generated eyes",
            simulator=False,
            paper_data=False,
            licence="",
            format="arrays",
            options={"file": FILE, "gaze": "gaze", "person_key": "person"},
            convention=LabelConvention(),
            root=self.folder,
        ).spec()


def _peak(recipe: dict[str, Any], root: str) -> tuple[float, float]:
    """Runs a step in this process, which ran nothing before: its peak in GiB, and its seconds with the imports."""
    started = time.perf_counter()
    outcome = run_step(recipe, root, "cpu")
    if outcome.status != "done":
        raise RuntimeError(f"{recipe['label']}: {outcome.reason}")
    # not getrusage's: that begins with the memory of the process which started this one
    lines = Path("/proc/self/status").read_text().splitlines()
    peak_kib = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))
    return peak_kib / 2**20, time.perf_counter() - started


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.speed.memory", description=__doc__)
    parser.add_argument("--count", type=int, default=PAPER_IMAGES, help="images")
    parser.add_argument("--smoke", action="store_true", help=f"{SMOKE_IMAGES:,} images")
    options = parser.parse_args()
    console = Console()
    for name, peak_gib, seconds in peaks(SMOKE_IMAGES if options.smoke else options.count):
        verdict = "" if peak_gib < TARGET_GIB else f", more than {TARGET_GIB:g}"
        console.print(f"{name:<32} {peak_gib:.2f} GiB {seconds:6.0f} s{verdict}")


if __name__ == "__main__":
    main()
