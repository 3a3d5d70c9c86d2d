"""What an edit of the code makes run again, and what not."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.e2e.conftest import CHECKOUT, EXPERIMENT, Bench

pytestmark = pytest.mark.slow


@pytest.fixture
def copy(finished: Bench, tmp_path: Path) -> Bench:
    """A copy of the packages over the finished store."""
    for package in ("bench", "refiners", "estimators", "reports", "data_manifests"):
        shutil.copytree(CHECKOUT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    return Bench(finished.root, source=tmp_path)


def _to_run(bench: Bench) -> dict[str, str]:
    plan = json.loads(bench("plan", EXPERIMENT, "--profile", "smoke", "--json").stdout)
    return {step["label"]: step["why"] for step in plan["steps"] if not step["stored"]}


def _edit(bench: Bench, path: str, old: str, new: str) -> None:
    assert bench.source is not None
    file = bench.source / path
    text = file.read_text()
    assert old in text, f"{old!r} is not in {path}"
    file.write_text(text.replace(old, new, 1))


def test_a_copy_elsewhere_has_the_same_keys(copy: Bench) -> None:
    assert _to_run(copy) == {}


def test_a_comment_retrains_nothing(copy: Bench) -> None:
    assert copy.source is not None
    for file in (copy.source / "refiners").rglob("*.py"):
        file.write_text(file.read_text() + "\n# a remark\n")
    assert _to_run(copy) == {}


def test_a_changed_loss_retrains_simgan_and_what_hangs_on_it_only(copy: Bench) -> None:
    assert copy.source is not None
    with (copy.source / "refiners" / "nn" / "losses.py").open("a") as file:
        file.write("\nEXTRA_TERM = 1.0\n")
    expected = {
        "train simgan, seed 0", "refine with simgan, seed 0",
        "train cnn on simgan, seed 0", "test cnn on simgan, seed 0",
    }  # fmt: skip
    found = _to_run(copy)
    assert set(found) == expected
    assert found["train simgan, seed 0"] == "its code changed: refiners.nn.losses"


def test_a_changed_estimator_retrains_itself_only(copy: Bench) -> None:
    assert copy.source is not None
    with (copy.source / "estimators" / "cnn.py").open("a") as file:
        file.write("\nEXTRA = 1.0\n")
    assert {label.split()[1] for label in _to_run(copy)} == {"cnn"}


def test_a_changed_report_trains_nothing(copy: Bench) -> None:
    assert copy.source is not None
    with (copy.source / "reports" / "tables.py").open("a") as file:
        file.write("\nEXTRA = 1.0\n")
    assert _to_run(copy) == {}
