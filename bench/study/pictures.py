"""A study's images as the page gets them: all files of one format and one length, made before the first subject."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.core.canonical import file_digest
from bench.core.errors import DataError
from bench.core.images import ImageSet
from bench.data.imagesets import load_image_set
from bench.study.allocation import PATTERN, Shown
from bench.study.design import ImageClass, StudyDesign

MEDIA_TYPE = "image/bmp"
"""BMP without compression: the length of a file follows from the image's size alone, whatever it shows."""


def load_sets(folder: Path, design: StudyDesign) -> dict[ImageClass, ImageSet]:
    """The image sets of a study, images lazy; DataError when one is not what the design was made with."""
    sets = {}
    for name in design.classes:
        path = folder / f"{name}.h5"
        found = file_digest(path) if path.is_file() else "no file"
        if found != design.images.get(name):
            expected = design.images.get(name, "none")[:12]
            raise DataError(f"{path} should hash to {expected}, got {found[:12]}; restore it, or build the study again")
        sets[name] = load_image_set(path)
    return sets


def image_ids(sets: Mapping[ImageClass, ImageSet]) -> dict[ImageClass, list[str]]:
    """Class -> its images' ids in the answers: the class and the id there."""
    return {name: [f"{name}/{each}" for each in found.ids.tolist()] for name, found in sets.items()}


class Pictures:
    """Every image of a study by what is shown: its id in the answers, and its file for the page."""

    def __init__(self, sets: Mapping[ImageClass, ImageSet], patterns: int) -> None:
        self.height, self.width = sets["real"].size
        self.counts: dict[ImageClass, int] = {name: len(found) for name, found in sets.items()}
        self._ids: dict[Shown, str] = {}
        self._files: dict[Shown, bytes] = {}
        for name, ids in image_ids(sets).items():
            for number, (each, image) in enumerate(zip(ids, sets[name].images[:], strict=True)):
                self._add(Shown(name, number), each, image)
        shape = sets["real"].images.shape[1:]
        for number in range(patterns):
            self._add(Shown(PATTERN, number), f"{PATTERN}/{number}", pattern(shape, number))
        lengths = {len(file) for file in self._files.values()}
        assert len(lengths) == 1, f"image files of {len(lengths)} lengths; they would give answers away"

    def _add(self, shown: Shown, name: str, image: NDArray[Any]) -> None:
        self._ids[shown], self._files[shown] = name, bmp(image)

    def name(self, shown: Shown) -> str:
        """The image's id in the answers."""
        return self._ids[shown]

    def file(self, shown: Shown) -> bytes:
        """The image's BMP file."""
        return self._files[shown]


def bmp(image: NDArray[Any]) -> bytes:
    """(H, W) or (H, W, 3) uint8 as a BMP file."""
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(image).save(stream, format="BMP")
    return stream.getvalue()


def pattern(shape: tuple[int, ...], number: int) -> NDArray[np.uint8]:
    """A chequered image of a study's shape that no camera takes: seven rows of fields, or stripes, in turn."""
    rows, columns = (np.arange(length) * 7 // min(shape[:2]) for length in shape[:2])
    fields = rows[:, None] + (columns[None, :] if number % 2 == 0 else 0 * columns[None, :])
    grey = np.where((fields + number // 2) % 2, 235, 20).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2) if len(shape) == 3 else grey
