"""`bench run gaze-table3`: from nothing to the table, and at once from a full store."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.e2e.conftest import SMOKE, Bench

pytestmark = pytest.mark.slow

MEASURED = {f"{estimator}/{train}" for estimator in ("knn", "cnn") for train in ("synthetic", "refined", "real")}


def test_the_table_has_every_row_measured_or_quoted(finished: Bench) -> None:
    table = finished.table()
    rows = {row["key"]: row for row in table["rows"]}
    assert {key for key, row in rows.items() if row["status"] == "measured"} == MEASURED
    assert sum(row["status"] == "quoted" for row in rows.values()) == 5
    for key in MEASURED:
        assert 0 < rows[key]["value"] < 90
        assert rows[key]["n_test"] == 200
        assert rows[key]["paper_status"] in ("not comparable", None)
    assert rows["cnn/refined"]["paper"] == 7.8
    assert table["metric"]["unit"] == "deg"
    assert table["provenance"]["keys"]


def test_the_report_is_complete(finished: Bench) -> None:
    folder = finished.out / "gaze-table3"
    expected = {"table.md", "table.tex", "table.csv", "table.json", "report.html", "provenance.json"}
    assert expected <= {path.name for path in folder.iterdir()}
    figures = {path.name for path in (folder / "figures").iterdir()}
    for name in ("error-curves", "pictures", "training-curves", "training-strip"):
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
    done = finished("report", "gaze-table3", "--profile", "smoke", "--out", "elsewhere", "--json")
    assert json.loads(done.stdout)["rows"] == finished.table()["rows"]
    assert json.loads(done.stdout)["digest"] == finished.table()["digest"]


def test_a_report_changed_by_hand_is_written_anew(finished: Bench) -> None:
    finished("report", "gaze-table3", "--profile", "smoke", "--out", "edited")
    table = finished.root / "edited" / "gaze-table3" / "table.md"
    original = table.read_text()
    table.write_text("nonsense")
    finished(*SMOKE, "--out", "edited")
    assert table.read_text() == original


def test_plan_says_that_all_is_stored(finished: Bench) -> None:
    plan = json.loads(finished("plan", "gaze-table3", "--profile", "smoke", "--json").stdout)
    assert plan["to_run"] == 0
    assert plan["cells"] == plan["cells_stored"] == 6


def test_serial_and_worker_processes_give_the_same_numbers(finished: Bench, bench: Bench) -> None:
    bench(*SMOKE, "--executor", "serial", "--progress", "none")
    assert bench.table()["digest"] == finished.table()["digest"]
