"""Predicts an image set's labels with a trained estimator. Scores are derived from this later, without a GPU."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from bench.core.errors import TrainingFailed
from bench.data.imagesets import load_image_set

if TYPE_CHECKING:
    from bench.core.estimator import Estimator
    from bench.engine.step import Step


def run(step: Step) -> None:
    """inputs: estimator, images. Writes predictions.parquet: id, and one column per component of the label."""
    images = load_image_set(step.inputs["images"] / "images.h5").grey()
    estimator: Estimator = step.component.load(step.inputs["estimator"])
    given = {label: images.require(label) for label in estimator.inputs}
    predicted = estimator.predict(images.images[:], step.context, given)
    if len(predicted) != len(images) or not np.isfinite(predicted).all():
        raise TrainingFailed(f"the estimator's predictions of {images.name} are not all finite numbers")
    flat = predicted.reshape(len(images), -1)
    columns = {f"p{index}": flat[:, index] for index in range(flat.shape[1])}
    pd.DataFrame({"id": images.ids, **columns}).to_parquet(step.out / "predictions.parquet", index=False)
