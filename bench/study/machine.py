"""The same task for a machine: how well does a classifier tell a study's images apart? A row beside the people's."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.core.errors import DataError
from bench.core.images import ImageSet
from bench.core.measure import Subject
from bench.measures.parts.pairs import alike
from bench.measures.two_sample import SMALLEST_PX, auc, deal, discriminant, features


@dataclass(frozen=True)
class MachineResult:
    """Classifier two-sample test on one arm's images (Lopez-Paz & Oquab 2017), on images and persons it was not shown.

    auc: mean over folds. accuracy: mean of the shares of real and of fake images named rightly, mean over folds.
    Not a person's task: it learns from all the other images with their labels, not from a few examples.
    by_person: whether the folds keep persons apart; else it may know faces, and does too well.
    """

    arm: str
    auc: float
    accuracy: float
    reals: int
    fakes: int
    by_person: bool


def machine_result(arm: str, real: ImageSet, fake: ImageSet, rng: np.random.Generator) -> MachineResult:
    """Cross-validated with Fisher's discriminant on the features of the measure 'two-sample'; chance is 0.5.

    rng: deals the folds. DataError for images of other sizes or kinds, fewer than two on a side, or smaller than 16 px.
    """
    if min(len(real), len(fake)) < 2:
        raise DataError(f"{arm}: a two-sample test needs at least 2 images on both sides")
    if min(real.size) < SMALLEST_PX:
        raise DataError(f"{arm}: a two-sample test needs images of at least {SMALLEST_PX} px")
    fakes, reals = (features(levels) for levels in alike(Subject(fake, None, real.unlabelled())))
    by_person = min(len(np.unique(each.persons)) for each in (real, fake)) >= 2
    groups = (fake.persons, real.persons) if by_person else (fake.ids, real.ids)
    folds, real_folds = deal(*groups, rng)
    found = [_fold(fakes, reals, folds == fold, real_folds == fold) for fold in np.unique(folds)]
    area, share = np.mean(found, axis=0)
    return MachineResult(arm, float(area), float(share), len(real), len(fake), by_person)


def _fold(
    fakes: NDArray[np.float64], reals: NDArray[np.float64], held: NDArray[np.bool_], real_held: NDArray[np.bool_]
) -> tuple[float, float]:
    """AUC and accuracy on the images held out, of a discriminant of the others; cut half way between their means."""
    axis = discriminant(fakes[~held], reals[~real_held])
    cut = ((fakes[~held] @ axis).mean() + (reals[~real_held] @ axis).mean()) / 2
    fake_scores, real_scores = fakes[held] @ axis, reals[real_held] @ axis
    return auc(fake_scores, real_scores), float((fake_scores > cut).mean() + (real_scores <= cut).mean()) / 2
