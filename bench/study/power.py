"""How many subjects does a study need to show that people cannot tell? By simulation, with its own uncertainty."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from bench.core.errors import UsageError
from bench.stats import p_greater
from bench.stats_binomial import clopper_pearson

ALPHA = 0.05
STUDIES = 4000
MOST_SUBJECTS = 500
SUBJECTS = (5, 10, 15, 20, 30, 50)
SPREADS = (0.0, 0.025, 0.05, 0.1)


@dataclass(frozen=True)
class Power:
    """share: of simulated studies that find equivalence; ci95: where the true share lies, as `studies` are finite."""

    subjects: int
    share: float
    ci95: tuple[float, float]


@dataclass(frozen=True)
class Spread:
    """Studies of subjects whose true accuracies have this standard deviation.

    powers: by number of subjects. needed: the fewest subjects with the wanted power, surely more than needed_low and
    at most needed_high as far as the simulation tells; None when MOST_SUBJECTS do not do.
    """

    accuracy_sd: float
    powers: tuple[Power, ...]
    needed: int | None
    needed_low: int | None
    needed_high: int | None


@dataclass(frozen=True)
class PowerTable:
    """trials: answers per subject. accuracy: the true mean over people. wanted: power asked for, 0..1."""

    margin: float
    trials: int
    accuracy: float
    wanted: float
    studies: int
    seed: int
    spreads: tuple[Spread, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def true_accuracies(mean: float, deviation: float, quantiles: NDArray[np.float64]) -> NDArray[np.float64]:
    """Accuracies of people: a beta distribution with this mean and standard deviation, at `quantiles` (0..1).

    UsageError when no shares 0..1 can have them.
    """
    if deviation == 0 and 0 <= mean <= 1:
        return np.full(quantiles.shape, mean)
    size = mean * (1 - mean) / deviation**2 - 1 if deviation > 0 else -1.0
    if not (0 < mean < 1 and size > 0):
        raise UsageError(
            f"accuracies with mean {mean:g} and standard deviation {deviation:g} do not exist: choose a mean between 0 "
            "and 1 and a smaller deviation"
        )
    found: NDArray[np.float64] = stats.beta.ppf(quantiles, mean * size, (1 - mean) * size)
    return found


def observed_accuracies(
    studies: int, subjects: int, trials: int, mean: float, deviation: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    """(studies, subjects) shares of correct answers: a true accuracy each, then independent answers."""
    true = true_accuracies(mean, deviation, rng.random((studies, subjects)))
    return rng.binomial(trials, true) / trials


def equivalent(accuracies: NDArray[np.float64], margin: float) -> NDArray[np.bool_]:
    """(studies,) whether TOST over the subjects of each study finds chance -+ margin, as `bench.stats_compare.tost`."""
    away = accuracies - 0.5
    return (p_greater(margin + away) <= ALPHA) & (p_greater(margin - away) <= ALPHA)


def power_table(
    trials: int,
    margin: float,
    *,
    accuracy: float = 0.5,
    wanted: float = 0.8,
    subjects: Sequence[int] = SUBJECTS,
    deviations: Sequence[float] = SPREADS,
    studies: int = STUDIES,
    seed: int = 0,
) -> PowerTable:
    """Power of equivalence over numbers of subjects and spreads between them.

    trials: answers per subject, one arm. The same seed gives the same table. UsageError for what cannot be simulated.
    """
    if not (trials >= 1 and studies >= 1 and 0 < margin < 0.5 and 0 < wanted < 1 and all(n >= 2 for n in subjects)):
        raise UsageError(
            "power needs at least 1 trial, 1 study and 2 subjects, a margin from 0 to 0.5, and a power from 0 to 1"
        )
    if abs(accuracy - 0.5) >= margin:
        raise UsageError(
            f"with a true accuracy of {accuracy:g} nothing is to be found: it is outside the margin {margin:g}"
        )
    found = [
        _Simulation(trials, margin, accuracy, deviation, studies, seed).spread(subjects, wanted)
        for deviation in deviations
    ]
    return PowerTable(margin, trials, accuracy, wanted, studies, seed, tuple(found))


class _Simulation:
    """Powers by number of subjects, each simulated once with a stream of its own."""

    def __init__(self, trials: int, margin: float, accuracy: float, deviation: float, studies: int, seed: int) -> None:
        self.trials, self.margin, self.accuracy, self.deviation = trials, margin, accuracy, deviation
        self.studies, self.seed = studies, seed
        self.known: dict[int, Power] = {}

    def power(self, subjects: int) -> Power:
        if subjects not in self.known:
            rng = np.random.default_rng([self.seed, subjects, round(1e6 * self.deviation)])
            shares = observed_accuracies(self.studies, subjects, self.trials, self.accuracy, self.deviation, rng)
            count = int(equivalent(shares, self.margin).sum())
            self.known[subjects] = Power(subjects, count / self.studies, clopper_pearson(count, self.studies))
        return self.known[subjects]

    def spread(self, subjects: Sequence[int], wanted: float) -> Spread:
        return Spread(
            self.deviation,
            tuple(self.power(count) for count in subjects),
            self._fewest(lambda power: power.share >= wanted),
            self._fewest(lambda power: power.ci95[1] >= wanted),
            self._fewest(lambda power: power.ci95[0] >= wanted),
        )

    def _fewest(self, enough: Callable[[Power], bool]) -> int | None:
        """The fewest subjects with enough power, by halving: power grows with the number of subjects."""
        low, high = 1, 2
        while not enough(self.power(high)):
            if high == MOST_SUBJECTS:
                return None
            low, high = high, min(2 * high, MOST_SUBJECTS)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if enough(self.power(middle)) else (middle, high)
        return high
