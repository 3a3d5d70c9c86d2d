"""SimGAN with other feature maps psi in its self-regularisation: the image, its derivatives, learned features."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bench.core.experiment import Experiment, Row
from bench.experiments.parts.columns import EFFECTS
from bench.experiments.parts.profiles import ABLATION
from bench.experiments.parts.rows import REAL, SIMGAN, SYNTHETIC, changed, require_simgan


def rows(refiners: Sequence[str]) -> tuple[Row, ...]:
    """Psi = identity (the default), derivatives, and VGG features where the user allows their weights."""
    require_simgan("ablation-psi", refiners)
    learned = replace(
        changed("psi-vgg", "psi: VGG features", psi="vgg"), needs=("simgan.psi_weights", "simgan.psi_download")
    )
    return (
        SYNTHETIC,
        replace(SIMGAN, label="psi: identity"),
        changed("psi-derivatives", "psi: derivatives", psi="derivatives"),
        learned,
        REAL,
    )


EXPERIMENT = Experiment(
    name="ablation-psi",
    title="Ablation of the feature map of self-regularisation",
    task="gaze",
    refiners=("simgan",),
    rows=rows,
    columns=EFFECTS,
    profiles=ABLATION,
    figures=("pictures",),
    data="simulator",
    notes=(
        "lambda weighs a sum over features, and the feature maps have different numbers of them: with one lambda the "
        "rows differ in strength as well as in kind.",
        "The mean of the RGB channels needs colour images: see colour-refinement.",
    ),
)
