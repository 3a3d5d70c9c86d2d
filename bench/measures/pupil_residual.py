"""Drift of the pupil: what a pupil estimator says of the refined image, less the synthetic image's label."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

import numpy as np

from bench.core.context import RunContext
from bench.core.errors import DataError
from bench.core.measure import Measure, Measurement, Quantity, Subject
from bench.measures.vision.displacement import at_paper_width, mean_median_bias, percent_missing
from bench.measures.vision.gauge import gauge_of, predicted
from bench.measures.vision.grey import source_of


class PupilResidual(Measure):
    """Distance between the pupil that an estimator sees in the refined image and the label that is kept for it.

    The estimator was trained on other synthetic images with their exact labels, so on the synthetic images
    themselves the distance is its error alone. `excess` is the mean distance less that; `bias`, the length of the
    mean vector, told good refiners from bad ones better than the mean in trials: errors without direction average out.
    Images whose pupil is covered (label 'pupil_margin' at or below 0) have nothing to be found and are left out:
    `used` counts the others. px are those of an image 55 px wide. DataError without 'pupil' labels.
    """

    name = "pupil-residual"
    version = 1
    kind: ClassVar[Literal["drift", "realism", "change"]] = "drift"
    quantities: ClassVar[Mapping[str, Quantity]] = {
        "mean": Quantity("Pupil error, mean", "px", "lower"),
        "median": Quantity("Pupil error, median", "px", "lower"),
        "bias": Quantity("Pupil error, mean vector", "px", "lower"),
        "excess": Quantity("Pupil error, added by refining", "px", "lower"),
        "used": Quantity("Pupil visible", "%", "neither"),
    }
    gauge: ClassVar[Literal["none", "synthetic", "real"]] = "synthetic"
    needs_source = True

    def measure(self, subject: Subject, run: RunContext) -> Measurement:
        """per_image: dx, dy = predicted - label, px; NaN where the pupil is covered."""
        source, gauge = source_of(subject), gauge_of(subject)
        truth = subject.images.require("pupil")
        covered = np.zeros(len(truth), np.bool_)
        if "pupil_margin" in subject.images.labels:
            covered = subject.images.labels["pupil_margin"] <= 0
        if covered.all():
            raise DataError(f"{subject.images.name}: the pupil is covered in all of its {len(truth)} images")
        errors = []
        for images in (subject.images, source):
            error = at_paper_width(predicted(gauge, "pupil", images, subject.images, run) - truth, images.size[1])
            errors.append(np.where(covered[:, None], np.nan, error))
        refined, before = (mean_median_bias(error) for error in errors)
        added = {"excess": refined["mean"] - before["mean"], "used": 100 - percent_missing(errors[0])}
        return Measurement({**refined, **added}, {"dx": errors[0][:, 0], "dy": errors[0][:, 1]})
