"""Which images are hard: the share of correct answers per image, over the subjects that saw it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.stats_binomial import clopper_pearson
from bench.study.design import Mode

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class ImageResult:
    """One image. truth: real or fake. share: correct answers among `shown`; ci95: Clopper-Pearson, over subjects.

    An image is shown to a subject once, so its answers are of different subjects and independent.
    """

    image: str
    truth: str
    shown: int
    correct: int
    share: float
    ci95: tuple[float, float]


def image_results(trials: pd.DataFrame, mode: Mode) -> tuple[ImageResult, ...]:
    """Every image of one arm, the hardest first; of images that are alike the one shown more often first.

    With two alternatives both images of a pair count: whether they were told from what they were shown beside.
    """
    if not len(trials):
        return ()
    seen = _pairs_apart(trials) if mode == "two-alternative" else trials
    answers = seen.groupby(["image", "truth"])["correct"]
    found = [
        ImageResult(image, truth, shown, correct, correct / shown, clopper_pearson(correct, shown))
        for (image, truth), shown, correct in zip(
            answers.size().index.tolist(), answers.size().tolist(), answers.sum().tolist(), strict=True
        )
    ]
    return tuple(sorted(found, key=lambda each: (each.share, -each.shown, each.image)))


def _pairs_apart(trials: pd.DataFrame) -> pd.DataFrame:
    """`left|right` ids, the truth being the side of the real one, as a row for each of the two images."""
    import pandas as pd

    sides = trials["image"].str.split("|", n=1, expand=True)
    parts = []
    for column, side in enumerate(("left", "right")):
        truth = (trials["truth"] == side).map({True: "real", False: "fake"})
        parts.append(trials.assign(image=sides[column], truth=truth))
    return pd.concat(parts, ignore_index=True)
