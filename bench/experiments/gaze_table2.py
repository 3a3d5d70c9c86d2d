"""Table 2: percentage of test images within d degrees, CNN trained on synthetic and refined images, 1x and 4x."""

from __future__ import annotations

from collections.abc import Sequence

from bench.core.experiment import Column, Experiment, Profile, Row, Variant
from bench.experiments.parts.columns import MARGIN_DEG
from bench.experiments.parts.profiles import SMOKE


def rows(refiners: Sequence[str]) -> tuple[Row, ...]:
    """The CNN on synthetic images and on each refiner's, a quarter of them (1x) and all of them (4x)."""
    found = [
        Row("synthetic", "synthetic", "synthetic", "cnn", reference="synthetic"),
        Row("synthetic-4x", "synthetic 4x", "synthetic", "cnn", size=4, reference="synthetic-4x"),
    ]
    for refiner in refiners:
        suffix = "" if len(refiners) == 1 else f"-{refiner}"
        for size, name in ((1, "refined"), (4, "refined-4x")):
            label = f"refined{' 4x' if size == 4 else ''} ({refiner})"
            reference = name if refiner == "simgan" else None
            variant = Variant(refiner, refiner)
            against = ("synthetic" if size == 1 else "synthetic-4x",)
            key = name + suffix
            found.append(Row(key, label, "refined", "cnn", variant, size=size, reference=reference, against=against))
    return tuple(found)


# `images.synthetic` is 1x; the refiner is trained on the 4x images.
PROFILES = {
    "smoke": Profile(SMOKE.seeds, {**SMOKE.images, "synthetic": 100}),
    "quick": Profile(seeds=3, images={"synthetic": 1000, "real": 4000, "test": 2000}),
    "standard": Profile(seeds=5, images={"synthetic": 3000, "real": 12_000, "test": 4000}),
    "paper": Profile(seeds=3, images={"synthetic": 300_000, "real": 213_659, "test": 45_000}),
}

EXPERIMENT = Experiment(
    name="gaze-table2",
    title="Gaze estimation within d degrees (paper, Table 2)",
    task="gaze",
    refiners=("simgan",),
    rows=rows,
    columns=(
        Column("within-7", "Within 7°", name="share-within", options={"degrees": 7.0}, margin=2.0),
        Column("within-13", "Within 13°", name="share-within", options={"degrees": 13.0}, margin=2.0),
        Column("error", "Error", margin=MARGIN_DEG),
    ),
    profiles=PROFILES,
    figures=("error-curves", "pictures", "training-curves"),
    data="simulator",
    notes=(
        "The paper's Table 2 says d = 7 degrees, but its four numbers are those of its own Figure 7 at 13 degrees; "
        "at 7 degrees its curves are at the numbers printed here.",
        "That 1x is a quarter of the 1.2 million images, and that one refiner, trained on 4x, serves both, is not in "
        "the paper (unconfirmed).",
    ),
)
