"""Drift of the pupil: what a pupil estimator says of the refined image, less the synthetic image's label."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from bench.core.context import RunContext
from bench.core.measure import Measure, Measurement, Quantity, Subject
from bench.measures.parts.grey_levels import refuse_depth
from bench.measures.parts.pairs import visible
from bench.measures.parts.residual import residual


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
    kinds: ClassVar[frozenset[str]] = frozenset({"eyes"})
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
        refuse_depth(subject.images)
        seen = visible(subject.images)
        summary, errors = residual(subject, "pupil", run, seen)
        return Measurement({**summary, "used": float(100 * seen.mean())}, {"dx": errors[:, 0], "dy": errors[:, 1]})
