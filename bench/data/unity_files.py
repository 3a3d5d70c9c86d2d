"""UnityEyes' and UnityEyes2's folders: pictures with a JSON file each, whose numbers are strings."""

from __future__ import annotations

import ast
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.core.errors import DataError
from bench.data.files_below import require_folder
from bench.data.gaze_angles import head_pose_from_unity
from bench.data.picture_files import natural_order

# Some locales write numbers with full-width stops and commas.
FULL_WIDTH = str.maketrans({"．": ".", "，": ",", "（": "(", "）": ")", "－": "-"})


def picture_pairs(root: Path, folder: str, suffix: str) -> list[tuple[Path, Path]]:
    """(picture, JSON) pairs of a folder in the order of their numbers; DataError when a partner is missing."""
    place = require_folder(root, folder)
    labels = {path.stem: path for path in place.glob("*.json")}
    pictures = {path.stem: path for path in place.glob(f"*{suffix}")}
    if not pictures:
        raise DataError(f"{place} holds no *{suffix}; render images with UnityEyes, or correct the folder")
    for owners, partners, kind in ((pictures, labels, ".json"), (labels, pictures, suffix)):
        alone = sorted(set(owners) - set(partners))
        if alone:
            raise DataError(
                f"{place}: {len(alone)} files have no {kind} beside them, first '{owners[alone[0]].name}'; "
                "remove them, or render them again"
            )
    return [(path, labels[path.stem]) for path in sorted(pictures.values(), key=natural_order)]


def read_labels(path: Path) -> dict[str, Any]:
    """A label file's JSON object; DataError when it is damaged."""
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read as JSON ({error}); it is damaged, render it again") from error
    if not isinstance(content, dict):
        raise DataError(f"{path} is not a JSON object, so not a UnityEyes label file")
    return content


def vector(content: dict[str, Any], path: Path, *keys: str) -> NDArray[np.float64]:
    """The numbers of a string such as "(0.3404, 0.3879, -0.8566, 0.0000)" at nested keys."""
    return _numbers(_at(content, path, keys), path, keys)


def points(content: dict[str, Any], path: Path, *keys: str) -> NDArray[np.float64]:
    """(K, 3) numbers of a list of such strings: x and y in px with y up, and the distance from the camera."""
    texts = _at(content, path, keys)
    if not isinstance(texts, list) or not texts:
        raise DataError(f"{path}: '{'.'.join(keys)}' is not a list of points; render it again")
    rows = [_numbers(text, path, keys) for text in texts]
    if {len(row) for row in rows} != {3}:
        raise DataError(f"{path}: '{'.'.join(keys)}' does not hold points of 3 numbers; render it again")
    return np.array(rows)


def head_pose_of(content: dict[str, Any], path: Path, *keys: str) -> NDArray[np.float64]:
    """(2,) head pitch and yaw in radians of the camera's Euler angles at nested keys."""
    euler = vector(content, path, *keys)
    if len(euler) != 3:
        raise DataError(f"{path}: '{'.'.join(keys)}' has {len(euler)} numbers, expected 3; render it again")
    pitch_yaw: NDArray[np.float64] = head_pose_from_unity(euler[None])[0]
    return pitch_yaw


def _at(content: dict[str, Any], path: Path, keys: Sequence[str]) -> Any:
    value: Any = content
    for key in keys:
        if not isinstance(value, dict) or key not in value:
            raise DataError(f"{path} has no '{'.'.join(keys)}', so it is not a label file of this format")
        value = value[key]
    return value


def _numbers(text: Any, path: Path, keys: Sequence[str]) -> NDArray[np.float64]:
    try:
        values = ast.literal_eval(str(text).translate(FULL_WIDTH))
        return np.array([float(value) for value in values], dtype=np.float64)
    except (ValueError, TypeError, SyntaxError) as error:
        raise DataError(f"{path}: '{'.'.join(keys)}' is '{text}', expected numbers '(x, y, z)'") from error
