"""Drift of the pupil: what a pupil estimator says of the refined image, less the synthetic image's label."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

import numpy as np

from bench.core.context import RunContext
from bench.core.measure import Measure, Measurement, Quantity, Subject
from bench.measures.parts.displacement import at_paper_width, summed_up
from bench.measures.parts.gauge import gauge_of, predicted
from bench.measures.parts.pairs import source_of, visible


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
        "mean": Quantity("px", "lower"),
        "sd": Quantity("px", "neither"),
        "median": Quantity("px", "lower"),
        "bias": Quantity("px", "lower"),
        "excess": Quantity("px", "lower", unchanged=0.0),
        "used": Quantity("%", "neither"),
    }
    gauge: ClassVar[Literal["none", "synthetic", "real"]] = "synthetic"
    gauge_target = "pupil"
    needs_source = True
    takes = ("pupil",)

    def measure(self, subject: Subject, run: RunContext) -> Measurement:
        """per_image: dx, dy = predicted - label, px; NaN where the pupil is covered."""
        source, gauge = source_of(subject), gauge_of(subject, self.gauge_target)
        truth = subject.images.require("pupil")
        seen = visible(subject.images)
        errors = []
        for images in (subject.images, source):
            error = at_paper_width(predicted(gauge, images, subject.images, run) - truth, images.size[1])
            errors.append(np.where(seen[:, None], error, np.nan))
        refined, before = (summed_up(error) for error in errors)
        added = {"excess": refined["mean"] - before["mean"], "used": float(100 * seen.mean())}
        return Measurement({**refined, **added}, {"dx": errors[0][:, 0], "dy": errors[0][:, 1]})
