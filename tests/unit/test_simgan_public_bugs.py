"""What is wrong in public SimGAN code is right here: one test per fault, named after it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from bench.core.context import RunContext
from bench.core.images import Unlabelled
from bench.training.batches import to_unit
from refiners.nn.adversarial import AdversarialTraining
from refiners.nn.assembly import build
from refiners.nn.history import HistoryBuffer
from refiners.nn.losses import REAL, REFINED, patch_accuracy, patch_cross_entropy
from refiners.nn.networks import DISCRIMINATORS, Conv, DiscriminatorNet, RefinerNet, initialise
from refiners.simgan import SimGAN

TINY: dict[str, Any] = {
    "refiner_maps": 4,
    "refiner_blocks": 1,
    "batch": 4,
    "buffer_size": 12,
    "precision": "float32",
    "log_every": 4,
}


def images(seed: int) -> Unlabelled:
    pixels = np.random.default_rng(seed).integers(0, 256, (20, 35, 55), dtype=np.uint8)
    names = np.array([f"{seed}-{number}" for number in range(20)])
    return Unlabelled(ids=names, persons=names, images=pixels)


def training(**settings: Any) -> AdversarialTraining:
    return build(SimGAN.configured("quick", {**TINY, **settings}).config, images(0), images(1), RunContext(5))


def discriminator() -> DiscriminatorNet:
    net = DiscriminatorNet()
    initialise(net, 0)
    return net


def stored(count: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (count, 1, 35, 55), generator=generator, dtype=torch.uint8)


def pictures(count: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(count, 1, 35, 55, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def test_history_fills_though_appending_returns_a_new_array() -> None:
    """Several: the result of np.append was dropped, the buffer stayed empty for ever."""
    machine = training()
    for _ in range(8):
        machine.update_discriminator(1e-5)
    assert machine.history is not None
    assert len(machine.history) == 12


def test_history_does_not_return_the_same_oldest_images() -> None:
    """One: buffer[:b/2] without shuffling."""
    history = HistoryBuffer(40, stored(1), seed=0)
    history.push(stored(40))
    draws = [history.sample(4) for _ in range(10)]
    assert all(not torch.equal(draws[0], draw) for draw in draws[1:])


def test_history_stores_whole_images() -> None:
    """One: np.put on a 4-D array wrote scalars."""
    history = HistoryBuffer(4, stored(1), seed=0)
    history.push(stored(4, seed=1))
    new = stored(4, seed=2)
    history.push(new)
    held = history.sample(4)
    assert all(any(torch.equal(image, one) for one in held) for image in new)


def test_d_is_trained_in_both_phases_and_r_after_it() -> None:
    """One: D was frozen when it was compiled, so its updates changed nothing."""
    machine = training()
    for phase in ("pretraining", "Algorithm 1"):
        before = [parameter.detach().clone() for parameter in machine.discriminator.parameters()]
        if phase == "pretraining":
            machine.update_discriminator(1e-4)
        else:
            machine.iterate(1e-4, 1e-4)
        changed = [
            bool((parameter != old).any())
            for parameter, old in zip(machine.discriminator.parameters(), before, strict=True)
        ]
        assert all(changed[0::2])  # every weight


def test_patch_logits_are_not_scrambled() -> None:
    """Two: view(N, -1, 2) on NCHW pairs neighbouring patches of one class as (real, refined)."""
    undecided = torch.randn(1, 1, 9, 14, generator=torch.Generator().manual_seed(0)).expand(1, 2, 9, 14)
    assert float(patch_cross_entropy(undecided, REAL)) == pytest.approx(126 * math.log(2), rel=1e-5)
    logits = torch.zeros(1, 2, 9, 14)
    logits[0, REFINED] = 30.0  # refined everywhere, whatever the neighbours say
    assert float(patch_cross_entropy(logits, REFINED)) == pytest.approx(0, abs=1e-4)
    scrambled = torch.nn.functional.cross_entropy(logits.view(-1, 2), torch.ones(126).long(), reduction="sum")
    assert float(scrambled) > 80


def test_exchanging_two_patches_exchanges_their_gradients() -> None:
    logits = torch.randn(1, 2, 3, 4, generator=torch.Generator().manual_seed(0))
    moved = logits.clone()
    moved[..., 0, 0], moved[..., 2, 3] = logits[..., 2, 3], logits[..., 0, 0]
    gradients = []
    for each in (logits, moved):
        leaf = each.clone().requires_grad_()
        (gradient,) = torch.autograd.grad(patch_cross_entropy(leaf, REAL), leaf)
        gradients.append(gradient)
    torch.testing.assert_close(gradients[0][..., 0, 0], gradients[1][..., 2, 3])
    torch.testing.assert_close(gradients[0][..., 1, 1], gradients[1][..., 1, 1])


def test_the_softmax_runs_over_the_two_maps() -> None:
    """One: over the image height."""
    logits = torch.randn(2, 2, 5, 6, generator=torch.Generator().manual_seed(0))
    both = sum(torch.exp(-patch_cross_entropy(logits[:1, :, 2:3, 3:4], label)).item() for label in (REAL, REFINED))
    assert both == pytest.approx(1)


def test_final_logits_have_no_relu() -> None:
    """Four: dead or half-line logits."""
    logits = discriminator()(pictures(4))
    assert bool((logits < 0).any())
    assert bool((logits > 0).any())


@pytest.mark.parametrize("what", ["D", "R"])
def test_there_are_non_linearities(what: str) -> None:
    """Two: D was linear but for its max-pooling, R's first convolution and blocks too."""
    net: torch.nn.Module
    if what == "D":
        net = DiscriminatorNet(layers=[layer for layer in DISCRIMINATORS["gaze"] if isinstance(layer, Conv)])
    else:
        net = RefinerNet(maps=8, output="none")
    initialise(net, 0)
    one, two = pictures(1, seed=1), pictures(1, seed=2)
    with torch.no_grad():
        assert not torch.allclose(net(one) + net(two), net(one + two) + net(torch.zeros_like(one)), atol=1e-3)


