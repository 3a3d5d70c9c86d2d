"""Two revisions of one experiment: a verdict for every cell, and what the other numbers did.

Only columns of predictions get verdicts: their values pair by test image and seed. Columns of measures and training
are listed with their difference. Head minus base everywhere.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from bench.core.errors import UsageError
from bench.engine.columns import ColumnFacts
from bench.engine.snapshot import Place, Revision, Snapshot, SnapshotCell
from reports.differences import Difference, Interval, Pair, judge, unit_of_difference
from reports.margin import Margin

Outcome = Literal["worse", "not comparable", "inconclusive", "better", "equivalent", "same code"]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
"""In the order in which they are told."""

OK, WORSE, OPEN = 0, 5, 6
SAME_SCORES = 1e-6  # relative; the same predictions may be scored on two machines that sum in another order
NOTHING = "nothing compared: the two revisions have no cell of predictions in common"


@dataclass(frozen=True)
class Cell:
    """A row and column of predictions. reason: why it is not comparable. difference: only where it was compared.

    base, head: means over the seeds that both have; None without any.
    """

    row: str
    label: str
    column: str
    verdict: Outcome
    reason: str = ""
    base: float | None = None
    head: float | None = None
    difference: Difference | None = None


@dataclass(frozen=True)
class Change:
    """A row and column of a measure or of training: what its number did, with the paired t-interval over seeds.

    reason: 'same code', or why there is no difference.
    """

    row: str
    label: str
    column: str
    base: float | None = None
    head: float | None = None
    difference: float | None = None
    ci95: Interval | None = None
    seeds: int = 0
    reason: str = ""


@dataclass(frozen=True)
class Comparison:
    """Everything that is said about two revisions. columns: of both, by key; notes: sentences to print below."""

    experiment: str
    profile: str
    base: Revision
    head: Revision
    data: Mapping[str, str]
    images: int
    columns: Mapping[str, ColumnFacts]
    cells: tuple[Cell, ...]
    changes: tuple[Change, ...]
    notes: tuple[str, ...]

    @property
    def counts(self) -> dict[Outcome, int]:
        """How many cells have each verdict, those without any left out."""
        found = Counter(cell.verdict for cell in self.cells)
        return {outcome: found[outcome] for outcome in OUTCOMES if found[outcome]}

    @property
    def summary(self) -> str:
        """`1 worse, 2 equivalent, 3 same code`."""
        if not self.cells:
            return NOTHING
        text = ", ".join(f"{count} {outcome}" for outcome, count in self.counts.items())
        return f"{text}: nothing to compare" if set(self.counts) == {"same code"} else text

    @property
    def exit_code(self) -> int:
        """0: every cell better, equivalent or the same code. 5: one is worse. 6: one is open, or there is none.

        'Same code' everywhere is an answer: each cell is there on both sides, made by the same code from the same
        data. No cell at all is none, and so is a cell that only one side has.
        """
        found = self.counts
        if "worse" in found:
            return WORSE
        return OPEN if not found or "inconclusive" in found or "not comparable" in found else OK


def compare(base: Snapshot, head: Snapshot, margin: Margin) -> Comparison:
    """A verdict for each cell that either revision has; Holm over those compared. UsageError for two experiments.

    Cells that both revisions leave out for the same reason are no cells; a note names them.
    """
    if base.experiment != head.experiment:
        raise UsageError(
            f"base holds '{base.experiment}' and head '{head.experiment}'; compare results of one experiment"
        )
    columns = {facts.key: facts for snapshot in (head, base) for facts in snapshot.columns}
    labels = {**head.rows, **base.rows}
    places, absent = _places(base, head)
    apart = _apart(base, head)
    found: list[Cell | Pair] = []
    changes = []
    for place in places:
        facts, label = columns[place[1]], labels[place[0]]
        reason = apart or _differ(base, head, place)
        if facts.of == "predictions":
            found.append(_cell_or_pair(base, head, place, label, reason, facts, margin))
        else:
            changes.append(_change(base, head, place, label, reason))
    judged = iter(judge([each for each in found if isinstance(each, Pair)], head.persons))
    cells = [each if isinstance(each, Cell) else _judged(base, head, next(judged)) for each in found]
    return Comparison(
        experiment=head.experiment,
        profile=head.profile,
        base=base.revision,
        head=head.revision,
        data=head.data,
        images=len(head.ids),
        columns=columns,
        cells=tuple(cells),
        changes=tuple(changes),
        notes=(*_setting_notes(base, head), *_seed_notes(base, head, places), *absent),
    )


def _places(base: Snapshot, head: Snapshot) -> tuple[list[Place], list[str]]:
    """Rows and columns that either has or should have, in head's order; sentences about what both leave out alike."""
    rows = dict.fromkeys([*head.rows, *base.rows])
    columns = dict.fromkeys(facts.key for snapshot in (head, base) for facts in snapshot.columns)
    known = {(row, column) for snapshot in (base, head) for row, column, _ in snapshot.cells}
    left_out = {place: why for place, why in head.missing.items() if place not in known}
    alike = {place: why for place, why in left_out.items() if base.missing.get(place) == why}
    wanted = known | ({*base.missing, *head.missing} - set(alike))
    notes = [f"Not measured at either revision: {row}, {column}: {why}" for (row, column), why in alike.items()]
    return [(row, column) for row in rows for column in columns if (row, column) in wanted], notes


