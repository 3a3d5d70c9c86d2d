"""Differences between rows: verdicts, Holm, intervals, what is left out, and how they are said in every rendering."""

from __future__ import annotations

import io
import json
import math
import re
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from rich.console import Console

from bench.core.experiment import Column, Row
from bench.engine.columns import ColumnFacts
from bench.engine.results import CellResults, Results, RowResults
from bench.stats import holm, paired_t
from bench.stats_compare import paired_by_person, seeds_for
from reports.build import build_table
from reports.differences import (
    Difference,
    Verdict,
    difference_from_json,
    differences,
    sentence,
    verdict_of,
    verdict_words,
)
from reports.frame import Table, load_table
from reports.html import to_html
from reports.tables import MOST_IN_FULL, print_table, to_json, to_markdown

Array = NDArray[np.float64]

PERSONS = np.repeat([f"p{index}" for index in range(6)], 4)
BASE = np.random.default_rng(1).gamma(3.0, 2.0, len(PERSONS))
FACTS = ColumnFacts("error", "Error", "angular-error", 1, "deg", "lower", "error")
SHARE = ColumnFacts("share", "Within 7°", "share-within", 1, "%", "higher", "error")


def spread(n: int) -> Array:
    """n numbers with mean 0 and standard deviation 1."""
    values = np.arange(n, dtype=np.float64) - (n - 1) / 2
    return values / values.std(ddof=1) if n > 1 else values


def study(mean: float, seeds_sd: float, persons_sd: float, seeds: int = 3, persons: Array | None = None) -> Array:
    """(seeds, N) differences with exactly this mean and these deviations between seeds and between persons."""
    names = PERSONS if persons is None else persons
    known, owner = np.unique(names, return_inverse=True)
    return mean + seeds_sd * spread(seeds)[:, None] + persons_sd * spread(len(known))[owner]


def cell(values: Array) -> CellResults:
    """The finished cell of (S, N) values per seed and image."""
    means = {seed: float(each.mean()) for seed, each in enumerate(values)}
    return CellResults(means, {seed: {"value": each} for seed, each in enumerate(values)})


def run(
    template: Results,
    others: Sequence[Array],
    *,
    facts: Sequence[ColumnFacts] = (FACTS,),
    margin: float | None = 0.3,
    persons: NDArray[np.str_] = PERSONS,
) -> Results:
    """A run of a row 'raw' and, for each study, a row that differs from it by just this, alike in every column."""
    most = max(len(values) for values in others)
    measured = [(Row("raw", "raw", "synthetic"), cell(np.tile(BASE, (most, 1))))]
    for number, values in enumerate(others):
        row = Row(f"refined-{number}", f"refined {number}", "refined", against=("raw", "not-in-this-run"))
        measured.append((row, cell(BASE + values)))
    rows = [RowResults(row, {each.key: found for each in facts}) for row, found in measured]
    experiment = replace(
        template.experiment,
        name="made-up",
        rows=lambda refiners: tuple(each.row for each in rows),
        columns=tuple(Column(each.key, each.label, name=each.name, margin=margin) for each in facts),
        figures=(),
    )
    ids = np.array([f"i{index}" for index in range(len(persons))])
    return replace(
        template, experiment=experiment, columns=tuple(facts), rows=tuple(rows), ids=ids, persons=persons, training=()
    )


def only(results: Results) -> Difference:
    (found,) = differences(results)
    return found


