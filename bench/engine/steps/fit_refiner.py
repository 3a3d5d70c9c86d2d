"""Trains a refiner on synthetic and unlabelled real images."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.data.imagesets import load_image_set
from bench.engine.training_log import save_log

if TYPE_CHECKING:
    from bench.core.refiner import Refiner
    from bench.engine.step import Step


def run(step: Step) -> None:
    """config: {preset, settings}; inputs: synthetic, real. Writes the refiner's files, and its log."""
    synthetic = load_image_set(step.inputs["synthetic"] / "images.h5")
    real = load_image_set(step.inputs["real"] / "images.h5")
    refiner: Refiner = step.component.configured(step.config["preset"], step.config["settings"])
    seen = synthetic if refiner.needs_synthetic_labels else synthetic.unlabelled()
    loaded = step.context.seconds
    refiner.fit(seen, real.unlabelled(), step.context)
    step.context.note(fit_seconds=round(step.context.seconds - loaded, 2))
    refiner.save(step.out)
    save_log(step.out, step.context)
