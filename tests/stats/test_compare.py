"""Comparisons of two methods, equivalence and detectable effects: closed forms, scipy, and edges."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats as scipy_stats

from bench.stats import t_interval
from bench.stats_compare import (
    Comparison,
    detectable,
    minimum_detectable_effect,
    paired_by_person,
    seeds_for,
    seeds_to_settle,
    tost,
)

PERSONS = np.repeat(["p00", "p01", "p02", "p03"], 3)
VALUES = np.random.default_rng(0).normal(0.4, 1, (3, 12))


def standard(n: int) -> NDArray[np.float64]:
    """n numbers with a standard deviation of 1."""
    sample = np.arange(n, dtype=np.float64)
    sample /= sample.std(ddof=1)
    return sample


class TestByPerson:
    def test_the_two_intervals_are_t_intervals(self) -> None:
        found = paired_by_person(VALUES, PERSONS)
        assert found.over_seeds is not None
        assert found.over_persons is not None
        over_seeds, over_persons = VALUES.mean(axis=1), VALUES.reshape(3, 4, 3).mean(axis=(0, 2))
        for part, means in [(found.over_seeds, over_seeds), (found.over_persons, over_persons)]:
            assert (part.mean, part.low, part.high) == pytest.approx(t_interval(means))
            assert part.p_value == pytest.approx(scipy_stats.ttest_1samp(means, 0).pvalue)
        assert (found.seeds, found.persons) == (3, 4)

    def test_squares_of_the_half_widths_add_up(self) -> None:
        found = paired_by_person(VALUES, PERSONS, level=0.9)
        assert found.low is not None and found.high is not None
        parts = [t_interval(VALUES.reshape(3, 4, 3).mean(axis=axes), 0.9) for axes in [(1, 2), (0, 2)]]
        half = math.hypot(*(high - mean for mean, _, high in parts if high is not None))
        assert (found.high - found.mean, found.mean - found.low) == pytest.approx((half, half))

    @pytest.mark.parametrize("shift", [0.0, 0.5, 3.0, 1e3, 1e9])
    def test_p_is_the_level_at_which_the_interval_touches_zero(self, shift: float) -> None:
        for values in (VALUES + shift, VALUES - shift):
            found = paired_by_person(values, PERSONS)
            assert found.p_value is not None
            touching = paired_by_person(values, PERSONS, level=1 - found.p_value)
            assert touching.low is not None and touching.high is not None
            if found.p_value > 1e-6:
                assert min(abs(touching.low), abs(touching.high)) == pytest.approx(0, abs=1e-6 * abs(found.mean))
            else:
                assert found.p_value > 0

    def test_one_person_or_one_seed(self) -> None:
        one_person = paired_by_person(VALUES, np.repeat("p00", 12))
        assert one_person.over_persons is None
        assert one_person.p_value == pytest.approx(scipy_stats.ttest_1samp(VALUES.mean(axis=1), 0).pvalue)
        one_seed = paired_by_person(VALUES[:1], PERSONS)
        assert one_seed.over_seeds is None
        assert one_seed.p_value == pytest.approx(scipy_stats.ttest_1samp(VALUES[0].reshape(4, 3).mean(1), 0).pvalue)
        neither = paired_by_person(VALUES[:1], np.repeat("p00", 12))
        assert (neither.low, neither.high, neither.p_value, neither.over_seeds, neither.over_persons) == (None,) * 5

    def test_the_order_of_images_does_not_matter(self) -> None:
        order = np.random.default_rng(1).permutation(12)
        shuffled, found = paired_by_person(VALUES[:, order], PERSONS[order]), paired_by_person(VALUES, PERSONS)
        assert (shuffled.mean, shuffled.low, shuffled.p_value) == pytest.approx((found.mean, found.low, found.p_value))

    def test_persons_weigh_alike_and_images_do_over_seeds(self) -> None:
        found = paired_by_person([[1.0, 1.0, 1.0, 5.0]] * 2, np.array(["a", "a", "a", "b"]))
        assert found.over_seeds is not None
        assert (found.mean, found.over_seeds.mean) == (3, 2)

    def test_nothing_left_to_chance(self) -> None:
        """A method compared with itself, and a refiner and estimator without a random part."""
        same = paired_by_person(np.zeros((3, 12)), PERSONS)
        assert (same.low, same.high, same.p_value) == (0, 0, 1)
        steady = paired_by_person(np.ones((3, 12)), PERSONS)
        assert (steady.low, steady.high, steady.p_value) == (1, 1, 0)
        equal_seeds = paired_by_person(np.tile(VALUES[:1], (3, 1)), PERSONS)
        assert equal_seeds.over_persons is not None
        assert equal_seeds.p_value == pytest.approx(equal_seeds.over_persons.p_value)

    @pytest.mark.parametrize("bad", [VALUES[:, :5], VALUES[:0], VALUES * np.nan, [[1.0] * 12, [1.0]], VALUES[0]])
    def test_bad_differences_are_refused(self, bad: np.ndarray) -> None:
        with pytest.raises(ValueError):
            paired_by_person(bad, PERSONS)


class TestEquivalence:
    @pytest.mark.parametrize("margin", [0.1, 0.5, 2.0])
    def test_larger_of_two_one_sided_tests(self, margin: float) -> None:
        sample = np.random.default_rng(3).normal(0.2, 0.6, 9)
        below = scipy_stats.ttest_1samp(sample, -margin, alternative="greater").pvalue
        above = scipy_stats.ttest_1samp(sample, margin, alternative="less").pvalue
        found = tost(sample, margin)
        assert found.p_value == pytest.approx(max(below, above))
        assert found.equivalent == (max(below, above) <= 0.05)

    def test_is_the_90_percent_interval_within_the_margin(self) -> None:
        found = paired_by_person(VALUES, PERSONS, level=0.9)
        assert found.low is not None and found.high is not None
        reach = max(-found.low, found.high)
        assert tost(VALUES, 1.001 * reach, PERSONS).equivalent
        assert not tost(VALUES, 0.999 * reach, PERSONS).equivalent

    def test_edges(self) -> None:
        assert tost([0.0], 1.0).p_value is None
        assert not tost([0.0], 1.0).equivalent
        assert tost([0.5, 0.5], 1.0).p_value == 0
        assert tost([1.0, 1.0], 1.0).p_value == 1
        for margin in (0, -1, np.nan, np.inf):
            with pytest.raises(ValueError, match="margin"):
                tost([0.0, 1.0], margin)


class TestDetectableEffect:
    @pytest.mark.parametrize(("effect", "pairs"), [(0.2, 199), (0.5, 34), (0.8, 15)])
    def test_cohens_small_medium_and_large_effect(self, effect: float, pairs: int) -> None:
        """What power programmes print for a two-sided paired t-test, 5 %, power 80 %."""
        assert seeds_to_settle(standard(10), effect) == pairs
        at, before = (minimum_detectable_effect(standard(n)) for n in (pairs, pairs - 1))
        assert at is not None and before is not None
        assert at <= effect < before

    @pytest.mark.parametrize("pairs", [2, 3, 5, 10])
    @pytest.mark.parametrize("power", [0.5, 0.8])
    def test_power_by_simulation(self, pairs: int, power: float) -> None:
        effect = minimum_detectable_effect(standard(pairs), power=power)
        assert effect is not None
        samples = np.random.default_rng(pairs).normal(effect, 1, (20_000, pairs))
        found = np.asarray(scipy_stats.ttest_1samp(samples, 0, axis=1).pvalue) <= 0.05
        assert found.mean() == pytest.approx(power, abs=0.012)

    def test_edges(self) -> None:
        assert minimum_detectable_effect([0.3]) is None
        assert seeds_to_settle([0.3], 1.0) is None
        assert minimum_detectable_effect([0.3, 0.3]) == 0
        assert seeds_to_settle([0.3, 0.3], 1.0) == 2
        assert seeds_to_settle([0.3, 0.1 + 0.2], 1.0) == 2  # alike but for rounding
        assert seeds_to_settle(standard(3), 1e-3) == 7_848_880
        with pytest.raises(ValueError):
            minimum_detectable_effect([0.0, 1.0], power=0.01)
        for effect in (0.0, -1.0, np.nan):
            with pytest.raises(ValueError):
                seeds_to_settle([0.0, 1.0], effect)


class TestSeedsAndPersons:
    """What a whole comparison could find, and how many seeds it would take."""

    @staticmethod
    def comparison(seeds: int, persons: int, by_seed: float, by_person: float) -> Comparison:
        """With exactly these standard deviations between seeds and between persons."""
        values = by_seed * standard(seeds)[:, None] + by_person * standard(persons)
        return paired_by_person(values, np.array([f"p{number}" for number in range(persons)]))

    @pytest.mark.parametrize(("by_seed", "by_person"), [(1.0, 1.0), (1.0, 0.1), (0.1, 1.0)])
    def test_squares_of_the_parts_add_up(self, by_seed: float, by_person: float) -> None:
        parts = (minimum_detectable_effect(each) for each in (by_seed * standard(3), by_person * standard(7)))
        expected = math.hypot(*(part for part in parts if part is not None))
        assert detectable(self.comparison(3, 7, by_seed, by_person)) == pytest.approx(expected)

    def test_one_of_a_kind_says_nothing_of_it(self) -> None:
        assert detectable(paired_by_person(VALUES[:1], np.repeat("p00", 12))) is None
        one_person = paired_by_person(VALUES, np.repeat("p00", 12))
        assert detectable(one_person) == pytest.approx(minimum_detectable_effect(VALUES.mean(axis=1)))
        assert seeds_for(one_person, 0.5) == seeds_to_settle(VALUES.mean(axis=1), 0.5)
        one_seed = paired_by_person(VALUES[:1], PERSONS)
        assert detectable(one_seed) == pytest.approx(minimum_detectable_effect(VALUES[0].reshape(4, 3).mean(axis=1)))
        assert seeds_for(one_seed, 100.0) is None

    @pytest.mark.parametrize("effect", [0.3, 0.5, 1.0, 2.0])
    def test_so_many_seeds_and_no_fewer_make_an_effect_detectable(self, effect: float) -> None:
        seeds = seeds_for(self.comparison(3, 10, 0.5, 0.2), effect)
        assert seeds is not None
        enough, fewer = (detectable(self.comparison(count, 10, 0.5, 0.2)) for count in (seeds, seeds - 1))
        assert enough is not None and enough <= effect
        assert fewer is None or seeds == 2 or fewer > effect

    def test_no_number_of_seeds_replaces_persons(self) -> None:
        least = minimum_detectable_effect(standard(5))
        assert least is not None
        found = self.comparison(3, 5, 0.1, 1.0)
        assert seeds_for(found, 0.99 * least) is None
        assert seeds_for(found, 1.01 * least) is not None