class TestVerdict:
    @pytest.mark.parametrize(
        ("values", "lower", "higher"),
        [
            (study(-1.0, 0.02, 0.02), "better", "worse"),
            (study(1.0, 0.02, 0.02), "worse", "better"),
            (study(0.0, 0.02, 0.02), "equivalent", "equivalent"),
            (study(0.2, 0.01, 0.01), "equivalent", "equivalent"),  # significant, but within the margin
            (study(-0.4, 0.01, 0.01), "better", "worse"),
            (study(-0.3, 0.0, 0.0), "better", "worse"),  # nothing left to chance, at the margin
            (study(-1.0, 2.0, 0.02), "inconclusive", "inconclusive"),  # the seeds disagree
            (study(-1.0, 0.02, 4.0), "inconclusive", "inconclusive"),  # the persons do
            (study(0.0, 0.5, 0.02), "inconclusive", "inconclusive"),  # no difference, but no equivalence either
            (study(-9.0, 0.0, 0.02, seeds=1), "inconclusive", "inconclusive"),
            (study(0.0, 0.0, 0.02, seeds=1), "inconclusive", "inconclusive"),
        ],
    )
    def test_of_a_study(self, results: Results, values: Array, lower: Verdict, higher: Verdict) -> None:
        for better, expected in (("lower", lower), ("higher", higher)):
            facts = replace(FACTS, better=better)  # type: ignore[arg-type]
            assert only(run(results, [values], facts=(facts,))).verdict == expected

    def test_one_person_decides_nothing_but_has_the_seeds_p(self, results: Results) -> None:
        alone = np.full(len(PERSONS), "p0")
        values = study(-1.0, 0.02, 0.0, persons=alone)
        found = only(run(results, [values], persons=alone))
        assert (found.persons, found.verdict, found.ci95_persons) == (1, "inconclusive", None)
        assert sentence(found).endswith("inconclusive, one person")
        assert found.p_value == pytest.approx(paired_t(values.mean(axis=1)).p_value)
        once = only(run(results, [study(-9.0, 0.0, 0.0, seeds=1, persons=alone)], persons=alone))
        assert (once.verdict, once.p_value, once.ci95, once.detectable) == ("inconclusive", None, None, None)

    @pytest.mark.parametrize(
        ("worse_by", "p_value", "equivalent", "seeds", "expected"),
        [
            (-1.0, 0.05, False, 2, "better"),
            (1.0, 0.05, False, 2, "worse"),
            (1.0, 0.0501, False, 2, "inconclusive"),
            (1.0, 0.001, True, 2, "equivalent"),
            (1.0, 0.9, True, 2, "equivalent"),
            (1.0, 0.001, True, 1, "inconclusive"),
            (1.0, None, False, 2, "inconclusive"),
        ],
    )
    def test_of_numbers(
        self, worse_by: float, p_value: float | None, equivalent: bool, seeds: int, expected: Verdict
    ) -> None:
        assert verdict_of(worse_by, p_value, equivalent=equivalent, seeds=seeds, persons=6) == expected
        assert verdict_of(worse_by, p_value, equivalent=equivalent, seeds=seeds, persons=1) == "inconclusive"


