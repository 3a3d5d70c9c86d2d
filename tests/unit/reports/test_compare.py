"""Verdicts on two revisions: which cells are compared, with what, and what the exit code says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.core.errors import DataError, UsageError
from bench.engine.snapshot import Snapshot
from bench.stats import holm
from bench.stats_compare import paired_by_person
from reports.compare import Cell, Comparison, Outcome, compare
from reports.margin import Margin, margin_of
from reports.self_test import LEAST_SEEDS, SelfTest, self_test
from tests.unit.reports.made_up_snapshots import (
    DRIFT,
    ERROR,
    MARGIN,
    SHARE,
    base_scores,
    cells,
    changed,
    effect,
    names,
    numbers,
    snapshot,
    with_columns,
)

BETTER, WORSE, EQUAL, OPEN = effect(-1), effect(1), effect(0), effect(0.1, 0.5)


def verdicts(found: Comparison) -> dict[str, Outcome]:
    return {cell.row: cell.verdict for cell in found.cells}


def only(found: Comparison) -> Cell:
    (cell,) = found.cells
    return cell


class TestVerdicts:
    def test_head_minus_base(self) -> None:
        found = compare(*changed({"a/x": BETTER, "b/x": WORSE, "c/x": EQUAL, "d/x": OPEN}), MARGIN)
        assert verdicts(found) == {"a/x": "better", "b/x": "worse", "c/x": "equivalent", "d/x": "inconclusive"}
        assert [round(cell.difference.mean, 9) for cell in found.cells if cell.difference] == [-1, 1, 0, 0.1]
        first = found.cells[0]
        assert first.head is not None and first.base is not None
        assert first.head - first.base == pytest.approx(-1)

    def test_words_follow_the_metric_not_the_sign(self) -> None:
        base, head = changed({"a/x": BETTER, "b/x": WORSE})
        base, head = (replace(each, columns=(replace(ERROR, better="higher"),)) for each in (base, head))
        assert verdicts(compare(base, head, MARGIN)) == {"a/x": "worse", "b/x": "better"}

    def test_exchanging_the_revisions_exchanges_the_words(self) -> None:
        base, head = changed({"a/x": BETTER, "b/x": EQUAL, "c/x": OPEN})
        assert verdicts(compare(head, base, MARGIN)) == {"a/x": "worse", "b/x": "equivalent", "c/x": "inconclusive"}

    def test_holm_is_over_all_cells_of_all_columns(self) -> None:
        base, head = changed({"a/x": effect(-0.4, 0.2), "b/x": effect(0.3, 0.2)})
        scores = base_scores(5)
        share = effect(3, 1.5)
        base = with_columns(base, (ERROR, SHARE), cells("a/x", "within-7", scores))
        head = with_columns(head, (ERROR, SHARE), cells("a/x", "within-7", scores + share, "b"))
        found = compare(base, head, MARGIN)
        raw = [paired_by_person(each, names(6)).p_value for each in (effect(-0.4, 0.2), share, effect(0.3, 0.2))]
        expected = holm([p for p in raw if p is not None])
        assert [cell.difference.p_value for cell in found.cells if cell.difference] == pytest.approx(expected.tolist())

    def test_one_person_or_one_seed_decides_nothing(self) -> None:
        base, head = changed({"a/x": effect(-9, seeds=1)})
        assert only(compare(base, head, MARGIN)).verdict == "inconclusive"
        base, head = (replace(each, persons=np.full(12, "p")) for each in changed({"a/x": effect(-9)}))
        assert only(compare(base, head, MARGIN)).verdict == "inconclusive"

    def test_columns_come_in_the_order_of_the_table(self) -> None:
        base, head = changed({"a/x": EQUAL, "b/x": EQUAL})
        shares = {**cells("a/x", "within-7", base_scores(5)), **cells("b/x", "within-7", base_scores(5))}
        base, head = (with_columns(each, (ERROR, SHARE), shares) for each in (base, head))
        found = compare(base, head, MARGIN)
        assert [(cell.row, cell.column) for cell in found.cells] == [
            (row, column) for row in ("a/x", "b/x") for column in ("error", "within-7")
        ]


class TestSameCode:
    def test_equal_keys_are_not_compared(self) -> None:
        base, head = changed({"a/x": BETTER})
        same = cells("b/x", "error", base_scores(5))
        base, head = (with_columns(each, (ERROR,), same) for each in (base, head))
        found = compare(base, head, MARGIN)
        assert verdicts(found) == {"a/x": "better", "b/x": "same code"}
        alone = compare(*changed({"a/x": BETTER}), MARGIN)
        assert found.cells[0].difference == alone.cells[0].difference  # Holm counts only what was compared

    def test_more_seeds_of_the_same_code_are_the_same_code(self) -> None:
        base = snapshot(cells("a/x", "error", base_scores(5)[:3]))
        found = compare(base, snapshot(cells("a/x", "error", base_scores(5)), 2), MARGIN)
        assert only(found).verdict == "same code"
        assert found.notes == ("a/x: not compared, as only head has them: seeds 3, 4",)

    def test_the_same_code_on_another_machine_is_the_same_code(self) -> None:
        scores = base_scores(5)
        base = snapshot(cells("a/x", "error", scores))
        head = snapshot(cells("a/x", "error", scores + 0.1, place="cuda, torch 2.15"), 2)
        assert only(compare(base, head, MARGIN)).verdict == "same code"

    def test_a_metric_that_changed_unsaid_is_not_the_same_code(self) -> None:
        """The step's key does not hold the metric: its predictions are the same, their scores are not."""
        scores = base_scores(5)
        base, head = snapshot(cells("a/x", "error", scores)), snapshot(cells("a/x", "error", scores * 1.01), 2)
        cell = only(compare(base, head, MARGIN))
        assert cell.verdict == "not comparable"
        assert "metric changed without a new version" in cell.reason
        rounding = snapshot(cells("a/x", "error", scores * (1 + 1e-12)), 2)
        assert only(compare(base, rounding, MARGIN)).verdict == "same code"

    def test_some_seeds_of_other_code_are_compared(self) -> None:
        base, head = changed({"a/x": effect(-1)})
        mixed = {**head.cells, ("a/x", "error", 0): base.cells["a/x", "error", 0]}
        assert only(compare(base, replace(head, cells=mixed), MARGIN)).difference is not None


