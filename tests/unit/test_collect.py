"""Stored predictions become labels again before they are scored."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from bench.core.errors import DataError
from bench.core.images import ImageSet
from bench.engine.collect import _predictions
from bench.engine.store import Store


class OneStep(Store):
    """A store of a single step: its folder, whatever the key."""

    def verified(self, key: str) -> Path:
        return self.root


@pytest.fixture
def test_set() -> ImageSet:
    joints = np.random.default_rng(0).normal(30, 9, (5, 14, 3))
    names = np.array([f"i{index}" for index in range(5)])
    return ImageSet(names, names, np.zeros((5, 64, 64), np.uint16), {"joints": joints}, name="hands")


def store_of(folder: Path, values: NDArray[np.float64], test_set: ImageSet) -> Store:
    """As the step `predict` writes them."""
    flat = values.reshape(len(values), -1)
    columns = {f"p{index}": flat[:, index] for index in range(flat.shape[1])}
    pd.DataFrame({"id": test_set.ids, **columns}).to_parquet(folder / "predictions.parquet", index=False)
    return OneStep(folder)


def test_joints_come_back_in_their_shape(tmp_path: Path, test_set: ImageSet) -> None:
    predicted = test_set.labels["joints"] + 1
    store = store_of(tmp_path, predicted, test_set)
    np.testing.assert_array_equal(_predictions(store, "ab" * 32, test_set, "joints"), predicted)


def test_gaze_comes_back_in_its_shape(tmp_path: Path, test_set: ImageSet) -> None:
    predicted = np.random.default_rng(1).normal(size=(5, 3))
    store = store_of(tmp_path, predicted, test_set)
    np.testing.assert_array_equal(_predictions(store, "ab" * 32, test_set, "gaze"), predicted)


def test_predictions_of_something_else_are_refused(tmp_path: Path, test_set: ImageSet) -> None:
    store = store_of(tmp_path, np.zeros((5, 3)), test_set)
    with pytest.raises(DataError, match=r"3 numbers per image, 'joints' labels have 42; choose an estimator of"):
        _predictions(store, "ab" * 32, test_set, "joints")


def test_predictions_of_other_images_are_refused(tmp_path: Path, test_set: ImageSet) -> None:
    store = store_of(tmp_path, test_set.labels["joints"], test_set)
    with pytest.raises(DataError, match="of other images than hands"):
        _predictions(store, "ab" * 32, test_set.select([1, 0, 2, 3, 4]), "joints")
