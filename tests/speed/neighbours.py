"""Exact k nearest neighbours beside scikit-learn's brute force, and how long the paper's sizes would take."""

from __future__ import annotations

import statistics
from collections.abc import Iterator

import numpy as np
import torch
from sklearn.neighbors import NearestNeighbors

from bench.core.context import RunContext
from estimators.classical.neighbours import multiplies_bytes, nearest
from tests.speed.rows import Row, Work, matrix_product, seconds

PAPER = 1_200_000, 45_000
"""Training images of UnityEyes and test images of MPIIGaze."""
TARGET_SECONDS = 120.0
NEIGHBOURS = 5


def rows(smoke: bool, device: str) -> Iterator[Row]:
    """The search in a slice, and the whole by its share of the products."""
    count, queries, pixels = (2000, 64, 96) if smoke else (65_536, 8192, 1925)
    random = np.random.default_rng(0)
    training, test = (random.integers(-127, 128, (rows, pixels), dtype=np.int8) for rows in (count, queries))
    # scikit-learn searches in the features' own type: float32 is its quicker one
    plain = NearestNeighbors(n_neighbors=NEIGHBOURS, algorithm="brute").fit(training.astype(np.float32))
    wanted = test.astype(np.float32)
    product, operations = (
        _bytes_product(device) if multiplies_bytes(torch.device(device).type) else matrix_product(device)
    )
    mine, theirs, peak = [], [], []
    nearest(test[:32], training[:32], NEIGHBOURS, device, RunContext(0))
    product()
    for _ in range(1 if smoke else 3):
        mine.append(seconds(lambda: nearest(test, training, NEIGHBOURS, device, RunContext(0)), device))
        theirs.append(seconds(lambda: plain.kneighbors(wanted)))
        peak.append(operations / seconds(product, device, 10))
    own, pairs = statistics.median(mine), count * queries
    ratio = statistics.median(theirs) / own
    share = 2.0 * pairs * pixels / own / statistics.median(peak)
    rate, limit = pairs / own / 1e6, "matrix product of bytes"
    name = f"kNN of {count:,} x {queries:,} images"
    yield Row(name, ratio, "scikit-learn, brute force", rate, "million pairs/s", share, limit)
    whole = PAPER[0] * PAPER[1] / pairs * own
    name = f"kNN of {PAPER[0]:,} x {PAPER[1]:,} images, extrapolated"
    against = f"target of {TARGET_SECONDS:g} s"
    yield Row(name, TARGET_SECONDS / whole, against, whole, "s", share, limit, least_ratio=1.0)


def _bytes_product(device: str) -> tuple[Work, float]:
    """A large product of int8 matrices."""
    side = 8192 if device.startswith("cuda") else 2048
    one, two = (torch.randint(-127, 128, (side, side), dtype=torch.int8, device=device) for _ in range(2))
    return lambda: torch._int_mm(one, two.T), 2.0 * side**3
