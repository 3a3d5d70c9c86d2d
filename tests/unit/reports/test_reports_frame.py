"""The table as data: statuses, intervals, verdicts, notes, and reading it back."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench.core.errors import DataError
from bench.engine.results import CellResults, Results, RowResults
from reports.build import build_table
from reports.frame import Table, load_table, table_from_json
from reports.published import PublishedValue, load_published, load_published_curves, verdict
from reports.tables import to_json
from reports.wording import duration, measured, printed


def change(results: Results, index: int, **changes: object) -> Results:
    """The run with another row (row, warnings) or another outcome of its only cell (values, failures, not_run)."""
    rows = list(results.rows)
    own = {name: value for name, value in changes.items() if name in ("row", "warnings")}
    outcome = {name: value for name, value in changes.items() if name not in own}
    cells = {"error": replace(rows[index].cells["error"], **outcome)}  # type: ignore[arg-type]
    rows[index] = replace(rows[index], cells=cells, **own)  # type: ignore[arg-type]
    return replace(results, rows=tuple(rows))


def values_of(results: Results, index: int) -> dict[int, float]:
    return dict(results.rows[index].cells["error"].values)


def row(table: Table, key: str):  # type: ignore[no-untyped-def]
    return next(each for each in table.rows if each.key == key)


def test_measured_row_is_the_mean_of_the_seed_means(results: Results) -> None:
    found = row(build_table(results), "cnn/synthetic")
    means = [values_of(results, 3)[seed] for seed in range(3)]
    assert found.head.per_seed == pytest.approx(means)
    assert found.head.value == pytest.approx(np.mean(means))
    half = 4.302652729911275 * np.std(means, ddof=1) / np.sqrt(3)
    assert found.head.ci95 == pytest.approx((np.mean(means) - half, np.mean(means) + half))
    assert (found.head.n_seeds, found.n_test, found.head.paper, found.status) == (3, 1000, 11.2, "measured")


def test_rows_that_the_paper_quotes_follow_and_are_never_values(results: Results) -> None:
    table = build_table(results)
    assert [each.key for each in table.quoted] == ["svr", "alr", "rf", "knn-ut", "cnn-ut"]
    assert [each.head.paper for each in table.quoted] == [16.5, 16.4, 15.4, 16.2, 13.9]
    assert all(each.head.value is None and not each.head.bold and each.source for each in table.quoted)
    assert table.rows == (*table.measured, *table.quoted)


def test_a_quoted_row_disappears_when_it_is_measured(results: Results) -> None:
    mine = replace(results.rows[2].row, key="svr/real", reference="svr")
    table = build_table(change(results, 2, row=mine))
    assert "svr" not in [each.key for each in table.quoted]
    assert row(table, "svr/real").head.paper == 16.5


def test_a_failed_seed_fails_the_row(results: Results) -> None:
    kept = {seed: values_of(results, 4)[seed] for seed in (0, 1)}
    table = build_table(change(results, 4, values=kept, failures={2: "the loss became NaN at step 40"}))
    found = row(table, "cnn/refined")
    assert (found.status, found.head.value, found.head.ci95, found.head.bold) == ("failed", None, None, False)
    assert found.failure == found.head.reason == "1 of 3 seeds failed (seed 2: the loss became NaN at step 40)"
    assert found.head.paper_status is None
    assert any(note.kind == "failure" and note.label == "CNN, refined (simgan)" for note in table.notes)


def test_equal_reasons_are_said_once(results: Results) -> None:
    failures = {0: "out of memory", 1: "out of memory", 2: "NaN"}
    found = row(build_table(change(results, 4, values={}, failures=failures)), "cnn/refined")
    assert found.head.reason == "3 of 3 seeds failed (seeds 0, 1: out of memory; seed 2: NaN)"


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_value_that_is_not_finite_is_a_failure(results: Results, bad: float) -> None:
    values = {**values_of(results, 4), 1: bad}
    found = row(build_table(change(results, 4, values=values)), "cnn/refined")
    assert found.status == "failed"
    assert found.head.reason == "1 of 3 seeds failed (seed 1: its value is NaN or infinite)"


def test_a_row_that_could_not_run_says_why(results: Results) -> None:
    table = build_table(change(results, 5, values={}, not_run="the real images have no labels"))
    found = row(table, "cnn/real")
    assert (found.status, found.head.reason) == ("not run", "the real images have no labels")
    assert row(build_table(change(results, 5, values={})), "cnn/real").head.reason == "no seed has been run"


def test_one_seed_has_no_interval(results: Results) -> None:
    run = results
    for index in range(len(results.rows)):
        run = change(run, index, values={0: values_of(results, index)[0]})
    table = build_table(run)
    assert all(each.head.ci95 is None and each.head.n_seeds == 1 for each in table.measured)
    assert "one seed, so no interval" in table.caption
    assert not any(note.text.startswith("±") for note in table.notes)


def test_nothing_measured_is_still_a_table(results: Results) -> None:
    rows = tuple(RowResults(each.row, {"error": CellResults(not_run="no labels")}) for each in results.rows)
    table = build_table(replace(results, rows=rows))
    assert {each.status for each in table.measured} == {"not run"}
    assert "0 seeds" in " ".join(note.text for note in table.notes)


def test_the_simulator_is_said_and_compared_with_nothing(results: Results) -> None:
    table = build_table(results)
    assert "(simulator)" in table.caption
    assert row(table, "cnn/synthetic").head.paper_status == "not comparable"
    assert row(table, "cnn/real").head.paper_status is None
    # Even when the real and synthetic sets were the paper's, simulated test images decide.
    assert row(build_table(replace(results, paper_data=True)), "cnn/refined").head.paper_status == "not comparable"


def test_other_data_are_not_comparable_either(results: Results) -> None:
    table = build_table(replace(results, simulator=False))
    assert "simulator" not in table.caption
    assert row(table, "cnn/refined").head.paper_status == "not comparable"
    assert any("Not measured on the paper's data" in note.text for note in table.notes)


def test_only_the_papers_data_can_reproduce(on_paper_data: Results) -> None:
    table = build_table(on_paper_data)
    assert row(table, "cnn/synthetic").head.paper_status == "not reproduced"
    assert row(table, "knn/refined").head.paper_status is None
    assert any("k-NN, synthetic: 0.5" in note.text for note in table.notes)


@pytest.mark.parametrize(
    ("interval", "expected"),
    [
        ((11.0, 11.4), "reproduced"),
        ((10.7, 11.7), "reproduced"),
        ((10.6, 11.3), "inconclusive"),
        ((5.0, 20.0), "inconclusive"),
        ((11.71, 12.0), "not reproduced"),
        ((8.0, 10.69), "not reproduced"),
        (None, "inconclusive"),
    ],
)
def test_verdict(interval: tuple[float, float] | None, expected: str) -> None:
    published = PublishedValue("cnn-synthetic", "CNN", "synthetic", 11.2, 0.5)
    assert verdict(published, interval) == expected


def test_published_numbers_are_those_of_table_3() -> None:
    published = load_published("gaze-table3")
    assert {key: entry.value for key, entry in published.values.items()} == {
        "svr": 16.5, "alr": 16.4, "rf": 15.4, "knn-ut": 16.2, "cnn-ut": 13.9,
        "knn-synthetic": 9.9, "cnn-synthetic": 11.2, "cnn-refined": 7.8,
    }  # fmt: skip
    assert all(entry.tolerance > 0 and entry.notes for entry in published.values.values())
    assert "1612.07828" in published.source
    assert load_published("no-such-experiment").values == {}


def test_published_curves_pass_through_the_points_of_the_papers_text() -> None:
    source, curves = load_published_curves("gaze-table3")
    assert "Figure 7" in source
    at_13 = {curve.label: np.interp(13.0, curve.x, curve.percent) for curve in curves}
    expected = {"Refined 4x": 87.2, "Refined": 69.4, "Synthetic 4x": 64.9, "Synthetic": 62.3}
    assert at_13 == pytest.approx(expected, abs=0.06)
    assert load_published_curves("no-such-experiment") == ("", ())


def test_a_warning_of_one_refiner_is_said_once(results: Results) -> None:
    text = "simgan, seed 1: changed the images by 0.1 % only"
    rows = tuple(replace(each, warnings=(text, text) if each.row.variant else ()) for each in results.rows)
    notes = [note for note in build_table(replace(results, rows=rows)).notes if note.kind == "warning"]
    assert [note.sentence for note in notes] == [f"{text}."]
    alone = change(results, 4, warnings=("collapse",))
    notes = [note for note in build_table(alone).notes if note.kind == "warning"]
    assert [note.sentence for note in notes] == ["CNN, refined (simgan): collapse."]


def test_one_person_is_said(results: Results) -> None:
    table = build_table(replace(results, persons=np.full(1000, "p00")))
    count = next(note.text for note in table.notes if note.kind == "count")
    assert "1,000 test images of 1 person;" in count
    assert "nothing about others" in count


def test_the_best_row_is_bold_and_a_much_worse_one_is_not(results: Results) -> None:
    table = build_table(results)
    assert row(table, "cnn/real").head.bold
    assert not row(table, "knn/synthetic").head.bold


def test_the_digest_is_of_the_measured_values_only(results: Results) -> None:
    first = build_table(results)
    renamed = build_table(replace(results, provenance={"commit": "other", "seconds": 1.0}, profile="smoke"))
    moved = build_table(change(results, 0, values={**values_of(results, 0), 2: values_of(results, 0)[2] + 1e-9}))
    assert first.digest == renamed.digest
    assert first.digest != moved.digest
    assert len(first.digest) == 64


def test_a_stored_table_is_read_back_the_same(results: Results, tmp_path: Path) -> None:
    table = build_table(change(results, 4, values={}, failures={0: "NaN"}))
    path = tmp_path / "table.json"
    path.write_text(to_json(table), encoding="utf-8")
    again = load_table(path)
    assert again == table
    assert to_json(again) == to_json(table)


def test_the_json_is_what_was_promised(results: Results) -> None:
    found = json.loads(to_json(build_table(results)))
    assert {"experiment", "title", "profile", "data", "metric", "rows", "provenance"} <= set(found)
    assert found["metric"] == {"name": "angular-error", "version": 1, "unit": "deg", "better": "lower"}
    assert set(found["data"]) == {"synthetic", "real", "test"}
    wanted = {
        "key", "label", "estimator", "train", "refiner", "size", "value", "ci95", "per_seed", "n_seeds", "n_test",
        "paper", "paper_status", "status", "reason",
    }  # fmt: skip
    assert all(wanted <= set(each) for each in found["rows"])


def test_nan_in_the_provenance_is_refused(results: Results) -> None:
    with pytest.raises(ValueError, match="JSON"):
        to_json(build_table(replace(results, provenance={"seconds": float("nan")})))


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"rows": 3}', "\udcff"])
def test_a_damaged_table_is_one_line_with_the_next_step(tmp_path: Path, text: str) -> None:
    path = tmp_path / "table.json"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(DataError, match="bench report") as caught:
        load_table(path)
    assert "\n" not in str(caught.value)
    with pytest.raises(DataError, match="does not exist"):
        load_table(tmp_path / "none.json")


def test_a_table_of_another_shape_is_not_one(results: Results) -> None:
    content = build_table(results).to_json()
    content["rows"][0]["cells"]["error"]["surprise"] = 1
    with pytest.raises(TypeError, match="surprise"):
        table_from_json(content)
    del content["rows"][0]["label"], content["rows"][0]["cells"]["error"]["surprise"]
    with pytest.raises(KeyError, match="label"):
        table_from_json(content)


def test_printing_a_stored_table_imports_nothing_heavy(results: Results, tmp_path: Path) -> None:
    path = tmp_path / "table.json"
    path.write_text(to_json(build_table(results)), encoding="utf-8")
    code = (
        "import sys\nfrom pathlib import Path\nfrom reports.frame import load_table\n"
        "from reports.tables import print_table\nprint_table(load_table(Path(sys.argv[1])))\n"
        "heavy = {'torch', 'pandas', 'scipy', 'matplotlib', 'numpy'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "CNN, refined (simgan)" in done.stdout


def test_words(results: Results) -> None:
    assert [printed(value) for value in (11.2, 9.0, 7.85, None)] == ["11.2", "9.0", "7.85", "–"]
    assert [duration(seconds) for seconds in (3.2, 301.5, 11100)] == ["3 s", "5 min 02 s", "3 h 05 min"]
    assert measured(build_table(results).quoted[0].head, "deg") == "–"
