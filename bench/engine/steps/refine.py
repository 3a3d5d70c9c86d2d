"""Applies a trained refiner to an image set; ids, persons and labels stay."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from bench.core.errors import TrainingFailed
from bench.data.imagesets import in_blocks, load_image_set, save_image_set

if TYPE_CHECKING:
    from bench.core.context import RunContext
    from bench.core.images import ImageArray
    from bench.core.refiner import Refiner
    from bench.engine.step import Step


def run(step: Step) -> None:
    """config: {moment}; inputs: refiner, images. Writes images.h5, block by block."""
    images = load_image_set(step.inputs["images"] / "images.h5")
    refiner: Refiner = step.component.load(step.inputs["refiner"])
    if "moment" in step.config:
        refiner = refiner.at(step.config["moment"])
    refined = images.with_images(images.images, f"refined {images.name}")
    save_image_set(step.out / "images.h5", refined, _refined(refiner, images.images, step.context))


def _refined(refiner: Refiner, images: ImageArray, context: RunContext) -> Iterator[NDArray[Any]]:
    """The images a block at a time, which changes nothing: no image depends on those that it is refined with."""
    for part in in_blocks(images):
        source = images[part]
        refined = refiner.refine(source, context)
        if refined.shape != source.shape or refined.dtype != source.dtype:
            raise TrainingFailed(
                f"the refiner returned {refined.dtype} {refined.shape} for {source.dtype} {source.shape};"
                " a refiner keeps shape, type and order"
            )
        yield refined
