"""Building a study: every kind of source, and one line for images that would give answers away."""

from __future__ import annotations

import io
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from bench.core.canonical import file_digest
from bench.core.errors import DataError, UsageError
from bench.core.images import ImageSet
from bench.data.imagesets import load_image_set, save_image_set
from bench.engine.plan import Request
from bench.engine.store import RECORD, Store
from bench.study.build import Source, build_study, design_of, from_experiment
from bench.study.design import ImageClass, StudyDesign, load_design
from bench.study.pictures import Pictures, bmp, load_sets, pattern

ARMS = [{"name": "refined", "second": "refined", "images_per_class": 3}]


def design(**changes: Any) -> StudyDesign:
    return design_of(ARMS, {"seed": 1, "examples_per_class": 2, "practice": 2, "attention_checks": 1, **changes})


def pixels(seed: int, count: int = 8, shape: tuple[int, ...] = (6, 9)) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(256, size=(count, *shape), dtype=np.uint8)


def folder(path: Path, images: NDArray[Any], suffix: str = "png") -> Source:
    path.mkdir()
    for number, image in enumerate(images):
        Image.fromarray(image).save(path / f"eye{number}.{suffix}")
    return Source(str(path))


def image_set(path: Path, images: NDArray[Any]) -> Source:
    ids = np.array([f"{number}" for number in range(len(images))])
    save_image_set(path, ImageSet(ids, ids, images))
    return Source(str(path))


def test_folders_and_image_sets_make_the_same_study(tmp_path: Path) -> None:
    sources: dict[ImageClass, Source] = {
        "real": folder(tmp_path / "r", pixels(0)),
        "refined": image_set(tmp_path / "f.h5", pixels(1)),
    }
    made = build_study(design(), sources, 100, tmp_path / "study")
    assert load_design(tmp_path / "study") == made
    sets = load_sets(tmp_path / "study", made)
    np.testing.assert_array_equal(sets["real"].images[:], pixels(0))
    np.testing.assert_array_equal(sets["refined"].images[:], pixels(1))
    assert sets["real"].ids[3] == "eye3"
    again = build_study(design(), sources, 100, tmp_path / "again")
    assert again == made


def test_data_sets_by_name(tmp_path: Path) -> None:
    sources: dict[ImageClass, Source] = {"real": Source("simulator:test"), "refined": Source("simulator:real")}
    build_study(design(), sources, 8, tmp_path / "study")
    assert len(load_image_set(tmp_path / "study" / "real.h5")) == 8


def test_depth_is_shown_as_grey_levels(tmp_path: Path) -> None:
    depth = np.full((8, 6, 6), 800, np.uint16)
    depth[:, :3] = 700
    depth[:, 0] = 0
    sources: dict[ImageClass, Source] = {
        "real": folder(tmp_path / "r", depth),
        "refined": image_set(tmp_path / "f.h5", depth),
    }
    made = build_study(design(), sources, 100, tmp_path / "study")
    for found in load_sets(tmp_path / "study", made).values():
        images = found.images[:]
        assert images.dtype == np.uint8
        assert (images[:, 0] == 0).all() and (images[:, 1] > images[:, 4]).all()


@pytest.mark.parametrize(
    ("refined", "message"),
    [
        (pixels(1, shape=(6, 8)), "real and refined images have 9x6 px and 8x6 px"),
        (pixels(1, shape=(6, 9, 3)), "real images are grey, refined ones colour"),
        (pixels(1, count=7), "8 real and 7 refined images; .* --images 7"),
    ],
    ids=["size", "colour", "number"],
)
def test_what_gives_answers_away_is_refused(tmp_path: Path, refined: NDArray[np.uint8], message: str) -> None:
    sources: dict[ImageClass, Source] = {
        "real": folder(tmp_path / "r", pixels(0)),
        "refined": folder(tmp_path / "f", refined),
    }
    with pytest.raises(DataError, match=message):
        build_study(design(), sources, 100, tmp_path / "study")
    assert not (tmp_path / "study").exists() and not (tmp_path / "study.partial").exists()


