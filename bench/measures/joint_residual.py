"""Drift of the joints: what a hand pose estimator says of the refined image, less the synthetic image's label."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from bench.core.context import RunContext
from bench.core.measure import Measure, Measurement, Quantity, Subject
from bench.measures.parts.displacement import distances
from bench.measures.parts.grey_levels import require_depth
from bench.measures.parts.residual import residual


class JointResidual(Measure):
    """Distance between the joints that an estimator sees in the refined image and the labels that are kept for it.

    An image's distance is the mean over its joints, in px of the 64x64 grid; depth is left out. The estimator was
    trained on other synthetic images, so on the synthetic images themselves the distance is its error alone. That is
    larger than most drifts: `excess`, the mean distance less that error, and `bias`, the length of the mean vector
    over images and joints, tell more than the mean; `joint-drift` tells smaller drifts. DataError without 'joints'.
    """

    name = "joint-residual"
    version = 1
    kind: ClassVar[Literal["drift", "realism", "change"]] = "drift"
    kinds: ClassVar[frozenset[str]] = frozenset({"hands"})
    quantities: ClassVar[Mapping[str, Quantity]] = {
        "mean": Quantity("px", "lower"),
        "sd": Quantity("px", "neither"),
        "median": Quantity("px", "lower"),
        "bias": Quantity("px", "lower"),
        "excess": Quantity("px", "lower", unchanged=0.0),
    }
    gauge: ClassVar[Literal["none", "synthetic", "real"]] = "synthetic"
    gauge_target = "joints"
    needs_source = True
    takes = ("joints",)

    def measure(self, subject: Subject, run: RunContext) -> Measurement:
        """per_image: distance, and dx, dy = predicted - label, the mean over the joints, px."""
        require_depth(subject.images)
        summary, errors = residual(subject, "joints", run)
        dx, dy = errors.mean(axis=1).T
        return Measurement(summary, {"distance": distances(errors), "dx": dx, "dy": dy})
