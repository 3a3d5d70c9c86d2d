"""The simulators, and image sets written and read."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from bench.core.images import ImageSet
from bench.data.imagesets import load_image_set, save_image_set
from bench.data.simulator.eyes import render_eyes
from bench.data.simulator.hands import render_hands
from tests.speed.rows import Row, Work, seconds

LEAST_EYES_PER_SECOND = 2000.0


def rows(smoke: bool) -> Iterator[Row]:
    """Eyes and hands per second; writing and reading beside the same bytes as a plain NumPy file."""
    count = 128 if smoke else 4096
    for domain in ("synthetic", "noisy"):
        taken = seconds(lambda domain=domain: render_eyes(count, domain=domain, seed=0))  # type: ignore[misc]
        yield Row(
            f"simulator, {domain} eyes",
            count / taken / LEAST_EYES_PER_SECOND,
            f"target of {LEAST_EYES_PER_SECOND:,.0f} images/s",
            count / taken,
            "images/s",
            least_ratio=1.0,
        )
    for domain in ("synthetic", "kinect"):
        taken = seconds(lambda domain=domain: render_hands(count, domain=domain, seed=0))  # type: ignore[misc]
        alone = seconds(lambda domain=domain: [render_hands(1, domain=domain, seed=n) for n in range(16)]) / 16  # type: ignore[misc]
        yield Row(f"simulator, {domain} hands", alone * count / taken, "one by one", count / taken, "images/s")
    yield from _store(smoke)


def _store(smoke: bool) -> Iterator[Row]:
    count = 1000 if smoke else 100_000
    pixels = np.random.default_rng(0).integers(0, 256, (count, 35, 55), dtype=np.uint8)
    names = np.arange(count).astype(str)
    images = ImageSet(ids=names, persons=names, images=pixels, labels={"gaze": np.tile([0.0, 0.0, -1.0], (count, 1))})
    with tempfile.TemporaryDirectory() as folder:
        ours, plain = Path(folder) / "images.h5", Path(folder) / "images.npy"
        yield _beside("write", count, lambda: save_image_set(ours, images), lambda: np.save(plain, pixels))
        yield _beside("read", count, lambda: load_image_set(ours).images[:], lambda: np.load(plain))


def _beside(what: str, count: int, ours: Work, plain: Work) -> Row:
    """Medians of three alternating rounds; the plain file is the limit as well: it moves the bytes and no more."""
    ours(), plain()
    mine, theirs = zip(*[(seconds(ours), seconds(plain)) for _ in range(3)], strict=True)
    ratio = statistics.median(theirs) / statistics.median(mine)
    rate = count / statistics.median(mine)
    return Row(f"store, {what} {count:,} eyes", ratio, "NumPy's own file", rate, "images/s", ratio, "the same bytes")
