"""Whose hand is rendered: size, proportions and thickness, one row per trait and one column per population.

The populations are the graphics engine's hand models (`synthetic`) and the people before the sensor (`real`). All
traits are factors on the average hand of `hand_geometry`. Both have the same mean size and proportions, so that no
refiner has to move a joint to make hands look real; people vary more, and their fingers are thicker than a model's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.core.pinhole import Floats


@dataclass(frozen=True)
class Traits:
    """What stays with a hand whatever it does: factors on the average hand, (N,) unless said otherwise."""

    size: Floats
    width: Floats  # of palm and wrist
    finger_lengths: Floats  # (N, 4), little finger to index finger
    thumb_length: Floats
    fingers_thick: Floats
    palm_thick: Floats


class Prior(NamedTuple):
    """A trait's normal distribution in each population (mean, standard deviation), cut at 2.5 deviations."""

    synthetic: tuple[float, float]
    real: tuple[float, float]


# Adult hands: length 190 mm with a deviation of about 10 mm; the other spreads are of that order.
TRAITS: dict[str, Prior] = {
    "size": Prior((0.98, 0.02), (0.98, 0.045)),
    "width": Prior((1.0, 0.02), (1.0, 0.05)),
    "little": Prior((1.0, 0.02), (1.0, 0.05)),
    "ring": Prior((1.0, 0.015), (1.0, 0.03)),
    "middle": Prior((1.0, 0.015), (1.0, 0.03)),
    "index": Prior((1.0, 0.015), (1.0, 0.03)),
    "thumb_length": Prior((1.0, 0.02), (1.0, 0.05)),
    "fingers_thick": Prior((0.95, 0.02), (1.06, 0.07)),
    "palm_thick": Prior((0.97, 0.02), (1.03, 0.05)),
}
MOST_DEVIATIONS = 2.5
_PERSON_KEY = {"synthetic": 201, "real": 202}


def person_scores(population: str, person: int) -> Floats:
    """The standard normal score of every trait of one person or hand model: a fixed draw, whatever the run's seed."""
    stream = np.random.SeedSequence(20170721, spawn_key=(_PERSON_KEY[population], person))
    scores = np.random.default_rng(stream).standard_normal(len(TRAITS))
    return np.clip(scores, -MOST_DEVIATIONS, MOST_DEVIATIONS)


def traits_of(population: str, persons: Sequence[int], chosen: NDArray[np.int64]) -> Traits:
    """The traits of the hands of `chosen` (N,), which are positions in `persons`."""
    scores = np.stack([person_scores(population, person) for person in persons])[chosen]
    column: dict[str, Floats] = {}
    for position, (name, prior) in enumerate(TRAITS.items()):
        mean, spread = prior.synthetic if population == "synthetic" else prior.real
        column[name] = mean + spread * scores[:, position]
    fingers = np.stack([column.pop(name) for name in ("little", "ring", "middle", "index")], axis=1)
    return Traits(finger_lengths=fingers, **column)
