"""Applies a stored refiner to a folder of the user's images."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
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


def refine_folder(plan: Plan, store: Store, *, seed: int, source: Path, into: Path, device: str) -> int:
    """Refine every image of `source` into PNG files of the same names; returns their number.

    The refiner is the first that was asked for, as the experiment has it without settings of its own, trained with
    `seed`; UsageError when it is not stored yet.
    All images are read and checked before the first is written.
    """
    name = plan.refiners[0]
    key = plan.fits.get((name, seed))
    if key is None:
        raise UsageError(f"{plan.request.experiment} trains no '{name}' as it is; choose another --experiment")
    if not store.has(key):
        raise UsageError(
            f"no trained '{name}' (seed {seed}, profile {plan.request.profile}) is stored."
            f" Train it: bench run {plan.request.experiment} --profile {plan.request.profile}"
        )
    if into.resolve() == source.resolve():
        raise UsageError(f"{into} would overwrite its own input; choose another folder")
    images = list(_read_images(source))
    refiner: Refiner = registry.load("refiners", name).load(store.verified(key))
    context = RunContext(seed, device=device)
    with storage_errors(into):
        into.mkdir(parents=True, exist_ok=True)
        for relative, image in images:
            target = into / relative.with_suffix(".png")
            target.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(refiner.refine(image[None], context)[0]).save(target)
    return len(images)


def _read_images(folder: Path) -> Iterator[tuple[Path, NDArray[Any]]]:
    if not folder.is_dir():
        raise DataError(f"{folder} is not a folder of images")
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    if not paths:
        raise DataError(f"{folder} holds no images ({', '.join(sorted(SUFFIXES))})")
    targets = Counter(str(path.relative_to(folder).with_suffix("")) for path in paths)
    twins = [target for target, count in targets.items() if count > 1]
    if twins:
        raise DataError(f"{folder}: several images are named {min(twins)}; their refined files would be one")
    for path in paths:
        yield path.relative_to(folder), _read_grey(path)


def _read_grey(path: Path) -> NDArray[Any]:
    """(H, W) uint8; a colour file is taken when its channels are equal, else refused."""
    try:
        with Image.open(path) as image:
            pixels = np.asarray(image if image.mode == "L" else image.convert("RGB"))
    except (UnidentifiedImageError, OSError, SyntaxError) as error:
        raise DataError(f"{path} is not a readable image ({error})") from error
    if pixels.ndim == 2:
        return pixels
    if (pixels == pixels[..., :1]).all():
        return np.ascontiguousarray(pixels[..., 0])
    raise DataError(f"{path} is a colour image; this refiner takes grey ones. Convert it first.")