class TestNumbers:
    def test_are_those_of_the_comparison(self, results: Results) -> None:
        values = study(-0.7, 0.3, 0.8) + np.random.default_rng(2).normal(0, 0.2, (3, len(PERSONS)))
        found, expected = only(run(results, [values])), paired_by_person(values, PERSONS)
        assert expected.over_seeds is not None and expected.over_persons is not None
        assert found.mean == pytest.approx(expected.mean)
        assert found.ci95 == pytest.approx((expected.low, expected.high))
        assert found.ci95_seeds == pytest.approx((expected.over_seeds.low, expected.over_seeds.high))
        assert found.ci95_persons == pytest.approx((expected.over_persons.low, expected.over_persons.high))
        assert found.p_value == pytest.approx(expected.p_value)
        assert (found.seeds, found.persons, found.margin, found.unit) == (3, 6, 0.3, "deg")
        assert (found.row, found.against, found.column) == ("refined-0", "raw", "error")
        assert found.seeds_needed == seeds_for(expected, 0.3)

    def test_holm_is_over_the_differences_of_one_column(self, results: Results) -> None:
        studies = [study(mean, 0.1, 0.2) for mean in (-0.3, -0.45, -0.2, 0.4)]
        raw = [p for values in studies if (p := paired_by_person(values, PERSONS).p_value) is not None]
        found = differences(run(results, studies, facts=(FACTS, SHARE)))
        for key in ("error", "share"):
            assert [each.p_value for each in found if each.column == key] == pytest.approx(list(holm(raw)))
        alone = [only(run(results, [values])).p_value for values in studies]
        assert alone == pytest.approx(raw)

    def test_holm_skips_what_has_no_p_value(self, results: Results) -> None:
        alone = np.full(len(PERSONS), "p0")
        studies = [study(-1.0, 0.5, 0.0, seeds, alone) for seeds in (3, 1, 3)]
        several, once, again = differences(run(results, studies, persons=alone))
        assert once.p_value is None
        assert (
            several.p_value
            == again.p_value
            == pytest.approx(min(1, 2 * float(paired_t(studies[0][:, 0]).p_value or 1)))
        )

    def test_without_a_margin_nothing_is_compared(self, results: Results) -> None:
        assert differences(run(results, [study(-1.0, 0.1, 0.1)], margin=None)) == ()

    def test_seeds_of_only_one_row_are_left_out(self, results: Results) -> None:
        values = study(-1.0, 0.1, 0.1, seeds=4)
        made = run(results, [values])
        raw = made.rows[0].cells["error"]
        shorter = {seed: raw.per_image[seed] for seed in (1, 3)}
        short = replace(raw, values={seed: raw.values[seed] for seed in shorter}, per_image=shorter)
        made = replace(made, rows=(replace(made.rows[0], cells={"error": short}), *made.rows[1:]))
        found, expected = only(made), paired_by_person(values[[1, 3]], PERSONS)
        assert found.seeds == 2
        assert (found.mean, found.p_value) == pytest.approx((expected.mean, expected.p_value))
        none = replace(short, values={9: 1.0}, per_image={9: raw.per_image[0]})
        assert differences(replace(made, rows=(replace(made.rows[0], cells={"error": none}), *made.rows[1:]))) == ()

    @pytest.mark.parametrize("at", [0, 1])
    @pytest.mark.parametrize(
        "outcome", [{"failures": {2: "out of memory"}}, {"not_run": "no labels"}, {"values": {0: math.nan}}, None]
    )
    def test_incomplete_rows_are_left_out(self, results: Results, at: int, outcome: dict[str, object] | None) -> None:
        made = run(results, [study(-1.0, 0.1, 0.1), study(-2.0, 0.1, 0.1)])
        rows = list(made.rows)
        broken = {} if outcome is None else {"error": replace(rows[at].cells["error"], **outcome)}  # type: ignore[arg-type]
        rows[at] = replace(rows[at], cells=broken)
        kept = [each.row for each in differences(replace(made, rows=tuple(rows)))]
        assert kept == ([] if at == 0 else ["refined-1"])


class TestWords:
    def test_sentences(self, results: Results) -> None:
        better = only(run(results, [study(-0.78, 0.02, 0.02)]))
        assert re.fullmatch(
            r"refined 0 against raw: −0\.78 deg \[−0\.\d\d, −0\.\d\d\], p < 0\.001: better", sentence(better)
        )
        same = only(run(results, [study(0.0, 0.02, 0.02)]))
        assert sentence(same).endswith(", p = 1: equivalent within ±0.3 deg")
        alone = np.full(len(PERSONS), "p0")
        once = only(run(results, [study(0.5, 0.0, 0.0, 1, alone)], persons=alone))
        assert sentence(once) == "refined 0 against raw: +0.50 deg: inconclusive, one seed"
        pure = replace(same, unit="", margin=0.02)
        assert verdict_words(pure) == "equivalent within ±0.02"

    def test_what_would_settle_an_open_question(self, results: Results) -> None:
        few_seeds = only(run(results, [study(0.1, 0.3, 0.01)]))
        assert few_seeds.seeds_needed is not None and 3 < few_seeds.seeds_needed < 30
        assert few_seeds.detectable is not None
        assert verdict_words(few_seeds) == (
            f"inconclusive, {few_seeds.detectable:.2f} deg could be found; "
            f"about {few_seeds.seeds_needed} seeds would show 0.3 deg"
        )
        wild = only(run(results, [study(0.1, 3.0, 0.01)]))
        assert verdict_words(wild).endswith("; over 100 seeds would show 0.3 deg")
        few_persons = only(run(results, [study(0.1, 0.01, 2.0)]))
        assert few_persons.seeds_needed is None
        assert verdict_words(few_persons).endswith("deg could be found; more persons are needed to show 0.3 deg")

    def test_no_advice_where_there_were_enough(self, results: Results) -> None:
        """The margin could have been found; the true difference lies between."""
        found = only(run(results, [study(0.18, 0.09, 0.02)]))
        assert found.detectable is not None and found.detectable < found.margin
        assert found.verdict == "inconclusive"
        assert verdict_words(found) == f"inconclusive, {found.detectable:.2f} deg could be found"

    def test_as_many_seeds_as_said_make_the_margin_detectable(self, results: Results) -> None:
        found = only(run(results, [study(0.1, 0.3, 0.05)]))
        assert found.seeds_needed is not None
        enough = only(run(results, [study(0.1, 0.3, 0.05, seeds=found.seeds_needed)]))
        fewer = only(run(results, [study(0.1, 0.3, 0.05, seeds=found.seeds_needed - 1)]))
        assert enough.detectable is not None and fewer.detectable is not None
        assert enough.detectable <= 0.3 < fewer.detectable


