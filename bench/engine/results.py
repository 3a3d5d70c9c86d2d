"""What a finished run hands to the reports: values per image and seed, pictures, training logs, provenance."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.core.experiment import Experiment, Row
from bench.engine.columns import ColumnFacts


@dataclass(frozen=True)
class CellResults:
    """One row and column, all seeds.

    values: seed -> the number. per_image: seed -> name -> float64 values; for predictions 'value', the metric per
    test image in the order of `Results.ids`: (N,), or (N, K) of each image's K joints; for a measure (N,), what it
    found in each image it looked at.
    failures: seed -> reason. not_run: why no seed could be planned, else None.
    """

    values: Mapping[int, float] = field(default_factory=dict)
    per_image: Mapping[int, Mapping[str, NDArray[np.float64]]] = field(default_factory=dict)
    failures: Mapping[int, str] = field(default_factory=dict)
    not_run: str | None = None

    @property
    def complete(self) -> bool:
        """Whether every seed gave a number, NaN being none."""
        finite = all(math.isfinite(value) for value in self.values.values())
        return bool(self.values) and finite and not self.failures and self.not_run is None

    @property
    def mean(self) -> float:
        """Over the seeds, each alike; NaN where there are none."""
        return float(np.mean(list(self.values.values()))) if self.values else math.nan

    def scores(self, seed: int) -> NDArray[np.float64]:
        """(N,) the metric of each test image, as rows are paired: the mean over its joints where it has several."""
        found = self.per_image[seed]["value"]
        mean: NDArray[np.float64] = found.reshape(len(found), -1).mean(axis=1)
        return mean


@dataclass(frozen=True)
class RowResults:
    """One line of the table. cells: by column; a column that means nothing for the row is not there.

    warnings: sentences to print under the table (a refiner that did nothing, collapse).
    """

    row: Row
    cells: Mapping[str, CellResults] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    def complete(self, column: str) -> CellResults | None:
        """The cell of a column by its key, where every seed gave a number; else None."""
        cell = self.cells.get(column)
        return cell if cell is not None and cell.complete else None


@dataclass(frozen=True)
class TrainingLog:
    """Curves and pictures of one refiner's training. refiner: the variant's key.

    scalars: a column 'step' and one column per logged value (NaN where not logged at that step).
    strip: (training step, (n, H, W) uint8 refined images) in order; `inputs`: the (n, H, W) synthetic ones.
    """

    refiner: str
    seed: int
    scalars: pd.DataFrame
    strip: tuple[tuple[int, NDArray[Any]], ...]
    inputs: NDArray[Any] | None = None


@dataclass(frozen=True)
class Results:
    """Everything that tables, figures and the page are made of.

    data: role -> one line that names the data set and its number of images.
    simulator: the *test* images come from the simulator, so nothing is comparable with the paper.
    paper_data: every role is the data set that the paper used.
    marks: sentences to print under the table (label convention, persons shared, ...).
    columns: facts of the experiment's columns, in order.
    pictures: name ('synthetic', 'refined: simgan', 'real') -> (n, H, W); synthetic and refined are pairs.
    provenance: the JSON object of the table's `provenance`.
    """

    experiment: Experiment
    profile: str
    data: Mapping[str, str]
    simulator: bool
    paper_data: bool
    marks: tuple[str, ...]
    ids: NDArray[np.str_]
    persons: NDArray[np.str_]
    columns: tuple[ColumnFacts, ...]
    rows: tuple[RowResults, ...]
    pictures: Mapping[str, NDArray[Any]]
    training: tuple[TrainingLog, ...]
    provenance: Mapping[str, Any]
