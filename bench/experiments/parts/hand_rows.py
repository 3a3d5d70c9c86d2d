"""Rows of the hand experiments: what an estimator of joints is trained on, from one view and from all three."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bench.core.experiment import Row, Variant

SENSOR = "kinect-noise"
"""A depth sensor's model written by hand: how much of a learned refiner's gain does it give within seconds?"""

ALL_VIEWS: Mapping[int, Mapping[str, Any]] = {3: {"views": (1, 2, 3)}}
"""'3x corresponds to training on all views' (section 3.2)."""


def table_rows(refiners: Sequence[str], estimator: str = "hourglass") -> tuple[Row, ...]:
    """The paper's order: synthetic, refined, real, and 3x; one refiner, trained on all views, serves both sizes."""
    found = [Row("synthetic", "synthetic", "synthetic", estimator, reference="synthetic")]
    found += [_refined(refiner, refiners, estimator, 1) for refiner in refiners]
    found.append(Row("real", "real", "real", estimator, reference="real"))
    found.append(Row("synthetic-3x", "synthetic 3x", "synthetic", estimator, size=3, reference="synthetic-3x"))
    found += [_refined(refiner, refiners, estimator, 3) for refiner in refiners]
    return tuple(found)


def _refined(refiner: str, refiners: Sequence[str], estimator: str, size: int) -> Row:
    many = "" if size == 1 else f"-{size}x"
    suffix = "" if len(refiners) == 1 else f"-{refiner}"
    # The paper's refined rows are SimGAN's; nothing else has a published number.
    reference = f"refined{many}" if refiner == "simgan" else None
    label = f"refined{many.replace('-', ' ')} ({refiner})"
    against = (f"synthetic{many}",)
    variant = Variant(refiner, refiner)
    return Row(
        f"refined{many}{suffix}", label, "refined", estimator, variant, size=size, reference=reference, against=against
    )


def neighbour_rows(refiners: Sequence[str]) -> tuple[Row, ...]:
    """The k nearest neighbours, for comparison; not in the paper."""
    found = [Row("knn/synthetic", "k-NN, synthetic", "synthetic", "knn-hand")]
    for refiner in refiners:
        variant = Variant(refiner, refiner)
        label = f"k-NN, refined ({refiner})"
        found.append(Row(f"knn/{refiner}", label, "refined", "knn-hand", variant, against=("knn/synthetic",)))
    return (*found, Row("knn/real", "k-NN, real", "real", "knn-hand"))
