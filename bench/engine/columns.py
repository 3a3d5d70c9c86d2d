"""What the numbers of a table's column are; imports nothing heavy, so that a stored table is read at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class ColumnFacts:
    """One column. name, version: of the metric or measure; quantity: which of a measure's. unit '' = a pure number."""

    key: str
    label: str
    name: str
    version: int
    unit: str
    better: Literal["lower", "higher", "neither"]
    kind: Literal["error", "drift", "realism", "change", "seconds"]
    quantity: str = ""
    of: Literal["predictions", "images", "training"] = "predictions"
    estimator: str | None = None

    @property
    def head(self) -> str:
        """`Error (deg)`: what stands above the column and beside an axis."""
        return f"{self.label} ({self.unit})" if self.unit else self.label
