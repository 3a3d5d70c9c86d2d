"""Drift of the iris: difference of the ellipse centres in refined and synthetic image, found automatically."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

import numpy as np

from bench.core.context import RunContext
from bench.core.errors import DataError
from bench.core.measure import Measure, Measurement, Quantity, Subject
from bench.measures.vision.displacement import at_paper_width, mean_median_bias, percent_missing
from bench.measures.vision.grey import grey, source_of
from bench.measures.vision.iris import iris_centres

FARTHEST_PX = 8.0


class PupilEllipse(Measure):
    """The paper's check that refining keeps labels (its second version), without the hand.

    There, ellipses were drawn by hand on synthetic and refined images, and their centres were 1.1 +- 0.8 px apart.
    Here they are fitted to the dark disc that iris and pupil make, in each image for itself; `iris_centres` says how.
    The detector jitters: read the numbers beside those of a refiner that changes light and sharpness only. The
    bias, length of the mean vector, suffers least from that. px are those of an image 55 px wide.
    Images where either fit failed are left out of all but `failures`; so are those whose centres lie more than 8 px
    apart, half an iris, as they are not of the same thing. DataError when nothing is left.
    On the simulator, planted shifts come out to 0.1 px in the median with 7 to 10 % failures. The floor: gamma, noise,
    blur or equalisation alone give a mean of 0.1 to 0.4 px, a bias of up to 0.25 px (blur) and 8 to 11 % failures. In
    144 real MPIIGaze patches of many persons it found no iris in a third, so expect more failures on realistic images.
    """

    name = "pupil-ellipse"
    version = 1
    kind: ClassVar[Literal["drift", "realism", "change"]] = "drift"
    quantities: ClassVar[Mapping[str, Quantity]] = {
        "mean": Quantity("Iris drift, mean", "px", "lower"),
        "median": Quantity("Iris drift, median", "px", "lower"),
        "bias": Quantity("Iris drift, mean vector", "px", "lower"),
        "failures": Quantity("Iris not found", "%", "lower"),
    }
    needs_source = True

    def measure(self, subject: Subject, run: RunContext) -> Measurement:
        """per_image: dx, dy = refined - synthetic, px; NaN where either ellipse was not found."""
        source = source_of(subject)
        drift = iris_centres(grey(subject.images), run) - iris_centres(grey(source), run)
        drift = at_paper_width(drift, source.size[1])
        drift[np.hypot(drift[:, 0], drift[:, 1]) > FARTHEST_PX] = np.nan
        if not np.isfinite(drift).all(axis=1).any():
            raise DataError(f"{subject.images.name}: no iris found in any of its {len(drift)} pairs; are these eyes?")
        summary = {**mean_median_bias(drift), "failures": percent_missing(drift)}
        return Measurement(summary, {"dx": drift[:, 0], "dy": drift[:, 1]})
