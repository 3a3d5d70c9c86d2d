"""Drift of the gaze: angle between a gaze estimator's predictions on the refined and on the synthetic image."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

import numpy as np

from bench.core.angles import angles_deg
from bench.core.context import RunContext
from bench.core.measure import Measure, Measurement, Quantity, Subject
from bench.data.gaze_angles import pitch_yaw_from_vectors
from bench.measures.parts.gauge import gauge_of, predicted
from bench.measures.parts.grey_levels import refuse_depth
from bench.measures.parts.pairs import source_of


class GazeDrift(Measure):
    """How far refining turned the gaze that an estimator, trained on other synthetic images, sees.

    It measures the labels' own quantity, but through an estimator that has never seen refined images: a change of
    style moves its predictions as well, so read it beside a refiner that changes light and sharpness only.
    `bias` is the length of the mean (pitch, yaw) difference: what all images have in common.
    An estimator that takes other labels beside the image gets the synthetic images' own.
    """

    name = "gaze-drift"
    version = 1
    kind: ClassVar[Literal["drift", "realism", "change"]] = "drift"
    kinds: ClassVar[frozenset[str]] = frozenset({"eyes"})
    quantities: ClassVar[Mapping[str, Quantity]] = {
        "mean": Quantity("deg", "lower", unchanged=0.0),
        "sd": Quantity("deg", "neither", unchanged=0.0),
        "median": Quantity("deg", "lower", unchanged=0.0),
        "bias": Quantity("deg", "lower", unchanged=0.0),
    }
    gauge: ClassVar[Literal["none", "synthetic", "real"]] = "synthetic"
    needs_source = True

    def measure(self, subject: Subject, run: RunContext) -> Measurement:
        """per_image: angle, and the differences in pitch and yaw, refined - synthetic, degrees."""
        refuse_depth(subject.images)
        source, gauge = source_of(subject), gauge_of(subject, self.gauge_target)
        after = predicted(gauge, subject.images, subject.images, run)
        before = predicted(gauge, source, subject.images, run)
        angle = angles_deg(after, before)
        turned = np.degrees(pitch_yaw_from_vectors(after) - pitch_yaw_from_vectors(before))
        summary = {
            "mean": float(angle.mean()),
            "sd": float(angle.std()),
            "median": float(np.median(angle)),
            "bias": float(np.hypot(*turned.mean(axis=0))),
        }
        return Measurement(summary, {"angle": angle, "pitch": turned[:, 0], "yaw": turned[:, 1]})