def test_the_convolutions_of_a_block_do_not_share_weights() -> None:
    """One: both convolutions in one variable scope."""
    net = RefinerNet(maps=8)
    initialise(net, 0)
    weights = [parameter for parameter in net.parameters() if parameter.shape == (8, 8, 3, 3)]
    assert len({weight.data_ptr() for weight in weights}) == 8
    assert not torch.equal(weights[0], weights[1])


def test_d_sees_as_many_real_as_refined_images(monkeypatch: pytest.MonkeyPatch) -> None:
    """One: two refined batches against one real; another: real and refined in two separate SGD steps."""
    machine = training()
    machine.update_discriminator(1e-5)
    counts: list[tuple[int, int]] = []
    steps: list[float] = []

    def counted(logits: torch.Tensor, label: int) -> torch.Tensor:
        counts.append((label, len(logits)))
        return patch_cross_entropy(logits, label)

    monkeypatch.setattr("refiners.nn.adversarial.patch_cross_entropy", counted)
    monkeypatch.setattr(machine.discriminator_optimiser, "step", lambda loss, rate: steps.append(rate))
    machine.update_discriminator(1e-5)
    assert sorted(counts) == [(REAL, 4), (REFINED, 4)]
    assert len(steps) == 1


def test_self_regularisation_compares_with_the_own_input() -> None:
    """Two: with an unpaired real image."""
    machine = training()
    with torch.no_grad():
        for parameter in machine.refiner.parameters():
            parameter.zero_()
    grey = to_unit(machine.batches.synthetic[machine.batches.for_refiner.next()])
    machine.batches.for_refiner._position -= 4
    machine.update_refiner(0.0)
    assert machine.means.read()["r_regularisation"] == pytest.approx(float(grey.abs().sum()) / 4, rel=1e-5)


def test_r_has_an_adversarial_term() -> None:
    """One: R's training step was the regularisation alone."""
    machine = training(lambda_reg=0.0)
    before = [parameter.detach().clone() for parameter in machine.refiner.parameters()]
    machine.update_refiner(1e-3)
    assert any(bool((one != two).any()) for one, two in zip(machine.refiner.parameters(), before, strict=True))


def test_d_gets_images_that_were_refined_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """One: the refined batch was fed to R again."""
    machine = training(history=False)
    synthetic = to_unit(machine.batches.synthetic[machine.batches.for_discriminator.next()])
    machine.batches.for_discriminator._position -= 4
    shown: list[torch.Tensor] = []
    machine.discriminator.register_forward_pre_hook(lambda net, arguments: shown.append(arguments[0]))
    machine.update_discriminator(1e-5)
    torch.testing.assert_close(shown[0][:4], machine.refiner(synthetic).detach())


def test_accuracy_on_refined_images_is_measured_on_refined_images() -> None:
    """One: on the predictions for real ones."""
    machine = training()
    with torch.no_grad():
        for parameter in machine.discriminator.head.parameters():
            parameter.zero_()
        assert machine.discriminator.head.bias is not None
        machine.discriminator.head.bias[REFINED] = 5.0
    machine.update_discriminator(0.0)
    means = machine.means.read()
    assert means["d_accuracy_refined"] == 1
    assert means["d_accuracy_real"] == 0
    always_refined = torch.tensor([0.0, 5.0]).reshape(1, 2, 1, 1)
    assert float(patch_accuracy(always_refined, REFINED)) == 1


def test_the_first_logged_means_have_the_right_divisor() -> None:
    """One: sums of a shorter first interval were divided by the full one."""
    run = RunContext(0)
    settings = {**TINY, "pretrain_refiner": 6, "pretrain_discriminator": 3, "iterations": 3, "lambda_reg": 0.0}
    SimGAN.configured("quick", {**settings, "learning_rate": 1e-9}).fit(images(0), images(1), run)
    d_losses = [row["d_loss"] for row in run.scalars if "d_loss" in row]
    assert max(d_losses) - min(d_losses) < 0.1 * max(d_losses)


def test_images_are_scaled_to_the_range_of_tanh() -> None:
    """One: images in 0..1 against a tanh output."""
    machine = training()
    scaled = to_unit(machine.batches.synthetic)
    assert float(scaled.min()) == -1
    assert float(scaled.max()) == 1


def test_each_net_has_an_optimiser_of_its_own() -> None:
    """One: an SGD object shared by all; another: optimisers without a list of variables update both nets."""
    machine = training(optimiser="adam")
    machine.iterate(1e-4, 1e-4)
    counts = [
        len(optimiser.state_dict()["state"])  # type: ignore[arg-type]
        for optimiser in (machine.refiner_optimiser, machine.discriminator_optimiser)
    ]
    assert counts == [len(list(net.parameters())) for net in (machine.refiner, machine.discriminator)]
