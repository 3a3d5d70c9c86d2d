"""Reads a data set, or renders the simulator's, into one HDF5 image set."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bench.core.images import LabelConvention
from bench.data.imagesets import save_image_set

if TYPE_CHECKING:
    from bench.core.reader import Reader
    from bench.engine.step import Step


def run(step: Step) -> None:
    """config: {source: identity, count}; place: {source: spec}. Writes images.h5.

    The reader is built from the spec alone, so that how manifests are found is no part of the step's code.
    """
    spec = step.place["source"]
    reader: Reader = step.component.configured(settings=spec["options"])
    convention = LabelConvention(**spec["convention"])
    images = reader.read(Path(spec["root"]), name=spec["name"], convention=convention, count=step.config["count"])
    save_image_set(step.out / "images.h5", images)
    step.context.note(
        count=len(images),
        size=list(images.size),
        persons=len({str(person) for person in images.persons}),
        labels=sorted(images.labels),
        convention=images.convention.line(),
    )
