"""Options of a manifest that say how a file's gaze numbers are meant, and the one place that obeys them."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from bench.core.errors import DataError
from bench.data.eye_reader import EyeOptions
from bench.data.gaze_angles import unit_vectors, vectors_from_pitch_yaw


class GazeOptions(EyeOptions):
    """What gaze vectors or pitch and yaw of a generic file mean, and whether its images keep their colours."""

    colour: bool = Field(default=False, description="true: RGB images as they are; false: colour becomes luma")

    angles: Literal["radians", "degrees"] = Field(
        default="radians", description="unit of pitch and yaw, of gaze and head"
    )
    pitch_positive: Literal["up", "down"] = Field(
        default="up", description="where a positive pitch looks, of gaze and head"
    )
    yaw_positive: Literal["left", "right"] = Field(
        default="left", description="side of the image towards which a positive yaw looks, of gaze and head"
    )
    vector_y: Literal["down", "up"] = Field(default="down", description="where y of the gaze vectors points")
    normalise: bool = Field(
        default=False, description="scale gaze vectors to unit length (otherwise other lengths are refused)"
    )


def gaze_from_vectors(vectors: NDArray[np.float64], options: GazeOptions) -> NDArray[np.float64]:
    """(N, 3) camera-space gaze of (N, 3) vectors as the file gives them."""
    if options.vector_y == "up":
        vectors = vectors * np.array([1.0, -1.0, 1.0])
    return unit_vectors(vectors) if options.normalise else vectors


def gaze_from_angles(pitch_yaw: NDArray[np.float64], options: GazeOptions, owner: str) -> NDArray[np.float64]:
    """(N, 3) unit gaze vectors of (N, 2) pitch and yaw; DataError for degrees that are declared as radians."""
    return vectors_from_pitch_yaw(radians_from_angles(pitch_yaw, options, owner))


def radians_from_angles(pitch_yaw: NDArray[np.float64], options: GazeOptions, owner: str) -> NDArray[np.float64]:
    """(N, 2) pitch and yaw, of gaze or head, in radians and the harness's signs; DataError as `gaze_from_angles`."""
    signs = np.array([1.0 if options.pitch_positive == "up" else -1.0, 1.0 if options.yaw_positive == "left" else -1.0])
    signed: NDArray[np.float64] = pitch_yaw * signs
    if options.angles == "degrees":
        return np.deg2rad(signed)
    largest = np.abs(pitch_yaw[np.isfinite(pitch_yaw)]).max(initial=0.0)
    if largest > 2 * np.pi:
        raise DataError(
            f"{owner}: angles reach {largest:.1f}, more than a full turn in radians; "
            "set angles = 'degrees' in the manifest"
        )
    return signed
