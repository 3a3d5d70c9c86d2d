"""False alarms, coverage and power of the study's tests, by simulation with fixed seeds; docs/study-statistics.md."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from bench.stats import p_greater, t_interval
from bench.stats_binomial import binomial_p, clopper_pearson, sign_flip_p
from bench.study.detection import two_alternative, yes_no
from bench.study.false_alarms import false_alarms
from bench.study.over_subjects import over_subjects
from bench.study.power import equivalent, observed_accuracies, power_table, true_accuracies
from bench.study.subjects import SubjectResult
from tests.stats.documented import agree, documented

Array = NDArray[np.float64]

PAGE = Path(__file__).parents[2] / "docs" / "study-statistics.md"
STUDIES = 4000
SUBJECTS, ANSWERS = 10, 100  # the paper's


def agrees(heading: str, row: str, shares: list[float]) -> None:
    """The page says what the simulation gives; a study that flips by rounding elsewhere is 0.025 %."""
    agree(PAGE, heading, row, [100 * share for share in shares])


@pytest.mark.parametrize("deviation", [0.0, 0.025, 0.05, 0.1])
def test_false_alarms_when_subjects_differ(deviation: float) -> None:
    """People answer by chance on average. Tests over subjects keep 5 %; pooled ones do not, once subjects differ."""
    (found,) = false_alarms(SUBJECTS, ANSWERS, 0.05, 10_000, seed=1, deviations=(deviation,))
    pooled = [found.pooled_one_sided, found.pooled_two_sided]
    valid = [found.t_one_sided, found.t_two_sided, found.flips_one_sided, found.flips_two_sided]
    assert max(valid) <= 0.06
    assert min(valid) >= 0.03
    if deviation == 0:
        assert max(pooled) <= 0.06
    if deviation >= 0.05:
        assert min(pooled) >= 0.1
    agrees("False alarms when subjects differ", f"{100 * deviation:g} points", [*pooled, *valid])


@pytest.mark.parametrize("subjects", [5, 20])
def test_false_alarms_of_fewer_and_more_subjects(subjects: int) -> None:
    """20 subjects: their signs are drawn at random, not all patterns tried."""
    studies = 1500
    shares = observed_accuracies(studies, subjects, ANSWERS, 0.5, 0.05, np.random.default_rng([subjects, 2]))
    rng = np.random.default_rng(subjects)
    flips = np.array([sign_flip_p(each, rng) for each in shares[: 400 if subjects > 16 else studies] - 0.5])
    above, below = p_greater(shares - 0.5), p_greater(0.5 - shares)
    assert (above <= 0.05).mean() <= 0.06
    assert (2 * np.minimum(above, below) <= 0.05).mean() <= 0.06
    assert (flips <= 0.05).mean(axis=0).max() <= (0.07 if subjects > 16 else 0.06)


def test_pooled_tests_of_biased_subjects_are_cautious() -> None:
    """Who says 'real' to nearly everything is half right without luck: the binomial test expects more luck than is."""
    rates = []
    for bias in (0.0, 1.0, 2.0):
        rng = np.random.default_rng([int(bias), 3])
        says = ndtr(rng.choice([-bias, bias], (STUDIES, SUBJECTS)))
        correct = rng.binomial(50, says) + rng.binomial(50, 1 - says)
        totals = correct.sum(axis=1)
        p_of = {total: binomial_p(int(total), SUBJECTS * ANSWERS) for total in np.unique(totals)}
        above, below = p_greater(correct / ANSWERS - 0.5), p_greater(0.5 - correct / ANSWERS)
        pooled = np.mean([p_of[total][1] <= 0.05 for total in totals])
        over = np.mean(2 * np.minimum(above, below) <= 0.05)
        assert over <= 0.06
        rates.append(float(pooled))
        agrees("False alarms when subjects are biased", f"c = ± {bias:g}", [float(pooled), float(over)])
    assert rates[0] <= 0.06 and rates[2] < 0.01


def test_images_are_a_sample_too() -> None:
    """Chance over all images there are: subjects who all see the same few images agree by those images' accident."""
    rates = {}
    for name, pool in (("the same 100", 100), ("100 of 1,000", 1000), ("always new ones", 0)):
        rng = np.random.default_rng([pool, 4])
        alarms = []
        for _ in range(1500):
            size = pool or SUBJECTS * ANSWERS
            looks = 0.5 * rng.normal(size=size)  # how real each image looks; the first half are real, the others fake
            correct = np.where(np.arange(size) < size // 2, ndtr(looks), ndtr(-looks))
            if pool == ANSWERS:
                seen = np.tile(np.arange(size), (SUBJECTS, 1))
            elif pool:
                seen = np.array([rng.permutation(size)[:ANSWERS] for _ in range(SUBJECTS)])
            else:
                seen = rng.permutation(size).reshape(SUBJECTS, ANSWERS)
            away = (rng.random(seen.shape) < correct[seen]).mean(axis=1) - 0.5
            alarms.append(2 * min(float(p_greater(away)), float(p_greater(-away))) <= 0.05)
        rates[name] = float(np.mean(alarms))
        agrees("False alarms when images differ", name, [rates[name]])
    assert rates["always new ones"] <= 0.06
    assert rates["the same 100"] > 0.08


@pytest.mark.parametrize(("accuracy", "deviation"), [(0.5, 0.0), (0.5, 0.05), (0.5, 0.1), (0.8, 0.05)])
def test_coverage(accuracy: float, deviation: float) -> None:
    """Of the mean over people: t-interval over subjects, and the pooled one. Of one subject: Clopper-Pearson."""
    rng = np.random.default_rng([round(100 * accuracy), round(1000 * deviation), 5])
    true = true_accuracies(accuracy, deviation, rng.random((STUDIES, SUBJECTS)))
    counts = rng.binomial(ANSWERS, true)
    intervals = [t_interval(each / ANSWERS) for each in counts]
    over = np.mean([low <= accuracy <= high for _, low, high in intervals if low is not None and high is not None])
    exact = {int(count): clopper_pearson(int(count), ANSWERS) for count in np.unique(counts)}
    own = np.mean([exact[int(k)][0] <= p <= exact[int(k)][1] for k, p in zip(counts.flat, true.flat, strict=True)])
    totals = counts.sum(axis=1)
    wide = {int(total): clopper_pearson(int(total), SUBJECTS * ANSWERS) for total in np.unique(totals)}
    pooled = np.mean([wide[int(total)][0] <= accuracy <= wide[int(total)][1] for total in totals])
    assert 0.93 <= over <= 0.97
    assert 0.945 <= own <= 0.98  # exact: at least 95 %, but for the simulation's own 0.5 %
    row = f"{100 * accuracy:g} %, {100 * deviation:g} points"
    agrees("Coverage of 95 % intervals", row, [float(over), float(pooled), float(own)])


@pytest.mark.parametrize("accuracy", [0.5, 0.65, 0.8])
def test_coverage_of_mean_d_prime(accuracy: float) -> None:
    """With people who differ in skill and in bias; d' of two images from their share correct, without bias."""
    rng = np.random.default_rng([round(100 * accuracy), 6])
    studies = 1500
    true = true_accuracies(accuracy, 0.05, rng.random((studies, SUBJECTS)))
    z, c = ndtri(true), rng.normal(0.2, 0.3, true.shape)
    hits, alarms = rng.binomial(50, ndtr(z - c)), rng.binomial(50, ndtr(-z - c))
    pairs = rng.binomial(50, true), rng.binomial(50, 1 - true)
    people = ndtri(true_accuracies(accuracy, 0.05, np.linspace(0, 1, 40_001)[1:-1])).mean()
    found = []
    for make, first, second, truth in (
        (yes_no, hits, alarms, 2 * people),
        (two_alternative, *pairs, 2**0.5 * people),
    ):
        values = [[make(int(a), 50, int(b), 50) for a, b in zip(*each, strict=True)]
                  for each in zip(first, second, strict=True)]  # fmt: skip
        held = [t_interval([each.d_prime for each in study]) for study in values]
        found.append(np.mean([low <= truth <= high for _, low, high in held if low is not None and high is not None]))
        if make is yes_no:
            bias = [t_interval([each.criterion for each in study]) for study in values]
            found.append(np.mean([low <= 0.2 <= high for _, low, high in bias if low is not None and high is not None]))
    assert all(0.93 <= share <= 0.97 for share in found)
    agrees("Coverage of d' and c", f"{100 * accuracy:g} %", [float(share) for share in found])


@pytest.mark.parametrize("subjects", [10, 20, 40])
def test_equivalence_at_the_margin(subjects: int) -> None:
    """True accuracy at the margin: at most 5 % are called equivalent. At chance: what `power_table` says."""
    found = []
    for accuracy in (0.55, 0.45, 0.5):
        rng = np.random.default_rng([subjects, round(100 * accuracy), 7])
        found.append(float(equivalent(observed_accuracies(STUDIES, subjects, 100, accuracy, 0.05, rng), 0.05).mean()))
    assert max(found[:2]) <= 0.06
    (spread,) = power_table(100, 0.05, subjects=(subjects,), deviations=(0.05,), seed=9).spreads
    low, high = spread.powers[0].ci95
    assert low - 0.02 <= found[2] <= high + 0.02
    agrees("Equivalence within 5 points", f"{subjects} subjects", found)


def test_subjects_needed_have_the_power_they_are_said_to_have() -> None:
    """By other seeds than those that found the number; the interval's ends lie around it."""
    table = power_table(100, 0.05, deviations=(0.0, 0.025, 0.05, 0.1))
    for spread in table.spreads:
        assert spread.needed is not None and spread.needed_low is not None and spread.needed_high is not None
        rng = np.random.default_rng([round(1000 * spread.accuracy_sd), 8])
        enough, fewer = (
            equivalent(observed_accuracies(STUDIES, count, 100, 0.5, spread.accuracy_sd, rng), 0.05).mean()
            for count in (spread.needed_high, spread.needed_low - 1)
        )
        assert enough >= 0.785
        assert fewer < 0.815
        needed = [float(spread.needed_low), float(spread.needed), float(spread.needed_high)]
        assert documented(PAGE, "Subjects needed", f"{100 * spread.accuracy_sd:g} points") == needed


def test_a_detectable_distance_is_found() -> None:
    """What 'could be found' says of a study, for subjects whose spread is exactly the one that it is told of."""
    spread = np.array([-1.0, -0.6, -0.3, -0.1, 0.0, 0.0, 0.1, 0.3, 0.6, 1.0])
    accuracies = 0.5 + 0.0707 * spread / spread.std(ddof=1)
    results = [subject(each) for each in accuracies]
    detectable = over_subjects(results, 0.05, np.random.default_rng(0)).detectable
    assert detectable is not None
    shares = observed_accuracies(STUDIES, 10, 100, 0.5 + detectable, 0.05, np.random.default_rng(10))
    above, below = p_greater(shares - 0.5), p_greater(0.5 - shares)
    assert 0.77 <= (2 * np.minimum(above, below) <= 0.05).mean() <= 0.84


def subject(accuracy: float) -> SubjectResult:
    return SubjectResult("s", "a", 100, 0, accuracy, (0, 1), None, None, None, None, 1000.0, None, None)
