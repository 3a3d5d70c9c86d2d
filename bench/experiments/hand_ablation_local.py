"""SimGAN on hands with the local and with a global adversarial loss (paper, Figure 8)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bench.core.experiment import Experiment, Row
from bench.experiments.parts.columns import (
    CHANGE,
    JOINT_BIAS,
    JOINT_DISTANCE,
    JOINT_DRIFT,
    OUTSIDE,
    REALISM_AUC,
    REALISM_SWD,
    joints_within,
)
from bench.experiments.parts.profiles import HAND_ABLATION
from bench.experiments.parts.rows import REAL, SIMGAN, SYNTHETIC, changed, require_simgan


def rows(refiners: Sequence[str]) -> tuple[Row, ...]:
    """SimGAN as it is, and with D judging the whole image; synthetic and real images beside them."""
    require_simgan("hand-ablation-local", refiners)
    found = (SYNTHETIC, SIMGAN, changed("global-loss", "global loss", adversarial_loss="global"), REAL)
    return tuple(replace(row, estimator="hourglass") for row in found)


EXPERIMENT = Experiment(
    name="hand-ablation-local",
    title="Ablation of the local adversarial loss on hands (paper, Figure 8)",
    task="hand",
    refiners=("simgan",),
    rows=rows,
    columns=(
        joints_within(5), JOINT_DISTANCE, JOINT_DRIFT, JOINT_BIAS, OUTSIDE, REALISM_AUC, REALISM_SWD, CHANGE,
    ),
    profiles=HAND_ABLATION,
    figures=("pictures", "training-curves", "training-strip"),
    data="simulator-hands",
)  # fmt: skip
