"""Drift of a hand's depth: how much nearer or farther it lies in the refined image than in the synthetic one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

import numpy as np

from bench.core.context import RunContext
from bench.core.errors import TrainingFailed
from bench.core.measure import Measure, Measurement, Quantity, Subject
from bench.measures.parts.displacement import percent_missing
from bench.measures.parts.grey_levels import require_depth
from bench.measures.parts.pairs import source_of


class DepthShift(Measure):
    """Median difference in depth over the pixels that show a hand in both images (not in the paper).

    It is the third coordinate of the joints, which no measure in px sees. A median, since a few ragged edges are no
    displacement. `mean` is that of the sizes, `bias` the size of the mean: noise averages out of it. Images without a
    pixel of the hand in common are left out of all but `failures`; TrainingFailed when nothing is left.
    """

    name = "depth-shift"
    version = 1
    kind: ClassVar[Literal["drift", "realism", "change"]] = "drift"
    kinds: ClassVar[frozenset[str]] = frozenset({"hands"})
    quantities: ClassVar[Mapping[str, Quantity]] = {
        "mean": Quantity("mm", "lower", unchanged=0.0),
        "bias": Quantity("mm", "lower", unchanged=0.0),
        "failures": Quantity("%", "lower"),
    }
    needs_source = True

    def measure(self, subject: Subject, run: RunContext) -> Measurement:
        """per_image: dz = refined - synthetic, mm, positive where the hand went farther."""
        require_depth(subject.images)
        source = source_of(subject)
        moved = np.full(len(source), np.nan)
        for row, (before, after) in enumerate(zip(source.images[:], subject.images.images[:], strict=True)):
            both = (before > 0) & (after > 0)
            if both.any():
                moved[row] = np.median(after[both].astype(np.float64) - before[both])
        found = moved[np.isfinite(moved)]
        if not len(found):
            raise TrainingFailed(
                f"{subject.images.name}: no pixel of a hand in common in any of its {len(moved)} pairs; "
                "are they all background?"
            )
        summary = {"mean": float(np.abs(found).mean()), "bias": float(abs(found.mean()))}
        return Measurement({**summary, "failures": percent_missing(moved[:, None])}, {"dz": moved})
