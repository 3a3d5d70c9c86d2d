"""The user's own images, by a manifest outside the project; the rule about persons; failures and damage."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from bench.data.simulator.eyes import render_eyes
from tests.e2e.conftest import EXPERIMENT, SERIAL, SMOKE, Bench

pytestmark = pytest.mark.slow

ARRAYS = """
title = "own eyes"
format = "arrays"
[options]
file = "own.npz"
images = "image"
gaze = "gaze"
person = "me"
[parts.synthetic]
use = "simulator:synthetic"
[parts.real]
rows = "0:120"
labelled = false
[parts.test]
rows = "120:200"
"""
SHARED = """
title = "the same persons on both sides"
[parts.synthetic]
use = "simulator:synthetic"
[parts.real]
use = "simulator:real"
[parts.test]
use = "simulator:real"
seed = 999
"""


def test_own_arrays_run_like_any_data_set(bench: Bench) -> None:
    eyes = render_eyes(200, domain="near", seed=5, persons=[3])
    np.savez(bench.root / "own.npz", image=eyes.images, gaze=eyes.gaze)
    (bench.root / "own.toml").write_text(ARRAYS)
    done = bench("run", "gaze-table3", "--profile", "smoke", "--data", "./own.toml", *SERIAL)
    rows = {row["key"]: row for row in bench.table("gaze-table3")["rows"]}
    for row in rows.values():
        assert row["status"] == ("not run" if row["train"] == "real" else "measured"), row["key"]
    assert rows["cnn/real"]["reason"] == "own:real has no labels to train on"
    assert rows["cnn/synthetic"]["paper_status"] == "not comparable"
    assert rows["cnn/synthetic"]["n_test"] == 80
    assert "unlabelled images of 1 person of the test set" in " ".join(done.stdout.split())


def test_a_labelled_training_person_in_the_test_set_is_refused(bench: Bench) -> None:
    (bench.root / "shared.toml").write_text(SHARED)
    words = ("run", "gaze-table3", "--profile", "smoke", "--data", "./shared.toml", *SERIAL)
    done = bench(*words, check=3)
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    assert "--allow-person-overlap" in done.stderr
    assert not list(bench.store.glob("work/*/checkpoint.pt")), "something was trained before the check"
    allowed = bench(*words, "--allow-person-overlap")
    assert "are in both the training set" in " ".join(allowed.stdout.split())
    bench(*words, check=3)  # what is stored now does not make it allowed


def test_a_refiner_that_diverges_fails_its_cells_and_no_others(finished: Bench, tmp_path: Path) -> None:
    done = finished(
        *SMOKE,
        "--set",
        "simgan.optimiser=sgd",
        "--set",
        "simgan.learning_rate=10",
        "--set",
        "simgan.reduction=sum",
        "--out",
        str(tmp_path),
        "--progress",
        "none",
        check=4,
    )
    assert "Traceback" not in done.stderr
    diverged = Bench(finished.root)
    table = diverged.table()
    assert all(row["status"] != "failed" for row in table["rows"]), "the finished table was touched"
    rows = {row["key"]: row for row in json.loads((tmp_path / EXPERIMENT / "table.json").read_text())["rows"]}
    assert rows["refined"]["status"] == rows["refined-4x"]["status"] == "failed"
    assert rows["refined"]["value"] is None
    assert "step" in rows["refined"]["reason"]
    assert rows["synthetic"]["status"] == "measured"


def test_damage_in_the_store_is_told_and_mended_by_the_next_run(finished: Bench, bench: Bench) -> None:
    shutil.copytree(finished.store, bench.store)
    largest = max(bench.store.glob("steps/*/*/images.h5"), key=lambda path: path.stat().st_size)
    content = bytearray(largest.read_bytes())
    content[len(content) // 2] ^= 0xFF
    largest.write_bytes(content)
    done = bench(*SMOKE, *SERIAL, check=3)
    assert "is damaged: images.h5 should hash to" in done.stderr
    assert done.stderr.count("\n") == 1
    bench(*SMOKE, *SERIAL)
    assert bench.table()["digest"] == finished.table()["digest"]


def test_label_evidence_is_drawn_for_one_part(bench: Bench) -> None:
    bench("data", "verify", "simulator:test", "--count", "200", "--figure", "evidence.png")
    assert (bench.root / "evidence.png").read_bytes().startswith(b"\x89PNG")
    several = bench("data", "verify", "simulator", "--count", "200", "--figure", "all.png", check=2)
    assert several.stderr == "error: --figure draws one part; name it, e.g. simulator:synthetic\n"
