"""Trains an estimator on one image set, holding out a validation share of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bench.core.errors import DataError
from bench.data.imagesets import load_image_set
from bench.engine.training_log import save_log

if TYPE_CHECKING:
    from bench.core.estimator import Estimator
    from bench.engine.step import Step


def run(step: Step) -> None:
    """config: {preset, settings, every_second}; inputs: train. Writes the estimator's files, and its log.

    every_second: train on the images 0, 2, 4, ... and leave the others to be measured.
    """
    images = load_image_set(step.inputs["train"] / "images.h5").grey()
    if step.config.get("every_second"):
        images = images.select(slice(0, None, 2))
    estimator: Estimator = step.component.configured(step.config["preset"], step.config["settings"])
    images.require(estimator.target)
    held_out = round(len(images) * estimator.validation_share)
    if estimator.validation_share and not 0 < held_out < len(images):
        raise DataError(f"{images.name}: {len(images)} images are too few to train and validate on; use more")
    # The split has a stream of its own, so that every training set of one size is split alike.
    order = step.context.rng("validation-split").permutation(len(images))
    train = images.select(np.sort(order[held_out:])) if held_out else images  # which may be larger than the memory
    validation = images.select(np.sort(order[:held_out])) if held_out else None
    estimator.fit(train, validation, step.context)
    estimator.save(step.out)
    save_log(step.out, step.context)