def _column(**changes: Any) -> Callable[[Snapshot], Snapshot]:
    return lambda head: replace(head, columns=(replace(ERROR, **changes),))


def _cells(**changes: Any) -> Callable[[Snapshot], Snapshot]:
    return lambda head: replace(head, cells={where: replace(cell, **changes) for where, cell in head.cells.items()})


REASONS: dict[str, Callable[[Snapshot], Snapshot]] = {
    "angular-error: version differs, 2 and 3": _column(version=3),
    "angular-error: unit differs, deg and rad": _column(unit="rad"),
    "angular-error: better differs, lower and higher": _column(better="higher"),
    "angular-error: estimator differs, None and cnn": _column(estimator="cnn"),
    "share-within: name differs, angular-error and share-within": _column(name="share-within"),
    "only base has this column": lambda head: replace(head, columns=()),
    "test images differ, in pixels, labels, order or persons": lambda head: replace(head, test="0"),
    "test images differ": lambda head: replace(head, ids=head.ids[::-1]),
    "test images differ, in": lambda head: replace(head, persons=np.full(len(head.persons), "p")),
    "conventions of the labels differ: yaw +left": lambda head: replace(head, convention="yaw +right, pitch +up"),
    "profiles differ: standard and quick": lambda head: replace(head, profile="quick"),
    "synthetic images differ: simulator, 4,000 images and mine": lambda head: replace(
        head, data={**head.data, "synthetic": "mine"}
    ),
    "labelled images differ: none and mine": lambda head: replace(head, data={**head.data, "labelled": "mine"}),
    "measured on cpu, torch 2.15 and on cuda, torch 2.15": _cells(place="cuda, torch 2.15"),
    "a value is not a number": _cells(value=float("nan")),
    "no value for each test image": _cells(scores=None),
    "no value for each": _cells(scores=np.zeros(3)),
    "no seed in common: seeds 0, 1, 2, 3, 4 and seed 7": lambda head: replace(
        head, cells=cells("a/x", "error", base_scores(5)[:1], "b", first=7)
    ),
    "head: 1 of 5 seeds failed: NaN in step 12": lambda head: replace(
        head, missing={("a/x", "error"): "1 of 5 seeds failed: NaN in step 12"}
    ),
    "only base has this cell": lambda head: replace(head, cells={}),
}


