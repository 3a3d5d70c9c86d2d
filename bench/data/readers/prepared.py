"""Image sets that 'bench data prepare' wrote: one HDF5 file, nothing to convert."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import numpy as np
from pydantic import Field

from bench.core.errors import UsageError
from bench.core.images import ImageSet, LabelConvention
from bench.core.reader import Reader
from bench.core.settings import Settings
from bench.data.equalise import equalise
from bench.data.eye_reader import EyeOptions
from bench.data.files_below import require_files
from bench.data.imagesets import load_image_set
from bench.data.indexed import Index, choose


class Options(EyeOptions):
    """The file, and the selection."""

    file: str = Field(default="", description="HDF5 image set, relative to the manifest")


class Prepared(Reader):
    """An image set as it was prepared; its images stay on disk when all of them are wanted as they are.

    The convention is the one that the file was written with. `size` and `fit` do nothing here.
    """

    Config: ClassVar[type[Settings]] = Options
    config: Options

    def files(self, root: Path) -> list[Path]:
        """The one HDF5 file."""
        if not self.config.file:
            raise UsageError("format 'prepared' needs the option file = '...' (written by 'bench data prepare')")
        return require_files(root, [self.config.file])

    def read(self, root: Path, *, name: str, convention: LabelConvention, count: int | None) -> ImageSet:
        """The selected images; lazy when nothing is left out."""
        stored = replace(load_image_set(self.files(root)[0]), name=name)
        where = choose(Index(ids=stored.ids, persons=stored.persons), self.config, count, name=name)
        chosen = stored if len(where) == len(stored) else stored.select(where)
        if self.config.equalise:
            images = np.asarray(chosen.images[:])
            chosen = chosen.with_images(equalise(images, out=images))
        return chosen if self.config.labelled else replace(chosen, labels={})
