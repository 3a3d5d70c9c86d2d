"""The comparison set against itself: how often it finds a difference between seeds of the same code."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bench.core.errors import DataError
from bench.engine.snapshot import Snapshot, SnapshotCell
from reports.compare import OK, OPEN, WORSE, compare
from reports.margin import Margin

LEAST_SEEDS = 4  # two pairs, the fewest that give a verdict
MOST_PAIRINGS = 100
ALLOWED = 0.05
PAIRING_SEED = 20170719

Pairing = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class SelfTest:
    """alarms: pairings in which any cell was called better or worse. pairings: 0 where the seeds are too few."""

    experiment: str
    seeds: int
    cells: int
    pairings: int
    alarms: int

    @property
    def rate(self) -> float | None:
        """Share of pairings with a false alarm; None without any."""
        return self.alarms / self.pairings if self.pairings else None

    @property
    def sentence(self) -> str:
        """`A/A on 10 seeds, 8 cells: 1 false alarm in 100 pairings, 1.0 % (at most 5 % allowed)`."""
        if self.rate is None:
            return (
                f"A/A needs {LEAST_SEEDS} seeds, {self.experiment} has {self.seeds} in common; run it with more --seeds"
            )
        alarms = f"{self.alarms} false alarm{'' if self.alarms == 1 else 's'} in {self.pairings} pairings"
        text = f"A/A on {self.seeds} seeds, {self.cells} cells: {alarms}, {100 * self.rate:.1f} %"
        return f"{text} ({'at most' if self.exit_code == OK else 'more than the'} {100 * ALLOWED:g} % allowed)"

    @property
    def exit_code(self) -> int:
        """0 up to 5 % of false alarms, 5 above, 6 with too few seeds."""
        if self.rate is None:
            return OPEN
        return OK if self.rate <= ALLOWED else WORSE


def self_test(snapshot: Snapshot, margin: Margin) -> SelfTest:
    """A/A: half of a snapshot's seeds as 'base', the other half as 'head', in up to 100 ways, through `compare`.

    The halves share no seed. Pairing every seed i with another one j would prove nothing: each seed is then once in
    front and once behind the minus, so the mean difference is 0 whatever the spread. With n seeds a study has n // 2
    pairs, so four seeds are the fewest, and the studies are smaller than the real ones.

    It shows whether the whole machinery (intervals, Holm, equivalence, verdicts) raises alarms for differences that
    are only between seeds, with the spreads, the persons and the correlated cells of this experiment. It does not show
    what is missed (power), nor alarms about new persons, as the same persons are on both sides. In real comparisons
    seed i meets seed i, whose estimator has the same random stream; here it does not, so these differences vary more.
    The ways share seeds: one odd seed is in all of them, and the rate of a single snapshot scatters around the true
    one, the more the fewer seeds there are. Use ten seeds to judge; tests/stats has the rate by simulation.

    DataError for a snapshot without a cell of predictions.
    """
    prediction = {facts.key for facts in snapshot.columns if facts.of == "predictions"}
    cells = {place: cell for place, cell in snapshot.cells.items() if place[1] in prediction}
    if not cells:
        raise DataError(f"{snapshot.experiment} has no finished cell of predictions; run it before its self-test")
    places = {(row, column) for row, column, _ in cells}
    seeds = sorted(set.intersection(*({seed for *at, seed in cells if tuple(at) == place} for place in places)))
    by_person = _by_person(replace(snapshot, cells=cells, missing={}))
    alarms = 0
    pairings = list(_pairings(seeds)) if len(seeds) >= LEAST_SEEDS else []
    for pairing in pairings:
        base, head = (_half(by_person, [pair[side] for pair in pairing], side) for side in (0, 1))
        alarms += bool({"better", "worse"} & set(compare(base, head, margin).counts))
    return SelfTest(snapshot.experiment, len(seeds), len(places), len(pairings), alarms)


def _pairings(seeds: Sequence[int]) -> Iterator[Pairing]:
    """Different ways to split the seeds into two halves that are paired, at random; an odd seed is left out."""
    rng = np.random.default_rng(PAIRING_SEED)
    half = len(seeds) // 2
    seen: set[frozenset[frozenset[tuple[int, int]]]] = set()
    for _ in range(20 * MOST_PAIRINGS):  # few seeds have fewer ways
        order = rng.permutation(seeds).tolist()
        pairs = tuple(zip(order[:half], order[half : 2 * half], strict=True))
        # The same pairs with base and head exchanged are the same study with the other sign.
        same = frozenset({frozenset(pairs), frozenset((two, one) for one, two in pairs)})
        if same not in seen:
            seen.add(same)
            yield pairs
        if len(seen) == MOST_PAIRINGS:
            return


def _half(snapshot: Snapshot, seeds: Sequence[int], side: int) -> Snapshot:
    """Only these seeds, counted from 0; the keys differ by side, as after a change of the code."""
    renamed = {
        (row, column, seeds.index(seed)): replace(cell, key=f"{cell.key}, {side}")
        for (row, column, seed), cell in snapshot.cells.items()
        if seed in seeds
    }
    return replace(snapshot, cells=renamed)


def _by_person(snapshot: Snapshot) -> Snapshot:
    """Each person's mean as if it were one image: the same verdicts, sooner."""
    persons, owner = np.unique(snapshot.persons, return_inverse=True)
    images = np.bincount(owner)

    def means(scores: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.bincount(owner, scores, len(persons)) / images

    cells: dict[tuple[str, str, int], SnapshotCell] = {
        where: cell if cell.scores is None else replace(cell, scores=means(cell.scores))
        for where, cell in snapshot.cells.items()
    }
    return replace(snapshot, cells=cells, ids=persons, persons=persons)
