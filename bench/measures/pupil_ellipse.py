"""Drift of the iris: difference of the ellipse centres in refined and synthetic image, found automatically."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

import numpy as np

from bench.core.context import RunContext
from bench.core.errors import TrainingFailed
from bench.core.measure import Measure, Measurement, Quantity, Subject
from bench.measures.parts.displacement import percent_missing, scale_of, summed_up
from bench.measures.parts.grey_levels import grey, refuse_depth
from bench.measures.parts.iris import iris_centres
from bench.measures.parts.pairs import source_of, visible

FARTHEST_PX = 8.0


class PupilEllipse(Measure):
    """The paper's check that refining keeps labels (its second version), without the hand.

    There, ellipses were drawn by hand on synthetic and refined images, and their centres were 1.1 +- 0.8 px apart.
    Here they are fitted to the dark disc that iris and pupil make, in each image for itself; `iris_centres` says how.
    The detector jitters: read the numbers beside those of a refiner that changes light and sharpness only. The
    bias, length of the mean vector, suffers least from that. px are those of an image 55 px wide.
    Images whose pupil is covered (label 'pupil_margin' at or below 0) are left out: `used` counts the others.
    Images where either fit failed are left out of all but `failures`; so are those whose centres lie more than 8 px
    apart, half an iris, as they are not of the same thing. TrainingFailed when nothing is left.
    On the simulator, planted shifts come out to 0.1 px in the median with 7 to 10 % failures. The floor: gamma, noise,
    blur or equalisation alone give a mean of 0.1 to 0.4 px, a bias of up to 0.25 px (blur) and 8 to 11 % failures. In
    144 real MPIIGaze patches of many persons it found no iris in a third, so expect more failures on realistic images.
    """

    name = "pupil-ellipse"
    version = 1
    kind: ClassVar[Literal["drift", "realism", "change"]] = "drift"
    kinds: ClassVar[frozenset[str]] = frozenset({"eyes"})
    quantities: ClassVar[Mapping[str, Quantity]] = {
        "mean": Quantity("px", "lower", unchanged=0.0),
        "sd": Quantity("px", "neither", unchanged=0.0),
        "median": Quantity("px", "lower", unchanged=0.0),
        "bias": Quantity("px", "lower", unchanged=0.0),
        "failures": Quantity("%", "lower"),
        "used": Quantity("%", "neither"),
    }
    needs_source = True

    def measure(self, subject: Subject, run: RunContext) -> Measurement:
        """per_image: dx, dy = refined - synthetic, px; NaN where covered or not found."""
        refuse_depth(subject.images)
        source = source_of(subject)
        seen = visible(subject.images)
        drift = iris_centres(grey(subject.images), run) - iris_centres(grey(source), run)
        drift *= scale_of(source)
        drift[np.hypot(drift[:, 0], drift[:, 1]) > FARTHEST_PX] = np.nan
        drift[~seen] = np.nan
        if not np.isfinite(drift).all(axis=1).any():
            raise TrainingFailed(
                f"{subject.images.name}: no iris found in any of its {len(drift)} pairs; are these eyes?"
            )
        summary = {**summed_up(drift), "failures": percent_missing(drift[seen]), "used": float(100 * seen.mean())}
        return Measurement(summary, {"dx": drift[:, 0], "dy": drift[:, 1]})
