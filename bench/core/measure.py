"""The contract of a measure: drift, realism or amount of change, from image sets and not from test predictions."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from bench.core.context import RunContext
from bench.core.estimator import Estimator
from bench.core.images import ImageSet, Unlabelled
from bench.core.settings import Component


@dataclass(frozen=True)
class Quantity:
    """One number that a measure gives.

    better: 'neither' where it only describes. unchanged: its value when refining changed nothing at all; None where
    that depends on the images or on the gauge, or nothing need be refined.
    """

    unit: str
    better: Literal["lower", "higher", "neither"]
    unchanged: float | None = None


@dataclass(frozen=True)
class Subject:
    """What is measured.

    images: the images under test with the labels of what they show (for refined ones, those of their originals).
    source: the same images before refinement, row by row; None when nothing was refined (real images).
    real: images of the real domain to compare with, none of them in `images`. Labels are never given with them.
    gauge: a trained estimator to measure with, None unless the measure wants one. It saw none of `images`.
    """

    images: ImageSet
    source: ImageSet | None
    real: Unlabelled
    gauge: Estimator | None = None


@dataclass(frozen=True)
class Measurement:
    """summary: quantity -> value, finite. per_image: name -> (N,) float64, NaN where nothing was found in an image.

    Every NaN is counted by a quantity of the summary: holes are never silent.
    """

    summary: Mapping[str, float]
    per_image: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)


class Measure(Component):
    """One file in `bench/measures/` holds one subclass; the file's name is its registry name.

    `version` changes whenever its values would. `kind`: what it tells of a refiner.
    `kinds`: what its images may show, DataError for others: 'eyes' (uint8), 'hands' (uint16 depth in mm).
    `gauge`: whether it measures with an estimator, and what that is trained on: 'synthetic' = every second synthetic
    image (the others are measured), 'real' = labelled real images.
    `gauge_target`: what that estimator predicts (its `target`), UsageError for one of something else; None = anything.
    `needs_source`: it compares an image with what it was refined from, so it says nothing about real images.
    `takes`: labels of the synthetic images that it cannot do without.
    """

    name: ClassVar[str]
    version: ClassVar[int]
    kind: ClassVar[Literal["drift", "realism", "change"]]
    quantities: ClassVar[Mapping[str, Quantity]]
    kinds: ClassVar[frozenset[str]] = frozenset({"eyes", "hands"})
    gauge: ClassVar[Literal["none", "synthetic", "real"]] = "none"
    gauge_target: ClassVar[str | None] = "gaze"
    needs_source: ClassVar[bool] = False
    takes: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def measure(self, subject: Subject, run: RunContext) -> Measurement:
        """All quantities. Random choices come from `run`'s named streams.

        DataError for wrong inputs, which ends the run: images of another kind, missing labels, rows that are no pairs,
        sizes that differ. TrainingFailed where right inputs cannot be measured, as those of a collapsed refiner: no
        iris, hand or shift found in any image, a gauge that predicts NaN. The cell fails, the others go on.
        """
