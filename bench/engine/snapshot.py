"""What one revision measured: every cell's number and values per image, with what it takes to compare them.

A snapshot holds scores, not predictions of its own, and no image: it can be kept, sent and compared anywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.engine.columns import ColumnFacts

SCHEMA = 1

Place = tuple[str, str]
"""Row key and column key."""


@dataclass(frozen=True)
class Revision:
    """Which code measured. commit: full hash, None outside a repository. dirty: with uncommitted changes."""

    commit: str | None
    dirty: bool
    version: str
    subject: str = ""
    committed: float | None = None

    @property
    def name(self) -> str:
        """`a1b2c3d`, `a1b2c3d (with uncommitted changes)`, or the version where there is no repository."""
        short = self.commit[:7] if self.commit else f"version {self.version}"
        return f"{short} (with uncommitted changes)" if self.dirty else short


@dataclass(frozen=True)
class SnapshotCell:
    """One row, column and seed.

    key: of the step that the number comes from; equal keys mean the same code, settings, data and seed.
    value: the number. scores: (N,) the metric of each test image, in the order of `Snapshot.ids`; None where the
    number is not made of test images. place: what it ran on, e.g. 'cpu, torch 2.15'; across places nothing is compared.
    """

    key: str
    value: float
    scores: NDArray[np.float64] | None
    place: str


@dataclass(frozen=True)
class Snapshot:
    """All results of one experiment at one revision.

    profile, data: as the run was asked for; data: role -> the name of its image set. convention: of the test labels.
    test: sha256 of the test images and labels. columns, rows: in the table's order; rows: key -> label.
    missing: (row, column) -> why it has no cells, or why some failed. failed: those of them that did fail.
    settings: as given with --set; asked: what else was given, by the fields of a `Request`, unless an older revision
    did not say. scoring: fingerprint of the metrics' code. finished: when the last cell was (Unix
    time); seconds: spent on all steps that are stored.
    """

    experiment: str
    profile: str
    revision: Revision
    data: Mapping[str, str]
    test: str
    convention: str
    columns: tuple[ColumnFacts, ...]
    rows: Mapping[str, str]
    cells: Mapping[tuple[str, str, int], SnapshotCell]
    ids: NDArray[np.str_]
    persons: NDArray[np.str_]
    missing: Mapping[Place, str] = field(default_factory=dict)
    seconds: float = 0.0
    schema: int = SCHEMA
    settings: tuple[str, ...] = ()
    failed: frozenset[Place] = frozenset()
    scoring: str = ""
    finished: float = 0.0
    asked: Mapping[str, Any] = field(default_factory=dict)

    def seeds(self, place: Place) -> dict[int, SnapshotCell]:
        """The cells of a row and column by seed, in order."""
        return {seed: cell for (row, column, seed), cell in sorted(self.cells.items()) if (row, column) == place}
