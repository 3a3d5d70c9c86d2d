"""The k nearest training images, exactly: features of 8 bits, distances in whole numbers."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from bench.core.chunks import in_chunks
from bench.core.context import RunContext

INDEX_BITS = 30
"""Of a distance and an index in one number: up to 2^30 training images, distances of images up to 170,000 px."""

GROUP = 64
"""Training images whose smallest distance is looked at first."""

CHUNKS = {"cpu": (2048, 4096), "cuda": (8192, 32768)}
"""Queries and training images compared at a time: 32 MB and 1 GB of distances."""


def nearest(
    queries: NDArray[np.int8],
    training: NDArray[np.int8],
    k: int,
    device: str,
    run: RunContext,
    *,
    chunks: tuple[int, int] | None = None,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The k nearest of (M, P) training features for each of (N, P) queries: squared distances and indices, (N, k).

    Nearest first, equal distances in the order of the training set. chunks: how many queries and training images are
    compared at a time; they bound the memory and do not change the result. |a - b|^2 = |a|^2 + |b|^2 - 2 a.b in whole
    numbers throughout.
    """
    query_chunk, training_chunk = chunks or CHUNKS.get(device.partition(":")[0], CHUNKS["cpu"])
    k = min(k, len(training))
    best = torch.full((len(queries), k), torch.iinfo(torch.int64).max, device=device)
    parts = [(part, _loaded(queries[part], device)) for part in in_chunks(len(queries), query_chunk)]
    for block in in_chunks(len(training), training_chunk):
        candidates, norms = _loaded(training[block], device), _norms(training[block], device)
        for part, wanted in parts:
            offset = _offsets(wanted, candidates, norms)[: part.stop - part.start]
            _keep_nearest(best[part], offset, block.start)
        run.progress(block.stop, len(training), "training images")
    squared = (best >> INDEX_BITS).cpu().numpy() + _squared_norms(queries)[:, None]
    return squared, (best & ((1 << INDEX_BITS) - 1)).cpu().numpy()


def _keep_nearest(best: Tensor, offset: Tensor, start: int) -> None:
    """Put what is nearer in (n, m) distances of the images from `start` on in place into (n, k) ranked ones.

    Most images are nearer to no query, so few distances are looked at one by one: only queries for which a group of
    images has a nearer one, and of these the k groups with the smallest distances, which hold the k smallest ones.
    """
    groups = offset.view(len(offset), -1, GROUP)
    smallest = groups.amin(dim=2)
    # What is as near as the farthest neighbour so far comes later in the training set, so it is not nearer.
    rows = (smallest.amin(dim=1) < best[:, -1] >> INDEX_BITS).nonzero().squeeze(1)
    k = best.shape[1]
    order = torch.arange(smallest.shape[1], device=offset.device)
    chosen = _ranked(smallest[rows], order).topk(min(k, len(order)), largest=False).values & ((1 << INDEX_BITS) - 1)
    indices = start + chosen[..., None] * GROUP + torch.arange(GROUP, device=offset.device)
    found = _ranked(groups[rows[:, None], chosen], indices).flatten(1)
    best[rows] = torch.cat([best[rows], found], dim=1).topk(k, largest=False).values


def _ranked(offset: Tensor, indices: Tensor) -> Tensor:
    """Distance and index in one number: the order is total, so ties depend neither on chunks nor on the search."""
    return (offset.long() << INDEX_BITS) + indices


def _loaded(features: NDArray[np.int8], device: str) -> Tensor:
    """(n, P) on the device, with zeros up to whole groups of rows and the 8 columns that a GPU's products take."""
    return F.pad(torch.from_numpy(features).to(device), (0, -features.shape[1] % 8, 0, -len(features) % GROUP))


def _norms(features: NDArray[np.int8], device: str) -> Tensor:
    """(n, P) -> squared lengths, int32 where that holds every distance, else int64; of padding the largest number."""
    holds = torch.int32 if 3 * 127**2 * features.shape[1] < 2**31 else torch.int64
    norms = torch.from_numpy(_squared_norms(features)).to(device, holds)
    return F.pad(norms, (0, -len(norms) % GROUP), value=2**31 - 1 if holds == torch.int32 else 2**33 - 1)


def _offsets(queries: Tensor, candidates: Tensor, norms: Tensor) -> Tensor:
    """|b|^2 - 2 a.b for (n, P) and (m, P) bytes, exact: (n, m)."""
    products = _dot_products(queries, candidates).to(norms.dtype)
    return torch.sub(norms, products, alpha=2, out=products)


def _dot_products(left: Tensor, right: Tensor) -> Tensor:
    """(n, P) and (m, P) whole numbers of -127..127 as int8 -> their (n, m) dot products, exact.

    Where bytes cannot be multiplied: float32 adds whole numbers exactly below 2^24, and 1024 products of at most 127^2
    stay below that, in whatever order a library adds them (and 8 bits survive TF32 and bfloat16 inputs too).
    """
    if multiplies_bytes(left.device.type):
        products: Tensor = torch._int_mm(left, right.T)
        return products
    total = torch.zeros((len(left), len(right)), dtype=torch.int64, device=left.device)
    for columns in in_chunks(left.shape[1], 1024):
        total += (left[:, columns].float() @ right[:, columns].float().T).to(torch.int64)
    return total


@functools.cache
def multiplies_bytes(device: str) -> bool:
    """Whether torch multiplies int8 matrices here into exact int32: some processors saturate at 16 bits on the way."""
    extremes = torch.full((32, 64), 127, dtype=torch.int8, device=device)
    extremes[::2] = -127  # both signs on both sides: which of them saturates depends on how signs are brought in
    try:
        return bool((torch._int_mm(extremes, extremes.T) == extremes.float() @ extremes.float().T).all())
    except (RuntimeError, NotImplementedError):
        return False


def _squared_norms(features: NDArray[Any]) -> NDArray[np.int64]:
    """(n, P) -> (n,)."""
    norms: NDArray[np.int64] = np.square(features, dtype=np.int32).sum(axis=1, dtype=np.int64)
    return norms
