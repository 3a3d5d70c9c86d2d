"""Image sets: images with ids and persons, and labels that a refiner never gets for real images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from bench.core.chunks import in_chunks
from bench.core.errors import DataError

Indices: TypeAlias = NDArray[np.int64] | NDArray[np.bool_] | Sequence[int] | slice


class ImageArray(Protocol):
    """What an image set needs of its images: an ndarray, or an HDF5 data set that is read lazily."""

    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def dtype(self) -> np.dtype[Any]: ...
    def __len__(self) -> int: ...
    def __getitem__(self, index: Any, /) -> NDArray[Any]: ...


@dataclass(frozen=True)
class LabelConvention:
    """What the labels of a set mean; printed under every table.

    `angles` says in which unit the *source* gave angles: labels in memory are always unit vectors. Empty: none.
    """

    space: str = "camera, normalised as in MPIIGaze"
    signs: str = "pitch + = up, yaw + = image left, vector = (-cos p sin y, -sin p, -cos p cos y)"
    angles: str = "radians"
    mirroring: str = "none"

    def line(self) -> str:
        """The convention in one line of text."""
        angles = f"source angles in {self.angles}" if self.angles else ""
        return "; ".join(text for text in (self.space, self.signs, angles, f"mirroring: {self.mirroring}") if text)


# name -> (trailing shape, what it is). Anything else is refused: a misspelt label would be lost silently.
LABELS: Mapping[str, tuple[tuple[int, ...], str]] = {
    "gaze": ((3,), "unit gaze vectors in camera space"),
    "pupil": ((2,), "pupil centre (x, y) in pixels"),
    "pupil_margin": ((), "px inside the lid opening; negative = covered"),
    "eye_width": ((), "corner to corner, px"),
    "head_pose": ((2,), "head pitch and yaw, radians: where the face points, signs as the gaze's"),
    "joints": ((14, 3), "hand joints: u, v in pixels and depth in mm"),
    "camera": ((4,), "focal lengths and centre of the camera: fx, fy, cx, cy in pixels"),
}
UNIT_LENGTH_TOLERANCE = 1e-3
GREY_CHUNK = 1024


@dataclass(frozen=True, eq=False)
class Unlabelled:
    """Images, ids and persons without labels: all that a refiner may see of the real domain.

    ids: N unique strings, the pairing key. persons: N strings, the unit of independence.
    images: (N, H, W) uint8 for eyes, (N, H, W, 3) uint8 RGB for eyes in colour, (N, H, W) uint16 depth in mm
    (0 = background) for hands.
    Raises DataError at construction when these do not hold.
    """

    ids: NDArray[np.str_]
    persons: NDArray[np.str_]
    images: ImageArray
    name: str = "images"

    def __post_init__(self) -> None:
        shape = tuple(self.images.shape)
        if not (len(shape) == 3 or (len(shape) == 4 and shape[3] == 3)) or 0 in shape:
            raise DataError(
                f"{self.name}: images must be (N, H, W), or (N, H, W, 3) in colour, and not empty; got shape {shape}"
            )
        if self.images.dtype not in (np.dtype(np.uint8), np.dtype(np.uint16)):
            raise DataError(
                f"{self.name}: images must be uint8 (eyes) or uint16 (depth in mm), got {self.images.dtype}"
            )
        if self.images.dtype == np.uint16 and len(shape) == 4:
            raise DataError(f"{self.name}: depth images have no colour; they must be (N, H, W), got shape {shape}")
        for what, values in (("ids", self.ids), ("persons", self.persons)):
            if len(values) != shape[0]:
                raise DataError(f"{self.name}: {shape[0]} images but {len(values)} {what}")
        if len(np.unique(self.ids)) != len(self.ids):
            raise DataError(f"{self.name}: ids are not unique; they pair the images of two runs")

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.images.shape[1], self.images.shape[2]


@dataclass(frozen=True, eq=False)
class ImageSet:
    """Images with ids, persons and labels; immutable, checks itself at construction (DataError).

    labels: float64 arrays by the names in `LABELS`; may be empty. See `Unlabelled` for the rest.
    """

    ids: NDArray[np.str_]
    persons: NDArray[np.str_]
    images: ImageArray
    labels: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    convention: LabelConvention = field(default_factory=LabelConvention)
    name: str = "images"

    def __post_init__(self) -> None:
        self.unlabelled()  # runs the checks of ids, persons and images
        for label, values in self.labels.items():
            _check_label(self.name, label, values, len(self.ids))

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.images.shape[1], self.images.shape[2]

    @property
    def gaze(self) -> NDArray[np.float64]:
        """(N, 3) unit gaze vectors; DataError when the set has none."""
        return self.require("gaze")

    def require(self, label: str) -> NDArray[np.float64]:
        """The labels of one kind, or a DataError that names what is missing."""
        if label not in self.labels:
            held = ", ".join(sorted(self.labels)) or "none"
            raise DataError(f"{self.name}: no '{label}' labels (has: {held}); choose a labelled set")
        return self.labels[label]

    def unlabelled(self) -> Unlabelled:
        """The same images without any labels."""
        return Unlabelled(ids=self.ids, persons=self.persons, images=self.images, name=self.name)

    def with_images(self, images: ImageArray, name: str | None = None) -> ImageSet:
        """The same ids, persons and labels on other images (a refined set)."""
        return replace(self, images=images, name=name or self.name)

    def grey(self) -> ImageSet:
        """The mean of the channels of colour images, rounded; grey images as they are. Estimators take grey ones."""
        if len(self.images.shape) == 3:
            return self
        grey = np.empty(self.images.shape[:3], np.uint8)
        for part in in_chunks(len(self), GREY_CHUNK):
            grey[part] = np.rint(self.images[part].mean(axis=3))
        return self.with_images(grey)

    def select(self, indices: Indices) -> ImageSet:
        """The images and labels at `indices` (loaded into memory)."""
        where = np.arange(len(self))[indices]
        return replace(
            self,
            ids=self.ids[where],
            persons=self.persons[where],
            images=_take(self.images, where),
            labels={label: values[where] for label, values in self.labels.items()},
        )


def _take(images: ImageArray, where: NDArray[np.int64]) -> NDArray[Any]:
    """Rows of an image array in any order; HDF5 wants increasing indices, so read those and reorder."""
    if isinstance(images, np.ndarray):
        return images[where]
    unique, inverse = np.unique(where, return_inverse=True)
    whole = len(unique) == unique[-1] - unique[0] + 1
    found = images[int(unique[0]) : int(unique[-1]) + 1] if whole else images[unique]
    return found if np.array_equal(unique, where) else found[inverse]


def _check_label(owner: str, label: str, values: NDArray[np.float64], count: int) -> None:
    if label not in LABELS:
        raise DataError(f"{owner}: unknown label '{label}'; known: {', '.join(LABELS)}")
    shape = (count, *LABELS[label][0])
    if values.shape != shape:
        raise DataError(f"{owner}: label '{label}' must have shape {shape}, got {values.shape}")
    if not np.isfinite(values).all():
        bad = int((~np.isfinite(values)).reshape(count, -1).any(axis=1).sum())
        raise DataError(f"{owner}: label '{label}' is NaN or infinite for {bad} of {count} images")
    if label == "camera" and not (values[:, :2] > 0).all():
        row = int((values[:, :2] <= 0).any(axis=1).argmax())
        raise DataError(f"{owner}: focal lengths must be above 0; those of image {row} are {values[row, :2].tolist()}")
    if label == "gaze":
        error = np.abs(np.linalg.norm(values, axis=1) - 1)
        if error.max() > UNIT_LENGTH_TOLERANCE:
            worst = int(error.argmax())
            raise DataError(
                f"{owner}: gaze vectors must have unit length; "
                f"that of image {worst} is {np.linalg.norm(values[worst]):.4f}"
            )
