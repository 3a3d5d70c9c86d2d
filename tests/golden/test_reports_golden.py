"""The texts of two fixed tables: one with every status and special characters, one of several columns compared."""

from __future__ import annotations

import io
import json
import re
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pytest_regressions.file_regression import FileRegressionFixture
from rich.console import Console

from bench.core.experiment import Column, Experiment, Profile, Row, Variant
from bench.engine.columns import ColumnFacts
from bench.engine.results import CellResults, Results, RowResults
from reports.build import build_table
from reports.frame import Table
from reports.latex import to_latex
from reports.tables import print_table, to_csv, to_json, to_markdown

PERSONS = np.array(["p00", "p00", "p01", "p01"])


def errors(mean: float) -> NDArray[np.float64]:
    """Four errors whose mean is exact in binary."""
    return mean + np.array([-1.0, 1.0, -0.5, 0.5])


def measured(values: dict[int, NDArray[np.float64]], **outcome: Any) -> dict[str, CellResults]:
    """The cells of a row with one column."""
    means = {seed: float(found.mean()) for seed, found in values.items()}
    return {"error": CellResults(means, {seed: {"value": found} for seed, found in values.items()}, **outcome)}


def build(paper_data: bool) -> Table:
    rows = (
        RowResults(
            Row("knn/synthetic", "k-NN, synthetic", "synthetic", "knn", reference="knn-synthetic"),
            measured({0: errors(9.75), 1: errors(10.0), 2: errors(9.875)}),
        ),
        RowResults(
            Row("cnn/synthetic", "CNN, synthetic", "synthetic", "cnn", size=4, reference="cnn-synthetic"),
            measured({0: errors(11.0), 1: errors(12.25), 2: errors(11.5)}),
        ),
        RowResults(
            Row(
                "cnn/refined",
                "CNN, refined (simgan)",
                "refined",
                "cnn",
                Variant("simgan", "simgan"),
                reference="cnn-refined",
            ),
            measured({0: errors(6.5), 1: errors(6.625), 2: errors(6.25)}),
            warnings=("simgan, seed 1: the refiner changed nothing (mean change 0.2 %)",),
        ),
        RowResults(
            Row(
                "cnn/special",
                "CNN_50% & $x$ | <b> λ",
                "refined",
                "cnn",
                Variant("./mine.py:Mine_2", "./mine.py:Mine_2"),
            ),
            measured({0: errors(6.375), 1: errors(6.5), 2: errors(6.25)}),
        ),
        RowResults(Row("cnn/once", "CNN, one seed", "real", "cnn"), measured({0: errors(5.5)})),
        RowResults(
            Row("cnn/failed", "CNN, failed", "refined", "cnn", Variant("broken", "broken")),
            measured(
                {0: errors(7.0)},
                failures={1: "the loss became NaN at step 40", 2: "the loss became NaN at step 40"},
            ),
        ),
        RowResults(Row("cnn/real", "CNN, real", "real", "cnn"), measured({}, not_run="the real images have no labels")),
    )
    kind = "MPIIGaze" if paper_data else "simulated eyes"
    experiment = Experiment(
        name="gaze-table3",
        title="Gaze estimation (paper, Table 3)",
        task="gaze",
        refiners=("simgan",),
        rows=lambda refiners: tuple(each.row for each in rows),
        columns=(Column("error", "Error"),),
        profiles={"quick": Profile(3, {"test": 4})},
        figures=(),
        data="simulator",
    )
    return build_table(
        Results(
            experiment=experiment,
            profile="quick",
            data={"synthetic": "clean eyes, 40 images", "real": f"{kind}, 30 images", "test": f"{kind}, 4 images"},
            simulator=not paper_data,
            paper_data=paper_data,
            marks=("Labels: camera; pitch + = up.", "2 persons of the test set are among the unlabelled images."),
            ids=np.array(["a", "b", "c", "d"]),
            persons=PERSONS,
            columns=(ColumnFacts("error", "Error", "angular-error", 1, "deg", "lower", "error"),),
            rows=rows,
            pictures={},
            training=(),
            provenance={"commit": None, "dirty": None, "version": "0.1.0", "seconds": 12.5},
        )
    )


@pytest.fixture(params=["simulator", "paper-data"])
def table(request: pytest.FixtureRequest) -> Table:
    return build(request.param == "paper-data")


def rounded(text: str) -> str:
    """Numbers to nine places: a t-quantile's last bits differ between versions of SciPy."""
    return re.sub(r"\d+\.\d{10,}", lambda found: f"{float(found[0]):.9f}", text)


def printed(table: Table) -> str:
    """What a terminal of 100 characters shows."""
    stream = io.StringIO()
    print_table(table, Console(file=stream, width=100))
    return "\n".join(line.rstrip() for line in stream.getvalue().splitlines()) + "\n"


def test_markdown(table: Table, file_regression: FileRegressionFixture) -> None:
    file_regression.check(to_markdown(table), extension=".md", encoding="utf-8")


def test_latex(table: Table, file_regression: FileRegressionFixture) -> None:
    file_regression.check(to_latex(table), extension=".tex", encoding="utf-8")


def test_csv(table: Table, file_regression: FileRegressionFixture) -> None:
    file_regression.check(rounded(to_csv(table)), extension=".csv", encoding="utf-8")


