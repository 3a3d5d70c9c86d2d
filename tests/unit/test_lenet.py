"""LeNet with head pose: its layers, what head pose does, angles in and unit vectors out."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from bench.core.angles import angles_deg
from bench.core.context import RunContext
from bench.core.errors import DataError
from bench.core.images import ImageSet
from bench.data.gaze_angles import pitch_yaw_from_vectors
from bench.data.simulator.eyes import render_eyes
from estimators.lenet import LeNet, LeNetSettings, _LeNetwork


def eyes(count: int, seed: int = 1, size: tuple[int, int] = (35, 55)) -> ImageSet:
    rendered = render_eyes(count, domain="synthetic", seed=seed)
    images = rendered.images if size == (35, 55) else np.resize(rendered.images, (count, *size))
    return ImageSet(
        ids=np.array([f"{index:05d}" for index in range(count)]),
        persons=rendered.persons.astype(str),
        images=images,
        labels={"gaze": rendered.gaze, "head_pose": rendered.head_pose},
    )


def fitted(train: ImageSet, **settings: object) -> LeNet:
    estimator = LeNet.configured("tiny", settings)
    estimator.fit(train, None, RunContext(0))
    return estimator


def initialised(size: tuple[int, int], config: LeNetSettings) -> _LeNetwork:
    network = _LeNetwork(size, config)
    network.initialise(torch.Generator().manual_seed(0))
    return network.eval()


def test_layers_are_the_published_ones() -> None:
    network = _LeNetwork((36, 60), LeNet().config)
    shapes = {name: tuple(value.shape) for name, value in network.named_parameters() if name.endswith("weight")}
    assert shapes == {
        "convolutions.0.weight": (20, 1, 5, 5),
        "convolutions.2.weight": (50, 20, 5, 5),
        "hidden.weight": (500, 3600),
        "last.weight": (2, 502),
    }


@pytest.mark.parametrize("size", [(16, 16), (36, 60), (35, 55), (17, 40)])
def test_equals_the_layers_one_by_one(size: tuple[int, int]) -> None:
    network = initialised(size, LeNet.configured("tiny").config)
    images = torch.randint(0, 256, (5, 1, *size), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    head_pose = torch.linspace(-0.5, 0.5, 10).view(5, 2)
    weights = dict(network.named_parameters())
    maps = images.float() / 127.5 - 1
    for layer in ("convolutions.0", "convolutions.2"):
        maps = F.max_pool2d(F.conv2d(maps, weights[f"{layer}.weight"], weights[f"{layer}.bias"]), 2)
    flat = maps.permute(0, 2, 3, 1).flatten(1)
    hidden = torch.relu(F.linear(flat, weights["hidden.weight"], weights["hidden.bias"]))
    expected = F.linear(torch.cat([hidden, head_pose], dim=1), weights["last.weight"], weights["last.bias"])
    torch.testing.assert_close(network(images, head_pose), expected)


def test_head_pose_enters_linearly_after_the_hidden_layer() -> None:
    estimator, images = fitted(eyes(20)), eyes(6, seed=2).images[:]
    angles = [
        pitch_yaw_from_vectors(estimator.predict(images, RunContext(0), {"head_pose": np.full((6, 2), value)}))
        for value in (0.0, 0.1, 0.3)
    ]
    assert np.abs(angles[1] - angles[0]).min() > 1e-5
    np.testing.assert_allclose(angles[2] - angles[0], 3 * (angles[1] - angles[0]), atol=1e-6)
    np.testing.assert_allclose((angles[1] - angles[0]).std(axis=0), 0, atol=1e-6)


def test_learns() -> None:
    train, test = eyes(400), eyes(100, seed=2)
    estimator = fitted(train, maps=(8, 16), hidden=64, steps=80, batch=16, evaluate_every=40)
    predicted = estimator.predict(test.images[:], RunContext(0), {"head_pose": test.labels["head_pose"]})
    guess = np.broadcast_to(train.gaze.mean(axis=0), test.gaze.shape)
    assert angles_deg(predicted, test.gaze).mean() < 0.8 * angles_deg(guess, test.gaze).mean()


def test_features_are_those_of_the_hidden_layer() -> None:
    features = fitted(eyes(20), hidden=11).features(eyes(9).images[:], RunContext(0))
    assert features.shape == (9, 11)
    assert (features >= 0).all()


def test_refusals() -> None:
    with pytest.raises(DataError, match=r"15x55 px are too small .* at least 16x16"):
        fitted(eyes(4, size=(15, 55)))
    train = eyes(8)
    blind = ImageSet(ids=train.ids, persons=train.persons, images=train.images, labels={"gaze": train.gaze}, name="ut")
    with pytest.raises(DataError, match=r"ut: no 'head_pose' labels, which LeNet takes .*head pitch and yaw, radians"):
        fitted(blind)
