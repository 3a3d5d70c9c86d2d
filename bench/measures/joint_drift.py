"""Drift of the joints: how far the answer of a hand pose estimator moves from the synthetic to the refined image."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from bench.core.context import RunContext
from bench.core.measure import Measure, Measurement, Quantity, Subject
from bench.measures.parts.displacement import distances, scale_of, summed_up
from bench.measures.parts.gauge import gauge_of, predicted
from bench.measures.parts.grey_levels import require_depth
from bench.measures.parts.pairs import source_of


class JointDrift(Measure):
    """Distance between the joints that an estimator, trained on other synthetic images, sees before and after.

    An image's distance is the mean over its joints, in px of the 64x64 grid; depth is left out. The estimator's own
    error, which is larger than most drifts, is in both answers and cancels as far as it stays the same. But it has
    never seen refined images: a change of look moves its answers too, so read this beside a refiner that changes
    edges and noise only. `bias` is the length of the mean vector over images and joints: a hand that moves as a whole.
    Joints that move towards each other, as in a hand that shrinks, show in the mean and not in the bias.
    With an hourglass after 500 steps, 3.7 px off on the simulator's hands, a sensor's noise alone gave a mean of
    1.1 px and a bias of 0.15, and hands that moved by 0.5, 1 and 2 px a bias of 0.3, 0.7 and 1.3: trust the bias.
    """

    name = "joint-drift"
    version = 1
    kind: ClassVar[Literal["drift", "realism", "change"]] = "drift"
    kinds: ClassVar[frozenset[str]] = frozenset({"hands"})
    quantities: ClassVar[Mapping[str, Quantity]] = {
        "mean": Quantity("px", "lower", unchanged=0.0),
        "sd": Quantity("px", "neither", unchanged=0.0),
        "median": Quantity("px", "lower", unchanged=0.0),
        "bias": Quantity("px", "lower", unchanged=0.0),
    }
    gauge: ClassVar[Literal["none", "synthetic", "real"]] = "synthetic"
    gauge_target = "joints"
    needs_source = True

    def measure(self, subject: Subject, run: RunContext) -> Measurement:
        """per_image: distance, and dx, dy = refined - synthetic, the mean over the joints, px."""
        require_depth(subject.images)
        source, gauge = source_of(subject), gauge_of(subject, self.gauge_target)
        after = predicted(gauge, subject.images, subject.images, run)
        before = predicted(gauge, source, subject.images, run)
        moved = (after - before)[..., :2] * scale_of(source)
        dx, dy = moved.mean(axis=1).T
        return Measurement(summed_up(moved), {"distance": distances(moved), "dx": dx, "dy": dy})
