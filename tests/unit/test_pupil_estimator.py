"""The pupil regressor: exact positions by construction, only visible pupils, and sub-pixel accuracy when trained."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from bench.core.context import RunContext
from bench.core.errors import DataError
from bench.core.images import ImageSet
from bench.data.simulator.eyes import render_eyes
from estimators.pupil import PupilRegressor, _PupilNetwork


def eyes(count: int, seed: int = 1) -> ImageSet:
    rendered = render_eyes(count, domain="synthetic", seed=seed)
    return ImageSet(
        ids=np.array([f"{index:05d}" for index in range(count)]),
        persons=rendered.persons.astype(str),
        images=rendered.images,
        labels={"pupil": rendered.pupil, "pupil_margin": rendered.pupil_margin},
        name="eyes",
    )


def fitted(train: ImageSet, validation: ImageSet | None = None, **settings: Any) -> PupilRegressor:
    estimator = PupilRegressor.configured("tiny", settings)
    estimator.fit(train, validation, RunContext(0))
    return estimator


def weights(estimator: PupilRegressor, folder: Path) -> bytes:
    folder.mkdir()
    estimator.save(folder)
    return (folder / "weights.safetensors").read_bytes()


def finder_of_white_pixels(size: tuple[int, int]) -> _PupilNetwork:
    """Every layer hands on the pixel in its centre, and the softmax picks the brightest."""
    network = _PupilNetwork(size, PupilRegressor.configured("tiny", {"maps": (1, 1)}).config)
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.zeros_(layer.weight)
            with torch.no_grad():
                layer.weight[0, 0, layer.kernel_size[0] // 2, layer.kernel_size[1] // 2] = 1
                assert layer.bias is not None
                layer.bias.fill_(1.0 if layer is network.convolutions[0] else 0.0)
    with torch.no_grad():
        network.last.weight.mul_(50)
    return network.eval()


@pytest.mark.parametrize("size", [(35, 55), (36, 60), (9, 12)])
def test_pixel_centres_are_at_whole_numbers(size: tuple[int, int]) -> None:
    network = finder_of_white_pixels(size)
    for x, y in ((0, 0), (4, 2), ((size[1] - 1) // 2 * 2, (size[0] - 1) // 2 * 2)):
        image = torch.zeros((1, 1, *size), dtype=torch.uint8)
        image[0, 0, y, x] = 255
        torch.testing.assert_close(network(image), torch.tensor([[float(x), float(y)]]))


def test_between_two_alike_pixels_lies_the_middle() -> None:
    image = torch.zeros((1, 1, 35, 55), dtype=torch.uint8)
    image[0, 0, 10, 20] = image[0, 0, 12, 26] = 255
    torch.testing.assert_close(finder_of_white_pixels((35, 55))(image), torch.tensor([[23.0, 11.0]]))


def test_learns_to_a_fraction_of_the_spread() -> None:
    train, test = eyes(400), eyes(150, seed=2)
    seen = test.labels["pupil_margin"] > 0
    estimator = fitted(train, maps=(8, 16, 16), steps=120, batch=16, evaluate_every=60)
    moved = estimator.predict(test.images[:], RunContext(0)) - test.labels["pupil"]
    spread = np.linalg.norm(test.labels["pupil"] - train.labels["pupil"].mean(axis=0), axis=1)
    assert np.median(np.linalg.norm(moved[seen], axis=1)) < 0.4 * np.median(spread[seen])


def test_covered_pupils_are_not_learnt(tmp_path: Path) -> None:
    train = eyes(40)
    margin = np.where(np.arange(40) % 4 == 0, -1.0, 2.0)
    wrong = np.where(margin[:, None] < 0, 3.0, train.labels["pupil"])
    one, other = (
        replace(train, labels={"pupil": pupil, "pupil_margin": margin}) for pupil in (train.labels["pupil"], wrong)
    )
    covered_left_out = weights(fitted(one, one), tmp_path / "one")
    assert weights(fitted(other, other), tmp_path / "other") == covered_left_out
    unsaid = replace(train, labels={"pupil": wrong})
    assert weights(fitted(unsaid), tmp_path / "unsaid") != covered_left_out


def test_augments_unless_told_not_to(tmp_path: Path) -> None:
    assert PupilRegressor().config.augment == "strong"
    strong, none = (weights(fitted(eyes(20), augment=kind), tmp_path / kind) for kind in ("strong", "none"))
    assert strong != none


def test_refusals() -> None:
    train = eyes(8)
    covered = replace(train, labels={"pupil": train.labels["pupil"], "pupil_margin": np.full(8, -0.5)})
    with pytest.raises(DataError, match="eyes: no pupil is visible in any of its 8 images"):
        fitted(covered)
    with pytest.raises(DataError, match=r"8x55 px are too small .* at least 9x9"):
        fitted(replace(train, images=train.images[:, :8]))
    with pytest.raises(DataError, match="8-bit grey"):
        fitted(replace(train, images=np.zeros((8, 35, 55, 3), np.uint8)))