def test_json(table: Table, file_regression: FileRegressionFixture) -> None:
    text = to_json(table)
    json.loads(text, parse_constant=pytest.fail)  # NaN and infinities
    file_regression.check(rounded(text), extension=".json", encoding="utf-8")


def test_terminal(table: Table, file_regression: FileRegressionFixture) -> None:
    file_regression.check(printed(table), extension=".txt", encoding="utf-8")


PEOPLE = np.repeat([f"p{index:02d}" for index in range(6)], 2)
WIDE_COLUMNS = (
    Column("error-cnn", "CNN error", estimator="cnn", margin=0.5),
    Column("error-knn", "k-NN error", estimator="knn", margin=0.5),
    Column("drift", "Drift, bias", of="images", name="pupil-residual", quantity="bias", estimator="pupil"),
)
WIDE_FACTS = (
    ColumnFacts("error-cnn", "CNN error", "angular-error", 1, "deg", "lower", "error", estimator="cnn"),
    ColumnFacts("error-knn", "k-NN error", "angular-error", 1, "deg", "lower", "error", estimator="knn"),
    ColumnFacts("drift", "Drift, bias", "pupil-residual", 1, "px", "lower", "drift", "bias", "images", "pupil"),
)


def by_seed(mean: float, seeds: float, persons: float) -> CellResults:
    """Three seeds and six persons that vary by this much around a mean, in numbers exact in binary."""
    owner = np.unique(PEOPLE, return_inverse=True)[1]
    values = mean + seeds * np.array([-1.0, 0.25, 0.75])[:, None] + persons * (owner - 2.5) / 2
    return CellResults(
        {seed: float(found.mean()) for seed, found in enumerate(values)},
        {seed: {"value": found} for seed, found in enumerate(values)},
    )


def drift(*values: float) -> CellResults:
    return CellResults(dict(enumerate(values)), {seed: {"dx": np.zeros(4)} for seed in range(len(values))})


@pytest.fixture
def wide() -> Table:
    """Several columns, differences of every verdict; rows without drift, of one column, failed in part."""
    simgan, broken = Variant("simgan", "simgan"), Variant("broken", "broken")
    raw = ("synthetic",)
    rows = (
        RowResults(
            Row("synthetic", "synthetic", "synthetic"),
            {"error-cnn": by_seed(8.0, 0.0, 0.5), "error-knn": by_seed(9.0, 0.0, 0.5), "drift": drift(0.0, 0.0, 0.0)},
        ),
        RowResults(
            Row("simgan", "refined (simgan)", "refined", variant=simgan, against=raw),
            {
                "error-cnn": by_seed(6.5, 0.125, 0.625),  # better
                "error-knn": by_seed(9.0, 0.0625, 0.5),  # equivalent
                "drift": drift(0.25, 0.375, 0.25),
            },
        ),
        RowResults(
            Row("adabn", "batch norm", "synthetic", columns=("error-cnn",), against=(*raw, "simgan")),
            {"error-cnn": by_seed(7.75, 0.5, 0.5)},  # more seeds would tell; Holm keeps the second one open
        ),
        RowResults(
            Row("real", "real", "real", columns=("error-cnn", "error-knn"), against=raw),
            {"error-cnn": by_seed(7.75, 0.0625, 3.0), "error-knn": by_seed(9.75, 0.0625, 0.5)},  # persons differ; worse
        ),
        RowResults(
            Row("broken", "refined (broken)", "refined", variant=broken, against=raw),
            {
                "error-cnn": CellResults({}, {}, dict.fromkeys(range(3), "the loss became NaN at step 40")),
                "error-knn": CellResults(not_run="the time is up"),
                "drift": drift(1.0, 1.5, 1.25),
            },
        ),
    )
    experiment = Experiment(
        name="made-up",
        title="Several columns",
        task="gaze",
        refiners=("simgan",),
        rows=lambda refiners: tuple(each.row for each in rows),
        columns=WIDE_COLUMNS,
        profiles={"quick": Profile(3, {"test": 12})},
        figures=(),
        data="simulator",
    )
    return build_table(
        Results(
            experiment=experiment,
            profile="quick",
            data={"synthetic": "clean eyes, 40 images", "real": "distant eyes", "test": "distant eyes, 12 images"},
            simulator=True,
            paper_data=False,
            marks=(),
            ids=np.array([f"i{index}" for index in range(12)]),
            persons=PEOPLE,
            columns=WIDE_FACTS,
            rows=rows,
            pictures={},
            training=(),
            provenance={"version": "0.1.0"},
        )
    )


def test_wide_markdown(wide: Table, file_regression: FileRegressionFixture) -> None:
    file_regression.check(to_markdown(wide), extension=".md", encoding="utf-8")


def test_wide_latex(wide: Table, file_regression: FileRegressionFixture) -> None:
    file_regression.check(to_latex(wide), extension=".tex", encoding="utf-8")


def test_wide_csv(wide: Table, file_regression: FileRegressionFixture) -> None:
    file_regression.check(rounded(to_csv(wide)), extension=".csv", encoding="utf-8")


def test_wide_json(wide: Table, file_regression: FileRegressionFixture) -> None:
    file_regression.check(rounded(to_json(wide)), extension=".json", encoding="utf-8")


def test_wide_terminal(wide: Table, file_regression: FileRegressionFixture) -> None:
    file_regression.check(printed(wide), extension=".txt", encoding="utf-8")
