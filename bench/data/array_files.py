"""Named arrays in .npz, .npy and .h5 files, read row by row where possible, with one kind of error."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from bench.core.errors import DataError, did_you_mean

HDF5_SUFFIXES = (".h5", ".hdf5")
READ_BLOCK = 4096


class ArrayFile(Protocol):
    """Named arrays of one file."""

    path: Path

    def shape(self, key: str) -> tuple[int, ...]: ...
    def rows(self, key: str, where: NDArray[np.int64]) -> NDArray[Any]: ...


@contextmanager
def open_arrays(path: Path) -> Iterator[ArrayFile]:
    """The arrays of a file by its suffix; anything that is damaged inside becomes a DataError."""
    suffix = path.suffix.lower()
    try:
        if suffix == ".npz":
            with np.load(path, allow_pickle=False) as archive:
                yield _Npz(path, archive)
        elif suffix == ".npy":
            yield _Npy(path)
        elif suffix in HDF5_SUFFIXES:
            import h5py

            with h5py.File(path, "r") as file:
                yield _Hdf5(path, file)
        else:
            raise DataError(f"{path.name}: unknown kind of array file; use .npz, .npy or .h5")
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        reason = str(error).partition("\n")[0]
        raise DataError(f"{path} cannot be read as {suffix} ({reason}); it is damaged or of another kind") from error


class _Npz:
    def __init__(self, path: Path, archive: Any) -> None:
        self.path = path
        self._archive = archive
        self._loaded: dict[str, NDArray[Any]] = {}

    def _array(self, key: str) -> NDArray[Any]:
        if key not in self._loaded:
            _require_key(self.path, key, self._archive.files)
            self._loaded[key] = self._archive[key]
        return self._loaded[key]

    def shape(self, key: str) -> tuple[int, ...]:
        """From the array's header: the shape alone must not unpack a gigabyte of images."""
        _require_key(self.path, key, self._archive.files)
        with self._archive.zip.open(f"{key}.npy") as stream:
            version = np.lib.format.read_magic(stream)
            read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            return _not_scalar(self.path, key, read(stream)[0])

    def rows(self, key: str, where: NDArray[np.int64]) -> NDArray[Any]:
        return self._array(key)[where]


class _Npy:
    """One array without a name: the first key asked for is its name, any other is missing."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._shape = self._mapped().shape
        self._key: str | None = None

    def shape(self, key: str) -> tuple[int, ...]:
        self._key = self._key or key
        if key != self._key:
            raise DataError(f"{self.path.name} holds one array, so no '{key}'; save images and labels in one .npz")
        return _not_scalar(self.path, key, self._shape)

    def rows(self, key: str, where: NDArray[np.int64]) -> NDArray[Any]:
        self.shape(key)
        return np.asarray(self._mapped()[where])

    def _mapped(self) -> NDArray[Any]:
        """The file, mapped anew for each read: what was read of it counts as memory in use until it is let go."""
        return np.asanyarray(np.load(self.path, mmap_mode="r", allow_pickle=False))


class _Hdf5:
    def __init__(self, path: Path, file: Any) -> None:
        self.path = path
        self._file = file

    def _dataset(self, key: str) -> Any:
        import h5py

        names: list[str] = []
        self._file.visititems(lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None)
        _require_key(self.path, key, names)
        return self._file[key]

    def shape(self, key: str) -> tuple[int, ...]:
        return _not_scalar(self.path, key, self._dataset(key).shape)

    def rows(self, key: str, where: NDArray[np.int64]) -> NDArray[Any]:
        return read_rows(self._dataset(key), where)


def read_rows(dataset: Any, where: NDArray[np.int64]) -> NDArray[Any]:
    """Rows of an h5py data set in any order, read in blocks: h5py's own point selection is far slower."""
    out = np.empty((len(where), *dataset.shape[1:]), dtype=dataset.dtype)
    block = where // READ_BLOCK
    for number in np.unique(block):
        inside = np.flatnonzero(block == number)
        first, last = int(where[inside].min()), int(where[inside].max())
        out[inside] = dataset[first : last + 1][where[inside] - first]
    return out


def _require_key(path: Path, key: str, known: list[str]) -> None:
    if key not in known:
        held = ", ".join(sorted(known)[:12]) or "nothing"
        raise DataError(f"{path.name} has no array '{key}'{did_you_mean(key, known)}; it has {held}")


def _not_scalar(path: Path, key: str, shape: tuple[int, ...]) -> tuple[int, ...]:
    if not shape:
        raise DataError(f"{path.name}: '{key}' is a single value, expected one row per image")
    return tuple(shape)
