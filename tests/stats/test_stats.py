"""Intervals, bands and tests: closed forms and edges; test_simulations.py has coverage and false alarms."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from bench.stats import (
    calibration_slope,
    cumulative_curve,
    holm,
    not_significantly_worse,
    paired_t,
    person_band,
    t_interval,
)


class TestTInterval:
    def test_closed_form(self) -> None:
        mean, low, high = t_interval([1.0, 2.0, 3.0])
        assert low is not None
        assert high is not None
        assert mean == 2.0
        assert high - mean == pytest.approx(4.302652729911275 / np.sqrt(3))
        assert mean - low == pytest.approx(high - mean)

    def test_one_value_has_no_interval(self) -> None:
        assert t_interval([4.5]) == (4.5, None, None)

    def test_equal_values_have_an_interval_of_no_width(self) -> None:
        mean, low, high = t_interval([0.1, 0.1, 0.1])
        assert low == mean == high

    @pytest.mark.parametrize("bad", [[], [1.0, np.nan], [np.inf], [[1.0, 2.0]]])
    def test_bad_values_are_refused(self, bad: list[float]) -> None:
        with pytest.raises(ValueError):
            t_interval(bad)


class TestCurve:
    def test_share_of_images_within(self) -> None:
        np.testing.assert_array_equal(
            cumulative_curve([3.0, 1.0, 2.0, 2.0], [0.0, 1.0, 1.5, 2.0, 9.0]), [0, 0.25, 0.25, 0.75, 1]
        )

    @given(st.lists(st.floats(0, 180), min_size=1, max_size=40))
    def test_mean_is_the_area_above_the_curve(self, errors: list[float]) -> None:
        """The mean error is the integral of 1 - F: how the paper's Figure 7 was set against its Table 3."""
        thresholds = np.linspace(0, 180, 18_001)
        area = np.trapezoid(1 - cumulative_curve(errors, thresholds), thresholds)
        assert area == pytest.approx(np.mean(errors), abs=0.01)


class TestBand:
    thresholds = np.arange(0.0, 15.0, 1.0)

    def simulated(self, rng: np.random.Generator, persons: int, images: int) -> tuple[np.ndarray, np.ndarray]:
        centre = rng.normal(6, 1.5, persons)
        errors = np.abs(centre[:, None] + rng.normal(0, 2, (persons, images)))
        return errors.ravel(), np.repeat([f"p{index:02d}" for index in range(persons)], images)

    def test_one_person_has_no_band(self) -> None:
        assert person_band([1.0, 2.0], np.array(["p", "p"]), [1.0], 0.95, np.random.default_rng(0)) is None

    def test_holds_the_curve_and_depends_on_the_generator_only(self) -> None:
        errors, persons = self.simulated(np.random.default_rng(0), 10, 50)
        curve = cumulative_curve(errors, self.thresholds)
        bands = [person_band(errors, persons, self.thresholds, 0.95, np.random.default_rng(4)) for _ in range(2)]
        assert bands[0] is not None
        assert bands[1] is not None
        low, high = bands[0]
        np.testing.assert_array_equal(bands[0], bands[1])
        assert (low <= curve).all()
        assert (curve <= high).all()

    def test_images_of_persons_weigh_as_many_as_they_are(self) -> None:
        errors = np.concatenate([np.zeros(90), np.full(10, 9.0)])
        persons = np.repeat(["a", "b"], [90, 10])
        band = person_band(errors, persons, [5.0], 0.5, np.random.default_rng(0))
        assert band is not None
        # Draws: aa (1/4): 1.0, ab (1/2): 0.9, bb (1/4): 0.0.
        assert band[1][0] in (0.9, 1.0)
        wide = person_band(errors, persons, [5.0], 0.9, np.random.default_rng(0))
        assert wide is not None
        assert (wide[0][0], wide[1][0]) == (0.0, 1.0)

    def test_counts_must_agree(self) -> None:
        with pytest.raises(ValueError, match="2 values but 1 persons"):
            person_band([1.0, 2.0], np.array(["p"]), [1.0], 0.95, np.random.default_rng(0))


class TestHolm:
    def test_textbook(self) -> None:
        np.testing.assert_allclose(holm([0.01, 0.04, 0.03, 0.005]), [0.03, 0.06, 0.06, 0.02])

    def test_edges(self) -> None:
        assert holm([]).shape == (0,)
        np.testing.assert_allclose(holm([0.7, 0.9]), [1, 1])
        for bad in ([-0.1], [1.1], [np.nan]):
            with pytest.raises(ValueError):
                holm(bad)

    @given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
    def test_between_raw_and_bonferroni(self, p_values: list[float]) -> None:
        adjusted = holm(p_values)
        assert (adjusted >= np.array(p_values)).all()
        assert (adjusted <= np.minimum(1, len(p_values) * np.array(p_values)) + 1e-15).all()