def shown(table: Table, width: int = 100) -> list[str]:
    stream = io.StringIO()
    print_table(table, Console(file=stream, width=width))
    return stream.getvalue().splitlines()


class TestRenderings:
    @pytest.fixture
    def table(self, results: Results) -> Table:
        studies = [study(-1.0, 0.02, 0.02), study(0.1, 0.3, 0.01), study(0.1, 0.01, 2.0)]
        return build_table(run(results, studies, facts=(FACTS, SHARE)))

    def test_json_round_trip(self, table: Table, tmp_path: Path) -> None:
        plain = json.loads(json.dumps([asdict(each) for each in table.differences]))
        assert tuple(difference_from_json(each) for each in plain) == table.differences
        (tmp_path / "table.json").write_text(to_json(table), encoding="utf-8")
        assert load_table(tmp_path / "table.json") == table
        with pytest.raises(KeyError):
            difference_from_json({name: value for name, value in plain[0].items() if name != "ci95"})
        with pytest.raises(TypeError):
            difference_from_json({**plain[0], "surprise": 1})

    def test_markdown(self, table: Table) -> None:
        text = to_markdown(table)
        assert "**Differences, with 95 % intervals for other seeds and persons" in text
        lines = [line.replace("\\", "") for line in text.splitlines()]
        labels = {"error": "Error", "share": "Within 7°"}
        for each in table.differences:
            assert f"- {labels[each.column]}: {sentence(each)}" in lines
        assert "Differences" not in to_markdown(replace(table, differences=()))

    def test_a_single_column_is_not_named(self, results: Results) -> None:
        table = build_table(run(results, [study(-1.0, 0.02, 0.02)]))
        assert f"- {sentence(table.differences[0])}" in to_markdown(table).replace("\\", "").splitlines()

    def test_percentages_differ_by_points(self, results: Results) -> None:
        table = build_table(run(results, [study(-8, 0.5, 0.5)], facts=(SHARE,), margin=2))
        assert re.match(r"refined 0 against raw: −8\.00 points \[", sentence(table.differences[0]))
        assert '<td class="number">−8.00 points</td>' in to_html(table, [])

    def test_page(self, table: Table) -> None:
        section = to_html(table, []).partition('id="differences"')[2].partition("</section>")[0]
        rows = re.findall(r"<tr>\s*<th scope=\"row\">(.*?)</th>(.*?)</tr>", section, re.DOTALL)
        assert len(rows) == len(table.differences) == 6
        for each, (what, rest) in zip(table.differences, rows, strict=True):
            cells = re.findall(r"<td[^>]*>(.*?)</td>", rest)
            assert what == f"{each.label} against raw"
            assert cells[0] == {"error": "Error", "share": "Within 7°"}[each.column]
            assert cells[-1] == verdict_words(each)
        assert 'id="differences"' not in to_html(replace(table, differences=()), [])

    def test_terminal(self, table: Table) -> None:
        text = " ".join(" ".join(shown(table)).split())
        assert all(sentence(each) in text for each in table.differences)
        assert "Differences" not in " ".join(shown(replace(table, differences=())))

    def test_many_are_one_line_each_in_the_terminal(self, results: Results) -> None:
        studies = [study(mean, 0.02, 0.02) for mean in np.linspace(-1, 1, MOST_IN_FULL + 1)]
        table = build_table(run(results, studies))
        for width in (100, 40):
            lines = [line.rstrip() for line in shown(table, width)]
            kept = [line for line in lines if re.match(r"(better|worse|equivalent|inconclusive)  ", line)]
            assert len(kept) == len(table.differences)
            assert all(len(line) <= width for line in kept)
        assert all(sentence(each) in to_markdown(table).replace("\\", "") for each in table.differences)
