"""Single pictures (PNG, JPEG, BMP) as arrays, grey or in colour; a damaged one is an error, never half a picture."""

from __future__ import annotations

import io
import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.core.errors import DataError

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp")
EIGHT_BIT_MODES = ("L", "LA", "RGB", "RGBA", "P")


def read_grey(path: Path) -> NDArray[np.uint8]:
    """(H, W) uint8 of a picture file; DataError when it is missing, and as `decode_grey`."""
    return decode_grey(_content(path), path)


def read_rgb(path: Path) -> NDArray[np.uint8]:
    """(H, W, 3) uint8 of a picture file, three equal channels if it is grey; DataError as `read_grey`."""
    return _decode(_content(path), path, "RGB")


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise DataError(f"no picture {path}; see 'bench data status' for how to get the data set") from error
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}); get it again") from error


def decode_grey(content: bytes, path: Path) -> NDArray[np.uint8]:
    """(H, W) uint8 of a picture's bytes; colour becomes luma (ITU-R BT.601), alpha is dropped.

    DataError for a truncated or foreign picture, and for more than 8 bits, which would lose its scale. path: what
    to call it.
    """
    return _decode(content, path, "L")


def _decode(content: bytes, path: Path, mode: str) -> NDArray[np.uint8]:
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(content)) as picture:
            if picture.mode not in EIGHT_BIT_MODES:
                raise DataError(f"{path}: picture of kind '{picture.mode}', expected 8-bit grey or colour; convert it")
            return np.asarray((picture.convert("RGB") if picture.mode == "P" else picture).convert(mode))
    except (OSError, UnidentifiedImageError, SyntaxError, ValueError) as error:
        reason = str(error).partition("\n")[0].replace(str(path), path.name)
        raise DataError(f"{path} cannot be read as a picture ({reason}); it is damaged, get it again") from error


def natural_order(path: Path) -> tuple[tuple[int, int, str], ...]:
    """Sorting key of a file name in which 2 comes before 10."""
    pieces = re.split(r"(\d+)", path.name)
    return tuple((1, int(piece), "") if piece.isdigit() else (0, 0, piece) for piece in pieces)
