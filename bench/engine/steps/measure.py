"""Measures an image set: drift from what it was refined from, or likeness to real images."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bench.core import registry
from bench.core.errors import TrainingFailed
from bench.core.images import ImageSet
from bench.core.measure import Measure, Subject
from bench.data.imagesets import load_image_set

if TYPE_CHECKING:
    from bench.engine.step import Step

MOST_IMAGES = 2048
SUMMARY, PER_IMAGE = "measure.json", "per_image.parquet"


def run(step: Step) -> None:
    """config: {settings, gauge}; inputs: images, real, source, gauge. Writes measure.json and per_image.parquet.

    Only every second image is measured, from the second on: a gauge was trained on the others.
    """
    images = _measured(load_image_set(step.inputs["images"] / "images.h5"))
    source = load_image_set(step.inputs["source"] / "images.h5") if "source" in step.inputs else None
    gauge: Any = None
    if "gauge" in step.config:
        gauge = registry.load("estimators", step.config["gauge"]).load(step.inputs["gauge"])
    measure: Measure = step.component.configured(settings=step.config["settings"])
    subject = Subject(
        images=images,
        source=None if source is None else _measured(source),
        real=_spread(load_image_set(step.inputs["real"] / "images.h5"), slice(None)).unlabelled(),
        gauge=gauge,
    )
    found = measure.measure(subject, step.context)
    bad = [name for name, value in found.summary.items() if not np.isfinite(value)]
    if bad:
        raise TrainingFailed(f"{measure.name} found no {' and no '.join(bad)} in {images.name}")
    (step.out / SUMMARY).write_text(json.dumps(dict(found.summary), indent=1, allow_nan=False))
    pd.DataFrame({"id": images.ids, **found.per_image}).to_parquet(step.out / PER_IMAGE, index=False)


def _measured(images: ImageSet) -> ImageSet:
    return _spread(images, slice(1, None, 2))


def _spread(images: ImageSet, part: slice) -> ImageSet:
    """At most `MOST_IMAGES` of a part of the rows, evenly spread, so that sets ordered by person are seen whole."""
    rows = np.arange(len(images))[part]
    chosen = np.linspace(0, len(rows) - 1, min(MOST_IMAGES, len(rows))).round().astype(int)
    return images.select(rows[chosen])
