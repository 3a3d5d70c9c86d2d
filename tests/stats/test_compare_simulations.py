"""False alarms and power of a whole comparison of two revisions, by simulation with fixed seeds."""

from __future__ import annotations

import numpy as np
import pytest

from reports.compare import Comparison, compare
from reports.margin import Margin
from reports.self_test import ALLOWED, self_test
from tests.stats.test_simulations import Array, agrees, percent, studies
from tests.unit.reports.made_up_snapshots import MARGIN, Cells, base_scores, cells, names, snapshot

STUDIES = 200
ROWS = ("cnn/synthetic", "cnn/refined", "knn/synthetic", "knn/refined")
IMAGES = 3
SEEDS_SD, PERSONS_SD = 0.15, 0.3  # deg, of the difference: about what the gaze CNN's seeds and persons vary by
EFFECT = 0.6  # deg: two margins
NO_MARGIN = Margin({"error": 1e-6})
# seeds, persons -> % of changed cells found, % of the others shown to be equivalent; one person decides nothing
LEAST = {
    (3, 1): (0, 0), (5, 1): (0, 0), (10, 1): (0, 0), (3, 5): (7, 3), (5, 5): (33, 8), (10, 5): (42, 13),
    (3, 15): (34, 24), (5, 15): (92, 53), (10, 15): (97, 77),
}  # fmt: skip
SETTINGS = [(seeds, persons) for persons in (1, 5, 15) for seeds in (3, 5, 10)]


def differences(rng: np.random.Generator, seeds: int, persons: int, truth: float) -> Array:
    """(studies, rows, seeds, images) of differences whose true mean is `truth`."""
    by_seed, _, _ = studies(rng, STUDIES * len(ROWS), seeds, persons, "seeds")
    by_person, _, _ = studies(rng, STUDIES * len(ROWS), seeds, persons, "persons")
    found = truth + SEEDS_SD * by_seed + PERSONS_SD * by_person
    return found.reshape(STUDIES, len(ROWS), seeds, persons * IMAGES)


def compared(values: Array, persons: int, margin: Margin) -> Comparison:
    """Base and head whose rows differ by these (rows, seeds, images) values."""
    owners = names(persons, IMAGES)
    base: Cells = {}
    head: Cells = {}
    for row, moved in zip(ROWS, values, strict=True):
        scores = base_scores(len(moved), persons, IMAGES)
        base |= cells(row, "error", scores)
        head |= cells(row, "error", scores + moved, "b")
    return compare(snapshot(base, persons=owners), snapshot(head, 2, persons=owners), margin)


@pytest.mark.parametrize(("seeds", "persons"), SETTINGS)
def test_false_alarms_and_power(seeds: int, persons: int) -> None:
    """Nothing changed: is any of four cells called better or worse? One cell is worse by two margins: is it found?"""
    rng = np.random.default_rng([seeds, persons, 5])
    # Without a margin worth the name: equivalence would hide false alarms.
    unchanged = [compared(values, persons, NO_MARGIN) for values in differences(rng, seeds, persons, 0.0)]
    alarms = percent(sum(bool({"better", "worse"} & set(each.counts)) for each in unchanged), STUDIES)
    values = differences(rng, seeds, persons, 0.0)
    values[:, 0] += EFFECT
    one_worse = [compared(each, persons, MARGIN) for each in values]
    found = percent(sum(each.cells[0].verdict == "worse" for each in one_worse), STUDIES)
    wrong = percent(sum(each.cells[0].verdict in ("better", "equivalent") for each in one_worse), STUDIES)
    others = [cell.verdict for each in one_worse for cell in each.cells[1:]]
    equivalent = percent(others.count("equivalent"), len(others))
    p_values = [each.cells[0].difference.p_value for each in one_worse if each.cells[0].difference]
    small = percent(sum(p_value is not None and p_value <= 0.05 for p_value in p_values), STUDIES)
    shares = (alarms, found, small, equivalent, wrong)
    print(f"| {seeds} seeds, {persons} persons | {' | '.join(f'{share:.1f}' for share in shares)} |")
    agrees("Two commits, right and wrong", f"{seeds}, {persons}", [alarms, found, equivalent])
    assert alarms <= 6
    assert wrong <= 1
    assert found >= LEAST[seeds, persons][0]
    assert equivalent >= LEAST[seeds, persons][1]
    if persons == 1:
        assert {cell.verdict for each in one_worse for cell in each.cells} == {"inconclusive"}


def test_self_tests_raise_few_alarms() -> None:
    """The rate over many made-up experiments without a change: what a single self-test scatters around."""
    rates = []
    for number in range(12):
        rng = np.random.default_rng([number, 6])
        values = differences(rng, 8, 5, 0.0)[0]
        owners = names(5, IMAGES)
        found: Cells = {}
        for row, moved in zip(ROWS, values, strict=True):
            found |= cells(row, "error", base_scores(8, 5, IMAGES) + 3 * moved)
        rate = self_test(snapshot(found, persons=owners), MARGIN).rate
        assert rate is not None
        rates.append(rate)
    print(f"self-test: mean {100 * np.mean(rates):.1f} %, at most {100 * max(rates):.1f} %")
    assert np.mean(rates) <= ALLOWED
