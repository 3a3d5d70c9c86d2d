"""Predicts an image set's labels with a trained estimator. Scores are derived from this later, without a GPU."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from bench.core.errors import TrainingFailed
from bench.data.imagesets import in_blocks, load_image_set

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bench.core.context import RunContext
    from bench.core.estimator import Estimator
    from bench.core.images import ImageSet
    from bench.engine.step import Step


def run(step: Step) -> None:
    """inputs: estimator, images. Writes predictions.parquet: id, and one column per component of the label."""
    images = load_image_set(step.inputs["images"] / "images.h5").grey()
    estimator: Estimator = step.component.load(step.inputs["estimator"])
    flat = _predicted(estimator, images, step.context)
    columns = {f"p{index}": flat[:, index] for index in range(flat.shape[1])}
    pd.DataFrame({"id": images.ids, **columns}).to_parquet(step.out / "predictions.parquet", index=False)


def _predicted(estimator: Estimator, images: ImageSet, context: RunContext) -> NDArray[np.float64]:
    """(N, components), made a block at a time, which changes nothing: no prediction depends on the other images."""
    given = {label: images.require(label) for label in estimator.inputs}
    parts = []
    for part in in_blocks(images.images):
        block = images.images[part]
        predicted = estimator.predict(block, context, {label: values[part] for label, values in given.items()})
        if len(predicted) != len(block) or not np.isfinite(predicted).all():
            raise TrainingFailed(f"the estimator's predictions of {images.name} are not all finite numbers")
        parts.append(predicted.reshape(len(block), -1))
    return np.concatenate(parts)