class TestNotComparable:
    @pytest.mark.parametrize(("reason", "change"), REASONS.items())
    def test_says_why(self, reason: str, change: Callable[[Snapshot], Snapshot]) -> None:
        base, head = changed({"a/x": WORSE})
        found = compare(base, change(head), MARGIN)
        cell = only(found)
        assert (cell.verdict, cell.difference, found.exit_code) == ("not comparable", None, 6)
        assert cell.reason.startswith(reason)

    def test_a_row_of_one_side(self) -> None:
        base, _ = changed({"a/x": WORSE})
        _, head = changed({"b/x": WORSE})
        found = compare(base, head, MARGIN)
        assert {cell.row: cell.reason for cell in found.cells} == {
            "b/x": "only head has this cell",
            "a/x": "only base has this cell",
        }

    def test_failed_on_one_side_before_it_left_any_cell(self) -> None:
        base, head = changed({"a/x": WORSE})
        broken = replace(head, cells={}, missing={("a/x", "error"): "out of memory"})
        assert only(compare(base, broken, MARGIN)).reason == "head: out of memory"
        assert only(compare(broken, base, MARGIN)).reason == "base: out of memory"

    def test_what_both_leave_out_for_the_same_reason_is_no_cell(self) -> None:
        base, head = changed({"a/x": EQUAL})
        gone = {("b/x", "error"): "needs svr.weights"}
        rows = {"a/x": "a", "b/x": "b"}
        found = compare(replace(base, missing=gone, rows=rows), replace(head, missing=gone, rows=rows), MARGIN)
        assert (verdicts(found), found.exit_code) == ({"a/x": "equivalent"}, 0)
        assert found.notes == ("Not measured at either revision: b/x, error: needs svr.weights",)
        other = {("b/x", "error"): "out of memory"}
        found = compare(replace(base, missing=gone, rows=rows), replace(head, missing=other, rows=rows), MARGIN)
        assert verdicts(found)["b/x"] == "not comparable"

    def test_without_a_margin(self) -> None:
        cell = only(compare(*changed({"a/x": WORSE}), Margin({})))
        assert (cell.verdict, cell.reason) == (
            "not comparable",
            "no margin for Error (deg); give one, as in --margin 0.3deg",
        )

    def test_another_experiment(self) -> None:
        base, head = changed({"a/x": WORSE})
        with pytest.raises(UsageError, match=r"'gaze-table3' and head 'gaze-table2'"):
            compare(base, replace(head, experiment="gaze-table2"), MARGIN)


class TestSeeds:
    def test_only_common_seeds_are_paired(self) -> None:
        base, head = changed({"a/x": effect(-0.4, 0.2)})
        fewer = {where: cell for where, cell in head.cells.items() if where[2] in (1, 2, 4)}
        extra = {("a/x", "error", 9): head.cells["a/x", "error", 0]}
        found = compare(base, replace(head, cells={**fewer, **extra}), MARGIN)
        expected = paired_by_person(effect(-0.4, 0.2)[[1, 2, 4]], names(6))
        difference = only(found).difference
        assert difference is not None
        assert difference.mean == pytest.approx(expected.mean)
        assert difference.ci95 == pytest.approx((expected.low, expected.high))
        assert difference.seeds == 3
        assert found.notes == (
            "a/x: not compared, as only base has them: seeds 0, 3",
            "a/x: not compared, as only head has them: seed 9",
        )

    def test_the_order_of_cells_does_not_matter(self) -> None:
        base, head = changed({"a/x": effect(-0.4, 0.2)})
        shuffled = replace(head, cells=dict(reversed(list(head.cells.items()))))
        assert compare(base, shuffled, MARGIN).cells == compare(base, head, MARGIN).cells


