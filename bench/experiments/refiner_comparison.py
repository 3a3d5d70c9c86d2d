"""All refiners side by side: error of both estimators, drift, realism, amount of change, training seconds."""

from __future__ import annotations

from collections.abc import Sequence

from bench.core.experiment import Experiment, Profile, Row, Variant
from bench.experiments.parts.columns import (
    CHANGE,
    DRIFT,
    DRIFT_BIAS,
    ERROR_CNN,
    ERROR_KNN,
    REALISM_AUC,
    REALISM_FID,
    REALISM_KID,
    REALISM_SWD,
    SECONDS,
    SSIM,
)
from bench.experiments.parts.profiles import PAPER_IMAGES, QUICK_IMAGES, SMOKE, STANDARD_IMAGES
from bench.experiments.parts.rows import AUGMENTED, BASELINES, NORMALISED, REAL, SYNTHETIC, changed

RAW = (SYNTHETIC.key,)


def rows(refiners: Sequence[str]) -> tuple[Row, ...]:
    """Synthetic images, what takes seconds, what works on the estimator's side, learned refiners, real images."""
    quick = [Row(name, label, "refined", variant=Variant(name, name), against=RAW) for name, label in BASELINES.items()]
    cnn = (ERROR_CNN.key,)
    quick.append(Row("augmented", "strong augmentation", "synthetic", settings=AUGMENTED, columns=cnn, against=RAW))
    quick.append(Row("batch-norm", "batch norm", "synthetic", settings=NORMALISED, columns=cnn, against=RAW))
    quick.append(
        Row(
            "adabn", "batch norm, AdaBN", "synthetic",
            settings=NORMALISED, adapt=True, columns=cnn, against=(*RAW, "batch-norm"),
        )
    )  # fmt: skip
    rivals = (*RAW, *(row.key for row in quick))
    learned = [
        Row(name, name, "refined", variant=Variant(name, name), against=rivals)
        for name in refiners
        if name not in BASELINES
    ]
    if "simgan" in refiners:
        learned.append(changed("simgan-no-history", "simgan without history", history=False))
        learned.append(changed("simgan-global", "simgan, global loss", adversarial_loss="global"))
    return (SYNTHETIC, *quick, *learned, REAL)


EXPERIMENT = Experiment(
    name="refiner-comparison",
    title="Refiners side by side",
    task="gaze",
    refiners=("simgan",),
    rows=rows,
    columns=(
        ERROR_CNN, ERROR_KNN, DRIFT, DRIFT_BIAS, REALISM_AUC, REALISM_SWD, REALISM_KID, REALISM_FID, CHANGE,
        SSIM, SECONDS,
    ),
    profiles={
        "smoke": SMOKE,
        "quick": Profile(seeds=1, images=QUICK_IMAGES),
        "standard": Profile(seeds=5, images=STANDARD_IMAGES, preset="quick"),
        "paper": Profile(seeds=3, images=PAPER_IMAGES),
    },
    figures=("realism-drift-error", "pictures"),
    data="simulator",
)  # fmt: skip
