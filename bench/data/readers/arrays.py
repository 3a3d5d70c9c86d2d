"""Arrays in one .npz, .npy or .h5 file: images, and gaze as vectors or as pitch and yaw."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from bench.core.chunks import in_chunks
from bench.core.errors import UsageError
from bench.data.array_columns import array_file, column, index_of
from bench.data.array_files import READ_BLOCK, ArrayFile, open_arrays
from bench.data.eye_reader import EyeReader
from bench.data.fit_size import grey_images, rgb_images
from bench.data.gaze_options import GazeOptions, gaze_from_angles, gaze_from_vectors, radians_from_angles
from bench.data.indexed import SLICE, Index, Labels, rows_inside
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


class Arrays(EyeReader):
    """N images in one file of arrays: (N, H, W) uint8, or colour, which becomes luma unless `colour` is set."""

    Config: ClassVar[type[GazeOptions]] = Options
    config: Options

    def files(self, root: Path) -> list[Path]:
        """The one file of arrays."""
        return [array_file(root, self.config.file, "arrays")]

    def index(self, root: Path, *, name: str) -> Index:
        """Ids and persons; the keys, or row numbers and the constant person."""
        options = self.config
        path = self.files(root)[0]
        return index_of(path, options.images, options.id_key, options.person_key, options.person)

    def pick(
        self, root: Path, index: Index, where: NDArray[np.int64], *, name: str
    ) -> tuple[NDArray[np.uint8], Labels]:
        """Rows `where` of the images and of every label that has a key."""
        path = self.files(root)[0]
        with open_arrays(path) as arrays:
            images = self._images(arrays, where, f"{name} ({path.name})")
            labels = self._labels(arrays, where, len(index.ids)) if self.config.labelled else {}
        if self.config.mirror_rows is not None:
            mirrored = rows_inside(self.config.mirror_rows, len(index.ids), name)[where]
            return mirror(images, labels, mirrored)
        return images, labels

    def _images(self, arrays: ArrayFile, where: NDArray[np.int64], owner: str) -> NDArray[np.uint8]:
        """Grey or RGB images, a few at a time: never two copies of them in memory."""
        decode = rgb_images if self.config.colour else grey_images
        none = decode(arrays.rows(self.config.images, where[:0]), owner)
        images = np.empty((len(where), *none.shape[1:]), np.uint8)
        for part in in_chunks(len(where), READ_BLOCK):
            images[part] = decode(arrays.rows(self.config.images, where[part]), owner)
        return images

    def _labels(self, arrays: ArrayFile, where: NDArray[np.int64], count: int) -> Labels:
        labels = {
            label: column(arrays, key, where, count)
            for label in PLAIN_LABELS
            if (key := getattr(self.config, label)) is not None
        }
        if self.config.head_pose is not None:
            head = column(arrays, self.config.head_pose, where, count, width=2)
            labels["head_pose"] = radians_from_angles(head, self.config, arrays.path.name)
        gaze = self._gaze(arrays, where, count)
        return labels if gaze is None else {**labels, "gaze": gaze}

    def _gaze(self, arrays: ArrayFile, where: NDArray[np.int64], count: int) -> NDArray[np.float64] | None:
        options = self.config
        if options.gaze is not None:
            return gaze_from_vectors(column(arrays, options.gaze, where, count, width=3), options)
        if options.pitch_yaw is not None:
            angles = column(arrays, options.pitch_yaw, where, count, width=2)
        elif options.pitch is not None and options.yaw is not None:
            angles = np.column_stack([column(arrays, key, where, count) for key in (options.pitch, options.yaw)])
        elif options.pitch is not None or options.yaw is not None:
            raise UsageError("format 'arrays': pitch and yaw are needed together")
        else:
            return None
        return gaze_from_angles(angles, options, arrays.path.name)
