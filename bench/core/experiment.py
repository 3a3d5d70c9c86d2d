"""A declared grid of cells: rows (what is trained on what), columns (what is measured of it), and seeds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Train = Literal["synthetic", "refined", "real"]
Task = Literal["gaze", "hand"]
LABEL: Mapping[Task, str] = {"gaze": "gaze", "hand": "joints"}
"""What a task's estimators predict."""

Figure = Literal[
    "error-curves",
    "pictures",
    "training-curves",
    "training-strip",
    "drift-scatter",
    "realism-drift-error",
    "progress",
    "sweep",
]


@dataclass(frozen=True)
class Variant:
    """A refiner as an experiment uses it.

    settings: on top of the profile's and the user's. moment: R as it was after this share (0..1) of its training.
    """

    key: str
    refiner: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    moment: float | None = None


@dataclass(frozen=True)
class Row:
    """One line of the table: images to train on, and the estimator of the columns that name none.

    size: multiple of the profile's number of synthetic training images (the paper's 1x, 4x).
    settings: estimator -> settings of its own in this row. adapt: show the trained estimator the unlabelled real
    images before it predicts (AdaBN). columns: keys of the columns that mean something for this row; None = all.
    needs: settings of which the user must give one, or the row is not run (weights that nobody fetches unasked).
    takes: labels that its estimator takes beside the image; a row whose images lack them is not run.
    reference: the published number beside it, as an id in `reports/reference/<experiment>.toml`.
    """

    key: str
    label: str
    train: Train
    estimator: str | None = None
    variant: Variant | None = None
    size: int = 1
    reference: str | None = None
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    adapt: bool = False
    columns: tuple[str, ...] | None = None
    against: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Column:
    """One number of the table per row and seed. With a row and a seed it is a cell.

    of: 'predictions' = the metric `name` on an estimator's predictions of the test images; 'images' = the quantity
    of the measure `name` on the images that the row trains on; 'training' = seconds that training the refiner took.
    estimator: whose predictions, where not the row's; for a measure, what it measures with.
    reference: which real images a measure of realism compares with; 'real' are those that the refiner is shown.
    options: arguments of the metric's class (a threshold). margin: differences of rows within it do not matter, in
    the column's unit; without one rows are not compared.
    needs: settings of which the user must give one; without, the table has no such column.
    """

    key: str
    label: str
    of: Literal["predictions", "images", "training"] = "predictions"
    name: str = "angular-error"
    quantity: str = ""
    estimator: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    reference: Literal["test", "real"] = "test"
    margin: float | None = None
    needs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Profile:
    """How large a run is: seeds, and images by role (None = all that the data have).

    'labelled' images are as many as 'real' ones unless the profile says otherwise.
    preset: of the components, where it is not the profile's own name. leaves_out: rows for which there is no time.
    """

    seeds: int
    images: Mapping[str, int | None]
    preset: str | None = None
    leaves_out: tuple[str, ...] = ()


@dataclass(frozen=True)
class Experiment:
    """One table, figure or question. `rows` lists the table's lines for the refiners asked for.

    `rows` raises UsageError for refiners that the question makes no sense for. The first column is the headline:
    its numbers stand beside the paper's. notes: sentences for under the table.
    more: what a larger synthetic set consists of, where it is not just more of the same: size -> options of its reader
    (all three views); rows of that size are not run on data whose reader has no such options.
    """

    name: str
    title: str
    task: Task
    refiners: tuple[str, ...]
    rows: Callable[[Sequence[str]], tuple[Row, ...]]
    columns: tuple[Column, ...]
    profiles: Mapping[str, Profile]
    figures: tuple[Figure, ...]
    data: str
    notes: tuple[str, ...] = ()
    more: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)
