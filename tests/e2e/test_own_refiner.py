"""A refiner in a file outside our packages: checked, planned, run, resumed from the store, refined with, edited."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.e2e.conftest import SERIAL, Bench, make

pytestmark = pytest.mark.slow

MINE = '''"""Brighter: the gain that gives synthetic images the mean of the real ones, by half."""

import numpy as np
from gains import apply
from pydantic import Field

from bench.core.fitted_arrays import FittedArrays
from bench.core.refiner import Refiner
from bench.core.settings import Settings

SHARE = 0.5


class Brighter(FittedArrays, Refiner):
    """One gain for all images."""

    class Config(Settings):
        """How far."""

        most: float = Field(4.0, gt=0, description="Largest gain.")

    def fit(self, synthetic, real, run):
        """Compare the means."""
        gain = real.images[:].mean() / synthetic.images[:].mean()
        self._arrays = {"gain": np.array([1 + SHARE * (min(gain, self.config.most) - 1)])}

    def refine(self, images, run):
        """Rounded and clipped."""
        if images.dtype != np.uint8:
            from bench.core.errors import DataError

            raise DataError("8-bit images are needed")
        return apply(images, self._fitted()["gain"][0])
'''
GAINS = '''import numpy as np


def apply(images, gain):
    """images * gain."""
    brighter = np.rint(images * gain)
    return np.clip(brighter, 0, 255).astype(images.dtype)
'''
COUNTS = {"synthetic": 40, "real": 24, "test": 24}
SMALL = (
    "gaze-table2", "--profile", "smoke", "--refiner", "./lab/mine.py:Brighter", "--set", "cnn.preset=tiny",
    *(word for role, count in COUNTS.items() for word in ("--set", f"images.{role}={count}")),
)  # fmt: skip


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """A `bench` whose folder holds the refiner, and whose store a finished run of it through worker processes."""
    ready = make(tmp_path_factory.mktemp("own"))
    (ready.root / "lab").mkdir()
    _write(ready, MINE, GAINS)
    ready("run", *SMALL, "--executor", "processes", "--progress", "none")
    return ready


def _write(bench: Bench, mine: str, gains: str) -> None:
    (bench.root / "lab" / "mine.py").write_text(mine)
    (bench.root / "lab" / "gains.py").write_text(gains)


def _to_run(bench: Bench, *words: str) -> dict[str, str]:
    plan = json.loads(bench("plan", *(words or SMALL), "--json").stdout)
    return {step["label"]: step["why"] for step in plan["steps"] if not step["stored"]}


def test_its_rows_are_measured_under_its_files_name(own: Bench) -> None:
    rows = {row["label"]: row for row in own.table()["rows"] if row["status"] == "measured"}
    assert rows["refined (mine)"]["refiner"] == "mine"
    assert {"synthetic", "refined 4x (mine)"} <= set(rows)
    assert "brighter" not in json.dumps(own.table()["provenance"]["keys"]).lower()
    settings = own.table()["provenance"]["settings"]
    assert settings["train mine, seed 0"] == {"preset": "smoke", "settings": {}}


def test_everything_is_found_again(own: Bench) -> None:
    assert _to_run(own) == {}
    elsewhere = [word.replace("./lab", f"{own.root}/lab/../lab") for word in SMALL]
    assert _to_run(own, *elsewhere) == {}, "the path must not count"
    before = own.table()["digest"]
    own("report", *SMALL)
    assert own.table()["digest"] == before


def test_its_settings_are_its_own(own: Bench) -> None:
    found = _to_run(own, *SMALL, "--set", "mine.most=1.5")
    assert found["train mine, seed 0"] == "its settings changed"
    wrong = own("run", *SMALL, "--set", "mine.mots=1.5", *SERIAL, check=2)
    assert wrong.stderr == "error: 'mine' has no setting 'mots' (did you mean 'most'?)\n"


def test_a_comment_runs_nothing_and_a_constant_its_steps_only(own: Bench) -> None:
    try:
        renamed = GAINS.replace("brighter", "lighter").replace("images * gain.", "Images times gain.")
        _write(own, MINE.replace("SHARE = 0.5", "SHARE = 0.5  # half of the way").replace("Compare", "Take"), renamed)
        assert _to_run(own) == {}
        _write(own, MINE.replace("SHARE = 0.5", "SHARE = 0.25"), GAINS)
        found = _to_run(own)
        assert found["train mine, seed 0"] == "its code changed: mine"
        assert all("mine" in label for label in found)
        _write(own, MINE, GAINS.replace("255", "254"))
        assert _to_run(own)["train mine, seed 0"] == "its code changed: gains"
    finally:
        _write(own, MINE, GAINS)


def test_it_refines_a_folder_of_images(own: Bench) -> None:
    (own.root / "eyes").mkdir()
    Image.fromarray(np.full((35, 55), 100, np.uint8)).save(own.root / "eyes" / "eye.png")
    words = ("--profile", "smoke", *SMALL[3:])
    own("refine", "eyes", "refined", "--experiment", "gaze-table2", *words)
    assert np.asarray(Image.open(own.root / "refined" / "eye.png")).std() == 0


def test_its_contract_is_checked(own: Bench) -> None:
    (own.root / "worse.py").write_text(
        MINE.replace("from gains import apply", "def apply(images, gain): return images")
    )
    broken = own("check", "worse.py:Brighter", "--json", check=4)
    verdicts = {each["name"]: each["verdict"] for each in json.loads(broken.stdout)}
    assert {name for name, verdict in verdicts.items() if verdict != "ok"} == {"shape and dtype"}
    assert broken.stderr == (
        "error: 1 of 12 checks failed: shape and dtype: what refine returns shares memory with what it is given:"
        " return a copy\n"
    )


def test_a_class_that_is_not_there_is_told_in_one_line(own: Bench) -> None:
    words = [word.replace("Brighter", "Brigther") for word in SMALL]
    done = own("run", *words, *SERIAL, check=2)
    assert done.stderr.endswith("lab/mine.py has no 'Brigther' (did you mean 'Brighter'?)\n")
    assert done.stderr.count("\n") == 1


def test_the_record_holds_code_and_no_path(own: Bench) -> None:
    records = [json.loads(path.read_text()) for path in Path(own.store, "steps").glob("*/*/record.json")]
    (training,) = [record for record in records if record["recipe"]["label"] == "train mine, seed 0"]
    assert {"mine", "gains", "bench.core.refiner"} <= set(training["closure"])
    assert str(own.root) not in json.dumps(training)