def test_other_mistakes_are_one_line(tmp_path: Path) -> None:
    real = folder(tmp_path / "r", pixels(0))
    with pytest.raises(UsageError, match="name them with --refined"):
        build_study(design(), {"real": real}, 100, tmp_path / "study")
    with pytest.raises(UsageError, match="exists already"):
        build_study(design(), {"real": real, "refined": real}, 100, tmp_path / "r")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="holds no images"):
        build_study(design(), {"real": real, "refined": Source(str(tmp_path / "empty"))}, 100, tmp_path / "study")
    with pytest.raises(UsageError, match="'mode'"):
        design(mode="perhaps")
    with pytest.raises(UsageError, match="nothing to compare"):
        design_of([], {})


def test_an_open_seed_is_drawn_anew() -> None:
    assert design_of(ARMS, {"seed": None}).seed != design_of(ARMS, {}).seed


def test_images_that_changed_are_refused(tmp_path: Path) -> None:
    source = image_set(tmp_path / "f.h5", pixels(1))
    made = build_study(design(), {"real": source, "refined": source}, 100, tmp_path / "study")
    image_set(tmp_path / "study" / "refined.h5", pixels(2))
    with pytest.raises(DataError, match=r"refined\.h5 should hash to"):
        load_sets(tmp_path / "study", made)


@pytest.mark.parametrize("shape", [(35, 55), (35, 55, 3), (64, 64)])
def test_all_files_have_one_length_whatever_they_show(shape: tuple[int, ...]) -> None:
    images = [
        np.zeros(shape, np.uint8),
        np.full(shape, 255, np.uint8),
        pixels(0, 1, shape)[0],
        pattern(shape, 0),
        pattern(shape, 1),
    ]
    files = [bmp(image) for image in images]
    assert len({len(file) for file in files}) == 1
    headers = {file[:54] for file in files}
    assert len(headers) == 1
    assert len(set(files)) == len(files)


def test_a_file_shows_the_image_itself(tmp_path: Path) -> None:
    image = pixels(3, 1)[0]
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(bmp(image)))), image)
    ids = np.array(["a"])
    found = Pictures({"real": ImageSet(ids, ids, image[None])}, patterns=2)
    assert (found.width, found.height) == (9, 6)


def test_an_experiments_sets_come_from_the_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys: dict[ImageClass, str] = {"real": "aa" * 32, "refined": "bb" * 32, "synthetic": "cc" * 32}
    plan = SimpleNamespace(
        refiners=("mine",), refined={("mine", 1, 1): keys["refined"]},
        sets={"real": keys["real"], "synthetic": keys["synthetic"], "test": "dd" * 32},
    )  # fmt: skip
    monkeypatch.setattr("bench.study.build.make_plan", lambda request: plan)
    store, request = Store(tmp_path / "store"), Request("gaze-table3", "smoke")
    for index, key in enumerate(keys.values()):
        with pytest.raises(
            UsageError, match=r"not stored\. Make them: bench run gaze-table3 --profile smoke --seeds 2"
        ):
            from_experiment(request, 1, store)
        step = store.path(key)
        step.mkdir(parents=True)
        image_set(step / "images.h5", pixels(index))
        (step / RECORD).write_text(json.dumps({"files": {"images.h5": file_digest(step / "images.h5")}}))
    made = build_study(design(), from_experiment(request, 1, store), 100, tmp_path / "study")
    sets = load_sets(tmp_path / "study", made)
    np.testing.assert_array_equal(sets["real"].images[:], pixels(0))
    np.testing.assert_array_equal(sets["refined"].images[:], pixels(1))
    with pytest.raises(UsageError, match="makes no images with 'mine'"):
        from_experiment(request, 2, store)