class TestPairedT:
    def test_agrees_with_scipy(self) -> None:
        first, second = np.random.default_rng(0).normal(size=(2, 8))
        ours = paired_t(first - second)
        theirs = scipy_stats.ttest_rel(first, second)
        interval = theirs.confidence_interval(0.95)
        assert (ours.p_value, ours.low, ours.high) == pytest.approx((theirs.pvalue, interval.low, interval.high))
        assert ours.pairs == 8

    def test_edges(self) -> None:
        assert paired_t([0.5]).p_value is None
        assert paired_t([0.0, 0.0]).p_value == 1
        assert paired_t([0.1, 0.1, 0.1]).p_value == 0
        assert paired_t([-0.1, -0.1, -0.1]).p_value == 0
        assert paired_t([-1.0, 1.0]).p_value == 1


class TestBold:
    def test_clear_order(self) -> None:
        rows = {"a": [5.0, 5.1, 5.2], "b": [8.0, 8.2, 8.1], "c": [5.05, 5.0, 5.3]}
        assert not_significantly_worse(rows) == {"a", "c"}
        assert not_significantly_worse(rows, lower_is_better=False) == {"b"}

    def test_pairing_by_seed_counts(self) -> None:
        """The rows move together over seeds; their difference is steady."""
        base = np.array([5.0, 6.0, 7.0, 8.0])
        rows = {"a": base, "b": base + np.array([0.30, 0.31, 0.29, 0.30])}
        assert not_significantly_worse(rows) == {"a"}

    def test_one_seed_marks_the_best_only(self) -> None:
        assert not_significantly_worse({"a": [5.0], "b": [5.001]}) == {"a"}
        assert not_significantly_worse({"a": [5.0], "b": [5.0], "c": [6.0]}) == {"a", "b"}

    def test_rows_without_chance(self) -> None:
        """k-NN has no random part: equal rows share the bold, a steady difference is a difference."""
        assert not_significantly_worse({"a": [5.0, 5.0], "b": [5.0, 5.0], "c": [5.1, 5.1]}) == {"a", "b"}

    def test_one_row(self) -> None:
        assert not_significantly_worse({"only": [5.0, 6.0]}) == {"only"}

    @pytest.mark.parametrize("rows", [{}, {"a": [1.0], "b": [1.0, 2.0]}, {"a": []}, {"a": [np.nan]}])
    def test_bad_rows_are_refused(self, rows: dict[str, list[float]]) -> None:
        with pytest.raises(ValueError):
            not_significantly_worse(rows)

    def test_levels_by_hand(self) -> None:
        """Three rows, p-values by scipy: each row's smallest one against 5 % / 2."""
        rows = {"a": [5.0, 5.1, 4.9], "b": [6.0, 6.3, 5.8], "c": [9.0, 9.1, 9.2]}
        p = {
            (row, other): scipy_stats.ttest_rel(rows[row], rows[other], alternative="greater").pvalue
            for row in rows
            for other in rows
            if row != other
        }
        worst = min(p["c", "a"], p["c", "b"])
        assert worst < p["b", "a"]
        for alpha, kept in [
            (2.001 * worst, {"a", "b"}),
            (1.999 * worst, {"a", "b", "c"}),
            (2.001 * p["b", "a"], {"a"}),
        ]:
            assert not_significantly_worse(rows, alpha=alpha) == kept

    @given(st.lists(st.lists(st.floats(0, 20, width=32), min_size=3, max_size=3), min_size=1, max_size=6))
    def test_the_best_mean_is_always_kept(self, values: list[list[float]]) -> None:
        rows = dict(enumerate(values))
        assert min(rows, key=lambda row: float(np.mean(rows[row]))) in not_significantly_worse(rows)

    def test_finds_a_difference(self) -> None:
        """1.5 degrees at a seed-to-seed deviation of 0.15 (the size of SimGAN's effect) is found with 3 seeds."""
        tables = np.random.default_rng(7).normal(0, 0.15, (300, 2, 3)) + np.array([[6.6], [8.1]])
        found = sum(
            not_significantly_worse({"refined": table[0], "synthetic": table[1]}) == {"refined"} for table in tables
        )
        assert found / len(tables) > 0.95


class TestSlope:
    def test_agrees_with_least_squares(self) -> None:
        planted = np.array([-2.0, -1.0, 0.0, 1.0, 2.0, 4.0])
        measured = 0.3 + 0.9 * planted + np.array([0.1, -0.2, 0.0, 0.1, 0.15, -0.1])
        design = np.column_stack([planted, np.ones(6)])
        solution, residual, *_ = np.linalg.lstsq(design, measured)
        error = np.sqrt(residual[0] / 4 * np.linalg.inv(design.T @ design)[0, 0])
        slope, low, high = calibration_slope(planted, measured)
        assert slope == pytest.approx(solution[0])
        assert (low, high) == pytest.approx((slope - 2.7764451052 * error, slope + 2.7764451052 * error))

    def test_exact_and_two_points(self) -> None:
        assert calibration_slope([0, 1, 2], [5, 6, 7]) == pytest.approx((1, 1, 1))
        assert calibration_slope([0, 2], [0, 1]) == (0.5, None, None)

    @pytest.mark.parametrize("bad", [([1, 1], [0, 2]), ([0, 1], [0]), ([0], [0]), ([0, np.nan], [0, 1])])
    def test_bad_points_are_refused(self, bad: tuple[list[float], list[float]]) -> None:
        with pytest.raises(ValueError):
            calibration_slope(*bad)
