"""SimGAN with and without the pretraining of R and of D."""

from __future__ import annotations

from collections.abc import Sequence

from bench.core.experiment import Experiment, Row
from bench.experiments.parts.columns import EFFECTS
from bench.experiments.parts.profiles import ABLATION
from bench.experiments.parts.rows import REAL, SIMGAN, SYNTHETIC, changed, require_simgan


def rows(refiners: Sequence[str]) -> tuple[Row, ...]:
    """SimGAN as it is, and what is left out; synthetic and real images beside them."""
    require_simgan("ablation-pretraining", refiners)
    return (
        SYNTHETIC,
        SIMGAN,
        changed("no-pretraining", "no pretraining", pretrain_refiner=0, pretrain_discriminator=0),
        changed("no-r-pretraining", "R not pretrained", pretrain_refiner=0),
        changed("no-d-pretraining", "D not pretrained", pretrain_discriminator=0),
        REAL,
    )


EXPERIMENT = Experiment(
    name="ablation-pretraining",
    title="Ablation of the pretraining of R and D",
    task="gaze",
    refiners=("simgan",),
    rows=rows,
    columns=EFFECTS,
    profiles=ABLATION,
    figures=("pictures", "training-curves"),
    data="simulator",
)
