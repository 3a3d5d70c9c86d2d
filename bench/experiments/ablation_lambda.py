"""SimGAN over the weight of self-regularisation: from no tie to the input (lambda 0) to almost no change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bench.core.experiment import Experiment, Row
from bench.experiments.parts.columns import EFFECTS
from bench.experiments.parts.profiles import ABLATION
from bench.experiments.parts.rows import REAL, SYNTHETIC, changed, require_simgan

# In the paper's units, sums over patches and pixels; 0.01 is the author's value as a public implementation tells it.
LAMBDAS = (0.0, 0.01, 0.1, 0.5, 2.0)


def rows(refiners: Sequence[str]) -> tuple[Row, ...]:
    """One SimGAN per lambda, between synthetic and real images."""
    require_simgan("ablation-lambda", refiners)
    swept = (changed(f"lambda-{value:g}", f"lambda {value:g}", lambda_reg=value) for value in LAMBDAS)
    swept = (replace(row, against=("synthetic",)) for row in swept)
    return (SYNTHETIC, *swept, REAL)


EXPERIMENT = Experiment(
    name="ablation-lambda",
    title="Ablation of the weight of self-regularisation",
    task="gaze",
    refiners=("simgan",),
    rows=rows,
    columns=EFFECTS,
    profiles=ABLATION,
    figures=("sweep", "pictures"),
    data="simulator",
)
