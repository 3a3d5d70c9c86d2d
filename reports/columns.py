"""Which of a run's columns tell of error, drift and realism; imports nothing heavy."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.engine.columns import ColumnFacts

LABELS_BIAS = (("pupil-residual", "bias"), ("joint-drift", "bias"))
"""What an estimator sees of a label's systematic drift: of the pupil, of the joints."""


def error_column(columns: Iterable[ColumnFacts]) -> ColumnFacts | None:
    """The first column of predictions."""
    return next((column for column in columns if column.of == "predictions"), None)


def drift_column(columns: Iterable[ColumnFacts]) -> ColumnFacts | None:
    """The pupil's or the joints' bias, which tells good refiners from bad ones best; else the mean of a drift in px."""
    found = [column for column in columns if column.kind == "drift" and column.unit == "px"]
    bias = [column for column in found if (column.name, column.quantity) in LABELS_BIAS]
    mean = [column for column in found if column.quantity == "mean"]
    return next(iter((*bias, *mean)), None)


def realism_column(columns: Iterable[ColumnFacts]) -> ColumnFacts | None:
    """The first measure of likeness to real images in which lower is better."""
    return next((column for column in columns if column.kind == "realism" and column.better == "lower"), None)
