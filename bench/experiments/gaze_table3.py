"""Table 3: mean gaze error of every estimator, trained on synthetic, refined or real images, tested on real ones."""

from __future__ import annotations

from collections.abc import Sequence

from bench.core.experiment import Column, Experiment, Profile, Row, Variant
from bench.experiments.parts.columns import MARGIN_DEG
from bench.experiments.parts.profiles import PAPER_IMAGES, QUICK_IMAGES, SMOKE, STANDARD_IMAGES
from bench.experiments.parts.rows import BASELINES

# Trained on labelled real images, as the rows that the paper quotes: estimator -> label, id of the printed number.
ON_REAL = {
    "svr": ("SVR", "svr"),
    "alr": ("ALR", "alr"),
    "random-forest": ("RF", "rf"),
    "knn": ("k-NN", "knn-ut"),
    "lenet": ("CNN (LeNet, head pose)", "cnn-ut"),
}
TAKES = {"lenet": ("head_pose",)}

# Each of these rows is a CNN per seed. Two baselines stay: of contrast, and of sharpness, which are what differs most.
LEFT_OUT_AT_QUICK = tuple(f"cnn/refined-{name}" for name in BASELINES if name not in ("mean-std", "noise-blur"))

ON_SYNTHETIC = {"knn": "k-NN", "cnn": "CNN"}


def rows(refiners: Sequence[str]) -> tuple[Row, ...]:
    """The paper's rows in its order; below each estimator's synthetic row what takes seconds, then the refiners."""
    found = [
        Row(
            f"{estimator}/real",
            f"{title}, real",
            "real",
            estimator,
            reference=reference,
            takes=TAKES.get(estimator, ()),
        )
        for estimator, (title, reference) in ON_REAL.items()
    ]
    found.append(Row("cnn/real", "CNN, real", "real", "cnn"))
    for estimator, title in ON_SYNTHETIC.items():
        key = f"{estimator}/synthetic"
        found.append(Row(key, f"{title}, synthetic", "synthetic", estimator, reference=f"{estimator}-synthetic"))
        for baseline, label in BASELINES.items():
            found.append(_refined(estimator, title, baseline, label, f"-{baseline}"))
        learned = [refiner for refiner in refiners if refiner not in BASELINES]
        for refiner in learned:
            suffix = "" if len(learned) == 1 else f"-{refiner}"
            found.append(_refined(estimator, title, refiner, refiner, suffix))
    return tuple(found)


def _refined(estimator: str, title: str, refiner: str, label: str, suffix: str) -> Row:
    # The paper's refined row is the CNN's with SimGAN; nothing else has a published number.
    reference = "cnn-refined" if (estimator, refiner) == ("cnn", "simgan") else None
    variant = Variant(refiner, refiner)
    key = f"{estimator}/refined{suffix}"
    return Row(
        key, f"{title}, refined ({label})", "refined", estimator, variant, reference=reference,
        against=(f"{estimator}/synthetic",),
    )  # fmt: skip


EXPERIMENT = Experiment(
    name="gaze-table3",
    title="Gaze estimation (paper, Table 3)",
    task="gaze",
    refiners=("simgan",),
    rows=rows,
    columns=(Column("error", "Error", margin=MARGIN_DEG),),
    profiles={
        "smoke": SMOKE,
        "quick": Profile(seeds=3, images=QUICK_IMAGES, leaves_out=LEFT_OUT_AT_QUICK),
        "standard": Profile(seeds=5, images=STANDARD_IMAGES),
        "paper": Profile(seeds=3, images=PAPER_IMAGES),
    },
    figures=("error-curves", "pictures", "training-curves", "training-strip"),
    data="simulator",
)
