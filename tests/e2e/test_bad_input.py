"""Whatever the user gets wrong ends in one line with the next step and the right exit code."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.core import registry
from bench.core.context import RunContext
from bench.core.refiner import Refiner
from bench.engine.plan import Request, make_plan
from bench.engine.store import Store
from tests.e2e.conftest import EXPERIMENT, SMOKE, Bench

WHERE = ("--experiment", EXPERIMENT, "--profile", "smoke")
USAGE = [
    (("run", "gaze-tabel3"), "unknown experiment 'gaze-tabel3' (did you mean 'gaze-table3'?)"),
    (("run", "gaze-table3", "--refiner", "simgam"), "unknown refiner 'simgam' (did you mean 'simgan'?)"),
    (("run", "gaze-table3", "--profile", "smok"), "unknown profile 'smok' (did you mean 'smoke'?)"),
    (("run", "gaze-table3", "--data", "simulater"), "did you mean 'simulator'?"),
    (("run", "gaze-table3", "--set", "simgam.maps=3"), "did you mean 'simgan'?"),
    (("run", "gaze-table3", "--set", "maps=3"), "OWNER.NAME=VALUE"),
    (("run", "gaze-table3", "--set", "images.synthetic=-3"), "a positive number of images"),
    (("run", "gaze-table3", "--executor", "dusk"), "unknown executor 'dusk'"),
    (("run", "gaze-table3", "--device", "tpu"), "unknown device 'tpu'"),
    (("run", "gaze-table3", "--progress", "dots"), "unknown --progress 'dots'"),
    (("list", "refinerz"), "unknown kind 'refinerz' (did you mean 'refiners'?)"),
    (("data", "status", "mpigaze"), "did you mean 'mpiigaze'?"),
]


def one_line(bench: Bench, *words: str, code: int) -> str:
    """The last line of stderr, an error without a traceback."""
    done = bench(*words, check=code)
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("error: ")
    return last


@pytest.mark.parametrize(("words", "message"), USAGE)
def test_wrong_words(bench: Bench, words: tuple[str, ...], message: str) -> None:
    assert message in one_line(bench, *words, code=2)


def test_an_unknown_setting_is_told_before_anything_trains(bench: Bench) -> None:
    last = one_line(bench, *SMOKE, "--set", "simgan.refiner_mapps=3", "--progress", "none", code=2)
    assert last == "error: 'simgan' has no setting 'refiner_mapps' (did you mean 'refiner_maps'?)"


def test_click_refuses_an_unknown_option(bench: Bench) -> None:
    assert "No such option" in bench("run", "gaze-table3", "--profil", "smoke", check=2).stderr


def test_data_that_are_not_here_say_how_to_get_them(bench: Bench) -> None:
    last = one_line(bench, "run", "gaze-table3", "--data", "paper", code=3)
    assert "bench data status" in last


def test_a_store_that_is_a_file(bench: Bench) -> None:
    (bench.root / "file").write_text("")
    last = one_line(bench, *SMOKE, "--store", "file", "--progress", "none", code=2)
    assert "cannot write to" in last


def test_too_few_images_to_train_on(bench: Bench) -> None:
    last = one_line(bench, *SMOKE, "--set", "images.synthetic=1", "--progress", "none", code=3)
    assert "1 images" in last


def _folder(root: Path, **images: np.ndarray) -> Path:
    folder = root / "images"
    folder.mkdir()
    for name, pixels in images.items():
        Image.fromarray(pixels).save(folder / f"{name}.png")
    return folder


def test_refine_without_a_trained_refiner_says_how_to_train_it(bench: Bench) -> None:
    folder = _folder(bench.root, a=np.zeros((35, 55), np.uint8))
    last = one_line(bench, "refine", str(folder), "into", "--profile", "smoke", code=2)
    assert "bench run gaze-table3 --profile smoke" in last


@pytest.mark.slow
def test_refine_takes_any_size_and_keeps_names(finished: Bench, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    folder = _folder(
        tmp_path,
        eye=rng.integers(0, 255, (35, 55), np.uint8),
        wide=rng.integers(0, 255, (40, 90), np.uint8),
        grey_as_rgb=np.repeat(rng.integers(0, 255, (35, 55, 1), np.uint8), 3, axis=2),
    )
    into = tmp_path / "into"
    finished("refine", str(folder), str(into), *WHERE)
    sizes = {path.name: Image.open(path).size for path in into.iterdir()}
    assert sizes == {"eye.png": (55, 35), "wide.png": (90, 40), "grey_as_rgb.png": (55, 35)}
    plan = make_plan(Request(EXPERIMENT, profile="smoke"))
    simgan: Refiner = registry.load("refiners", "simgan").load(Store(finished.store).verified(plan.fits["simgan", 0]))
    eye = np.asarray(Image.open(folder / "eye.png"))
    np.testing.assert_array_equal(np.asarray(Image.open(into / "eye.png")), simgan.refine(eye[None], RunContext(0))[0])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "content", "message"),
    [("colour.png", None, "is a colour image"), ("broken.png", b"\x89PNG\r\n", "is not a readable image")],
)
def test_refine_reads_all_before_it_writes(
    finished: Bench, tmp_path: Path, name: str, content: bytes | None, message: str
) -> None:
    folder = _folder(tmp_path, a=np.zeros((35, 55), np.uint8))
    if content is None:
        Image.fromarray(np.random.default_rng(0).integers(0, 255, (35, 55, 3), np.uint8)).save(folder / name)
    else:
        (folder / name).write_bytes(content)
    last = one_line(finished, "refine", str(folder), str(tmp_path / "into"), *WHERE, code=3)
    assert message in last
    assert name in last
    assert not (tmp_path / "into").exists()


def test_an_empty_folder_has_no_images(finished: Bench, tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    last = one_line(finished, "refine", str(tmp_path / "images"), str(tmp_path / "into"), *WHERE, code=3)
    assert "holds no images" in last


FEW = (
    "--profile",
    "smoke",
    "--progress",
    "none",
    *(f"--set=images.{role}=40" for role in ("synthetic", "real", "test")),
)


@pytest.mark.slow
def test_colour_images_into_a_grey_refiner(bench: Bench) -> None:
    last = one_line(bench, "run", "gaze-table2", "--refiner", "mean-std", "--data", "simulator-colour", *FEW, code=3)
    assert "grey" in last


@pytest.mark.slow
def test_psi_of_colours_on_grey_images(bench: Bench) -> None:
    last = one_line(bench, "run", "gaze-table2", "--set", "simgan.psi=mean-rgb", *FEW, code=3)
    assert "psi=mean-rgb" in last


@pytest.mark.parametrize(
    ("experiment", "data", "label", "other"),
    [
        ("hand-table4", "simulator", "joints", "simulator-hands"),
        ("gaze-table2", "simulator-hands", "gaze", "simulator"),
    ],
)
def test_hands_where_eyes_are_meant_and_the_reverse(
    bench: Bench, experiment: str, data: str, label: str, other: str
) -> None:
    sizes = [f"--set=images.{role}=20" for role in ("synthetic", "real", "test")]
    last = one_line(
        bench, "run", experiment, "--data", data, "--profile", "smoke", *sizes, "--progress", "none", code=3
    )
    assert f"has no '{label}' labels" in last
    assert last.endswith(f"--data {other}")
