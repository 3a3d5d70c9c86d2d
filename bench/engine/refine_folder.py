"""Applies a stored refiner to a folder of the user's images."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from bench.core import registry
from bench.core.context import RunContext
from bench.core.errors import DataError, UsageError
from bench.core.refiner import Refiner
from bench.engine.plan import Plan
from bench.engine.store import Store, storage_errors

SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff"}
DEPTH_MODES = ("I;16", "I;16L", "I;16B", "I;16N")
EIGHT_BIT_MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "LAB", "HSV")


def refine_folder(plan: Plan, store: Store, *, seed: int, source: Path, into: Path, device: str) -> int:
    """Refine every image of `source` into PNG files of the same names; returns their number.

    8-bit grey images are eyes, 16-bit ones are hands: depth in mm, background 0. Refined depth is 16-bit again.
    `into` is a new folder, or an empty one; UsageError when it would be overwritten.
    The refiner is the first that was asked for, as the experiment has it without settings of its own, trained with
    `seed`; UsageError when it is not stored yet.
    All images are read and refined before the first is written: DataError, and no file, when there is one among them
    that cannot be read or that the refiner does not take.
    """
    paths = _image_paths(source)
    _require_empty(into)
    name = plan.refiners[0]
    key = plan.fits.get((name, seed))
    if key is None:
        raise UsageError(f"{plan.request.experiment} trains no '{name}' as it is; choose another --experiment")
    if not store.has(key):
        raise UsageError(
            f"no trained '{name}' (seed {seed}, profile {plan.request.profile}) is stored."
            f" Train it: bench run {plan.request.experiment} --profile {plan.request.profile}"
        )
    images = [(path.relative_to(source), _read_image(path)) for path in paths]
    refiner: Refiner = registry.load("refiners", name).load(store.verified(key))
    context = RunContext(seed, device=device)
    refined = [(relative, _refined(refiner, image, source / relative, context)) for relative, image in images]
    with storage_errors(into):
        into.mkdir(parents=True, exist_ok=True)
        for relative, image in refined:
            target = into / relative.with_suffix(".png")
            target.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).save(target)
    return len(refined)


def _refined(refiner: Refiner, image: NDArray[Any], path: Path, context: RunContext) -> NDArray[Any]:
    """(H, W) -> the same refined; a DataError names the file."""
    try:
        return np.asarray(refiner.refine(image[None], context)[0])
    except DataError as error:
        raise DataError(f"{path}: {error}") from error


def _image_paths(folder: Path) -> list[Path]:
    """The images below a folder; DataError when there are none, or two whose refined files would be one."""
    if not folder.exists():
        raise DataError(f"there is no folder {folder}")
    if not folder.is_dir():
        raise DataError(f"{folder} is a file; name the folder that holds the images")
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    if not paths:
        raise DataError(f"{folder} holds no images ({', '.join(sorted(SUFFIXES))})")
    targets = Counter(str(path.relative_to(folder).with_suffix("")) for path in paths)
    twins = [target for target, count in targets.items() if count > 1]
    if twins:
        raise DataError(f"{folder}: several images are named {min(twins)}; their refined files would be one")
    return paths


def _require_empty(folder: Path) -> None:
    with storage_errors(folder):
        if folder.exists() and next(folder.iterdir(), None) is not None:
            raise UsageError(f"{folder} is not empty; choose an empty folder or a new one")


def _read_image(path: Path) -> NDArray[Any]:
    """(H, W) uint8, or uint16 of a 16-bit file; a colour file is taken when its channels are equal, else refused."""
    try:
        with Image.open(path) as image:
            mode = image.mode
            pixels = np.asarray(image.convert("RGB") if mode in EIGHT_BIT_MODES and mode != "L" else image)
    except (UnidentifiedImageError, OSError, SyntaxError) as error:
        raise DataError(f"{path} is not a readable image ({error})") from error
    if mode in DEPTH_MODES:
        if not pixels.any():
            raise DataError(f"{path} shows no hand: all its depth is 0, background; check how it was written")
        return pixels.astype(np.uint16)
    if mode not in EIGHT_BIT_MODES:
        raise DataError(f"{path} has pixels of kind '{mode}'; convert it to 8-bit grey, or to 16-bit depth in mm")
    if pixels.ndim == 2:
        return pixels
    if (pixels == pixels[..., :1]).all():
        return np.ascontiguousarray(pixels[..., 0])
    raise DataError(
        f"{path} is a colour image; refiners take grey ones, or 16-bit depth in mm with one channel. Convert it first."
    )
