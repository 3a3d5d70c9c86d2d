"""UnityEyes renderings: JPG and JSON pairs, cropped around the eye and resized to the paper's 35x55."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from bench.core.errors import DataError
from bench.core.images import LABELS
from bench.data.eye_reader import EyeOptions, EyeReader
from bench.data.fit_size import fit_image
from bench.data.gaze_angles import unit_vectors, vectors_from_unity
from bench.data.indexed import Index, Labels
from bench.data.picture_files import read_grey
from bench.data.unity_files import head_pose_of, picture_pairs, points, read_labels, vector

Points = NDArray[np.float64]
OUTER_CORNER = 8  # of the 16 points of interior_margin_2d
FIXED_WINDOW = (140 / 640, 84 / 480)  # share of the picture's width and height


class Options(EyeOptions):
    """Where the renderings are and how the eye is cut out."""

    folder: str = Field(default="UnityEyes/imgs", description="folder of N.jpg and N.json pairs")
    suffix: Literal[".jpg", ".png"] = Field(default=".jpg", description="kind of the pictures")
    crop: Literal["eye", "window"] = Field(
        default="eye",
        description="'eye': `eye_scale` eye widths wide, around the middle of the two corners (as GazeML); 'window': a "
        "fixed 140x84 of 640x480 px around the lid margin's bounding box (as carpedm20's SimGAN). The paper's crop "
        "is not described",
    )
    eye_scale: float = Field(
        default=1.5, gt=0.5, lt=10, description="width of the 'eye' crop in corner-to-corner widths; GazeML: 1.5"
    )


class Window(NamedTuple):
    """A crop in whole px; it may reach beyond the picture."""

    left: int
    top: int
    width: int
    height: int


class Row(NamedTuple):
    """The labels of one crop, by their names."""

    gaze: Points
    pupil: Points
    pupil_margin: float
    eye_width: float
    head_pose: Points


class UnityEyes(EyeReader):
    """Grey eyes with the labels gaze, pupil (mean of the iris outline), pupil_margin, eye_width
    and head_pose.

    Wood, Baltrusaitis, Morency, Robinson, Bulling: "Learning an appearance-based gaze estimator from one million
    synthesised images", ETRA 2016. Points in the JSON have y up from the picture's lower edge (Unity's screen
    space, pixel centres at halves); look_vec has x right, y up, z away from the camera and turns into
    (x, -y, z). head_pose holds the camera's rotation, see `head_pose_from_unity`. Each rendering draws its own face
    shape, so each image is its own person.
    """

    Config: ClassVar[type[EyeOptions]] = Options
    config: Options

    def files(self, root: Path) -> list[Path]:
        """Every picture and its JSON."""
        return [path for pair in picture_pairs(root, self.config.folder, self.config.suffix) for path in pair]

    def index(self, root: Path, *, name: str) -> Index:
        """The pictures in the order of their numbers."""
        pairs = picture_pairs(root, self.config.folder, self.config.suffix)
        ids = np.array([f"unityeyes-{picture.stem}" for picture, _ in pairs])
        return Index(ids=ids, persons=ids, entries=pairs)

    def pick(
        self, root: Path, index: Index, where: NDArray[np.int64], *, name: str
    ) -> tuple[NDArray[np.uint8], Labels]:
        """Crops at the final size, and labels in their pixels."""
        size = self.config.size
        images = np.empty((len(where), *size), dtype=np.uint8)
        columns = {label: np.empty((len(where), *LABELS[label][0])) for label in Row._fields}
        for position, row in enumerate(where):
            images[position], labels = self._one(*index.entries[row])
            for label, values in columns.items():
                values[position] = getattr(labels, label)
        return images, {**columns, "gaze": unit_vectors(columns["gaze"])}

    def _one(self, picture: Path, path: Path) -> tuple[NDArray[np.uint8], Row]:
        """One crop, and its labels in px of the crop."""
        content = read_labels(path)
        grey = read_grey(picture)
        lids = _image_points(points(content, path, "interior_margin_2d"), grey.shape[0])
        iris = _image_points(points(content, path, "iris_2d"), grey.shape[0])
        inner = _image_points(points(content, path, "caruncle_2d"), grey.shape[0]).mean(axis=0)
        if len(lids) <= OUTER_CORNER:
            raise DataError(f"{path}: 'interior_margin_2d' has {len(lids)} points, expected 16; render it again")
        look = vector(content, path, "eye_details", "look_vec")
        if len(look) not in (3, 4):
            raise DataError(f"{path}: 'look_vec' has {len(look)} numbers, expected 3 or 4; render it again")
        head_pose = head_pose_of(content, path, "head_pose")
        outer = lids[OUTER_CORNER]
        window = self._window(lids, inner, outer, grey.shape)
        if not (0 < window.width <= 4 * grey.shape[1] and 0 < window.height <= 4 * grey.shape[0]):
            raise DataError(f"{path}: the eye to cut out is {window.width}x{window.height} px; render it again")
        if np.hypot(*(iris.mean(axis=0) - lids.mean(axis=0))) > max(grey.shape):
            raise DataError(f"{path}: the iris lies outside of the picture {picture.name}; are they a pair?")

        size = self.config.size
        image = fit_image(_cut(grey, window), size, "resize")
        scale = np.array([size[1] / window.width, size[0] / window.height])

        def inside(at: Points) -> Points:
            moved: Points = (at - np.array([window.left, window.top]) + 0.5) * scale - 0.5
            return moved

        pupil = inside(iris.mean(axis=0))
        width = float(np.hypot(*(inside(outer) - inside(inner))))
        gaze = vectors_from_unity(look[None])[0]
        return image, Row(gaze, pupil, _margin(inside(lids), pupil), width, head_pose)

    def _window(self, lids: Points, inner: Points, outer: Points, shape: tuple[int, ...]) -> Window:
        """The crop's place: its aspect is the output's for 'eye', 140:84 for 'window'."""
        if self.config.crop == "window":
            centre = (lids.min(axis=0) + lids.max(axis=0)) / 2
            width, height = FIXED_WINDOW[0] * shape[1], FIXED_WINDOW[1] * shape[0]
        else:
            centre = (inner + outer) / 2
            width = self.config.eye_scale * abs(outer[0] - inner[0])
            height = width * self.config.size[0] / self.config.size[1]
        left, top = centre - (np.array([width, height]) - 1) / 2
        return Window(round(left), round(top), round(width), round(height))


def _image_points(at: Points, height: int) -> Points:
    """(K, 2) px with y down and pixel centres at whole numbers, of Unity's screen points."""
    return np.column_stack([at[:, 0] - 0.5, height - at[:, 1] - 0.5])


def _cut(grey: NDArray[np.uint8], window: Window) -> NDArray[np.uint8]:
    """The window's pixels; beyond the picture its edge is repeated."""
    rows = np.clip(np.arange(window.top, window.top + window.height), 0, grey.shape[0] - 1)
    columns = np.clip(np.arange(window.left, window.left + window.width), 0, grey.shape[1] - 1)
    return np.ascontiguousarray(grey[np.ix_(rows, columns)])


def _margin(lids: Points, pupil: Points) -> float:
    """Distance in px from the pupil centre to the lid opening's outline; negative when it lies outside."""
    import cv2

    outline = lids.astype(np.float32)[:, None]
    return float(cv2.pointPolygonTest(outline, (float(pupil[0]), float(pupil[1])), True))
