"""Applies a trained refiner to an image set; ids, persons and labels stay."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.core.errors import TrainingFailed
from bench.data.imagesets import load_image_set, save_image_set

if TYPE_CHECKING:
    from bench.core.refiner import Refiner
    from bench.engine.step import Step


def run(step: Step) -> None:
    """config: {moment}; inputs: refiner, images. Writes images.h5."""
    images = load_image_set(step.inputs["images"] / "images.h5")
    refiner: Refiner = step.component.load(step.inputs["refiner"])
    if "moment" in step.config:
        refiner = refiner.at(step.config["moment"])
    source = images.images[:]
    refined = refiner.refine(source, step.context)
    if refined.shape != source.shape or refined.dtype != source.dtype:
        raise TrainingFailed(
            f"the refiner returned {refined.dtype} {refined.shape} for {source.dtype} {source.shape};"
            " a refiner keeps shape, type and order"
        )
    save_image_set(step.out / "images.h5", images.with_images(refined, f"refined {images.name}"))
