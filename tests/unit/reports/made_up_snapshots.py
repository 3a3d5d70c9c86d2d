"""Made-up snapshots: rows x columns x seeds with errors that vary by person, image and seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bench.engine.columns import ColumnFacts
from bench.engine.snapshot import Revision, Snapshot, SnapshotCell
from reports.margin import Margin

Array = NDArray[np.float64]
Cells = dict[tuple[str, str, int], SnapshotCell]

ERROR = ColumnFacts("error", "Error", "angular-error", 2, "deg", "lower", "error")
SHARE = ColumnFacts("within-7", "Within 7°", "share-within", 2, "%", "higher", "error")
DRIFT = ColumnFacts("drift", "Drift", "pupil-residual", 1, "px", "lower", "drift", "mean", "images", "pupil")
MARGIN = Margin({"error": 0.3, "within-7": 2.0})
PLACE = "cpu, torch 2.15"
ROWS = ("cnn/synthetic", "cnn/refined", "knn/refined")


def revision(number: int, dirty: bool = False) -> Revision:
    return Revision(f"{number:x}" * 40, dirty, "0.1.0", f"Change number {number}", 1_750_000_000.0 + 3600 * number)


def label(row: str) -> str:
    estimator, train = row.split("/")
    return f"{ {'cnn': 'CNN', 'knn': 'k-NN'}.get(estimator, estimator) }, {train}"


def names(persons: int, images: int = 2) -> NDArray[np.str_]:
    return np.repeat([f"p{number:02d}" for number in range(persons)], images)


def base_scores(seeds: int, persons: int = 6, images: int = 2) -> Array:
    """(S, N) errors about 7 deg: persons differ by 1, images by 1, seeds by 0.1."""
    rng = np.random.default_rng([seeds, persons])
    person = np.repeat(rng.normal(0, 1, persons), images)
    found: Array = 7 + person + rng.normal(0, 1, persons * images) + 0.1 * rng.normal(size=(seeds, 1))
    return found


def effect(
    mean: float, seeds_sd: float = 0.05, persons_sd: float = 0.05, seeds: int = 5, persons: int = 6, images: int = 2
) -> Array:
    """(S, N) differences with exactly this mean and these deviations between seeds and between persons."""
    return mean + seeds_sd * _spread(seeds)[:, None] + persons_sd * np.repeat(_spread(persons), images)


def _spread(n: int) -> Array:
    values = np.arange(n, dtype=np.float64) - (n - 1) / 2
    return values / values.std(ddof=1) if n > 1 else values


def cells(row: str, column: str, scores: Array, code: str = "a", place: str = PLACE, first: int = 0) -> Cells:
    """A cell per seed from (S, N) scores; code: what the step's key is of."""
    return {
        (row, column, seed): SnapshotCell(f"{code}/{row}/{seed}", float(each.mean()), each, place)
        for seed, each in enumerate(scores, start=first)
    }


def numbers(row: str, column: str, values: Sequence[float], code: str = "a") -> Cells:
    """Cells of a measure: numbers without scores."""
    return {
        (row, column, seed): SnapshotCell(f"{code}/{row}/{column}/{seed}", value, None, PLACE)
        for seed, value in enumerate(values)
    }


def snapshot(
    found: Cells,
    number: int = 1,
    *,
    columns: Sequence[ColumnFacts] = (ERROR,),
    persons: NDArray[np.str_] | None = None,
) -> Snapshot:
    """A snapshot of these cells at revision `number`."""
    owners = names(6) if persons is None else persons
    rows = dict.fromkeys(row for row, _, _ in found)
    return Snapshot(
        experiment="gaze-table3",
        profile="standard",
        revision=revision(number),
        data={"synthetic": "simulator, 4,000 images", "test": "simulator, webcam"},
        test="5e" * 32,
        convention="yaw +left, pitch +up",
        columns=tuple(columns),
        rows={row: label(row) for row in rows},
        cells=found,
        ids=np.array([f"i{index}" for index in range(len(owners))]),
        persons=owners,
    )


def changed(effects: Mapping[str, Array]) -> tuple[Snapshot, Snapshot]:
    """Base and head whose rows differ by these (S, N) effects in the error column; every row's code changed."""
    base: Cells = {}
    head: Cells = {}
    for row, values in effects.items():
        scores = base_scores(len(values))
        base |= cells(row, "error", scores)
        head |= cells(row, "error", scores + values, "b")
    return snapshot(base), snapshot(head, 2)


def with_columns(
    found: Snapshot, columns: Sequence[ColumnFacts], more: Mapping[tuple[str, str, int], SnapshotCell]
) -> Snapshot:
    """The snapshot with other columns and more cells."""
    labels = {row: label(row) for row, _, _ in more}
    return replace(found, columns=tuple(columns), cells={**found.cells, **more}, rows={**found.rows, **labels})