class TestOtherNumbers:
    def test_difference_over_seeds_without_a_verdict(self) -> None:
        base, head = changed({"a/x": EQUAL})
        base = with_columns(base, (ERROR, DRIFT), numbers("a/x", "drift", [1.0, 2.0, 3.0]))
        head = with_columns(head, (ERROR, DRIFT), numbers("a/x", "drift", [1.1, 2.2, 3.3], "b"))
        found = compare(base, head, MARGIN)
        (change,) = found.changes
        assert (change.base, change.head, change.difference) == pytest.approx((2.0, 2.2, 0.2))
        assert change.ci95 == pytest.approx((0.2 - 4.302653 * 0.1 / 3**0.5, 0.2 + 4.302653 * 0.1 / 3**0.5))
        assert (len(found.cells), found.exit_code) == (1, 0)

    def test_reasons(self) -> None:
        base, head = changed({"a/x": EQUAL})
        drift = numbers("a/x", "drift", [1.0, 2.0, 3.0])
        base = with_columns(base, (ERROR, DRIFT), drift)
        (same,) = compare(base, with_columns(head, (ERROR, DRIFT), drift), MARGIN).changes
        assert (same.reason, same.difference) == ("same code", 0)
        newer = with_columns(head, (ERROR, replace(DRIFT, version=2)), drift)
        (change,) = compare(base, newer, MARGIN).changes
        assert (change.reason, change.difference) == ("pupil-residual: version differs, 1 and 2", None)

    def test_alone_they_are_nothing_compared(self) -> None:
        base, head = (snapshot(numbers("a/x", "drift", [1.0, 2.0], code), columns=(DRIFT,)) for code in "ab")
        found = compare(base, head, MARGIN)
        assert (found.exit_code, found.summary.partition(":")[0]) == (6, "nothing compared")


class TestExitCode:
    @pytest.mark.parametrize(
        ("effects", "code"),
        [
            ([BETTER], 0),
            ([BETTER, EQUAL], 0),
            ([BETTER, WORSE], 5),
            ([OPEN], 6),
            ([OPEN, BETTER], 6),
            ([OPEN, WORSE], 5),
            ([], 6),
        ],
    )
    def test_rules(self, effects: list[Any], code: int) -> None:
        base, head = changed({f"{number}/x": values for number, values in enumerate(effects)})
        assert compare(base, head, MARGIN).exit_code == code

    def test_same_code_everywhere_is_ok_and_said(self) -> None:
        base, _ = changed({"a/x": EQUAL, "b/x": EQUAL})
        found = compare(base, base, MARGIN)
        assert (found.exit_code, found.summary) == (0, "2 same code: nothing to compare")

    def test_not_comparable_is_never_ok(self) -> None:
        base, head = changed({"a/x": BETTER, "b/x": BETTER})
        gone = replace(head, missing={("b/x", "error"): "failed"})
        assert compare(base, gone, MARGIN).exit_code == 6

    def test_summary_tells_the_worst_first(self) -> None:
        base, head = changed({"a/x": BETTER, "b/x": WORSE, "c/x": EQUAL, "d/x": EQUAL})
        assert compare(base, head, MARGIN).summary == "1 worse, 1 better, 2 equivalent"


