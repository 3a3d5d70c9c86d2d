"""SimGAN on colour images: psi = mean of the RGB channels lets R change colours and keeps the grey image (blog)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bench.core.experiment import Experiment, Row
from bench.experiments.parts.columns import CHANGE, DRIFT, DRIFT_BIAS, REALISM_AUC, REALISM_SWD
from bench.experiments.parts.profiles import ABLATION
from bench.experiments.parts.rows import SIMGAN, SYNTHETIC, changed, require_simgan


def rows(refiners: Sequence[str]) -> tuple[Row, ...]:
    """Psi = identity, which holds on to the colours, against psi = mean of the channels."""
    require_simgan("colour-refinement", refiners)
    return (
        SYNTHETIC,
        replace(SIMGAN, label="psi: identity"),
        changed("psi-mean-rgb", "psi: mean of RGB", psi="mean-rgb"),
    )


EXPERIMENT = Experiment(
    name="colour-refinement",
    title="Refinement of colour images (blog, Figure 8)",
    task="gaze",
    refiners=("simgan",),
    rows=rows,
    columns=(REALISM_AUC, REALISM_SWD, DRIFT, DRIFT_BIAS, CHANGE),
    profiles=ABLATION,
    figures=("pictures", "training-strip"),
    data="simulator-colour",
    notes=(
        "The paper shows colour refinement in pictures only; its gaze estimators take grey images.",
        "Drift is measured on the mean of the channels, which psi = mean of RGB holds on to; psi = identity sums over "
        "three times as many terms, so one lambda ties it more strongly.",
    ),
)
