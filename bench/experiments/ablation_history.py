"""SimGAN with and without the history of refined images (paper, Figure 9)."""

from __future__ import annotations

from collections.abc import Sequence

from bench.core.experiment import Experiment, Row
from bench.experiments.parts.columns import EFFECTS
from bench.experiments.parts.profiles import ABLATION
from bench.experiments.parts.rows import REAL, SIMGAN, SYNTHETIC, changed, require_simgan


def rows(refiners: Sequence[str]) -> tuple[Row, ...]:
    """SimGAN as it is, and what is left out; synthetic and real images beside them."""
    require_simgan("ablation-history", refiners)
    return (SYNTHETIC, SIMGAN, changed("no-history", "without history", history=False), REAL)


EXPERIMENT = Experiment(
    name="ablation-history",
    title="Ablation of the history buffer (paper, Figure 9)",
    task="gaze",
    refiners=("simgan",),
    rows=rows,
    columns=EFFECTS,
    profiles=ABLATION,
    figures=("pictures", "training-curves"),
    data="simulator",
)
