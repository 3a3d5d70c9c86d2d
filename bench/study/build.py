"""Makes a study's folder: the images as subjects will see them, and `study.toml`."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from bench.core.canonical import file_digest
from bench.core.context import RunContext
from bench.core.depth import grey_levels
from bench.core.errors import DataError, UsageError
from bench.core.images import ImageSet
from bench.data.imagesets import load_image_set, save_image_set
from bench.data.manifests import find_source
from bench.data.picture_files import SUFFIXES, natural_order, read_rgb
from bench.engine.plan import Request, make_plan
from bench.engine.store import Store, storage_errors
from bench.study.allocation import Allocation
from bench.study.design import ImageClass, StudyDesign, first_problem, save_design

DEPTH_MODES = ("I;16", "I;16L", "I;16B", "I;16N")


@dataclass(frozen=True)
class Source:
    """Images of one class: a folder, an image set (.h5) or a data set; `verified`: read already, from the store."""

    text: str
    verified: Path | None = None


def from_experiment(request: Request, seed: int, store: Store) -> dict[ImageClass, Source]:
    """The refined set of an experiment's first refiner with the real and synthetic sets that it was trained on.

    UsageError when the experiment has no such set, or it is not stored yet.
    """
    plan = make_plan(request)
    name = plan.refiners[0]
    key = plan.refined.get((name, seed, 1))
    if key is None:
        raise UsageError(f"{request.experiment} makes no images with '{name}' as it is; choose another --experiment")
    keys: dict[ImageClass, str] = {"real": plan.sets["real"], "refined": key, "synthetic": plan.sets["synthetic"]}
    missing = [of for of, key in keys.items() if not store.has(key)]
    if missing:
        raise UsageError(
            f"the {missing[0]} images of {request.experiment} ('{name}', seed {seed}, profile {request.profile}) are"
            f" not stored. Make them: bench run {request.experiment} --profile {request.profile} --seeds {seed + 1}"
        )
    return {of: Source(f"{request.experiment}:{of}", store.verified(key) / "images.h5") for of, key in keys.items()}


def build_study(design: StudyDesign, sources: Mapping[ImageClass, Source], most: int, out: Path) -> StudyDesign:
    """Write a study into the new folder `out`; the design with the images' hashes comes back.

    most: at most so many images of a class, a fixed random choice. UsageError for a class without source and for a
    folder that is in use; DataError for images that differ between classes in number, size or colour, or are too few.
    """
    absent = [name for name in design.classes if name not in sources]
    if absent:
        raise UsageError(f"the arms show {absent[0]} images; name them with --{absent[0]} FOLDER|FILE.h5|DATASET:PART")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"{out} exists already; a study gets a folder of its own")
    sets = {name: _read(sources[name], name, most, design.seed) for name in design.classes}
    _refuse_differences(sets)
    Allocation(design, {name: len(found) for name, found in sets.items()})
    partial = out.with_name(out.name + ".partial")
    with storage_errors(out.parent):
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        for name, found in sets.items():
            save_image_set(partial / f"{name}.h5", found)
        hashes = {name: file_digest(partial / f"{name}.h5") for name in sets}
        made = design.model_copy(update={"images": hashes})
        save_design(made, partial)
        if out.exists():
            out.rmdir()
        partial.rename(out)
    return made


def _read(source: Source, name: ImageClass, most: int, seed: int) -> ImageSet:
    """The images of a class as they are shown: uint8, grey or RGB; depth becomes grey levels."""
    rng = RunContext(seed).rng(f"choice {name}")
    if source.verified is not None:
        found = _some(load_image_set(source.verified), most, rng)
    elif Path(source.text).is_dir():
        found = _read_folder(Path(source.text), most, rng)
    elif source.text.endswith(".h5"):
        found = _some(load_image_set(Path(source.text)), most, rng)
    else:
        found = find_source(source.text, name).read(most)
    barred = [text for text in found.ids.tolist() if "|" in text]
    if barred:
        raise DataError(f"{source.text}: image '{barred[0]}' has a '|' in its name, which separates two; rename it")
    images = np.asarray(found.images[:])
    if images.dtype == np.uint16:
        images = np.rint(grey_levels(images)).astype(np.uint8)
    return ImageSet(found.ids, found.persons, images, name=name)


def _some(found: ImageSet, most: int, rng: np.random.Generator) -> ImageSet:
    """At most `most` images, in their order; all the same when there are no more."""
    chosen = np.sort(rng.permutation(len(found))[:most])
    return found.select(chosen)


def _read_folder(folder: Path, most: int, rng: np.random.Generator) -> ImageSet:
    """Pictures of a folder and those below it; colour when any of them is."""
    paths = sorted((path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES), key=_in_order)
    if not paths:
        raise DataError(f"{folder} holds no images ({', '.join(SUFFIXES)})")
    paths = [paths[index] for index in np.sort(rng.permutation(len(paths))[:most])]
    images = [_read_picture(path) for path in paths]
    odd = [path for path, image in zip(paths, images, strict=True) if image.shape != images[0].shape]
    if odd:
        raise DataError(f"{odd[0]} has another size or depth than {paths[0].name}; a study's images are all alike")
    stacked = np.stack(images)
    if stacked.ndim == 4 and (stacked == stacked[..., :1]).all():
        stacked = np.ascontiguousarray(stacked[..., 0])
    ids = np.array([path.relative_to(folder).with_suffix("").as_posix() for path in paths])
    return ImageSet(ids, np.full(len(ids), "unknown"), stacked, name=str(folder.name))


def _in_order(path: Path) -> tuple[object, str]:
    return natural_order(path), str(path)


def _read_picture(path: Path) -> NDArray[Any]:
    """(H, W, 3) uint8, or (H, W) uint16 of a 16-bit file: depth in mm."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as picture:
            if picture.mode in DEPTH_MODES:
                return np.asarray(picture).astype(np.uint16)
    except (UnidentifiedImageError, OSError, SyntaxError) as error:
        raise DataError(f"{path} is not a readable image ({error})") from error
    return read_rgb(path)