class TestMargin:
    @pytest.mark.parametrize("text", ["0.3deg", " 0.3 deg ", ".3deg", "3e-1deg"])
    def test_replaces_the_declared_one_of_its_unit(self, text: str) -> None:
        margin = margin_of([text], {"error": 1.0, "within-7": 2.0}, (ERROR, SHARE, DRIFT))
        assert (margin.of(ERROR), margin.of(SHARE)) == (0.3, 2.0)

    def test_several_and_without_a_unit(self) -> None:
        pure = replace(ERROR, unit="")
        margin = margin_of(["2.5%", "0.05"], {}, (pure, SHARE))
        assert (margin.of(pure), margin.of(SHARE), margin.of(ERROR)) == (0.05, 2.5, None)

    @pytest.mark.parametrize(
        ("texts", "words"),
        [
            (["0.3px"], "'px', but the columns that are compared have 'deg', '%'; write it as 0.3deg"),
            (["0.3"], "'no unit'"),
            (["deg"], "not a number above 0"),
            (["0deg"], "not a number above 0"),
            (["-1deg"], "not a number above 0"),
            (["1e999deg"], "not a number above 0"),
            (["nandeg"], "not a number above 0"),
            ([""], "not a number above 0"),
            (["0.3deg", "0.4deg"], "two margins in 'deg'"),
        ],
    )
    def test_bad_ones(self, texts: list[str], words: str) -> None:
        with pytest.raises(UsageError, match=words):
            margin_of(texts, {}, (ERROR, SHARE, DRIFT))

    @given(st.floats(1e-6, 1e6), st.sampled_from(["deg", "%"]))
    def test_reads_what_is_written(self, value: float, unit: str) -> None:
        assert margin_of([f"{value!r}{unit}"], {}, (ERROR, SHARE)).given == {unit: value}

    @pytest.mark.parametrize("text", ["2%", "2 %", "2points", "2 points", "2pp"])
    def test_percentages_differ_by_points(self, text: str) -> None:
        assert margin_of([text], {}, (ERROR, SHARE)).of(SHARE) == 2
        with pytest.raises(UsageError, match="two margins in 'points'"):
            margin_of([text, "3points"], {}, (ERROR, SHARE))
        with pytest.raises(UsageError, match="in 'points', but the columns that are compared have 'deg'"):
            margin_of(["2points"], {}, (ERROR,))


class TestSelf:
    @staticmethod
    def of(scores: Any, persons: int = 5) -> SelfTest:
        found = {**cells("a/x", "error", scores), **cells("b/x", "error", scores[::-1])}
        return self_test(snapshot(found, persons=names(persons)), MARGIN)

    def test_equal_seeds_raise_no_alarm(self) -> None:
        found = self.of(np.tile(base_scores(1, 5), (10, 1)))
        assert (found.pairings, found.alarms, found.rate, found.exit_code) == (100, 0, 0.0, 0)

    def test_seeds_that_are_not_exchangeable_raise_alarms(self) -> None:
        """It can fail: half of the seeds ran with other code. A pairing of all seeds with each other could not."""
        scores = np.tile(base_scores(1, 5), (4, 1)) + np.array([0.0, 0.0, 5.0, 5.0])[:, None]
        found = self.of(scores)
        assert (found.pairings, found.alarms, found.exit_code) == (6, 2, 5)
        assert "2 false alarms in 6 pairings, 33.3 % (more than the 5 % allowed)" in found.sentence

    @pytest.mark.parametrize("seeds", range(1, LEAST_SEEDS))
    def test_too_few_seeds(self, seeds: int) -> None:
        found = self.of(base_scores(seeds, 5))
        assert (found.rate, found.exit_code) == (None, 6)
        assert found.sentence == f"A/A needs 4 seeds, gaze-table3 has {seeds} in common; run it with more --seeds"

    def test_only_seeds_that_all_cells_have(self) -> None:
        found = {**cells("a/x", "error", base_scores(6, 5)), **cells("b/x", "error", base_scores(5, 5))}
        assert self_test(snapshot(found, persons=names(5)), MARGIN).seeds == 5

    def test_deterministic(self) -> None:
        scores = base_scores(8, 5)
        assert self.of(scores) == self.of(scores)

    def test_without_predictions(self) -> None:
        with pytest.raises(DataError, match="no finished cell of predictions"):
            self_test(snapshot(numbers("a/x", "drift", [1.0] * 5), columns=(DRIFT,)), MARGIN)
