"""bfloat16 beside float32: the same images, gradients and angles within what 8 bits of mantissa leave."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from bench.core.angles import angles_deg
from bench.core.context import RunContext
from bench.core.images import ImageSet
from bench.data.simulator.eyes import render_eyes
from estimators.cnn import GazeCNN
from refiners.nn.adversarial import AdversarialTraining
from refiners.nn.assembly import build
from refiners.simgan import SimGAN

COUNT = 64


@pytest.fixture(scope="module")
def eyes() -> ImageSet:
    made, names = render_eyes(COUNT, domain="synthetic", seed=1), np.arange(COUNT).astype(str)
    return ImageSet(ids=names, persons=names, images=made.images, labels={"gaze": made.gaze})


def training(eyes: ImageSet, precision: str) -> AdversarialTraining:
    """Networks with the same weights, about to see the same batches."""
    config = SimGAN.configured("quick", {"precision": precision, "batch": 8}).config
    return build(config, eyes.unlabelled(), eyes.unlabelled(), RunContext(0))


def gradient(net: torch.nn.Module) -> torch.Tensor:
    return torch.cat([parameter.grad.flatten() for parameter in net.parameters() if parameter.grad is not None])


@pytest.mark.parametrize("updated", ["refiner", "discriminator"])
def test_gradients_agree(eyes: ImageSet, updated: str) -> None:
    found, losses = [], []
    for precision in ("float32", "bfloat16"):
        made = training(eyes, precision)
        getattr(made, f"update_{updated}")(0.0)
        found.append(gradient(getattr(made, updated)))
        losses.append(made.means.peek()["r_loss" if updated == "refiner" else "d_loss"])
    assert losses[1] == pytest.approx(losses[0], rel=0.01)
    assert torch.cosine_similarity(found[0], found[1], dim=0) > 0.995
    assert float(found[1].norm()) == pytest.approx(float(found[0].norm()), rel=0.05)


def test_refined_images_agree_within_two_grey_values(eyes: ImageSet) -> None:
    refiner = SimGAN.configured("smoke", {"precision": "float32", "iterations": 20})
    refiner.fit(eyes.unlabelled(), eyes.unlabelled(), RunContext(0))
    exact = refiner.refine(eyes.images[:], RunContext(0)).astype(np.int16)
    refiner.config = refiner.config.model_copy(update={"precision": "bfloat16"})
    difference = np.abs(refiner.refine(eyes.images[:], RunContext(0)) - exact)
    assert 0 < difference.max() <= 2
    assert difference.mean() < 0.5
    assert np.abs(exact - eyes.images[:]).mean() > 0.5  # the network does something


def test_one_networks_angles_agree_within_a_tenth_of_a_degree(eyes: ImageSet) -> None:
    estimator = GazeCNN.configured("quick", {"precision": "float32", "steps": 20, "evaluate_every": 20, "batch": 16})
    estimator.fit(eyes, None, RunContext(0))
    exact = estimator.predict(eyes.images[:], RunContext(0))
    estimator.config = estimator.config.model_copy(update={"precision": "bfloat16"})
    fast = estimator.predict(eyes.images[:], RunContext(0))
    assert angles_deg(exact, eyes.gaze).std() > 0.5
    assert angles_deg(exact, fast).mean() < 0.1
