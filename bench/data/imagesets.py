"""Image sets on disk: one HDF5 file per set, the same bytes for the same content, images read back lazily."""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.core.canonical import canonical_json
from bench.core.chunks import in_chunks
from bench.core.errors import DataError
from bench.core.images import ImageArray, ImageSet, LabelConvention
from bench.data.array_files import read_rows

FORMAT = "simgan-bench image set"
VERSION = 1
BLOCK_BYTES = 2**27


@dataclass(frozen=True)
class LazyImages:
    """The images of an HDF5 image set, opened anew for each read: picklable, and safe in forked processes."""

    path: Path
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    key: str = "images"

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, index: Any, /) -> NDArray[Any]:
        """One image, a slice, a boolean mask or any list of row numbers, loaded into memory."""
        with _opened(self.path) as file:
            dataset = file[self.key]
            if isinstance(index, slice | int | np.integer):
                return np.asarray(dataset[index] if not _reversed(index) else dataset[:][index])
            where = np.arange(len(self))[index]
            return read_rows(dataset, where)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.asarray(self[:], dtype=dtype)


def save_image_set(path: Path, image_set: ImageSet, batches: Iterable[NDArray[Any]] | None = None) -> None:
    """Write an image set; `batches` may stream the images, in order, in place of `image_set.images`.

    Layout: images (N, H, W) uint8 or uint16, or (N, H, W, 3) uint8, in one piece, ids and persons as UTF-8 of
    fixed length, labels/<name> float64, name and convention as JSON in an attribute. No times are kept, so that
    equal content gives equal bytes. An unfinished file never stands at `path`.
    """
    import h5py

    partial = path.with_name(path.name + ".partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with h5py.File(partial, "w", libver="v110", track_order=False) as file:
            images = image_set.images
            _write_images(file, images, (images[part] for part in in_blocks(images)) if batches is None else batches)
            _write_texts(file, "ids", image_set.ids)
            _write_texts(file, "persons", image_set.persons)
            for label, values in sorted(image_set.labels.items()):
                file.create_dataset(f"labels/{label}", data=values.astype(np.float64), track_times=False)
            about = {"name": image_set.name, "convention": asdict(image_set.convention)}
            file.attrs["format"] = np.bytes_(FORMAT.encode())
            file.attrs["version"] = np.int64(VERSION)
            file.attrs["about"] = np.bytes_(canonical_json(about).encode())
        partial.replace(path)
    except OSError as error:
        reason = str(error).partition("\n")[0]
        raise DataError(f"cannot write {path}: {reason}; check the free space and the rights") from error
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)


def load_image_set(path: Path) -> ImageSet:
    """The image set of a file: ids, persons, labels in memory, images lazy; DataError when it is not one."""
    with _opened(path) as file:
        if _text(file.attrs.get("format", b"")) != FORMAT:
            raise DataError(f"{path} is not an image set of simgan-bench; write one with 'bench data prepare'")
        if int(file.attrs["version"]) != VERSION:
            raise DataError(f"{path} has version {int(file.attrs['version'])}, expected {VERSION}; prepare it again")
        images = file["images"]
        about = json.loads(_text(file.attrs["about"]))
        return ImageSet(
            ids=_read_texts(file["ids"]),
            persons=_read_texts(file["persons"]),
            images=LazyImages(path=Path(path), shape=tuple(images.shape), dtype=images.dtype),
            labels={label: file[f"labels/{label}"][()] for label in file.get("labels", {})},
            convention=LabelConvention(**about["convention"]),
            name=about["name"],
        )


def in_blocks(images: ImageArray) -> Iterator[slice]:
    """Slices that cover the images, at most about 128 MiB at a time, for sets larger than memory."""
    return in_chunks(len(images), max(BLOCK_BYTES // (math.prod(images.shape[1:]) * images.dtype.itemsize), 1))


def in_memory(image_set: ImageSet) -> ImageSet:
    """The same set with its images loaded."""
    return image_set.with_images(np.asarray(image_set.images[:]))


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """An HDF5 file to read; missing, truncated or foreign files become a DataError."""
    import h5py

    try:
        with h5py.File(path, "r") as file:
            yield file
    except FileNotFoundError as error:
        raise DataError(f"no file {path}; write one with 'bench data prepare'") from error
    except (OSError, KeyError, RuntimeError, ValueError) as error:
        reason = str(error).partition("\n")[0]
        raise DataError(f"{path} is damaged or not an image set ({reason}); delete it and prepare it again") from error


def _write_images(file: Any, like: ImageArray, batches: Iterable[NDArray[Any]]) -> None:
    shape = tuple(like.shape)
    dataset = file.create_dataset("images", shape=shape, dtype=like.dtype, track_times=False)
    done = 0
    for batch in batches:
        if batch.dtype != like.dtype or batch.shape[1:] != shape[1:] or done + len(batch) > shape[0]:
            raise DataError(
                f"images to be written must be {like.dtype} of shape {shape}; "
                f"got {batch.dtype} of shape {batch.shape} after {done} images"
            )
        dataset[done : done + len(batch)] = batch
        done += len(batch)
    if done != shape[0]:
        raise DataError(f"{shape[0]} images were to be written, got {done}")


def _write_texts(file: Any, key: str, texts: NDArray[np.str_]) -> None:
    import h5py

    encoded = np.array([text.encode() for text in texts.tolist()])
    kind = h5py.string_dtype("utf-8", length=max(encoded.dtype.itemsize, 1))
    file.create_dataset(key, data=encoded.astype(kind), track_times=False)


def _read_texts(dataset: Any) -> NDArray[np.str_]:
    return np.array([text.decode() for text in dataset[()].tolist()])


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _reversed(index: Any) -> bool:
    """Whether h5py does not know this index: slices with a negative step."""
    return isinstance(index, slice) and index.step is not None and index.step < 0
