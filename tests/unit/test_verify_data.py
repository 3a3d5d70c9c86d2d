"""bench data list, status, prepare, verify: what they find out."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from bench.data.manifests import find_source
from bench.data.verify import Check, prepare, status, verify

TEXT = """
title = "mine"
format = "{format}"
licence = "mine"
obtain = "ask me"
[parts.test]
{options}
"""


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CACHE", "CONFIG", "DATA"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / "xdg" / name.lower()))
    for name in ("SIMGAN_BENCH_DATA", "SIMGAN_BENCH_MANIFESTS"):
        monkeypatch.delenv(name, raising=False)


def manifest(folder: Path, options: str, format_name: str = "arrays", name: str = "mine.toml") -> str:
    (folder / name).write_text(TEXT.format(format=format_name, options=options))
    return str(folder / name)


@pytest.fixture
def eyes(tmp_path: Path) -> Path:
    """Simulated eyes as somebody else's arrays."""
    found = find_source("simulator", "synthetic").read(400)
    np.savez(
        tmp_path / "eyes.npz",
        images=np.asarray(found.images),
        gaze=found.gaze,
        upside_down=found.gaze * [1, -1, 1],
        shuffled=np.random.default_rng(0).permutation(found.gaze),
    )
    return tmp_path


def by_name(checks: list[Check], start: str) -> Check:
    return next(check for check in checks if check.name.startswith(start))


def test_good_labels_have_evidence(eyes: Path) -> None:
    checks = verify(manifest(eyes, "file = 'eyes.npz'\ngaze = 'gaze'") + ":test")
    assert by_name(checks, "yaw").verdict == "ok"
    assert by_name(checks, "pitch").verdict == "ok"
    assert "400 images of 35x55" in by_name(checks, "contents").detail
    assert by_name(checks, "hashes").verdict == "unknown"


def test_wrong_signs_and_other_images_labels_are_found(eyes: Path) -> None:
    turned = verify(manifest(eyes, "file = 'eyes.npz'\ngaze = 'upside_down'") + ":test")
    assert by_name(turned, "pitch").verdict == "bad"
    assert by_name(turned, "yaw").verdict == "ok"
    shuffled = verify(manifest(eyes, "file = 'eyes.npz'\ngaze = 'shuffled'") + ":test")
    assert by_name(shuffled, "yaw").verdict == "unknown"
    assert "other images" in by_name(shuffled, "yaw").detail


def test_hashes(eyes: Path) -> None:
    content = hashlib.sha256((eyes / "eyes.npz").read_bytes()).hexdigest()
    options = "file = 'eyes.npz'\n[sha256]\n\"eyes.npz\" = '{}'"
    assert by_name(verify(manifest(eyes, options.format(content)) + ":test"), "hashes").verdict == "ok"
    wrong = by_name(verify(manifest(eyes, options.format("0" * 64)) + ":test"), "hashes")
    assert wrong.verdict == "bad"
    assert "eyes.npz" in wrong.detail


def test_a_damaged_file_is_one_bad_check(tmp_path: Path) -> None:
    (tmp_path / "eyes.npz").write_text("no")
    (check,) = verify(manifest(tmp_path, "file = 'eyes.npz'") + ":test")
    assert (check.name, check.verdict) == ("files", "bad")


def test_flat_images_are_bad(tmp_path: Path) -> None:
    np.savez(tmp_path / "eyes.npz", images=np.zeros((3, 35, 55), dtype=np.uint8))
    checks = verify(manifest(tmp_path, "file = 'eyes.npz'") + ":test")
    assert by_name(checks, "pixels").verdict == "bad"


def test_status_says_how_to_get_what_is_missing(eyes: Path) -> None:
    rows = {(row.data_set, row.part): row for row in status()}
    assert rows["simulator", "test"].state == "built in"
    missing = rows["mpiigaze", "test"]
    assert missing.state == "missing"
    assert "official page" in missing.obtain
    assert rows["paper", "test"].obtain == missing.obtain
    (mine,) = status(manifest(eyes, "file = 'eyes.npz'"))
    assert (mine.state, mine.detail, mine.obtain) == ("there", "1 files", "ask me")
    (wrong,) = status(manifest(eyes, "fil = 'eyes.npz'"))
    assert wrong.state == "wrong"


def test_prepare_and_read_back(eyes: Path) -> None:
    path = manifest(eyes, "file = 'eyes.npz'\ngaze = 'gaze'")
    report = prepare(f"{path}:test", eyes / "out" / "mine.h5", count=50)
    assert (report.images, report.size, report.persons, report.labels) == (50, (35, 55), 1, ("gaze",))
    original = find_source(path, "test").read(50)
    prepared = manifest(eyes, "file = 'out/mine.h5'", "prepared", "other.toml")
    again = find_source(prepared, "test").read(None)
    assert (again.images[:] == original.images[:]).all()
    assert (again.gaze == original.gaze).all()
    assert again.convention == original.convention
    assert again.name == "other:test"
    some = find_source(manifest(eyes, "file = 'out/mine.h5'\nrows = '::2'\nlabelled = false", "prepared"), "test")
    assert len(some.read(None)) == 25
    assert some.read(None).labels == {}
