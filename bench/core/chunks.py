"""Many rows a few at a time: plain chunks, and chunks of one size for arithmetic that depends on it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray


def in_chunks(count: int, size: int) -> Iterator[slice]:
    """Slices that cover `count` items, `size` at a time."""
    return (slice(start, min(start + size, count)) for start in range(0, count, size))


def padded_chunks(count: int, size: int) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """`count` items, `size` at a time: how many are new, and (size,) indices; the last item pads the last chunk.

    Kernels are chosen by shape and round differently: with one shape, no result depends on its neighbours.
    """
    for chunk in in_chunks(count, size):
        yield chunk.stop - chunk.start, np.minimum(np.arange(chunk.start, chunk.start + size), count - 1)
