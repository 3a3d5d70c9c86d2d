"""SimGAN as it trains: realism, drift and error at moments of the training, and when to stop without labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bench.core.experiment import Experiment, Profile, Row, Variant
from bench.experiments.parts.columns import CHANGE, DRIFT, DRIFT_BIAS, ERROR_KNN, REALISM_AUC, REALISM_SWD
from bench.experiments.parts.profiles import PAPER_IMAGES, QUICK_IMAGES, SMOKE, STANDARD_IMAGES
from bench.experiments.parts.rows import require_simgan

# Not against test images: a checkpoint chosen by them would be tuned on the test set.
REALISM = tuple(replace(column, reference="real") for column in (REALISM_SWD, REALISM_AUC))

MOMENTS = 6


def rows(refiners: Sequence[str]) -> tuple[Row, ...]:
    """R after its pretraining (0 %), at even steps of Algorithm 1, and at the end (100 %)."""
    require_simgan("training-progress", refiners)
    found = []
    for index in range(MOMENTS + 1):
        share = index / MOMENTS
        variant = Variant(f"simgan-{round(100 * share)}", "simgan", {"snapshots": MOMENTS}, moment=share)
        found.append(Row(variant.key, f"after {round(100 * share)} %", "refined", variant=variant))
    return tuple(found)


EXPERIMENT = Experiment(
    name="training-progress",
    title="Progress of the training (blog, Figures 6 and 7)",
    task="gaze",
    refiners=("simgan",),
    rows=rows,
    columns=(*REALISM, DRIFT, DRIFT_BIAS, CHANGE, ERROR_KNN),
    profiles={
        "smoke": SMOKE,
        "quick": Profile(seeds=3, images=QUICK_IMAGES),
        "standard": Profile(seeds=5, images=STANDARD_IMAGES),
        "paper": Profile(seeds=3, images=PAPER_IMAGES),
    },
    figures=("progress", "training-curves", "training-strip", "pictures"),
    data="simulator",
    notes=(
        "Realism and drift need no label of a real image, so a checkpoint may be chosen by them; the error needs "
        "labels and is here only to check that choice.",
    ),
)
