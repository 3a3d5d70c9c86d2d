"""The contract of a reader: one real format (or a simulator) to an image set."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from bench.core.images import ImageSet, LabelConvention
from bench.core.settings import Component

if TYPE_CHECKING:
    from bench.core.experiment import Task


class Reader(Component):
    """Reads one format. One file in `bench/data/readers/` holds one subclass; the file's name is the format.

    `Config` holds the options that a manifest and its part set (paths, row selection, how to fit the size).
    `needs_files` is False for a simulator, whose images come from its options alone. `task` is what its images are for,
    known before any is read; None where that depends on the files.
    """

    needs_files: ClassVar[bool] = True
    task: ClassVar[Task | None] = None

    @abstractmethod
    def files(self, root: Path) -> list[Path]:
        """The files that `read` will open, below `root`; DataError with the next step when they are missing."""

    @abstractmethod
    def read(self, root: Path, *, name: str, convention: LabelConvention, count: int | None) -> ImageSet:
        """The image set `name`. `count`: at most so many images, a fixed random choice (None = all)."""
