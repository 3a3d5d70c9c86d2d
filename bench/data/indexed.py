"""Base of the readers of real files: list what is there cheaply, choose, and load only what was chosen."""

from __future__ import annotations

import fnmatch
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from bench.core.errors import DataError, UsageError
from bench.core.images import ImageSet, LabelConvention
from bench.core.reader import Reader
from bench.core.settings import Settings

Labels = dict[str, NDArray[np.float64]]
SUBSET_SEED = 20170721
SLICE = r"^\s*(-?\d*)\s*(:\s*-?\d*\s*){1,2}$"


class SelectOptions(Settings):
    """Which images of a set belong to a part; every format has these options."""

    rows: str | None = Field(
        default=None,
        pattern=SLICE,
        description="slice of the set's own order, as Python writes it: '0:1000', '::2', '1::2'; of its frames, where "
        "several views show one",
    )
    ids: tuple[str, ...] | None = Field(default=None, description="only the images with these ids")
    persons: tuple[str, ...] | None = Field(
        default=None, description="only these persons; shell patterns such as 'p0*' are allowed"
    )
    labelled: bool = Field(default=True, description="false: the part gives no labels, whatever the files hold")


@dataclass(frozen=True, eq=False)
class Index:
    """What a set of files holds, without pixels: ids and persons of N images, a reader's own entries.

    frames: (N,) number of the frame that an image belongs to, where several views show one; None: each its own.
    """

    ids: NDArray[np.str_]
    persons: NDArray[np.str_]
    entries: Sequence[Any] = ()
    frames: NDArray[np.int64] | None = None


class IndexedReader(Reader):
    """A reader that can tell ids and persons before it loads an image.

    A subclass gives `files`, `index` and `pick`, and `finish` where picked images need something more; the selection
    and the random subset are done here.
    """

    Config: ClassVar[type[Settings]] = SelectOptions

    @abstractmethod
    def index(self, root: Path, *, name: str) -> Index:
        """Ids and persons of all images below `root`; DataError when the files are missing or damaged."""

    @abstractmethod
    def pick(self, root: Path, index: Index, where: NDArray[np.int64], *, name: str) -> tuple[NDArray[Any], Labels]:
        """Images as an image set takes them, and their labels, at the rows `where` (increasing) of the index."""

    def finish(self, images: NDArray[Any], labels: Labels, *, name: str) -> tuple[NDArray[Any], Labels]:
        """What the images and labels of the set are, of what `pick` gave: the same, unless a subclass changes it."""
        return images, labels

    def read(self, root: Path, *, name: str, convention: LabelConvention, count: int | None) -> ImageSet:
        """The chosen images and labels."""
        options: SelectOptions = self.config  # type: ignore[assignment]
        index = self.index(root, name=name)
        where = choose(index, options, count, name=name)
        images, labels = self.pick(root, index, where, name=name)
        if 0 in images.shape[1:3]:
            raise DataError(f"{name}: the images have no pixels (shape {images.shape}); correct the files")
        try:
            images, labels = self.finish(images, labels, name=name)
            return ImageSet(
                ids=index.ids[where],
                persons=index.persons[where],
                images=images,
                labels=labels if options.labelled else {},
                convention=convention,
                name=name,
            )
        except DataError as error:
            first = self.files(root)[0].name
            raise DataError(f"{error} (read from {first}); correct the file, or the options of the part") from error


def choose(index: Index, options: SelectOptions, count: int | None, *, name: str) -> NDArray[np.int64]:
    """Increasing rows of the images that the options select, at most `count` of them.

    Where an index has frames, the slice `rows` is of frames, and a count takes frame after frame with all its views,
    the last one's as far as the count goes: three times as many images of three views are the same frames.
    """
    chosen = np.ones(len(index.ids), dtype=bool)
    if len(chosen) == 0:
        raise DataError(f"{name}: the files hold no image; get them again, or correct the options of the part")
    if options.rows is not None:
        chosen &= _rows_chosen(options.rows, index, name)
    if options.ids is not None:
        _refuse_unknown(options.ids, index.ids, "id", name)
        chosen &= np.isin(index.ids, options.ids)
    if options.persons is not None:
        chosen &= np.isin(index.persons, _matching(options.persons, index.persons, name))
    where = np.flatnonzero(chosen)
    if len(where) == 0:
        raise DataError(
            f"{name}: the selection leaves none of {len(chosen)} images; correct the part's rows, ids or persons"
        )
    if index.frames is None:
        return where[fixed_subset(len(where), count)]
    return where[_whole_frames(index.frames[where], count)]


def fixed_subset(total: int, count: int | None) -> NDArray[np.int64]:
    """`count` of `total` row numbers, increasing: always the same, a smaller subset within a larger one."""
    if count is None or count >= total:
        return np.arange(total)
    if count < 1:
        raise UsageError(f"the number of images must be at least 1, got {count}")
    return np.sort(_fixed_order(total)[:count])


def rows_inside(text: str, total: int, name: str) -> NDArray[np.bool_]:
    """(total,) mask of the rows of a slice in Python's spelling: '0:1000', '::2', '1::2'."""
    bounds = [int(part) if part.strip() else None for part in text.split(":")]
    if len(bounds) == 3 and bounds[2] is not None and bounds[2] < 1:
        raise UsageError(f"{name}: the rows '{text}' need a step of at least 1")
    inside = np.zeros(total, dtype=bool)
    inside[slice(*bounds)] = True
    return inside


def _fixed_order(total: int) -> NDArray[np.int64]:
    return np.random.default_rng(SUBSET_SEED).permutation(total)


def _rows_chosen(text: str, index: Index, name: str) -> NDArray[np.bool_]:
    """(N,) mask of the rows of a slice, or of the rows of its frames."""
    if index.frames is None:
        return rows_inside(text, len(index.ids), name)
    frames, number = np.unique(index.frames, return_inverse=True)
    return rows_inside(text, len(frames), name)[number]


def _whole_frames(frames: NDArray[np.int64], count: int | None) -> NDArray[np.int64]:
    """Increasing positions in `frames` (n,) of at most `count` images, in the fixed order of the frames."""
    if count is None or count >= len(frames):
        return np.arange(len(frames))
    if count < 1:
        raise UsageError(f"the number of images must be at least 1, got {count}")
    different, number = np.unique(frames, return_inverse=True)
    rank = np.argsort(_fixed_order(len(different)))
    return np.sort(np.argsort(rank[number], kind="stable")[:count])


def _matching(patterns: Sequence[str], persons: NDArray[np.str_], name: str) -> list[str]:
    """The persons that match any pattern; DataError for a pattern that matches nobody."""
    known = [str(person) for person in np.unique(persons)]
    found: list[str] = []
    for pattern in patterns:
        matches = fnmatch.filter(known, pattern)
        if not matches:
            shown = ", ".join(known[:8]) + (", ..." if len(known) > 8 else "")
            raise DataError(f"{name}: no person '{pattern}' in the data (has: {shown}); change the part's persons")
        found += matches
    return found


def _refuse_unknown(wanted: Sequence[str], known: NDArray[np.str_], what: str, name: str) -> None:
    missing = sorted(set(wanted) - {str(value) for value in known})
    if missing:
        raise DataError(
            f"{name}: {len(missing)} {what}s of the selection are not in the data, first '{missing[0]}'; "
            f"change the part's {what}s"
        )
