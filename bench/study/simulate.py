"""Simulated people in a study: to rehearse one, to learn what it can find, and to test its analysis."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import ndtr, ndtri

from bench.core.errors import UsageError
from bench.study.allocation import Allocation, Shown, Trial
from bench.study.design import ImageClass, StudyDesign
from bench.study.power import true_accuracies

if TYPE_CHECKING:
    import pandas as pd

MEDIAN_SECONDS = 1.8
CARELESS_SECONDS = 0.15
SLOWER_WHEN_WRONG = 1.1
SPREAD_OF_SUBJECTS, SPREAD_OF_TRIALS = 0.3, 0.45
"""Standard deviations of the log of reaction times. Plausible values, not from the paper, which gives no times."""
BEGIN = datetime(2000, 1, 1, tzinfo=UTC)
"""Simulated answers are told by their year."""
INVENTED = 10_000
"""Images per class where there are none: enough that hardly any is seen twice."""


@dataclass(frozen=True)
class People:
    """Who takes part.

    accuracy: class of the fake images -> mean over people of the share that an unbiased, attentive person gets right;
    accuracy_sd: its standard deviation between people, a beta distribution. Who is good in one arm is good in all.
    Real against real is answered by chance, whatever is given here.
    bias, bias_sd: mean and standard deviation of the criterion c between people; above 0 = says 'fake' (or 'right')
    too often. Bias moves an accuracy towards 0.5. image_sd: the same for images, some of which look more real.
    lapse: share of answers given without looking. careless: how many of the subjects give all answers so, and fast.
    """

    subjects: int = 10
    accuracy: Mapping[ImageClass, float] = field(default_factory=lambda: {"refined": 0.517, "synthetic": 0.81})
    accuracy_sd: float = 0.05
    bias: float = 0.0
    bias_sd: float = 0.2
    image_sd: float = 0.0
    lapse: float = 0.0
    careless: int = 0

    def __post_init__(self) -> None:
        """UsageError for people that do not exist."""
        if not (self.subjects >= 1 and 0 <= self.careless <= self.subjects and 0 <= self.lapse <= 1):
            raise UsageError(
                f"{self.subjects} subjects, {self.careless} of them careless, with a lapse of {self.lapse:g}: there "
                "must be a subject, no more careless ones than there are, and a lapse from 0 to 1"
            )
        if min(self.accuracy_sd, self.bias_sd, self.image_sd) < 0:
            raise UsageError("standard deviations are at least 0")
        for accuracy in self.accuracy.values():
            true_accuracies(accuracy, self.accuracy_sd, np.zeros(0))


@dataclass(frozen=True)
class _Person:
    """z: class of the fake -> distance of each kind of image from the criterion's zero, in standard deviations."""

    z: Mapping[str, float]
    bias: float
    lapse: float
    median_seconds: float


def simulate(
    design: StudyDesign, people: People, seed: int, ids: Mapping[ImageClass, Any] | None = None
) -> pd.DataFrame:
    """A whole study's answers, as `bench.study.answers.read_answers` gives them, by signal detection.

    An image looks 'real' with probability Phi(z - c) when it is, Phi(-z - c) when not, z being the inverse of Phi at
    the person's accuracy; of a pair, 'left' the same way. Who sees what is dealt as in the real study.
    ids: class -> ids of the study's images; invented ones where left out. The same seed gives the same answers.
    """
    import pandas as pd

    counts = {name: len(ids[name]) if ids else INVENTED for name in design.classes}
    allocation, rng = Allocation(design, counts), np.random.default_rng([seed, 0])
    looks = {name: people.image_sd * rng.normal(size=counts[name]) for name in design.classes}
    persons = _persons(people, design, rng)
    rows: list[dict[str, Any]] = []
    for number, person in enumerate(persons):
        own = np.random.default_rng([seed, 1, number])
        for position, trial in enumerate(allocation.trials(number), start=1):
            answer, seconds = _answer(trial, person, design, looks, own)
            rows.append(
                {
                    "subject": f"simulated-{number + 1:03d}",
                    "arm": trial.arm,
                    "mode": design.mode,
                    "kind": trial.kind,
                    "position": position,
                    "image": "|".join(_id(shown, ids) for shown in trial.images),
                    "truth": trial.truth,
                    "answer": answer,
                    "correct": answer == trial.truth,
                    "reaction_ms": round(1000 * seconds),
                    "answered_at": (BEGIN + timedelta(hours=number, seconds=3 * position)).isoformat(),
                    "design": design.digest,
                }
            )
    return pd.DataFrame(rows)


def _persons(people: People, design: StudyDesign, rng: np.random.Generator) -> list[_Person]:
    quantiles = rng.random(people.subjects)
    accuracies = {
        name: true_accuracies(people.accuracy.get(name, 0.5), people.accuracy_sd, quantiles)
        for name in design.classes
        if name != "real"
    }
    # Just inside 0 and 1, where z is finite.
    z = {name: ndtri(np.clip(values, 1e-6, 1 - 1e-6)) for name, values in accuracies.items()}
    bias = people.bias + people.bias_sd * rng.normal(size=people.subjects)
    seconds = MEDIAN_SECONDS * np.exp(SPREAD_OF_SUBJECTS * rng.normal(size=people.subjects))
    careless = people.subjects - people.careless  # the last ones
    return [
        _Person(
            {name: float(values[number]) for name, values in z.items()} | {"real": 0.0},
            float(bias[number]),
            people.lapse if number < careless else 1.0,
            float(seconds[number]) if number < careless else CARELESS_SECONDS,
        )
        for number in range(people.subjects)
    ]


def _answer(
    trial: Trial, person: _Person, design: StudyDesign, looks: Mapping[Any, Any], rng: np.random.Generator
) -> tuple[str, float]:
    """The answer and the seconds it took. The same number of draws whatever happens, so that seeds stay aligned."""
    first, second = design.answers
    lapses, chance, told, time = rng.random(), rng.random(), rng.random(), rng.normal()
    arm = next(arm for arm in design.arms if arm.name == trial.arm)
    if trial.kind == "attention":
        likely = 1.0 if trial.truth == first else 0.0
    else:
        z = person.z[arm.second] * (1 if trial.truth == first else -1)
        more = [float(looks[shown.of][shown.number]) for shown in trial.images]
        likely = float(ndtr(z - person.bias + more[0] - sum(more[1:])))
    share, draw = (0.5, chance) if lapses < person.lapse else (likely, told)
    answer = first if draw < share else second
    seconds = person.median_seconds * float(np.exp(SPREAD_OF_TRIALS * time))
    return answer, seconds * (1.0 if answer == trial.truth else SLOWER_WHEN_WRONG)


def _id(shown: Shown, ids: Mapping[ImageClass, Any] | None) -> str:
    known = ids.get(shown.of) if ids else None  # type: ignore[call-overload]
    return f"{shown.of}-{shown.number:05d}" if known is None else str(known[shown.number])
