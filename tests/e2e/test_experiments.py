"""Every experiment runs at `smoke` from nothing to its table, figures and page."""

from __future__ import annotations

import json

import pytest

from bench.core import registry
from bench.core.experiment import Experiment
from tests.e2e.conftest import SERIAL, Bench, make

pytestmark = pytest.mark.slow


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """One store for all experiments and test processes: they share trainings, and steps lock themselves."""
    return make(tmp_path_factory.getbasetemp().parent / "experiments")


@pytest.mark.parametrize("name", registry.names("experiments"))
def test_it_runs(name: str, shared: Bench) -> None:
    shared("run", name, "--profile", "smoke", *SERIAL)
    folder = shared.out / name
    table = json.loads((folder / "table.json").read_text())
    experiment: Experiment = registry.load("experiments", name)

    assert table["experiment"] == name
    assert [row["key"] for row in table["rows"] if row["status"] != "quoted"] == [
        row.key for row in experiment.rows(experiment.refiners)
    ]
    for row in table["rows"]:
        for key, cell in row["cells"].items():
            assert cell["status"] in ("measured", "quoted", "not run"), (row["key"], key, cell["reason"])
            assert (cell["value"] is not None) == (cell["status"] == "measured")
            assert cell["status"] != "not run" or cell["reason"]
    figures = {path.name for path in (folder / "figures").iterdir()}
    for figure in experiment.figures:
        assert any(file.startswith(figure) and file.endswith(".pdf") for file in figures), figure
    for pdf in (folder / "figures").glob("*.pdf"):
        content = pdf.read_bytes()
        assert b"/Type3" not in content
        assert b"/Type42" in content or b"/CIDFontType2" in content or b"/Font" not in content
    page = (folder / "report.html").read_text()
    assert all(row["label"].split("(")[0].strip() in page for row in table["rows"])
    assert "http://" not in page.replace("http://www.w3.org", "")
