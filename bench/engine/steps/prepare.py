"""Reads a data set, or renders the simulator's, into one HDF5 image set."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.data.imagesets import save_image_set
from bench.data.manifests import DataSource

if TYPE_CHECKING:
    from bench.engine.step import Step


def run(step: Step) -> None:
    """config: {source: identity, count}; place: {source: spec}. Writes images.h5."""
    images = DataSource.from_spec(step.place["source"]).read(step.config["count"])
    save_image_set(step.out / "images.h5", images)
    step.context.note(
        count=len(images),
        size=list(images.size),
        persons=sorted({str(person) for person in images.persons})[:1000],
        labels=sorted(images.labels),
        convention=images.convention.line(),
    )
