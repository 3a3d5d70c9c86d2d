"""The wheel holds exactly our packages and their data files, and works outside the checkout."""

from __future__ import annotations

import json
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from tests.e2e.conftest import CHECKOUT, make

pytestmark = pytest.mark.slow

PACKAGES = ("bench", "data_manifests", "estimators", "refiners", "reports")
DATA = {".toml", ".json", ".j2", ".html", ".css", ".js"}


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built wheel, unpacked."""
    if shutil.which("uv") is None:
        pytest.skip("uv, which builds the wheel, is not installed")
    folder = tmp_path_factory.mktemp("wheel")
    built = subprocess.run(
        ["uv", "build", "--wheel", "--out-dir", str(folder), str(CHECKOUT)],
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert built.returncode == 0, built.stderr
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def test_exactly_the_packages_and_their_data_files(unpacked: Path) -> None:
    found = {str(path.relative_to(unpacked)) for path in unpacked.rglob("*") if path.is_file()}
    ours = {
        str(path.relative_to(CHECKOUT))
        for package in PACKAGES
        for path in (CHECKOUT / package).rglob("*")
        if path.is_file() and path.suffix in {".py", *DATA}
    }
    assert {name for name in found if not name.startswith("simgan_bench-")} == ours
    assert any(name.endswith("licenses/LICENSE") for name in found)


def test_it_finds_its_data_files_outside_the_checkout(unpacked: Path, tmp_path: Path) -> None:
    bench = make(tmp_path / "elsewhere", source=unpacked)
    lists = json.loads(bench("list", "--json").stdout)
    assert {entry["name"] for entry in lists["datasets"]} >= {"simulator", "mpiigaze", "paper"}
    plan = json.loads(bench("plan", "gaze-table2", "--profile", "smoke", "--json").stdout)
    assert plan["to_run"] == 15
    where = bench("doctor", "--json").stdout
    assert json.loads(where)["simgan-bench"]["commit"] is None, "the wheel took the checkout's commit for its own"
