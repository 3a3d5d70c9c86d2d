"""The files of the NYU hand pose data set: depth in the channels of a PNG, and joint_data.mat."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.core.errors import DataError
from bench.core.hands import JOINTS

VIEWS = 3
FILE_JOINTS = 36
PLACES = (0, 3, 6, 9, 12, 15, 18, 21, 24, 25, 27, 30, 31, 32)
"""Where the released file has the joints of `JOINTS`."""
AGAIN = "get the data set's files again"


def read_depth(path: Path) -> NDArray[np.uint16]:
    """(H, W) mm of a PNG whose green and blue channels are the high and the low byte; red is 0.

    DataError for a missing or damaged picture, for other kinds of PNG (8-bit grey, 16 bits in one channel, alpha),
    for a red channel that holds something, and for a picture of zeros.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as picture:
            kind, pixels = picture.mode, np.asarray(picture)
    except FileNotFoundError as error:
        raise DataError(f"no file {path}; see 'bench data status' for how to get the data set") from error
    except (OSError, UnidentifiedImageError, SyntaxError, ValueError) as error:
        reason = str(error).partition("\n")[0].replace(str(path), path.name)
        raise DataError(f"{path} cannot be read as a picture ({reason}); it is damaged, {AGAIN}") from error
    if kind != "RGB":
        raise DataError(
            f"{path}: picture of kind '{kind}', expected RGB with the depth in mm as 256 green + blue; {AGAIN}"
        )
    if pixels[..., 0].any():
        raise DataError(f"{path}: the red channel is not 0, so this is no depth (or its channels are swapped); {AGAIN}")
    depth: NDArray[np.uint16] = (pixels[..., 1].astype(np.uint16) << 8) | pixels[..., 2]
    if not depth.any():
        raise DataError(f"{path}: all depths are 0; {AGAIN}")
    return depth


def frames_of_joints(path: Path) -> int:
    """How many frames a joint_data.mat has, from its header; DataError when it is not one of the data set's."""
    from scipy.io import whosmat

    shapes = {name: shape for name, shape, _ in _guarded(path, whosmat)}
    shape = shapes.get("joint_uvd")
    if shape is None or "joint_names" not in shapes:
        raise DataError(f"{path} has no 'joint_uvd' and 'joint_names' (has: {', '.join(shapes) or 'nothing'}); {AGAIN}")
    if len(shape) != 4 or (shape[0], *shape[2:]) != (VIEWS, FILE_JOINTS, 3):
        raise DataError(f"{path}: 'joint_uvd' has shape {shape}, expected ({VIEWS}, frames, {FILE_JOINTS}, 3); {AGAIN}")
    return int(shape[1])


def read_joints(path: Path) -> NDArray[np.float64]:
    """(3, frames, 14, 3) the joints of `JOINTS` in each view: u, v in px, depth in mm; chosen by their names."""
    from scipy.io import loadmat

    frames_of_joints(path)
    content = _guarded(path, lambda file: loadmat(file, variable_names=["joint_names", "joint_uvd"]))
    names = [str(np.asarray(name).item()).strip() for name in np.asarray(content["joint_names"]).ravel()]
    joints = content["joint_uvd"][:, :, _places(path, names)].astype(np.float64)
    if not np.isfinite(joints).all():
        raise DataError(f"{path}: 'joint_uvd' has NaN or infinite values; {AGAIN}")
    return np.asarray(joints)


def _places(path: Path, names: list[str]) -> list[int]:
    """Where the 14 joints are; DataError for names in an order that the released file does not have."""
    if len(names) != FILE_JOINTS:
        raise DataError(f"{path} has {len(names)} joint names for {FILE_JOINTS} joints; {AGAIN}")
    for joint in JOINTS:
        if names.count(joint) != 1:
            raise DataError(f"{path} has {names.count(joint)} joints named '{joint}'; {AGAIN}")
    places = [names.index(joint) for joint in JOINTS]
    wrong = [(joint, here) for joint, here, known in zip(JOINTS, places, PLACES, strict=True) if here != known]
    if wrong:
        raise DataError(
            f"{path}: {len(wrong)} joints stand in another order than in the released file, first '{wrong[0][0]}' at "
            f"{wrong[0][1]}, so names and coordinates may not belong together; {AGAIN}"
        )
    return places


def _guarded(path: Path, read: Any) -> Any:
    """What `read` makes of a .mat file; any damage becomes a DataError."""
    from scipy.io.matlab import MatReadError

    try:
        return read(path)
    except (OSError, ValueError, TypeError, KeyError, EOFError, NotImplementedError, zlib.error, MatReadError) as error:
        reason = str(error).partition("\n")[0]
        raise DataError(f"{path} cannot be read as .mat ({reason}); it is damaged, {AGAIN}") from error
