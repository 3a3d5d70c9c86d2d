"""Drift of depth edges: how far those of the refined image lie from those of the synthetic one, and the reverse."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from bench.core.context import RunContext
from bench.core.errors import TrainingFailed
from bench.core.measure import Measure, Measurement, Quantity, Subject
from bench.measures.parts.displacement import percent_missing, scale_of
from bench.measures.parts.grey_levels import require_depth
from bench.measures.parts.pairs import source_of

JUMP_MM = 20.0
"""About a finger's thickness: one in front of another makes an edge, a slope and a sensor's noise do not."""
BACKGROUND_MM = 1_000_000
REPORT_EVERY = 100


class DepthEdges(Measure):
    """Symmetric mean distance between the depth edges of two images, px of the 64x64 grid (not in the paper).

    An edge is a pixel of the hand beside one that is background or more than 20 mm farther, so it lies on the nearer
    side; where the image's border cuts the arm there is none. `lost` is the mean distance from an edge of the
    synthetic image to the nearest of the refined one: true edges that went or moved. `added` is the reverse: edges
    where there were none, as holes make them. `mean` is the mean of both.
    It sees fingers within the outline. It is a distance to the nearest edge and no displacement: an edge that moves
    along itself stays, so drawn hands that move by 1 and 2 px give 0.7 and 1.2.
    Images in which either side has no edge are left out of all but `failures`; TrainingFailed when nothing is left.
    """

    name = "depth-edges"
    version = 1
    kind: ClassVar[Literal["drift", "realism", "change"]] = "drift"
    kinds: ClassVar[frozenset[str]] = frozenset({"hands"})
    quantities: ClassVar[Mapping[str, Quantity]] = {
        "mean": Quantity("px", "lower", unchanged=0.0),
        "lost": Quantity("px", "lower", unchanged=0.0),
        "added": Quantity("px", "lower", unchanged=0.0),
        "failures": Quantity("%", "lower"),
    }
    needs_source = True

    def measure(self, subject: Subject, run: RunContext) -> Measurement:
        """per_image: mean, lost and added, px; NaN where an image has no edge."""
        require_depth(subject.images)
        source = source_of(subject)
        before, after = edges(source.images[:]), edges(subject.images.images[:])
        found = np.full((len(before), 2), np.nan)
        for row, (one, other) in enumerate(zip(before, after, strict=True)):
            if one.any() and other.any():
                found[row] = mean_distance(one, other), mean_distance(other, one)
            if (row + 1) % REPORT_EVERY == 0 or row + 1 == len(before):
                run.progress(row + 1, len(before), "images")
        known = np.isfinite(found).all(axis=1)
        if not known.any():
            raise TrainingFailed(
                f"{subject.images.name}: no depth edge found in any of its {len(found)} pairs; are they flat?"
            )
        lost, added = scale_of(source) * found.T
        values = {"mean": (lost + added) / 2, "lost": lost, "added": added}
        summary = {name: float(per_image[known].mean()) for name, per_image in values.items()}
        return Measurement({**summary, "failures": percent_missing(found)}, values)


def edges(depth: NDArray[Any]) -> NDArray[np.bool_]:
    """(N, H, W) mm, 0 = background -> the foreground pixels with a neighbour (of four) that lies behind them."""
    distance = np.where(depth > 0, depth, BACKGROUND_MM).astype(np.int32)
    behind = np.zeros(distance.shape, np.bool_)
    right, down = np.diff(distance, axis=2), np.diff(distance, axis=1)
    behind[:, :, :-1] |= right > JUMP_MM
    behind[:, :, 1:] |= right < -JUMP_MM
    behind[:, :-1] |= down > JUMP_MM
    behind[:, 1:] |= down < -JUMP_MM
    return behind


def mean_distance(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    """From the pixels of one (H, W) mask to the nearest of the other, px; both need at least one."""
    import cv2

    to_other = cv2.distanceTransform((~other).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return float(to_other[one].mean(dtype=np.float64))
