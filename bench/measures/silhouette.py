"""Drift of a hand's silhouette: its overlap with the synthetic one, and how far its centroid moved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from bench.core.context import RunContext
from bench.core.errors import TrainingFailed
from bench.core.measure import Measure, Measurement, Quantity, Subject
from bench.measures.parts.displacement import percent_missing, scale_of, summed_up
from bench.measures.parts.grey_levels import require_depth
from bench.measures.parts.pairs import source_of


class Silhouette(Measure):
    """Foreground of refined and synthetic depth image (not in the paper, which checks no labels of hands).

    `outside`: 100 (1 - IoU), the share of the union of both that is in one of them only. A real sensor makes holes and
    frays edges, so a good refiner changes the silhouette and this is no error by itself; `added` is the part of it
    where the refined image has a hand and the synthetic one has none, which no hole and no eaten edge explains.
    `mean` and `bias` are of the displacement of the centroid, in px of the 64x64 grid. Shifts are found in full, but
    edges that are eaten take more of the thin fingers than of the palm, and move it by 0.2 to 0.3 px: read it beside
    a sensor's noise that moves nothing.
    Blind to what moves within the outline, and to depth. Images in which either has no foreground have no
    centroid: they are left out of mean and bias, and counted as `failures`. TrainingFailed when that is all.
    """

    name = "silhouette"
    version = 1
    kind: ClassVar[Literal["drift", "realism", "change"]] = "drift"
    kinds: ClassVar[frozenset[str]] = frozenset({"hands"})
    quantities: ClassVar[Mapping[str, Quantity]] = {
        "outside": Quantity("%", "lower", unchanged=0.0),
        "added": Quantity("%", "lower", unchanged=0.0),
        "mean": Quantity("px", "lower", unchanged=0.0),
        "bias": Quantity("px", "lower", unchanged=0.0),
        "failures": Quantity("%", "lower"),
    }
    needs_source = True

    def measure(self, subject: Subject, run: RunContext) -> Measurement:
        """per_image: outside and added in %, and dx, dy = refined - synthetic centroid, px."""
        require_depth(subject.images)
        source = source_of(subject)
        before, after = source.images[:] > 0, subject.images.images[:] > 0
        moved = (centroids(after) - centroids(before)) * scale_of(source)
        if not np.isfinite(moved).all(axis=1).any():
            raise TrainingFailed(
                f"{subject.images.name}: no hand found in any of its {len(moved)} pairs; are they all background?"
            )
        union = np.maximum((before | after).sum(axis=(1, 2)), 1)
        parts = {"outside": before != after, "added": after & ~before}
        shares = {name: 100 * part.sum(axis=(1, 2)) / union for name, part in parts.items()}
        found = summed_up(moved)
        summary = {name: float(share.mean()) for name, share in shares.items()}
        summary |= {"mean": found["mean"], "bias": found["bias"], "failures": percent_missing(moved)}
        return Measurement(summary, {**shares, "dx": moved[:, 0], "dy": moved[:, 1]})


def centroids(foreground: NDArray[Any]) -> NDArray[np.float64]:
    """(N, H, W) bool -> (N, 2) px (x, y) of the mean foreground pixel; NaN where there is none."""
    columns, rows = foreground.sum(axis=1), foreground.sum(axis=2)
    area = rows.sum(axis=1).astype(np.float64)
    area[area == 0] = np.nan
    x, y = columns @ np.arange(columns.shape[1]), rows @ np.arange(rows.shape[1])
    found: NDArray[np.float64] = np.stack([x, y], axis=1) / area[:, None]
    return found
