"""Arrays in one .npz, .npy or .h5 file: images, and gaze as vectors or as pitch and yaw."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from bench.core.errors import DataError, UsageError
from bench.data.array_files import ArrayFile, open_arrays
from bench.data.files_below import require_files
from bench.data.fit_size import grey_images, rgb_images
from bench.data.gaze_options import GazeOptions, gaze_from_angles, gaze_from_vectors, radians_from_angles
from bench.data.indexed import SLICE, Index, IndexedReader, Labels, rows_inside
from bench.data.mirror import mirror

PLAIN_LABELS = ("pupil", "pupil_margin", "eye_width")


class Options(GazeOptions):
    """Where the images and labels are, and what the labels mean."""

    file: str = Field(default="", description=".npz, .npy or .h5 file, relative to the manifest")
    images: str = Field(
        default="images", description="key of the (N, H, W) or (N, H, W, 3) uint8 images; unused for .npy"
    )
    gaze: str | None = Field(default=None, description="key of (N, 3) gaze vectors in camera space, x right, y down")
    pitch_yaw: str | None = Field(default=None, description="key of (N, 2) pitch and yaw, in this order")
    pitch: str | None = Field(default=None, description="key of (N,) pitch, together with `yaw`")
    yaw: str | None = Field(default=None, description="key of (N,) yaw, together with `pitch`")
    pupil: str | None = Field(default=None, description="key of (N, 2) pupil centres x, y in px")
    pupil_margin: str | None = Field(default=None, description="key of (N,) px that the pupil lies inside the lids")
    eye_width: str | None = Field(default=None, description="key of (N,) corner to corner, px")
    head_pose: str | None = Field(
        default=None, description="key of (N, 2) head pitch and yaw, unit and signs as the gaze's"
    )
    id_key: str | None = Field(default=None, description="key of N unique ids; default: file name and row")
    person_key: str | None = Field(default=None, description="key of N persons (text or whole numbers)")
    person: str | None = Field(default=None, description="the one person shown, when there is no `person_key`")
    mirror_rows: str | None = Field(
        default=None,
        pattern=SLICE,
        description="slice of the file's rows that are mirrored left to right with their labels, '1500:' (right eyes)",
    )


class Arrays(IndexedReader):
    """N images in one file of arrays: (N, H, W) uint8, or colour, which becomes luma unless `colour` is set."""

    Config: ClassVar[type[GazeOptions]] = Options
    config: Options

    def files(self, root: Path) -> list[Path]:
        """The one file of arrays."""
        if not self.config.file:
            raise UsageError("format 'arrays' needs the option file = '...' (.npz, .npy or .h5)")
        return require_files(root, [self.config.file])

    def index(self, root: Path, *, name: str) -> Index:
        """Ids and persons; the keys, or row numbers and the constant person."""
        path = self.files(root)[0]
        options = self.config
        with open_arrays(path) as arrays:
            count = arrays.shape(options.images)[0]
            if options.id_key:
                ids = _texts(arrays, options.id_key, count)
            else:
                ids = np.array([f"{path.stem}-{row:06d}" for row in range(count)], dtype=np.str_)
            if options.person_key:
                persons = _texts(arrays, options.person_key, count)
            else:
                # without a word on persons the file is one person: the careful choice for independence
                persons = np.full(count, options.person or path.stem)
        return Index(ids=ids, persons=persons)

    def pick(
        self, root: Path, index: Index, where: NDArray[np.int64], *, name: str
    ) -> tuple[NDArray[np.uint8], Labels]:
        """Rows `where` of the images and of every label that has a key."""
        path = self.files(root)[0]
        with open_arrays(path) as arrays:
            decode = rgb_images if self.config.colour else grey_images
            images = decode(arrays.rows(self.config.images, where), f"{name} ({path.name})")
            labels = self._labels(arrays, where, len(index.ids)) if self.config.labelled else {}
        if self.config.mirror_rows is not None:
            mirrored = rows_inside(self.config.mirror_rows, len(index.ids), name)[where]
            return mirror(images, labels, mirrored)
        return images, labels

    def _labels(self, arrays: ArrayFile, where: NDArray[np.int64], count: int) -> Labels:
        labels = {
            label: _column(arrays, key, where, count)
            for label in PLAIN_LABELS
            if (key := getattr(self.config, label)) is not None
        }
        if self.config.head_pose is not None:
            head = _column(arrays, self.config.head_pose, where, count, width=2)
            labels["head_pose"] = radians_from_angles(head, self.config, arrays.path.name)
        gaze = self._gaze(arrays, where, count)
        return labels if gaze is None else {**labels, "gaze": gaze}

    def _gaze(self, arrays: ArrayFile, where: NDArray[np.int64], count: int) -> NDArray[np.float64] | None:
        options = self.config
        if options.gaze is not None:
            return gaze_from_vectors(_column(arrays, options.gaze, where, count, width=3), options)
        if options.pitch_yaw is not None:
            angles = _column(arrays, options.pitch_yaw, where, count, width=2)
        elif options.pitch is not None and options.yaw is not None:
            angles = np.column_stack([_column(arrays, key, where, count) for key in (options.pitch, options.yaw)])
        elif options.pitch is not None or options.yaw is not None:
            raise UsageError("format 'arrays': pitch and yaw are needed together")
        else:
            return None
        return gaze_from_angles(angles, options, arrays.path.name)


def _column(
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
