"""A made-up finished run: six rows, three seeds, six persons, random textures as pictures."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from bench.core.experiment import Column, Experiment, Profile, Row, Variant
from bench.engine.columns import ColumnFacts
from bench.engine.results import CellResults, Results, RowResults, TrainingLog
from tests.unit.reports import made_up

SIMGAN = Variant("simgan", "simgan")
ROWS = (
    (Row("knn/synthetic", "k-NN, synthetic", "synthetic", "knn", reference="knn-synthetic"), 10.6, 0.0),
    (Row("knn/refined", "k-NN, refined (simgan)", "refined", "knn", SIMGAN), 9.9, 0.12),
    (Row("knn/real", "k-NN, real", "real", "knn"), 8.3, 0.0),
    (Row("cnn/synthetic", "CNN, synthetic", "synthetic", "cnn", reference="cnn-synthetic"), 8.1, 0.15),
    (Row("cnn/refined", "CNN, refined (simgan)", "refined", "cnn", SIMGAN, reference="cnn-refined"), 6.6, 0.08),
    (Row("cnn/real", "CNN, real", "real", "cnn"), 5.7, 0.05),
)
PROVENANCE = {
    "commit": "0123456789abcdef0123456789abcdef01234567",
    "dirty": False,
    "version": "0.1.0",
    "keys": {"cnn/synthetic, seed 0": "ab" * 32},
    "settings": {"fit-refiner simgan": {"lambda": 0.5, "maps": 32}},
    "environment": [{"python": "3.11", "torch": "2.9.0"}],
    "hardware": ["cpu"],
    "command": "bench run gaze-table3",
    "started": 1750000000.0,
    "seconds": 301.5,
}


def cell(values: dict[int, NDArray[np.float64]]) -> CellResults:
    """The cell of these errors per test image, by seed."""
    return CellResults(
        {seed: float(errors.mean()) for seed, errors in values.items()},
        {seed: {"value": errors} for seed, errors in values.items()},
    )


def texture(rng: np.random.Generator, count: int, noise: float) -> NDArray[np.uint8]:
    """Smooth blobs with noise, (count, 35, 55)."""
    rows, columns = np.mgrid[0:35, 0:55]
    found = np.empty((count, 35, 55))
    for index in range(count):
        x, y, size = rng.uniform(18, 37), rng.uniform(12, 23), rng.uniform(5, 8)
        found[index] = 190 - 150 * np.exp(-((columns - x) ** 2 + 1.3 * (rows - y) ** 2) / (2 * size**2))
    return np.clip(found + rng.normal(0, noise, found.shape), 0, 255).astype(np.uint8)


def training_log(rng: np.random.Generator, seed: int, inputs: NDArray[np.uint8]) -> TrainingLog:
    step = np.arange(0, 1000, 10)
    wander = np.cumsum(rng.normal(0, 0.05, (3, len(step))), axis=1)
    scalars = pd.DataFrame(
        {
            "step": step.astype(float),
            "r_adversarial": 87 + 40 * np.exp(-step / 150) + 4 * wander[0] + rng.normal(0, 3, len(step)),
            "r_regularisation": 120 + 180 * (1 - np.exp(-step / 200)) + rng.normal(0, 6, len(step)),
            "d_loss": 160 - 80 * np.exp(-step / 120) + 3 * wander[1] + rng.normal(0, 3, len(step)),
            "d_accuracy_real": np.clip(0.62 + 0.3 * np.exp(-step / 150) + rng.normal(0, 0.03, len(step)), 0, 1),
            "d_accuracy_refined": np.clip(0.58 + 0.3 * np.exp(-step / 150) + rng.normal(0, 0.03, len(step)), 0, 1),
            "d_accuracy_history": np.clip(0.70 + 0.2 * np.exp(-step / 250) + rng.normal(0, 0.03, len(step)), 0, 1),
        }
    )
    scalars.loc[:5, "d_accuracy_history"] = np.nan  # the buffer is empty at first
    strip = tuple(
        (at, np.clip(inputs + rng.normal(0, at / 40, inputs.shape), 0, 255).astype(np.uint8))
        for at in (0, 100, 200, 400, 600, 800, 999)
    )
    return TrainingLog("simgan", seed, scalars, strip, inputs)


def experiment(rows: tuple[Row, ...]) -> Experiment:
    return Experiment(
        name="gaze-table3",
        title="Gaze estimation (paper, Table 3)",
        task="gaze",
        refiners=("simgan",),
        rows=lambda refiners: rows,
        columns=(Column("error", "Error"),),
        profiles={"quick": Profile(3, {"test": 1000})},
        figures=("error-curves", "pictures", "training-curves", "training-strip"),
        data="simulator",
    )


@pytest.fixture(scope="session")
def results() -> Results:
    rng = np.random.default_rng(7)
    persons = np.array([f"p{index % 6:02d}" for index in range(1000)])
    shift = rng.normal(1, 0.12, 6)[np.arange(1000) % 6]
    found = []
    for row, mean, spread in ROWS:
        errors = mean * shift * rng.gamma(3.2, 1 / 3.2, 1000)
        values = {seed: np.maximum(errors + rng.normal(0, 0.3, 1000) + rng.normal(0, spread), 0) for seed in range(3)}
        found.append(RowResults(row, {"error": cell(values)}))
    synthetic = texture(rng, 8, 2)
    refined = np.clip(synthetic + rng.normal(0, 18, synthetic.shape), 0, 255).astype(np.uint8)
    return Results(
        experiment=experiment(tuple(row for row, _, _ in ROWS)),
        profile="quick",
        data={
            "synthetic": "simulated eyes, clean (synthetic), 4,000 images",
            "real": "simulated eyes, distant webcam (real), 4,000 images",
            "test": "simulated eyes, distant webcam (test), 1,000 images",
        },
        simulator=True,
        paper_data=False,
        marks=(
            "Labels: camera, normalised as in MPIIGaze; pitch + = up, yaw + = image left, vector = "
            "(-cos p sin y, -sin p, -cos p cos y); source angles in radians; mirroring: none.",
            "6 persons of the test set are among the unlabelled real images, as in the paper.",
        ),
        ids=np.array([f"i{index}" for index in range(1000)]),
        persons=persons,
        columns=(ColumnFacts("error", "Error", "angular-error", 1, "deg", "lower", "error"),),
        rows=tuple(found),
        pictures={"synthetic": synthetic, "refined: simgan": refined, "real": texture(rng, 8, 22)},
        training=tuple(training_log(rng, seed, synthetic) for seed in range(3)),
        provenance=PROVENANCE,
    )


@pytest.fixture(scope="session")
def on_paper_data(results: Results) -> Results:
    """The same run as if it were on the paper's data."""
    data = {"synthetic": "UnityEyes", "real": "MPIIGaze", "test": "MPIIGaze"}
    return replace(results, simulator=False, paper_data=True, data=data)


@pytest.fixture(scope="session")
def comparison(results: Results) -> Results:
    """A run with 8 rows and 8 columns."""
    return made_up.comparison(results)


@pytest.fixture(scope="session")
def progress(results: Results) -> Results:
    """A run whose rows are moments of a training."""
    return made_up.progress(results)


@pytest.fixture(scope="session")
def preservation(results: Results) -> Results:
    """A run of planted and unknown drifts."""
    return made_up.preservation(results)


@pytest.fixture(scope="session")
def swept(results: Results) -> Results:
    """A run over a setting."""
    return made_up.swept(results)


@pytest.fixture(scope="session")
def material(
    results: Results, comparison: Results, progress: Results, preservation: Results, swept: Results
) -> dict[str, Results]:
    """For each figure a run that it can be drawn from."""
    named = {"drift-scatter": preservation, "realism-drift-error": comparison, "progress": progress, "sweep": swept}
    return {**dict.fromkeys(results.experiment.figures, results), **named}
