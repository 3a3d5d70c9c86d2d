"""Chunks cover every item once and in order; padded ones have one size."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bench.core.chunks import in_chunks, padded_chunks

COUNTS, SIZES = st.integers(0, 60), st.integers(1, 25)


@given(COUNTS, SIZES)
def test_chunks_cover_every_item_once(count: int, size: int) -> None:
    chunks = list(in_chunks(count, size))
    assert [item for chunk in chunks for item in range(chunk.start, chunk.stop)] == list(range(count))
    assert all(chunk.stop - chunk.start == size for chunk in chunks[:-1])


@given(COUNTS, SIZES)
def test_padded_chunks_have_one_size_and_repeat_the_last_item(count: int, size: int) -> None:
    chunks = list(padded_chunks(count, size))
    assert [item for new, rows in chunks for item in rows[:new].tolist()] == list(range(count))
    assert all(len(rows) == size for _, rows in chunks)
    assert all(np.all(rows[new:] == count - 1) for new, rows in chunks)
