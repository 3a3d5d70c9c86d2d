"""Tables of several columns: every rendering has every number, and says what a cell without one means."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import cast

import pytest
from rich.console import Console

from bench.core.experiment import Experiment
from bench.engine.collect import facts_of
from bench.engine.results import Results
from bench.experiments import hand_label_preservation, label_preservation, refiner_comparison
from reports.build import build_table
from reports.columns import drift_column
from reports.frame import Table, load_table
from reports.html import to_html
from reports.latex import to_latex
from reports.tables import print_table, to_csv, to_json, to_markdown
from tests.unit.reports.made_up import COMPARED, with_cell

HEADS = ("CNN error", "k-NN error", "Drift", "Drift, bias", "Real or not, AUC", "SWD", "Change", "Training")
HEADLINE = ("value", "ci95", "per_seed", "seeds", "n_seeds", "paper", "tolerance", "paper_status", "reason", "bold")


@pytest.fixture(scope="module")
def table(comparison: Results) -> Table:
    return build_table(comparison)


def terminal(table: Table) -> str:
    stream = io.StringIO()
    print_table(table, Console(file=stream, width=220))
    return stream.getvalue()


def markdown_cells(table: Table) -> dict[str, list[str]]:
    """Row label -> its cells."""
    lines = [line for line in to_markdown(table).splitlines() if line.startswith("| ")]
    split = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {cells[0]: cells[1:] for cells in split}


def latex_cells(table: Table) -> dict[str, list[str]]:
    lines = [line.strip() for line in to_latex(table).splitlines() if " & " in line]
    split = [[cell.strip() for cell in line.removesuffix(r"\\").split("&")] for line in lines]
    return {cells[0]: cells[1:] for cells in split}


def html_cells(table: Table) -> dict[str, list[tuple[str, str]]]:
    rows = re.findall(r'<tr>\s*<th scope="row">(.*?)</th>(.*?)</tr>', to_html(table, []), re.DOTALL)
    return {label: re.findall(r'<td class="number ([a-z]*)">(.*?)</td>', rest) for label, rest in rows}


@pytest.mark.parametrize(
    ("experiment", "bias", "without"),
    [
        (refiner_comparison, ("pupil-residual", "bias"), ("pupil-residual", "mean")),
        (label_preservation, ("pupil-residual", "bias"), ("pupil-ellipse", "mean")),
        (hand_label_preservation, ("joint-drift", "bias"), ("joint-drift", "mean")),
    ],
)
def test_the_drift_of_a_table_is_its_labels_bias(
    experiment: ModuleType, bias: tuple[str, str], without: tuple[str, str]
) -> None:
    columns = [facts_of(column) for column in cast("Experiment", experiment.EXPERIMENT).columns]
    found = drift_column(columns)
    assert found is not None and (found.name, found.quantity) == bias
    found = drift_column([column for column in columns if column.quantity != "bias"])
    assert found is not None and (found.name, found.quantity) == without
    assert drift_column([column for column in columns if column.unit != "px"]) is None


def test_every_rendering_has_every_column_and_row(table: Table) -> None:
    assert tuple(column.key for column in table.columns) == COMPARED
    for text in (to_markdown(table), to_latex(table), to_html(table, []), " ".join(terminal(table).split())):
        for wanted in (*HEADS, *(row.label for row in table.rows)):
            assert all(word in text for word in wanted.split()), wanted
    assert len({len(cells) for cells in markdown_cells(table).values()}) == 1


def test_numbers_are_the_same_everywhere(table: Table) -> None:
    row = next(row for row in table.rows if row.key == "simgan")
    drift = row.cells["drift"]
    assert drift.value is not None and drift.half_width is not None
    shown = f"{drift.value:.2f} ± {drift.half_width:.2f}"
    assert markdown_cells(table)["simgan"][3] == shown
    assert ("", shown) in html_cells(table)["simgan"]
    assert shown in terminal(table)
    latex = latex_cells(table)["simgan"]
    assert latex[latex.index(f"{drift.value:.2f}") + 1] == rf"$\pm$ {drift.half_width:.2f}"
    auc, seconds = row.cells["auc"].value, row.cells["seconds"].value
    assert auc is not None and seconds is not None
    assert markdown_cells(table)["simgan"][5].startswith(f"{auc:.3f} ±")
    assert markdown_cells(table)["simgan"][8].startswith(f"{seconds:.1f} ±")


def test_a_cell_that_means_nothing_is_a_dash(table: Table) -> None:
    real = markdown_cells(table)["real"]
    assert [real[1 + COMPARED.index(key)] for key in ("drift", "drift-bias", "change", "seconds")] == ["–"] * 4
    assert markdown_cells(table)["batch norm, AdaBN"][2:9] == ["–"] * 7
    assert html_cells(table)["batch norm, AdaBN"][1:8] == [("", "–")] * 7
    assert latex_cells(table)["batch norm, AdaBN"].count("{--}") == 7
    assert next(line for line in terminal(table).splitlines() if line.startswith("batch norm, AdaBN")).count("–") == 7


def test_failures_name_row_and_column(table: Table) -> None:
    notes = {note.label: note.text for note in table.notes if note.kind == "failure"}
    assert notes == {
        "simgan without history (k-NN error)": "1 of 3 seeds failed (seed 1: out of memory)",
        "histogram matching (SWD)": "not run: no weights were given",
    }
    assert markdown_cells(table)["simgan without history"][2] == "failed"
    assert markdown_cells(table)["histogram matching"][6] == "not run"
    assert ("status", "failed") in html_cells(table)["simgan without history"]
    for text in (to_markdown(table), to_latex(table), to_html(table, []), terminal(table)):
        assert "simgan without history (k-NN error): 1 of 3 seeds failed" in " ".join(text.split())
    row = next(row for row in table.rows if row.key == "simgan-no-history")
    assert (row.status, row.head.status) == ("failed", "measured")
    assert row.failure == "1 of 3 seeds failed (seed 1: out of memory)"


def test_a_row_whose_every_cell_failed_is_named_without_columns(comparison: Results) -> None:
    run = comparison
    for key in next(found for found in comparison.rows if found.row.key == "simgan").cells:
        run = with_cell(run, "simgan", key, values={}, failures={0: "the loss became NaN"})
    labels = [note.label for note in build_table(run).notes if note.kind == "failure"]
    assert "simgan" in labels


def test_bold_marks_stand_in_every_column_of_predictions_and_in_no_other(table: Table) -> None:
    bold = {key: [row.key for row in table.rows if key in row.cells and row.cells[key].bold] for key in COMPARED}
    assert bold["error-cnn"] == ["real"]
    assert "simgan" in bold["error-knn"] and "synthetic" not in bold["error-knn"]
    assert not any(bold[key] for key in COMPARED[2:])
    cells = markdown_cells(table)
    assert cells["real"][1].startswith("**5.80") and cells["simgan"][2].startswith("**7.")
    assert not cells["simgan"][1].startswith("**")
    assert html_cells(table)["simgan"][1][0] == "best"
    assert latex_cells(table)["real"][1].startswith(r"\bfseries")
    assert any("in its column" in note.text for note in table.notes if note.kind == "best")


def test_csv_has_a_line_per_cell(table: Table) -> None:
    lines = list(csv.DictReader(io.StringIO(to_csv(table))))
    assert len(lines) == sum(len(row.cells) for row in table.rows)
    found = {(line["key"], line["column"]): line for line in lines}
    for row in table.rows:
        for key, cell in row.cells.items():
            line = found[row.key, key]
            assert line["value"] == ("" if cell.value is None else repr(cell.value))
            assert (line["status"], line["bold"]) == (cell.status, str(cell.bold))
    assert found["simgan", "drift"]["unit"] == "px"
    assert ("real", "drift") not in found
    assert found["simgan-no-history", "error-knn"]["reason"] == "1 of 3 seeds failed (seed 1: out of memory)"


def test_seconds_are_no_part_of_the_digest(comparison: Results, table: Table) -> None:
    slower = with_cell(comparison, "simgan", "seconds", values={0: 999.0, 1: 999.0, 2: 999.0})
    assert build_table(slower).digest == table.digest
    for column in ("error-knn", "drift", "auc", "change"):
        values = next(found for found in comparison.rows if found.row.key == "simgan").cells[column].values
        moved = with_cell(comparison, "simgan", column, values={**values, 0: values[0] + 1e-9})
        assert build_table(moved).digest != table.digest


def test_the_stored_table_comes_back(table: Table, tmp_path: Path) -> None:
    path = tmp_path / "table.json"
    path.write_text(to_json(table), encoding="utf-8")
    assert load_table(path) == table
    assert to_json(load_table(path)) == to_json(table)


def test_the_numbers_of_a_row_in_json_are_its_headlines(table: Table) -> None:
    content = json.loads(to_json(table))
    assert content["metric"]["name"] == "angular-error"
    assert [column["key"] for column in content["columns"]] == list(COMPARED)
    for row in content["rows"]:
        headline = row["cells"]["error-cnn"]
        assert {name: row[name] for name in HEADLINE} == {name: headline[name] for name in HEADLINE}
        failed = any(cell["status"] == "failed" for cell in row["cells"].values())
        assert row["status"] == ("failed" if failed else headline["status"])


def test_one_seed_has_no_intervals_in_any_column(comparison: Results) -> None:
    rows = tuple(
        replace(
            found,
            cells={key: replace(cell, values={0: 1.0}, failures={}, not_run=None) for key, cell in found.cells.items()},
        )
        for found in comparison.rows
    )
    table = build_table(replace(comparison, rows=rows))
    assert all(cell.ci95 is None for row in table.rows for cell in row.cells.values())
    assert "±" not in to_markdown(table)
    assert "one seed, so no interval" in table.caption
