"""Statistics of the visual Turing study: closed forms, the paper's numbers, exclusions, texts, figures."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats as scipy_stats

from bench.core.errors import DataError, UsageError
from bench.core.images import ImageSet
from bench.stats import t_interval
from bench.stats_binomial import binomial_p, clopper_pearson, sign_flip_p
from bench.stats_compare import tost
from bench.study import figures
from bench.study.analysis import Analysis, analyse
from bench.study.answers import COLUMNS, read_answers
from bench.study.design import Arm, Exclusion, ImageClass, StudyDesign
from bench.study.detection import two_alternative, yes_no
from bench.study.exclusions import excluded
from bench.study.grids import text_of, to_latex, to_markdown
from bench.study.items import image_results
from bench.study.machine import machine_result
from bench.study.power import equivalent, observed_accuracies, power_table, true_accuracies
from bench.study.report import analysis_report, write_report
from bench.study.simulate import People, simulate
from bench.study.summary import counts_grid, notes, p_text, results_grid
from bench.study.table1 import COUNTS, run_table1, table1

ARMS = (
    Arm(name="refined", second="refined", images_per_class=10),
    Arm(name="control", second="synthetic", images_per_class=4),
)
DESIGN = StudyDesign(seed=5, arms=ARMS, examples_per_class=2)
PAIRS = DESIGN.model_copy(update={"mode": "two-alternative"})
RNG = np.random.default_rng(0)


def table(
    answers: Sequence[tuple[str, str, str]], design: StudyDesign = DESIGN, kind: str = "trial", **more: Any
) -> pd.DataFrame:
    """(subject, truth, answer) in the first arm; a second each, one image each."""
    found = pd.DataFrame(answers, columns=["subject", "truth", "answer"])
    found["correct"] = found["truth"] == found["answer"]
    found["position"] = range(1, len(found) + 1)
    found["image"] = [f"image-{number}" for number in range(len(found))]
    facts = {"arm": "refined", "mode": design.mode, "kind": kind, "reaction_ms": 1000, "design": design.digest}
    return found.assign(answered_at="2020-01-01T00:00:00+00:00", **facts).assign(**more)[list(COLUMNS)]


def lenient(design: StudyDesign = DESIGN) -> StudyDesign:
    """The same without rules that exclude anybody."""
    rules = Exclusion(min_median_seconds=0, max_failed_attention=99, incomplete=False)
    return design.model_copy(update={"exclusion": rules})


class TestBinomial:
    def test_the_papers_p_values(self) -> None:
        """Table 1: 517 of 1,000 and 162 of 200; which test it is: exact, one-sided, all answers pooled."""
        one, two = binomial_p(517, 1000)
        assert (one, two) == pytest.approx((0.148345, 0.296689), abs=5e-7)
        assert binomial_p(162, 200)[0] == pytest.approx(9.92e-20, rel=1e-3)
        assert (p_text(one), p_text(binomial_p(162, 200)[0])) == ("0.148", "≤ 1e-8")
        # None of these is the paper's: an off-by-one sum, a normal approximation, Fisher's test of the table.
        near = [
            scipy_stats.binom.sf(517, 1000, 0.5),
            scipy_stats.norm.sf(17 / math.sqrt(250)),
            scipy_stats.fisher_exact(np.array([[224, 276], [207, 293]]), alternative="greater").pvalue,
        ]
        assert [p_text(float(each)) for each in near] == ["0.134", "0.141", "0.153"]

    def test_clopper_pearson_in_closed_form(self) -> None:
        assert clopper_pearson(0, 10) == pytest.approx((0, 1 - 0.025**0.1))
        assert clopper_pearson(10, 10) == pytest.approx((0.025**0.1, 1))
        low, high = clopper_pearson(517, 1000)
        assert scipy_stats.binom.sf(516, 1000, low) == pytest.approx(0.025)
        assert scipy_stats.binom.cdf(517, 1000, high) == pytest.approx(0.025)

    @pytest.mark.parametrize(("correct", "trials"), [(-1, 5), (6, 5), (0, 0)])
    def test_what_is_no_count_is_refused(self, correct: int, trials: int) -> None:
        for function in (binomial_p, clopper_pearson):
            with pytest.raises(ValueError, match="no count"):
                function(correct, trials)


class TestSignFlips:
    @pytest.mark.parametrize("subjects", [2, 5, 10])
    @pytest.mark.parametrize("sign", [-1, 1])
    def test_as_scipys_exact_permutation_test(self, subjects: int, sign: int) -> None:
        sample = sign * np.random.default_rng(subjects).normal(0.4, 1, subjects)
        expected = [
            scipy_stats.permutation_test((sample,), np.mean, permutation_type="samples", alternative=side).pvalue
            for side in ("greater", "two-sided")
        ]
        assert sign_flip_p(sample, RNG) == pytest.approx(expected)

    def test_ties_and_zeros_count(self) -> None:
        assert sign_flip_p([0.1] * 6, RNG) == pytest.approx((1 / 64, 2 / 64))
        assert sign_flip_p([0.0, 0.0, 0.0], RNG) == (1, 1)
        # 0.1 + 0.2 and 0.3 differ by rounding only: p must not.
        assert sign_flip_p([0.1, 0.2, -0.3], RNG) == sign_flip_p([1, 2, -3], RNG)

    def test_sixteen_are_exact_and_more_are_drawn(self) -> None:
        assert sign_flip_p([1.0] * 16, RNG)[0] == 2.0**-16
        one, two = sign_flip_p([1.0] * 40, RNG)
        assert one == two == 1 / 20_001  # never 0
        sample = np.random.default_rng(1).normal(0.3, 1, 30)
        drawn = sign_flip_p(sample, np.random.default_rng(2))
        assert drawn == pytest.approx(
            [scipy_stats.ttest_1samp(sample, 0, alternative=side).pvalue for side in ("greater", "two-sided")], abs=0.02
        )


class TestDetection:
    def test_yes_no(self) -> None:
        assert yes_no(25, 50, 25, 50).d_prime == 0
        hit, alarm = (float(scipy_stats.norm.ppf(rate)) for rate in (40.5 / 51, 10.5 / 51))
        found = yes_no(40, 50, 10, 50)
        assert (found.d_prime, found.criterion) == pytest.approx((hit - alarm, -(hit + alarm) / 2))
        assert yes_no(10, 50, 10, 50).criterion > 0  # seldom says 'real'
        assert all(math.isfinite(value) for value in (yes_no(50, 50, 0, 50).d_prime, yes_no(0, 50, 50, 50).d_prime))

    def test_two_alternatives(self) -> None:
        found = two_alternative(38, 50, 12, 50)
        assert found.d_prime == pytest.approx(math.sqrt(2) * scipy_stats.norm.ppf(76.5 / 101))
        assert found.criterion == pytest.approx(0)
        lefty = two_alternative(48, 50, 40, 50)
        assert lefty.criterion < 0
        assert lefty.d_prime == two_alternative(29, 50, 21, 50).d_prime  # as many correct

    def test_swapped_answers_swap_the_sign(self) -> None:
        one, other = yes_no(40, 50, 20, 50), yes_no(20, 50, 40, 50)
        assert (one.d_prime, one.criterion) == pytest.approx((-other.d_prime, other.criterion))


class TestAnalysis:
    def answers(self) -> pd.DataFrame:
        """Three subjects of 20 answers: 12, 10 and 15 correct."""
        rows = []
        for subject, hits, rejections in (("a", 7, 5), ("b", 5, 5), ("c", 9, 6)):
            rows += [(subject, "real", "real")] * hits + [(subject, "real", "fake")] * (10 - hits)
            rows += [(subject, "fake", "fake")] * rejections + [(subject, "fake", "real")] * (10 - rejections)
        return table(rows)

    def found(self, design: StudyDesign | None = None) -> Analysis:
        design = design or lenient()
        return analyse(self.answers().assign(design=design.digest), design)

    def test_the_papers_table(self) -> None:
        counts = self.found().arms[0].pooled.counts
        assert counts == {"real": {"real": 21, "fake": 9}, "fake": {"real": 14, "fake": 16}}

    def test_pooled_and_over_subjects(self) -> None:
        (arm,) = self.found().arms
        shares = np.array([0.6, 0.5, 0.75])
        assert (arm.pooled.correct, arm.pooled.trials) == (37, 60)
        assert (arm.pooled.p_one_sided, arm.pooled.p_two_sided) == binomial_p(37, 60)
        mean, low, high = t_interval(shares)
        assert arm.over.accuracy.value == pytest.approx(mean)
        assert arm.over.accuracy.ci95 == pytest.approx((low, high))
        assert arm.over.p_two_sided == pytest.approx(scipy_stats.ttest_1samp(shares, 0.5).pvalue)
        assert arm.over.p_one_sided == pytest.approx(scipy_stats.ttest_1samp(shares, 0.5, alternative="greater").pvalue)
        assert (arm.over.flip_one_sided, arm.over.flip_two_sided) == (2 / 8, 4 / 8)  # of 0.1, 0 and 0.25
        assert arm.over.p_equivalence == pytest.approx(tost(shares - 0.5, 0.05).p_value)
        assert [each.accuracy for each in arm.subjects] == pytest.approx(shares)
        assert arm.subjects[0].ci95 == clopper_pearson(12, 20)
        assert arm.subjects[0].d_prime == pytest.approx(yes_no(7, 10, 5, 10).d_prime)
        assert (arm.subjects[2].hit_rate, arm.subjects[2].false_alarm_rate) == (0.9, 0.4)
        assert self.found().empty == ("control",)

    def test_subjects_weigh_alike(self) -> None:
        rows = [("a", "real", "real")] * 30 + [("b", "real", "fake")] * 10
        design = lenient()
        (arm,) = analyse(table(rows, design), design).arms
        assert arm.over.accuracy.value == 0.5
        assert arm.pooled.accuracy == 0.75
        assert arm.subjects[0].d_prime is None  # saw no fake image
        assert arm.over.d_prime is None

    def test_one_subject_says_nothing_of_others(self) -> None:
        design = lenient()
        (arm,) = analyse(table([("a", "real", "real"), ("a", "fake", "fake")], design), design).arms
        assert (arm.over.accuracy.ci95, arm.over.p_two_sided, arm.over.p_equivalence) == (None, None, None)
        assert arm.over.verdict == "inconclusive"

    @pytest.mark.parametrize(
        ("correct", "verdict"),
        [
            ([80, 82, 78], "told apart"),
            ([20, 22, 18], "confused"),
            ([50, 51, 49], "equivalent to chance"),
            ([53, 53, 52], "told apart, by less than the margin"),
            ([47, 47, 48], "confused, by less than the margin"),
            ([40, 60, 55], "inconclusive"),
        ],
    )
    def test_verdicts(self, correct: list[int], verdict: str) -> None:
        design = lenient()
        rows = []
        for name, count in zip("abc", correct, strict=True):
            rows += [(name, "real", "real")] * count + [(name, "real", "fake")] * (100 - count)
        assert analyse(table(rows, design), design).arms[0].over.verdict == verdict

    def test_practice_and_attention_do_not_count(self) -> None:
        design = lenient()
        more = [table([("a", "fake", "real")] * 30, design, kind) for kind in ("practice", "attention")]
        answers = pd.concat([self.answers().assign(design=design.digest), *more])
        assert analyse(answers, design).arms == self.found().arms

    def test_the_order_of_rows_does_not_matter(self) -> None:
        answers = simulate(DESIGN, People(subjects=20), seed=1)
        assert analyse(answers.sample(frac=1, random_state=3), DESIGN) == analyse(answers, DESIGN)

    def test_reaction_times(self) -> None:
        design = lenient()
        rows = [("a", "real", "real"), ("a", "real", "real"), ("a", "fake", "real")]
        (arm,) = analyse(table(rows, design, reaction_ms=[1000, 3000, 9000]), design).arms
        (subject,) = arm.subjects
        assert (subject.median_ms, subject.median_ms_correct, subject.median_ms_wrong) == (3000, 2000, 9000)
        assert (arm.over.reaction_s.value, arm.over.slower_wrong_s) == (3, type(arm.over.reaction_s)(7, None))

    def test_two_alternatives(self) -> None:
        design = lenient(PAIRS)
        rows = [("a", "left", "left"), ("a", "right", "left"), ("b", "right", "right"), ("b", "left", "left")]
        pairs = ["r1|f1", "f2|r2", "f1|r1", "r2|f2"]
        (arm,) = analyse(table(rows, design, image=pairs), design).arms
        assert arm.pooled.counts == {"left": {"left": 2, "right": 0}, "right": {"left": 1, "right": 1}}
        assert {each.image: (each.truth, each.correct, each.shown) for each in arm.images} == {
            "f1": ("fake", 2, 2), "r1": ("real", 2, 2), "f2": ("fake", 1, 2), "r2": ("real", 1, 2),
        }  # fmt: skip
        assert arm.subjects[0].criterion is not None and arm.subjects[0].criterion < 0  # left, left

    def test_hardest_images_first(self) -> None:
        rows = [("a", "fake", "real"), ("b", "fake", "real"), ("a", "fake", "fake"), ("a", "fake", "real")]
        found = image_results(table(rows, image=["x", "x", "y", "z"]), "yes-no")
        assert [(each.image, each.share, each.shown) for each in found] == [("x", 0, 2), ("z", 0, 1), ("y", 1, 1)]
        assert found[0].ci95 == clopper_pearson(0, 2)

    def test_other_designs_and_changed_tables_are_refused(self) -> None:
        good, design = self.answers().assign(design=lenient().digest), lenient()
        analyse(good, design)
        bad: list[tuple[pd.DataFrame, str]] = [
            (good.drop(columns="answer"), "no column answer"),
            (good.assign(design="0" * 64), "another design"),
            (good.assign(arm="other"), "arm 'other'"),
            (good.assign(truth="left"), "truth 'left'"),
            (good.assign(correct=True), "marked correct"),
            (good.iloc[:0], "no answers"),
        ]
        for answers, message in bad:
            with pytest.raises(DataError, match=message):
                analyse(answers, design)


class TestExclusions:
    def test_each_rule_with_its_reason(self) -> None:
        wanted = sum(map(DESIGN.trials, DESIGN.arms))
        assert wanted == 28
        whole = [
            table([(name, "real", "real")] * wanted, reaction_ms=ms)
            for name, ms in (("fine", 900), ("fast", 200), ("blind", 900))
        ]
        checks = table(
            [("blind", "fake", "real"), ("blind", "fake", "fake"), ("fine", "fake", "fake")], kind="attention"
        )
        answers = pd.concat([*whole, table([("left", "real", "real")] * 9), checks])
        assert excluded(answers, DESIGN) == {
            "blind": "failed 1 of 2 attention checks, 0 allowed",
            "fast": "too fast: 0.20 s per answer in the median, below 0.3 s",
            "left": "did not finish: 9 of 28 answers",
        }
        assert excluded(answers.assign(design=lenient().digest), lenient()) == {}

    def test_results_with_and_without(self) -> None:
        answers = simulate(DESIGN, People(subjects=6, careless=2), seed=2)
        found = analyse(answers, DESIGN)
        assert set(found.excluded) == {"simulated-005", "simulated-006"}
        assert [arm.over.subjects for arm in found.arms] == [4, 4]
        assert [arm.over.subjects for arm in found.everyone] == [6, 6]
        kept = answers[~answers["subject"].isin(list(found.excluded))]
        assert analyse(kept, DESIGN).arms == found.arms

    def test_nobody_left(self) -> None:
        with pytest.raises(DataError, match=r"every subject is excluded.*did not finish"):
            analyse(table([("a", "real", "real")]), DESIGN)


class TestSimulate:
    @pytest.mark.parametrize("design", [DESIGN, PAIRS])
    def test_a_study_as_the_design_says(self, design: StudyDesign) -> None:
        answers = simulate(design, People(subjects=4), seed=3)
        assert list(answers.columns) == list(COLUMNS)
        one = answers[(answers["kind"] == "trial") & (answers["subject"] == "simulated-001")]
        assert one["arm"].value_counts().to_dict() == {arm.name: design.trials(arm) for arm in design.arms}
        assert excluded(answers, design) == {}
        pd.testing.assert_frame_equal(answers, simulate(design, People(subjects=4), seed=3))
        assert not answers.equals(simulate(design, People(subjects=4), seed=4))

    def test_accuracies_and_bias_come_out(self) -> None:
        design = lenient(
            DESIGN.model_copy(update={"arms": (Arm(name="refined", second="refined", images_per_class=200),)})
        )
        for truth in (0.5, 0.7):
            people = People(subjects=60, accuracy={"refined": truth}, accuracy_sd=0.05, bias_sd=0)
            over = analyse(simulate(design, people, seed=1), design).arms[0].over
            assert over.accuracy.value == pytest.approx(truth, abs=0.02)
            assert over.criterion is not None and over.criterion.value == pytest.approx(0, abs=0.05)
        biased = analyse(simulate(design, People(subjects=60, bias=0.5), seed=1), design).arms[0].over
        assert biased.criterion is not None and biased.criterion.value == pytest.approx(0.5, abs=0.1)

    def test_real_against_real_is_chance(self) -> None:
        design = lenient(DESIGN.model_copy(update={"arms": (Arm(name="same", second="real", images_per_class=200),)}))
        over = analyse(simulate(design, People(subjects=40, accuracy={"refined": 0.9}), seed=0), design).arms[0].over
        assert over.verdict == "equivalent to chance"

    def test_ids_of_the_studys_images(self) -> None:
        ids: dict[ImageClass, Any] = {
            name: np.array([f"{name}/{number}" for number in range(40)]) for name in DESIGN.classes
        }
        answers = simulate(DESIGN, People(subjects=2), 0, ids)
        shown = answers[answers["kind"] == "trial"]["image"]
        assert set(shown) <= {each for found in ids.values() for each in found}

    def test_people_that_do_not_exist(self) -> None:
        for wrong in ({"subjects": 0}, {"careless": 11}, {"lapse": 2}, {"bias_sd": -1}, {"accuracy_sd": 0.5}):
            with pytest.raises(UsageError):
                People(**wrong)

    def test_exported_and_read_back(self, tmp_path: Path) -> None:
        answers = simulate(DESIGN, People(subjects=3), seed=0)
        answers.to_csv(tmp_path / "answers.csv", index=False)
        assert analyse(read_answers(tmp_path / "answers.csv"), DESIGN) == analyse(answers, DESIGN)


class TestPower:
    def test_as_tost_says_study_by_study(self) -> None:
        shares = observed_accuracies(200, 12, 100, 0.5, 0.02, np.random.default_rng(0))
        assert equivalent(shares, 0.05).tolist() == [tost(each - 0.5, 0.05).equivalent for each in shares]

    def test_accuracies_have_the_mean_and_deviation_asked_for(self) -> None:
        found = true_accuracies(0.6, 0.1, np.linspace(0, 1, 20_001)[1:-1])
        assert (found.mean(), found.std()) == pytest.approx((0.6, 0.1), abs=1e-3)
        assert (true_accuracies(0.5, 0, np.zeros(3)) == 0.5).all()
        for mean, deviation in ((0.5, 0.5), (1.2, 0.0), (0.0, 0.1), (0.5, -0.1)):
            with pytest.raises(UsageError):
                true_accuracies(mean, deviation, np.zeros(1))

    def test_more_subjects_and_less_spread_find_more(self) -> None:
        table = power_table(100, 0.05, subjects=(5, 15, 40), deviations=(0.0, 0.05), studies=400)
        for spread in table.spreads:
            shares = [power.share for power in spread.powers]
            assert shares == sorted(shares)
            assert spread.needed is not None and spread.needed_low is not None and spread.needed_high is not None
            assert spread.needed_low <= spread.needed <= spread.needed_high
        assert table.spreads[0].needed < table.spreads[1].needed  # type: ignore[operator]
        assert table == power_table(100, 0.05, subjects=(5, 15, 40), deviations=(0.0, 0.05), studies=400)
        assert json.loads(json.dumps(table.to_json()))["trials"] == 100

    def test_what_cannot_be_found(self) -> None:
        assert power_table(10, 0.01, subjects=(2,), deviations=(0.2,), studies=50).spreads[0].needed is None
        for wrong in ({"accuracy": 0.6}, {"subjects": (1,)}, {"wanted": 1.0}, {"studies": 0}):
            with pytest.raises(UsageError):
                power_table(100, 0.05, **wrong)


def image_set(name: str, brightness: float, seed: int, persons: int = 6) -> ImageSet:
    draws = np.random.default_rng(seed)
    images = np.clip(draws.normal(brightness, 25, (60, 20, 24)), 0, 255).astype(np.uint8)
    who = np.array([f"{name}-p{number % persons}" for number in range(60)])
    return ImageSet(np.array([f"{name}-{number}" for number in range(60)]), who, images, name=name)


class TestMachine:
    def test_tells_what_can_be_told_and_no_more(self) -> None:
        real = image_set("real", 120, 0)
        apart = machine_result("refined", real, image_set("refined", 160, 1), np.random.default_rng(0))
        same = machine_result("refined", real, image_set("refined", 120, 2), np.random.default_rng(0))
        assert apart.accuracy > 0.95 and apart.auc > 0.95
        assert 0.3 < same.accuracy < 0.7
        assert apart.by_person and (apart.reals, apart.fakes) == (60, 60)

    def test_one_person_is_told(self) -> None:
        found = machine_result(
            "a", image_set("real", 120, 0, 1), image_set("refined", 120, 1), np.random.default_rng(0)
        )
        assert not found.by_person
        assert "may know faces" in " ".join(notes(analyse(simulate(DESIGN, People(), 0), DESIGN, [found])))

    def test_too_few_images(self) -> None:
        real = image_set("real", 120, 0)
        with pytest.raises(DataError, match="at least 2 images"):
            machine_result("a", real, real.select([0]), np.random.default_rng(0))


class TestTexts:
    def found(self) -> Analysis:
        machine = [
            machine_result("control", image_set("real", 120, 0), image_set("x", 130, 1), np.random.default_rng(0))
        ]
        return analyse(simulate(DESIGN, People(subjects=8, careless=1), seed=2), DESIGN, machine)

    def test_p_values(self) -> None:
        found = {p: p_text(p) for p in (None, 1.0, 0.14834, 0.0012, 0.00021, 2e-8, 1e-8, 0.0)}
        assert list(found.values()) == ["–", "1.000", "0.148", "0.001", "2.1e-04", "2.0e-08", "≤ 1e-8", "≤ 1e-8"]

    def test_a_column_per_arm_and_one_with_everybody(self) -> None:
        grid = results_grid(self.found())
        assert grid.heads == (
            "", "refined", "refined, nobody excluded", "control (real vs synthetic)", "control, nobody excluded",
        )  # fmt: skip
        assert {len(row) for row in grid.rows} == {1, 5}
        told = {row[0]: row[1:] for row in grid.rows}
        assert told["Subjects"] == ("7", "8", "7", "8")
        assert told["AUC, classifier"][0] == "–" != told["AUC, classifier"][2]

    def test_renderings(self) -> None:
        found = self.found()
        grids = [counts_grid("refined", found.arms[0].pooled, "refined"), results_grid(found)]
        markdown, latex, text = (
            to_markdown(grids, notes(found)),
            to_latex(grids, notes(found), "x"),
            text_of(grids, []),
        )
        assert "| fake (refined) |" in markdown and "Excluded: simulated-008" in markdown
        assert latex.count(r"\begin{table*}") == latex.count(r"\end{table*}") == 2
        assert "%" not in latex.replace(r"\%", "").partition("\n")[2]
        assert "Verdict" in text

    def test_report(self, tmp_path: Path) -> None:
        found = self.found()
        report = analysis_report(found, {"commit": "abc", "version": "0.1.0"})
        write_report(report, tmp_path)
        content = json.loads((tmp_path / "table.json").read_text())
        assert content["arms"][0]["over"]["accuracy"]["value"] == found.arms[0].over.accuracy.value
        assert content["excluded"] == found.excluded
        page = (tmp_path / "report.html").read_text()
        assert page.count("data:image/png;base64,") == len(report.drawings) > 1
        assert "http" not in page
        lines = list(csv.DictReader((tmp_path / "table.csv").open()))
        pooled = [line for line in lines if line["quantity"] == "pooled.correct"]
        assert [(line["arm"], line["subjects"]) for line in pooled] == [
            ("refined", "kept"), ("control", "kept"), ("refined", "everyone"), ("control", "everyone"),
        ]  # fmt: skip
        assert int(pooled[0]["value"]) == found.arms[0].pooled.correct
        for drawing in report.drawings:
            assert (tmp_path / "figures" / f"{drawing.name}.pdf").stat().st_size > 0

    def test_figures_without_material_are_left_out(self) -> None:
        design = lenient()
        one = analyse(table([("a", "real", "real"), ("a", "real", "fake")], design), design)
        drawn = figures.draw(figures.of_analysis(one), {"experiment": "study"})
        assert [drawing.name for drawing in drawn] == ["accuracy-per-subject"]


class TestTable1:
    def test_the_papers_numbers(self) -> None:
        found = table1("smoke")
        assert sum(sum(row.values()) for row in COUNTS.values()) == 1000
        assert found.counts.correct == 517
        assert [(each.arm, each.correct, each.trials, each.printed, each.agrees) for each in found.quoted] == [
            ("refined", 517, 1000, "0.148", True), ("synthetic", 162, 200, "≤ 1e-8", True),
        ]  # fmt: skip
        assert (found.d_prime, found.criterion) == pytest.approx((0.0864, 0.1738), abs=2e-3)
        assert [arm.pooled.trials for arm in found.simulated.arms] == [1000, 200]

    def test_run(self, tmp_path: Path) -> None:
        text = run_table1("smoke", [], tmp_path, as_json=True)
        content = json.loads(text)
        assert content["rows"][0]["p_one_sided"] == pytest.approx(0.148345, abs=5e-7)
        folder = tmp_path / "turing-table1"
        written = {path.name for path in folder.iterdir()}
        assert written == {"table.md", "table.tex", "table.csv", "table.json", "report.html", "figures"}
        assert (folder / "table.json").read_text() == text
        assert "224" in (folder / "table.md").read_text()

    def test_options_and_profiles_that_mean_nothing(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="--seeds means nothing here"):
            run_table1("smoke", ["--seeds"], tmp_path, as_json=False)
        with pytest.raises(UsageError, match="did you mean 'quick'"):
            table1("quik")
