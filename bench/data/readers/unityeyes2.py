"""UnityEyes2 renderings: JPG and JSON pairs with a gaze vector and no eye landmarks, so the crop is given."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from bench.core.errors import DataError
from bench.data.eye_reader import EyeOptions, EyeReader
from bench.data.fit_size import fit_image
from bench.data.gaze_angles import unit_vectors, vectors_from_unity
from bench.data.indexed import Index, Labels
from bench.data.picture_files import read_grey
from bench.data.unity_files import head_pose_of, picture_pairs, read_labels, vector


class Options(EyeOptions):
    """Where the renderings are and which part of the pictures shows the eye."""

    folder: str = Field(default="UnityEyes2/imgs", description="folder of N.jpg and N.json pairs")
    suffix: Literal[".jpg", ".png"] = Field(default=".jpg", description="kind of the pictures")
    centre: tuple[float, float] = Field(
        default=(0.5, 0.5), description="centre of the crop: share of the picture's width and height"
    )
    width: float = Field(
        default=0.5, gt=0, le=1, description="width of the crop: share of the picture's width; its aspect is `size`'s"
    )


class UnityEyes2(EyeReader):
    """Grey eyes with gaze labels, and head_pose where the files have it; each image is its own person.

    UnityEyes2 (github.com/alexanderdsmith/UnityEyes2): ground_truth.gaze_vec has x right, y up and z away from
    the camera, as UnityEyes' look_vec. Its iris_center is the same in every file, so it is no label. Some versions
    of the program write the camera's rotation as `head_pose`, as UnityEyes does. Each rendering draws its own face.
    """

    Config: ClassVar[type[EyeOptions]] = Options
    config: Options

    def files(self, root: Path) -> list[Path]:
        """Every picture and its JSON."""
        return [path for pair in picture_pairs(root, self.config.folder, self.config.suffix) for path in pair]

    def index(self, root: Path, *, name: str) -> Index:
        """The pictures in the order of their numbers."""
        pairs = picture_pairs(root, self.config.folder, self.config.suffix)
        ids = np.array([f"unityeyes2-{picture.stem}" for picture, _ in pairs])
        return Index(ids=ids, persons=ids, entries=pairs)

    def pick(
        self, root: Path, index: Index, where: NDArray[np.int64], *, name: str
    ) -> tuple[NDArray[np.uint8], Labels]:
        """Crops at the final size, gaze, and head_pose where the files have it."""
        images = np.empty((len(where), *self.config.size), dtype=np.uint8)
        looks = np.empty((len(where), 3))
        heads: list[NDArray[np.float64]] = []
        for position, row in enumerate(where):
            picture, path = index.entries[row]
            content = read_labels(path)
            look = vector(content, path, "ground_truth", "gaze_vec")
            if len(look) not in (3, 4):
                raise DataError(f"{path}: 'gaze_vec' has {len(look)} numbers, expected 3 or 4; render it again")
            looks[position] = look[:3]
            images[position] = fit_image(self._cut(read_grey(picture), picture), self.config.size, "resize")
            if "head_pose" in content:
                heads.append(head_pose_of(content, path, "head_pose"))
        labels = {"gaze": unit_vectors(vectors_from_unity(looks))}
        if heads:
            if len(heads) != len(where):
                raise DataError(f"{name}: only {len(heads)} of {len(where)} files have a 'head_pose'; render all alike")
            labels["head_pose"] = np.array(heads)
        return images, labels

    def _cut(self, grey: NDArray[np.uint8], picture: Path) -> NDArray[np.uint8]:
        height_px, width_px = grey.shape
        width = round(self.config.width * width_px)
        height = round(width * self.config.size[0] / self.config.size[1])
        left = round(self.config.centre[0] * width_px - width / 2)
        top = round(self.config.centre[1] * height_px - height / 2)
        if left < 0 or top < 0 or left + width > width_px or top + height > height_px or 0 in (width, height):
            raise DataError(
                f"{picture.name}: the crop of {width}x{height} px at ({left}, {top}) leaves the picture of "
                f"{width_px}x{height_px}; change the options centre and width"
            )
        return np.ascontiguousarray(grey[top : top + height, left : left + width])
