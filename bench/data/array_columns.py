"""Columns of a file of arrays, one row per image: labels as numbers, ids and persons as text."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.core.errors import DataError, UsageError
from bench.data.array_files import ArrayFile, open_arrays
from bench.data.files_below import require_files
from bench.data.indexed import Index


def array_file(root: Path, file: str, name: str) -> Path:
    """The one file of a format's option; UsageError when none is given, DataError when it is not there."""
    if not file:
        raise UsageError(f"format '{name}' needs the option file = '...' (.npz, .npy or .h5)")
    return require_files(root, [file])[0]


def index_of(path: Path, images: str, id_key: str | None, person_key: str | None, person: str | None) -> Index:
    """Ids and persons by their keys; without keys file name and row, and one person."""
    with open_arrays(path) as arrays:
        count = arrays.shape(images)[0]
        if id_key:
            ids = _texts(arrays, id_key, count)
        else:
            ids = np.array([f"{path.stem}-{row:06d}" for row in range(count)], dtype=np.str_)
        # without a word on persons the file is one person: the careful choice for independence
        persons = _texts(arrays, person_key, count) if person_key else np.full(count, person or path.stem)
    return Index(ids=ids, persons=persons)


def column(
    arrays: ArrayFile, key: str, where: NDArray[np.int64], count: int, width: int | None = None
) -> NDArray[np.float64]:
    """Rows of a label as float64; DataError when it does not have one row per image."""
    shape = arrays.shape(key)
    if not shape or shape[0] != count:
        raise DataError(f"{arrays.path.name}: '{key}' has shape {shape} for {count} images; give one row per image")
    if width is not None and shape != (count, width):
        raise DataError(f"{arrays.path.name}: '{key}' has shape {shape}, expected ({count}, {width})")
    values = arrays.rows(key, where)
    if values.dtype.kind not in "fiu":
        raise DataError(f"{arrays.path.name}: '{key}' is {values.dtype}, expected numbers")
    return values.astype(np.float64)


def _texts(arrays: ArrayFile, key: str, count: int) -> NDArray[np.str_]:
    """A column of ids or persons as text."""
    values = arrays.rows(key, np.arange(count)) if arrays.shape(key) == (count,) else None
    if values is None:
        raise DataError(
            f"{arrays.path.name}: '{key}' has shape {arrays.shape(key)}; give one for each of {count} images"
        )
    if values.dtype.kind in "SO":
        return np.array([value.decode() if isinstance(value, bytes) else str(value) for value in values])
    return values.astype(np.str_)