def _apart(base: Snapshot, head: Snapshot) -> str | None:
    """Why nothing of the two can be compared; None where something may be."""
    if base.profile != head.profile:
        return f"profiles differ: {base.profile} and {head.profile}"
    if base.convention != head.convention:
        return f"conventions of the labels differ: {base.convention} and {head.convention}"
    for role in dict.fromkeys([*base.data, *head.data]):
        one, two = base.data.get(role, "none"), head.data.get(role, "none")
        if one != two:
            return f"{role} images differ: {one} and {two}"
    alike = np.array_equal(base.ids, head.ids) and np.array_equal(base.persons, head.persons)
    return None if base.test == head.test and alike else "test images differ, in pixels, labels, order or persons"


def _differ(base: Snapshot, head: Snapshot, place: Place) -> str | None:
    """Why a row and column cannot be compared; None where its seeds pair."""
    facts = [{each.key: each for each in snapshot.columns}.get(place[1]) for snapshot in (base, head)]
    if facts[0] is None or facts[1] is None:
        return f"only {'head' if facts[0] is None else 'base'} has this column"
    for name in ("name", "quantity", "version", "unit", "better", "estimator"):
        one, two = getattr(facts[0], name), getattr(facts[1], name)
        if one != two:
            return f"{facts[1].name}: {name} differs, {one} and {two}"
    for side, snapshot in (("base", base), ("head", head)):
        if place in snapshot.missing:
            return f"{side}: {snapshot.missing[place]}"
    one_side, other = base.seeds(place), head.seeds(place)
    if not (one_side and other):
        return f"only {'base' if one_side else 'head'} has this cell"
    both = [(one_side[seed], other[seed]) for seed in one_side if seed in other]
    if not both:
        return f"no seed in common: {_seeds(one_side)} and {_seeds(other)}"
    return _cells_differ(both)


def _cells_differ(both: Sequence[tuple[SnapshotCell, SnapshotCell]]) -> str | None:
    for one, two in both:
        if not np.isfinite([one.value, two.value]).all():
            return "a value is not a number"
        if one.key != two.key and one.place != two.place:
            return f"measured on {one.place} and on {two.place}"
        if one.key == two.key and one.place == two.place and not _same_scores(one, two):
            # The key is of the step before scoring; 'same code' would hide a changed metric.
            return "same step, other numbers: the metric changed without a new version, or the step does not repeat"
    return None


