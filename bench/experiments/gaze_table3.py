"""Table 3: mean gaze error of k-NN and CNN trained on synthetic, refined and real images, tested on real ones."""

from __future__ import annotations

from collections.abc import Sequence

from bench.core.experiment import Experiment, Profile, Row

ESTIMATORS = {"knn": "k-NN", "cnn": "CNN"}


def rows(refiners: Sequence[str]) -> tuple[Row, ...]:
    """Both estimators on synthetic images, on each refiner's, and on labelled real ones."""
    found = []
    for estimator, title in ESTIMATORS.items():
        found.append(
            Row(f"{estimator}/synthetic", f"{title}, synthetic", estimator, "synthetic",
                reference=f"{estimator}-synthetic")
        )  # fmt: skip
        for refiner in refiners:
            suffix = "" if len(refiners) == 1 else f"-{refiner}"
            # The paper's refined row is SimGAN's; another refiner has no published number.
            reference = f"{estimator}-refined" if refiner == "simgan" else None
            found.append(
                Row(f"{estimator}/refined{suffix}", f"{title}, refined ({refiner})", estimator, "refined",
                    refiner=refiner, reference=reference)
            )  # fmt: skip
        found.append(Row(f"{estimator}/real", f"{title}, real", estimator, "real"))
    return tuple(found)


EXPERIMENT = Experiment(
    name="gaze-table3",
    title="Gaze estimation (paper, Table 3)",
    task="gaze",
    metric="angular-error",
    refiners=("simgan",),
    rows=rows,
    profiles={
        "smoke": Profile(seeds=1, images={"synthetic": 400, "real": 400, "test": 200}),
        "quick": Profile(seeds=3, images={"synthetic": 4000, "real": 4000, "test": 2000}),
        "standard": Profile(seeds=5, images={"synthetic": 12000, "real": 12000, "test": 4000}),
        "paper": Profile(seeds=3, images={"synthetic": 1_200_000, "real": 213_659, "test": 45_000}),
    },
    figures=("error-curves", "pictures", "training-curves", "training-strip"),
    data="simulator",
)