def _refuse_differences(sets: Mapping[ImageClass, ImageSet]) -> None:
    """DataError when something other than what they show tells the classes apart."""
    real = sets["real"]
    for name, found in sets.items():
        if found.size != real.size:
            sizes = " and ".join(_size(each) for each in (real, found))
            raise DataError(f"real and {name} images have {sizes}; a size gives the answer away, so make them one")
        if found.images.shape[1:] != real.images.shape[1:]:
            kinds = _kinds((real, found))
            raise DataError(f"real images are {kinds[0]}, {name} ones {kinds[1]}; make both grey or both colour")
        if len(found) != len(real):
            fewer = min(map(len, sets.values()))
            raise DataError(
                f"{len(real)} real and {len(found)} {name} images; a study takes the same number of each:"
                f" --images {fewer}"
            )


def _size(found: ImageSet) -> str:
    height, width = found.size
    return f"{width}x{height} px"


def _kinds(sets: Sequence[ImageSet]) -> list[str]:
    return ["colour" if len(each.images.shape) == 4 else "grey" for each in sets]


def design_of(arms: Sequence[Mapping[str, Any]], chosen: Mapping[str, Any]) -> StudyDesign:
    """A design from arms and settings, None for those left open; UsageError for one that is wrong.

    A seed that is left open is drawn at random: whoever knows it can tell who is asked what.
    """
    if not arms:
        raise UsageError("nothing to compare with real images: name --refined or --synthetic ones, or an --experiment")
    given = {name: value for name, value in chosen.items() if value is not None}
    try:
        return StudyDesign.model_validate({"seed": secrets.randbits(63), **given, "arms": arms})
    except ValidationError as error:
        raise UsageError(f"the study's design is wrong: {first_problem(error)}") from error