def _same_scores(one: SnapshotCell, two: SnapshotCell) -> bool:
    if one.scores is None or two.scores is None:
        return bool(np.isclose(one.value, two.value, rtol=SAME_SCORES, atol=0))
    return one.scores.shape == two.scores.shape and np.allclose(one.scores, two.scores, rtol=SAME_SCORES, atol=1e-12)


def _paired(base: Snapshot, head: Snapshot, place: Place) -> list[tuple[SnapshotCell, SnapshotCell]]:
    """The cells of base and head by the seeds that both have, in order."""
    one, two = base.seeds(place), head.seeds(place)
    return [(one[seed], two[seed]) for seed in one if seed in two]


def _cell_or_pair(
    base: Snapshot, head: Snapshot, place: Place, label: str, reason: str | None, facts: ColumnFacts, margin: Margin
) -> Cell | Pair:
    """The pair to judge, or the cell where there is nothing to judge."""
    both = _paired(base, head, place)
    within = margin.of(facts)
    values = [
        two.scores - one.scores
        for one, two in both
        if one.scores is not None and two.scores is not None and len(one.scores) == len(two.scores) == len(head.ids)
    ]
    if reason is None and all(one.key == two.key for one, two in both):
        return Cell(*_names(place, label), "same code", "", *_means(both))
    if reason is None and len(values) < len(both):
        reason = "no value for each test image"
    if reason is None and within is None:
        reason = f"no margin for {facts.head}; give one, as in --margin 0.3{unit_of_difference(facts.unit)}"
    if reason is not None or within is None:
        return Cell(*_names(place, label), "not comparable", reason or "", *_means(both))
    return Pair(place[0], label, "base", base.revision.name, facts, within, np.stack(values))


def _judged(base: Snapshot, head: Snapshot, found: Difference) -> Cell:
    place = (found.row, found.column)
    return Cell(*_names(place, found.label), found.verdict, "", *_means(_paired(base, head, place)), found)


def _names(place: Place, label: str) -> tuple[str, str, str]:
    return place[0], label, place[1]


def _means(both: Sequence[tuple[SnapshotCell, SnapshotCell]]) -> tuple[float | None, float | None]:
    if not both:
        return None, None
    return float(np.mean([one.value for one, _ in both])), float(np.mean([two.value for _, two in both]))


def _change(base: Snapshot, head: Snapshot, place: Place, label: str, reason: str | None) -> Change:
    from bench.stats import paired_t

    both = _paired(base, head, place)
    if reason is not None or not both:
        return Change(*_names(place, label), reason=reason or "")
    found = paired_t([two.value - one.value for one, two in both])
    return Change(
        *_names(place, label),
        *_means(both),
        difference=found.mean,
        ci95=None if found.low is None or found.high is None else (found.low, found.high),
        seeds=len(both),
        reason="same code" if all(one.key == two.key for one, two in both) else "",
    )


def _setting_notes(base: Snapshot, head: Snapshot) -> list[str]:
    """Which settings were asked for on one side only: a difference may be theirs, not the code's."""
    sides = {"base": set(base.settings) - set(head.settings), "head": set(head.settings) - set(base.settings)}
    told = [f"{side}: {', '.join(sorted(extra))}" for side, extra in sides.items() if extra]
    return [f"Settings differ, {'; '.join(told)}"] if told else []


def _seed_notes(base: Snapshot, head: Snapshot, places: Sequence[Place]) -> list[str]:
    """Which seeds only one side has: they are not compared."""
    found: dict[str, list[str]] = {}
    for place in places:
        one, two = set(base.seeds(place)), set(head.seeds(place))
        for side, seeds in (("base", one - two), ("head", two - one)):
            if seeds and one & two:
                found.setdefault(f"not compared, as only {side} has them: {_seeds(seeds)}", []).append(place[0])
    return [f"{', '.join(dict.fromkeys(rows))}: {why}" for why, rows in found.items()]


def _seeds(seeds: Mapping[int, SnapshotCell] | set[int]) -> str:
    return f"seed{'' if len(seeds) == 1 else 's'} {', '.join(map(str, sorted(seeds)))}"
