"""A declared grid of cells: what is trained on what, at which size, and how often."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

Train = Literal["synthetic", "refined", "real"]
Figure = Literal["error-curves", "pictures", "training-curves", "training-strip"]


@dataclass(frozen=True)
class Row:
    """One line of the table: an estimator and what it is trained on. With a seed it is a cell.

    reference: the published number beside it, as an id in `reports/reference/<experiment>.toml`.
    size: multiple of the profile's number of synthetic training images (the paper's 1x, 4x).
    """

    key: str
    label: str
    estimator: str
    train: Train
    refiner: str | None = None
    size: int = 1
    reference: str | None = None


@dataclass(frozen=True)
class Profile:
    """How large a run is: seeds, and images by role (None = all that the data have)."""

    seeds: int
    images: Mapping[str, int | None]


@dataclass(frozen=True)
class Experiment:
    """One table, figure or question. `rows` lists the table's lines for the refiners asked for."""

    name: str
    title: str
    task: Literal["gaze", "hand"]
    metric: str
    refiners: tuple[str, ...]
    rows: Callable[[Sequence[str]], tuple[Row, ...]]
    profiles: Mapping[str, Profile]
    figures: tuple[Figure, ...]
    data: str
