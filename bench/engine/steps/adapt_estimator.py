"""Adapts a trained estimator to unlabelled real images."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.data.imagesets import load_image_set

if TYPE_CHECKING:
    from bench.core.estimator import Estimator
    from bench.engine.step import Step


def run(step: Step) -> None:
    """inputs: estimator, real. Writes the adapted estimator's files; the trained one stays as it is."""
    estimator: Estimator = step.component.load(step.inputs["estimator"])
    real = load_image_set(step.inputs["real"] / "images.h5").grey()
    estimator.adapt(real.unlabelled(), step.context)
    estimator.save(step.out)
