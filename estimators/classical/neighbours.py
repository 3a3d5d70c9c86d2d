"""The k nearest training images, exactly: features of 8 bits, distances in whole numbers."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from bench.core.chunks import in_chunks
from bench.core.context import RunContext


def nearest(
    queries: NDArray[np.int8],
    training: NDArray[np.int8],
    k: int,
    device: str,
    run: RunContext,
    *,
    query_chunk: int = 512,
    training_chunk: int = 8192,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The k nearest of (M, P) training features for each of (N, P) queries: squared distances and indices, (N, k).

    Nearest first, equal distances in the order of the training set. The chunks bound the memory (about 150 MB)
    and do not change the result. |a - b|^2 = |a|^2 + |b|^2 - 2 a.b in whole numbers throughout.
    """
    squared, chosen = [], []
    norms = torch.cat([_squared_norms(training[part]) for part in in_chunks(len(training), training_chunk)])
    for part in in_chunks(len(queries), query_chunk):
        query = torch.from_numpy(queries[part]).to(device, torch.float32)
        best = torch.empty((len(query), 0), dtype=torch.int64, device=device)
        for block in in_chunks(len(training), training_chunk):
            candidate = torch.from_numpy(training[block]).to(device, torch.float32)
            offset = norms[block].to(device) - 2 * _dot_products(query, candidate)
            # Distance and index in one number: the order is total, so ties cannot depend on the chunks.
            ranked = (offset << 32) + torch.arange(block.start, block.stop, device=device)
            ranked = torch.cat([best, ranked.topk(min(k, ranked.shape[1]), largest=False).values], dim=1)
            best = ranked.topk(min(k, ranked.shape[1]), largest=False).values
        squared.append(((best >> 32).cpu() + _squared_norms(queries[part])[:, None]).numpy())
        chosen.append((best & 0xFFFFFFFF).cpu().numpy())
        run.progress(part.stop, len(queries), "images")
    return np.concatenate(squared), np.concatenate(chosen)


def _dot_products(left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
    """(n, P) and (m, P) whole numbers of -127..127, as float32 -> their (n, m) dot products, exact, int64.

    float32 adds whole numbers exactly below 2^24, and 1024 products of at most 127^2 stay below that,
    in whatever order a library adds them (and 8 bits survive TF32 and bfloat16 inputs too).
    """
    total = torch.zeros((len(left), len(right)), dtype=torch.int64, device=left.device)
    for columns in in_chunks(left.shape[1], 1024):
        total += (left[:, columns] @ right[:, columns].T).to(torch.int64)
    return total


def _squared_norms(features: NDArray[np.int8]) -> torch.Tensor:
    return torch.from_numpy(np.square(features, dtype=np.int32).sum(axis=1, dtype=np.int64))
