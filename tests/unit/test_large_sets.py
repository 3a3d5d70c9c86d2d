"""Sets that are large beside the memory: no step holds the images twice, and blocks change no result."""

from __future__ import annotations

import math
import tracemalloc
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from numpy.typing import NDArray

from bench.core.context import RunContext
from bench.core.errors import TrainingFailed
from bench.core.estimator import Estimator
from bench.core.fitted_arrays import FittedArrays
from bench.core.images import ImageSet, LabelConvention, Unlabelled
from bench.core.refiner import Refiner
from bench.data import imagesets
from bench.data.imagesets import in_blocks, load_image_set, save_image_set
from bench.data.readers.arrays import Arrays
from bench.engine.step import Step
from bench.engine.steps import fit_estimator, predict, refine

COUNT = 20_000
BYTES = COUNT * 35 * 55


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with 20,000 images, 38 MB, as an image set and as files of arrays."""
    folder = tmp_path_factory.mktemp("large")
    images = np.random.default_rng(0).integers(0, 256, (COUNT, 35, 55), dtype=np.uint8)
    names = np.arange(COUNT).astype(str)
    gaze = np.tile([0.0, 0.0, -1.0], (COUNT, 1))
    np.save(folder / "eyes.npy", images)
    with h5py.File(folder / "eyes.h5", "w") as file:
        file["images"] = images
    save_image_set(folder / "images.h5", ImageSet(ids=names, persons=names, images=images, labels={"gaze": gaze}))
    return folder


def peak(work: Callable[[], object]) -> int:
    """The most bytes that Python and NumPy held beyond what they did before."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def step(folder: Path, component: Any, **inputs: Path) -> Step:
    (folder / "out").mkdir()
    return Step({"preset": "quick", "settings": {}}, {}, inputs, folder / "out", component, RunContext(0))


@pytest.mark.parametrize("file", ["eyes.npy", "eyes.h5"])
@pytest.mark.parametrize("equalise", [False, True])
def test_files_of_arrays_are_read_into_one_array(large: Path, file: str, equalise: bool) -> None:
    reader = Arrays.configured(settings={"file": file, "equalise": equalise})

    def read() -> ImageSet:
        return reader.read(large, name="large", convention=LabelConvention(), count=None)

    read()  # imports
    assert BYTES < peak(read) < 1.7 * BYTES


def test_a_selection_in_order_is_read_into_one_array(large: Path) -> None:
    stored = load_image_set(large / "images.h5")
    where = np.delete(np.arange(COUNT), [5, 700])
    assert BYTES / 2 < peak(lambda: stored.select(where)) < 1.7 * BYTES


def test_blocks_are_small_and_cover_the_images(monkeypatch: pytest.MonkeyPatch) -> None:
    for block_bytes, shape in ((1, (300, 7, 9)), (7 * 9 * 300, (1000, 7, 9)), (2**27, (5, 35, 55))):
        monkeypatch.setattr(imagesets, "BLOCK_BYTES", block_bytes)
        parts = list(in_blocks(np.zeros(shape, np.uint8)))
        one = math.prod(shape[1:])
        assert all((part.stop - part.start) * one <= max(block_bytes, one) for part in parts)
        assert np.concatenate([np.arange(shape[0])[part] for part in parts]).tolist() == list(range(shape[0]))


class Darker(Refiner):
    """Half as bright."""

    def fit(self, synthetic: ImageSet | Unlabelled, real: Unlabelled, run: RunContext) -> None:
        """Nothing."""

    def refine(self, images: NDArray[Any], run: RunContext) -> NDArray[Any]:
        """Every grey value halved."""
        return images // 2


class LosesOne(Darker):
    """Forgets the last image of a set smaller than a block."""

    def refine(self, images: NDArray[Any], run: RunContext) -> NDArray[Any]:
        """One too few."""
        return images[:-1]


class MeanGrey(FittedArrays, Estimator):
    """Predicts the mean grey value, the width it is given, and how many images it learnt from without validation."""

    validation_share = 0.0
    inputs = ("eye_width",)

    def fit(self, train: ImageSet, validation: ImageSet | None, run: RunContext) -> None:
        """Keep the number of images."""
        assert validation is None
        self._arrays = {"count": np.array([len(train.images[:])])}

    def predict(
        self, images: NDArray[Any], run: RunContext, given: Mapping[str, NDArray[np.float64]] | None = None
    ) -> NDArray[np.float64]:
        """(N, 3)."""
        assert given is not None
        count = np.full(len(images), self._fitted()["count"][0])
        return np.column_stack([images.mean(axis=(1, 2)), given["eye_width"], count])


def small_set(folder: Path) -> ImageSet:
    """400 images: four blocks where these are as small as can be."""
    rng = np.random.default_rng(1)
    names = np.array([f"i{row}" for row in range(400)])
    gaze = np.tile([0.0, 0.0, -1.0], (400, 1))
    images = rng.integers(0, 256, (400, 6, 8), dtype=np.uint8)
    made = ImageSet(names, names, images, {"gaze": gaze, "eye_width": rng.normal(size=400)}, name="small")
    save_image_set(folder / "images.h5", made)
    return made


@pytest.mark.parametrize("block_bytes", [1, 2**27])
def test_refining_by_blocks_writes_the_same_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block_bytes: int
) -> None:
    made = small_set(tmp_path)
    save_image_set(tmp_path / "expected.h5", made.with_images(np.asarray(made.images) // 2, "refined small"))
    monkeypatch.setattr(imagesets, "BLOCK_BYTES", block_bytes)
    Darker().save(tmp_path)
    done = step(tmp_path, Darker, refiner=tmp_path, images=tmp_path)
    refine.run(done)
    assert (done.out / "images.h5").read_bytes() == (tmp_path / "expected.h5").read_bytes()


def test_a_refiner_that_loses_an_image_fails_and_leaves_no_file(tmp_path: Path) -> None:
    small_set(tmp_path)
    LosesOne().save(tmp_path)
    done = step(tmp_path, LosesOne, refiner=tmp_path, images=tmp_path)
    with pytest.raises(TrainingFailed, match="a refiner keeps shape"):
        refine.run(done)
    assert list(done.out.iterdir()) == []


@pytest.mark.parametrize("block_bytes", [1, 2**27])
def test_predicting_by_blocks_keeps_the_order_and_the_labels_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block_bytes: int
) -> None:
    import pandas as pd

    made = small_set(tmp_path)
    monkeypatch.setattr(imagesets, "BLOCK_BYTES", block_bytes)
    learnt = step(tmp_path, MeanGrey, train=tmp_path)
    fit_estimator.run(learnt)
    (tmp_path / "test").mkdir()
    tested = step(tmp_path / "test", MeanGrey, estimator=learnt.out, images=tmp_path)
    predict.run(tested)
    found = pd.read_parquet(tested.out / "predictions.parquet")
    assert found["id"].tolist() == made.ids.tolist()
    np.testing.assert_array_equal(found["p0"], np.asarray(made.images).mean(axis=(1, 2)))
    np.testing.assert_array_equal(found["p1"], made.labels["eye_width"])
    assert set(found["p2"]) == {400}
