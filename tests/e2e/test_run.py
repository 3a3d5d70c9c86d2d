"""`bench run`: from nothing to the table, and at once from a full store."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.e2e.conftest import EXPERIMENT, SMOKE, Bench

pytestmark = pytest.mark.slow

MEASURED = {"synthetic", "synthetic-4x", "refined", "refined-4x"}


def test_the_table_has_every_row_measured(finished: Bench) -> None:
    table = finished.table()
    rows = {row["key"]: row for row in table["rows"]}
    assert {key for key, row in rows.items() if row["status"] == "measured"} == MEASURED == set(rows)
    for row in rows.values():
        assert 0 <= row["value"] == row["cells"]["within-7"]["value"] <= row["cells"]["within-13"]["value"] <= 100
        assert 0 < row["cells"]["error"]["value"] < 90
        assert row["n_test"] == 200
        assert row["paper_status"] == "not comparable"
    assert (rows["refined-4x"]["paper"], rows["refined-4x"]["cells"]["within-13"]["paper"]) == (48.8, 87.2)
    assert table["metric"]["unit"] == "%"
    assert table["provenance"]["keys"]


def test_the_report_is_complete(finished: Bench) -> None:
    folder = finished.out / EXPERIMENT
    expected = {"table.md", "table.tex", "table.csv", "table.json", "report.html", "provenance.json"}
    assert expected <= {path.name for path in folder.iterdir()}
    figures = {path.name for path in (folder / "figures").iterdir()}
    for name in ("error-curves", "pictures", "training-curves"):
        assert {f"{name}.pdf", f"{name}.png"} <= figures
    assert "simulator" in (folder / "table.md").read_text()


def test_again_is_only_printing_and_imports_nothing_heavy(finished: Bench) -> None:
    program = (
        "import sys\nfrom bench.cli import app\n"
        f"try: app({[*SMOKE, '--json']!r})\nexcept SystemExit as end: assert not end.code, end.code\n"
        "heavy = {'torch', 'pandas', 'scipy', 'matplotlib', 'sklearn'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    before = {path: path.stat().st_mtime_ns for path in finished.root.rglob("*") if path.is_file()}
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=finished.environment(), cwd=finished.root, capture_output=True, text=True, timeout=100,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["rows"] == finished.table()["rows"]
    assert before == {path: path.stat().st_mtime_ns for path in finished.root.rglob("*") if path.is_file()}


def test_report_rebuilds_the_same_table_from_the_store(finished: Bench) -> None:
    done = finished("report", EXPERIMENT, "--profile", "smoke", "--out", "elsewhere", "--json")
    assert json.loads(done.stdout)["rows"] == finished.table()["rows"]
    assert json.loads(done.stdout)["digest"] == finished.table()["digest"]


def test_a_report_changed_by_hand_is_written_anew(finished: Bench) -> None:
    finished("report", EXPERIMENT, "--profile", "smoke", "--out", "edited")
    table = finished.root / "edited" / EXPERIMENT / "table.md"
    original = table.read_text()
    table.write_text("nonsense")
    finished(*SMOKE, "--out", "edited")
    assert table.read_text() == original


def test_plan_says_that_all_is_stored(finished: Bench) -> None:
    plan = json.loads(finished("plan", EXPERIMENT, "--profile", "smoke", "--json").stdout)
    assert plan["to_run"] == 0
    assert plan["cells"] == plan["cells_stored"] == 12


def test_serial_and_worker_processes_give_the_same_numbers(finished: Bench, bench: Bench) -> None:
    bench(*SMOKE, "--executor", "processes", "--progress", "none")
    assert bench.table()["digest"] == finished.table()["digest"]
