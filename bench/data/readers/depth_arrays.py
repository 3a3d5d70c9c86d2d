"""Depth images of hands in one .npz, .npy or .h5 file, with joints and cameras."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from bench.core.errors import DataError
from bench.data.array_columns import array_file, column, index_of
from bench.data.array_files import open_arrays
from bench.data.indexed import Index, IndexedReader, Labels, SelectOptions

MOST_OUTSIDE = 0.2  # share of the joints; of simulated hands none are, of a cube around half a forearm some


class Options(SelectOptions):
    """Where the images and labels are."""

    file: str = Field(default="", description=".npz, .npy or .h5 file, relative to the manifest")
    images: str = Field(
        default="images",
        description="key of the (N, S, S) uint16 images, depth in mm, 0 = background; unused for .npy",
    )
    joints: str | None = Field(
        default=None,
        description="key of (N, 14, 3) joints in the order of Table 4's: u, v in px of the images, depth in mm",
    )
    camera: str | None = Field(
        default=None, description="key of (N, 4) cameras of the images: fx, fy, cx, cy in px; lengths in mm need it"
    )
    id_key: str | None = Field(default=None, description="key of N unique ids; default: file name and row")
    person_key: str | None = Field(default=None, description="key of N persons (text or whole numbers)")
    person: str | None = Field(default=None, description="the one person shown, when there is no `person_key`")


class DepthArrays(IndexedReader):
    """(N, S, S) uint16 images of cut-out hands as they are in the file, with the labels joints and camera.

    Cutting out, masking and the choice of joints are done beforehand; `bench.data.hand_crop` has what the format
    'nyu-hands' does.
    """

    Config: ClassVar[type[SelectOptions]] = Options
    task = "hand"
    config: Options

    def files(self, root: Path) -> list[Path]:
        """The one file of arrays."""
        return [array_file(root, self.config.file, "depth-arrays")]

    def index(self, root: Path, *, name: str) -> Index:
        """Ids and persons; the keys, or row numbers and the constant person."""
        options = self.config
        path = self.files(root)[0]
        return index_of(path, options.images, options.id_key, options.person_key, options.person)

    def pick(
        self, root: Path, index: Index, where: NDArray[np.int64], *, name: str
    ) -> tuple[NDArray[np.uint16], Labels]:
        """Rows `where` of the images and of every label that has a key."""
        keys = {"joints": self.config.joints, "camera": self.config.camera} if self.config.labelled else {}
        path = self.files(root)[0]
        with open_arrays(path) as arrays:
            images = arrays.rows(self.config.images, where)
            if images.dtype != np.uint16 or images.ndim != 3 or images.shape[1] != images.shape[2]:
                raise DataError(
                    f"{name} ({path.name}): images are {images.dtype} of shape {images.shape}, expected square uint16 "
                    "ones with the depth in mm and 0 for the background; convert and save them again"
                )
            count = len(index.ids)
            labels = {label: column(arrays, key, where, count) for label, key in keys.items() if key is not None}
        if "joints" in labels:
            _require_inside(labels["joints"], images.shape[1], f"{name} ({path.name})")
        return images, labels


def _require_inside(joints: NDArray[np.float64], side: int, owner: str) -> None:
    """DataError when many joints are beyond the images: a hand may be cut off at a border, not be elsewhere."""
    outside = float(((joints[..., :2] < -0.5) | (joints[..., :2] > side - 0.5)).any(axis=-1).mean())
    if outside > MOST_OUTSIDE:
        raise DataError(
            f"{owner}: {outside:.0%} of the joints lie outside the images of {side}x{side} px; give u, v in px of the "
            "image, from its upper left"
        )
