"""SimGAN with the local and with a global adversarial loss (paper, Figure 8)."""

from __future__ import annotations

from collections.abc import Sequence

from bench.core.experiment import Experiment, Row
from bench.experiments.parts.columns import EFFECTS
from bench.experiments.parts.profiles import ABLATION
from bench.experiments.parts.rows import REAL, SIMGAN, SYNTHETIC, changed, require_simgan


def rows(refiners: Sequence[str]) -> tuple[Row, ...]:
    """SimGAN as it is, and what is left out; synthetic and real images beside them."""
    require_simgan("ablation-local", refiners)
    return (SYNTHETIC, SIMGAN, changed("global-loss", "global loss", adversarial_loss="global"), REAL)


EXPERIMENT = Experiment(
    name="ablation-local",
    title="Ablation of the local adversarial loss (paper, Figure 8)",
    task="gaze",
    refiners=("simgan",),
    rows=rows,
    columns=EFFECTS,
    profiles=ABLATION,
    figures=("pictures", "training-curves"),
    data="simulator",
)
