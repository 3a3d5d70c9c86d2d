"""What an estimator sees in refined images, less the labels that are kept for them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.core.context import RunContext
from bench.core.measure import Subject
from bench.measures.parts.displacement import scale_of, summed_up
from bench.measures.parts.gauge import gauge_of, predicted
from bench.measures.parts.pairs import source_of


def residual(
    subject: Subject, label: str, run: RunContext, seen: NDArray[np.bool_] | None = None
) -> tuple[dict[str, float], NDArray[np.float64]]:
    """The numbers of `summed_up` with `excess`, and (N, 2) or (N, K, 2) px by which the gauge misses the label.

    `excess` is the mean distance on the refined images less that on the synthetic ones, the gauge's own error.
    label: what the gauge predicts, with x and y first. seen: (N,) which images to use; NaN for the others.
    """
    source, gauge = source_of(subject), gauge_of(subject, label)
    truth = subject.images.require(label)
    errors = []
    for images in (subject.images, source):
        error = (predicted(gauge, images, subject.images, run) - truth)[..., :2] * scale_of(images)
        if seen is not None:
            error[~seen] = np.nan
        errors.append(error)
    refined, before = (summed_up(error) for error in errors)
    return {**refined, "excess": refined["mean"] - before["mean"]}, errors[0]
