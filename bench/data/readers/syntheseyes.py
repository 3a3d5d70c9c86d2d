"""SynthesEyes renderings: PNG files whose names hold the person, a number, pitch and yaw."""

from __future__ import annotations

import re
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from bench.core.errors import DataError
from bench.data.eye_reader import EyeOptions, EyeReader
from bench.data.files_below import require_folder
from bench.data.fit_size import fit_image, refuse_size
from bench.data.gaze_angles import vectors_from_pitch_yaw
from bench.data.indexed import Index, Labels
from bench.data.picture_files import natural_order, read_grey

# f01_124_-0.0000_-0.3927.png: face model, number of the rendering, pitch and yaw in radians
NAME = re.compile(r"(?P<person>[^_]+)_(?P<number>\d+)_(?P<pitch>-?\d+(?:\.\d+)?)_(?P<yaw>-?\d+(?:\.\d+)?)")


class Options(EyeOptions):
    """Where the renderings are."""

    folder: str = Field(default="SynthesEyes", description="folder of the PNG files; its subfolders are searched too")


class SynthesEyes(EyeReader):
    """Grey eyes (120x80 RGBA files) with gaze labels; persons are the face models (f01, ...).

    Wood et al.: "Rendering of Eyes for Eye-Shape Registration and Gaze Estimation", ICCV 2015. Pitch is positive
    upwards and yaw towards the image's left, which the pupil's place in the images confirms. Whether the angles
    are those of the eye in the head or in the camera's space is not documented.
    """

    Config: ClassVar[type[EyeOptions]] = Options
    config: Options

    def files(self, root: Path) -> list[Path]:
        """Every PNG below the folder."""
        folder = require_folder(root, self.config.folder)
        found = sorted(folder.rglob("*.png"), key=natural_order)
        if not found:
            raise DataError(f"{folder} holds no PNG file; see 'bench data status' for how to get the data set")
        return found

    def index(self, root: Path, *, name: str) -> Index:
        """Files in the order of persons and numbers; angles come from the names."""
        entries = []
        for path in self.files(root):
            match = NAME.fullmatch(path.stem)
            if match is None:
                raise DataError(
                    f"{path}: no angles in the file's name; expected PERSON_NUMBER_PITCH_YAW.png in radians, "
                    "else use the format 'folder' with a CSV of labels"
                )
            entries.append((path, match))
        return Index(
            ids=np.array([path.stem for path, _ in entries]),
            persons=np.array([match["person"] for _, match in entries]),
            entries=[(path, float(match["pitch"]), float(match["yaw"])) for path, match in entries],
        )

    def pick(
        self, root: Path, index: Index, where: NDArray[np.int64], *, name: str
    ) -> tuple[NDArray[np.uint8], Labels]:
        """Images at the final size, gaze from the file names."""
        options = self.config
        images = np.empty((len(where), *options.size), dtype=np.uint8)
        for position, row in enumerate(where):
            path = index.entries[row][0]
            grey = read_grey(path)
            refuse_size(grey.shape, options.size, options.fit, path.name)
            images[position] = grey if grey.shape == options.size else fit_image(grey, options.size, options.fit)
        angles = np.array([index.entries[row][1:] for row in where], dtype=np.float64)
        return images, {"gaze": vectors_from_pitch_yaw(angles)}
