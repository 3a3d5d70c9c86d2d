"""psi of the self-regularisation: closed forms, a VGG16 written out, and that training uses it."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from bench.core.context import RunContext
from bench.core.errors import DataError
from bench.training.batches import to_unit
from refiners.nn.adversarial import AdversarialTraining
from refiners.nn.assembly import build
from refiners.nn.losses import LossUnits, self_regularisation
from refiners.nn.psi import VGGFeatures, count_terms, derivatives, identity, mean_rgb
from refiners.simgan import SimGAN
from tests.unit.simgan_small import TINY, VGG_CONVOLUTIONS, random_vgg, saved_vgg, smooth


@pytest.fixture(scope="module")
def vgg_settings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return saved_vgg(tmp_path_factory.mktemp("vgg"))


def pictures(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def training(**settings: Any) -> AdversarialTraining:
    config = SimGAN.configured("quick", {**TINY, "precision": "float32", **settings}).config
    return build(config, smooth(0), smooth(1), RunContext(5))


# Closed forms


def test_the_identity_copies_nothing() -> None:
    images = pictures(2, 1, 4, 5)
    assert identity(images) is images


@pytest.mark.parametrize("channels", [1, 3])
def test_derivatives_are_those_of_numpy(channels: int) -> None:
    images = pictures(2, channels, 5, 7)
    expected = [np.diff(images.numpy(), axis=axis).reshape(2, -1) for axis in (3, 2)]
    np.testing.assert_array_equal(derivatives(images).numpy(), np.concatenate(expected, axis=1))


def test_derivatives_let_brightness_go_and_count_an_edge_by_its_length() -> None:
    images = pictures(2, 1, 35, 55)
    assert float(self_regularisation(images + 0.5, images, derivatives)) == pytest.approx(0, abs=1e-3)
    edge = torch.zeros(1, 1, 35, 55)
    edge[..., 20:] = 0.25
    assert float(self_regularisation(edge, torch.zeros_like(edge), derivatives)) == pytest.approx(35 * 0.25)


def test_mean_rgb_lets_hue_go_and_keeps_brightness() -> None:
    images = pictures(2, 3, 35, 55) * 0.5
    tint = torch.tensor([0.3, -0.2, -0.1]).reshape(1, 3, 1, 1)
    assert float(self_regularisation(images + tint, images, mean_rgb)) == pytest.approx(0, abs=1e-3)
    brighter = float(self_regularisation(images + 0.3, images, mean_rgb))
    assert brighter == pytest.approx(2 * 35 * 55 * 0.3, rel=1e-4)


@pytest.mark.parametrize(
    ("psi", "channels", "terms"),
    [
        (identity, 1, 1925),
        (identity, 3, 5775),
        (derivatives, 1, 35 * 54 + 34 * 55),
        (derivatives, 3, 3 * (35 * 54 + 34 * 55)),
        (mean_rgb, 3, 1925),
    ],
)
def test_terms_per_image(psi: Any, channels: int, terms: int) -> None:
    assert count_terms(psi, (channels, 35, 55), "cpu") == terms


def test_lambda_in_mean_units_counts_the_features() -> None:
    machine = training(psi="derivatives", lambda_reg=0.02)
    assert machine.units == LossUnits(patches=126, terms=3760, weight=0.02)
    features = derivatives(pictures(1, 1, 35, 55) - pictures(1, 1, 35, 55, seed=1)).abs()
    in_sums = 100.0 + 0.02 * float(features.sum())
    in_means = 100.0 / 126 + machine.units.mean_weight * float(features.mean())
    assert in_means == pytest.approx(in_sums / 126, rel=1e-5)


# VGG16


def test_vgg_features_are_vgg16s_written_out() -> None:
    images = pictures(2, 3, 35, 55)
    weights = random_vgg()
    mean, std = (torch.tensor(v).reshape(1, 3, 1, 1) for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    maps = ((images + 1) / 2 - mean) / std
    for number, _, _ in VGG_CONVOLUTIONS:
        maps = maps if number != 5 else F.max_pool2d(maps, 2)
        maps = F.conv2d(
            maps, weights[f"features.{number}.weight"], weights[f"features.{number}.bias"], padding=1
        ).relu()
        if number == 2:
            torch.testing.assert_close(VGGFeatures(weights, "relu1_2")(images), maps, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(VGGFeatures(weights, "relu2_2")(images), maps, rtol=1e-4, atol=1e-4)
    assert maps.shape == (2, 128, 17, 27)


def test_grey_images_are_three_equal_channels_to_vgg() -> None:
    net, grey = VGGFeatures(random_vgg()), pictures(2, 1, 35, 55)
    torch.testing.assert_close(net(grey), net(grey.repeat(1, 3, 1, 1)), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("layer", "terms"), [("relu1_2", 64 * 35 * 55), ("relu2_2", 128 * 17 * 27)])
def test_terms_of_vgg(layer: Any, terms: int) -> None:
    net = VGGFeatures(random_vgg(), layer)
    assert count_terms(net, (1, 35, 55), "cpu") == count_terms(net, (3, 35, 55), "cpu") == terms


def test_an_image_too_small_for_a_layer_is_told() -> None:
    net = VGGFeatures(random_vgg())
    assert count_terms(net, (1, 2, 2), "cpu") == 128
    with pytest.raises(DataError, match="too small for psi=vgg"):
        count_terms(net, (1, 1, 55), "cpu")


def test_vgg_is_frozen_and_the_gradient_reaches_the_images() -> None:
    net = VGGFeatures(random_vgg())
    images = pictures(1, 1, 35, 55).requires_grad_()
    torch.autograd.backward(self_regularisation(images, pictures(1, 1, 35, 55, seed=1), net))
    assert images.grad is not None
    assert float(images.grad.abs().sum()) > 0
    assert not any(parameter.requires_grad or parameter.grad is not None for parameter in net.parameters())


def test_building_a_vgg_draws_from_no_generator() -> None:
    before = torch.random.get_rng_state()
    VGGFeatures(random_vgg())
    assert torch.equal(before, torch.random.get_rng_state())


# In training


@pytest.mark.parametrize("psi", ["derivatives", "vgg"])
def test_an_sgd_step_of_r_is_equation_4_with_psi(psi: str, vgg_settings: dict[str, Any]) -> None:
    chosen = vgg_settings if psi == "vgg" else {"psi": psi}
    machine = training(optimiser="sgd", lambda_reg=0.03, reduction="sum", **chosen)
    features = VGGFeatures(random_vgg()) if psi == "vgg" else derivatives
    synthetic = to_unit(machine.batches.synthetic[machine.batches.for_refiner.next()])
    machine.batches.for_refiner._position -= 4  # draw the same batch again
    refined = machine.refiner(synthetic)
    distance = (features(refined) - features(synthetic)).abs().sum()
    loss = -(1 - machine.discriminator(refined).softmax(dim=1)[:, 1]).log().sum() + 0.03 * distance
    parameters = list(machine.refiner.parameters())
    gradients = torch.autograd.grad(loss, parameters)
    expected = [parameter.detach() - 1e-6 * gradient for parameter, gradient in zip(parameters, gradients, strict=True)]
    machine.update_refiner(1e-6)
    for parameter, value in zip(parameters, expected, strict=True):
        torch.testing.assert_close(parameter.detach(), value, rtol=1e-5, atol=1e-6)
    assert machine.means.read()["r_regularisation"] == pytest.approx(float(distance.detach()) / 4, rel=1e-4)
    machine.batches.for_refiner._position -= 4
    distance = (features(machine.refiner(synthetic)) - features(synthetic)).abs().sum()
    machine.pretrain_refiner(1e-6, 2.0)
    assert machine.means.read()["r_regularisation"] == pytest.approx(float(distance.detach()) / 4, rel=1e-4)


def test_pretraining_lowers_the_distance_in_psi(vgg_settings: dict[str, Any]) -> None:
    for chosen in (vgg_settings, {"psi": "derivatives"}):
        machine = training(**chosen)
        machine.pretrain_refiner(1e-2, 1.0)
        first = machine.means.read()["r_regularisation"]
        for _ in range(30):
            machine.pretrain_refiner(1e-2, 1.0)
        machine.means.read()
        machine.pretrain_refiner(1e-2, 1.0)
        assert machine.means.read()["r_regularisation"] < 0.8 * first


def test_vgg_stays_as_it_was_and_out_of_the_checkpoint(vgg_settings: dict[str, Any]) -> None:
    machine = training(**vgg_settings)
    for _ in range(2):
        machine.pretrain_refiner(1e-3, 1.0)
        machine.iterate(1e-3, 1e-3)
    assert isinstance(machine.psi, VGGFeatures)
    for name, tensor in machine.psi.features.state_dict().items():
        assert torch.equal(tensor, random_vgg()[f"features.{name}"])
    assert "psi" not in machine.state_dict()


@pytest.mark.parametrize(("precision", "dtype"), [("float32", torch.float32), ("bfloat16", torch.bfloat16)])
def test_vgg_runs_in_the_precision_and_layout_of_the_rest(
    precision: str, dtype: torch.dtype, vgg_settings: dict[str, Any]
) -> None:
    machine = training(**{**vgg_settings, "precision": precision})
    assert isinstance(machine.psi, VGGFeatures)
    shown: list[torch.Tensor] = []
    machine.psi.features.register_forward_hook(lambda net, arguments, maps: shown.append(maps))
    machine.update_refiner(1e-4)
    machine.pretrain_refiner(1e-4, 1.0)
    assert len(shown) == 4
    for maps in shown:
        assert maps.dtype == dtype
        assert maps.is_contiguous(memory_format=torch.channels_last)
    assert math.isfinite(machine.means.read()["r_loss"])


def test_a_training_with_vgg_refines_and_is_saved_without_it(vgg_settings: dict[str, Any], tmp_path: Path) -> None:
    run = RunContext(0)
    refiner = SimGAN.configured("quick", {**TINY, **vgg_settings})
    refiner.fit(smooth(0), smooth(1), run)
    assert run.notes["psi_terms"] == 128 * 17 * 27
    assert run.notes["lambda_mean_units"] == pytest.approx(0.5 * 128 * 17 * 27 / 126)
    refiner.save(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["config.json", "refiner.safetensors"]
    images = smooth(2).images[:4]
    assert np.array_equal(SimGAN.load(tmp_path).refine(images, run), refiner.refine(images, run))
