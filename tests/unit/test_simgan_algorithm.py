"""Algorithm 1: who is updated how often, by which gradient, on which images."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional as F

from bench.core.context import RunContext
from bench.core.images import Unlabelled
from bench.training.batches import to_unit
from refiners.nn.adversarial import AdversarialTraining
from refiners.nn.assembly import build
from refiners.nn.optimisers import NetOptimiser, OptimiserSettings
from refiners.simgan import SimGAN

TINY = {
    "refiner_maps": 4,
    "refiner_blocks": 1,
    "batch": 4,
    "buffer_size": 12,
    "precision": "float32",
}


def images(seed: int, count: int = 24) -> Unlabelled:
    pixels: NDArray[np.uint8] = np.random.default_rng(seed).integers(0, 256, (count, 35, 55), dtype=np.uint8)
    names = np.array([f"{seed}-{number}" for number in range(count)])
    return Unlabelled(ids=names, persons=names, images=pixels)


def training(**settings: Any) -> AdversarialTraining:
    return build(SimGAN.configured("quick", {**TINY, **settings}).config, images(0), images(1), RunContext(5))


def values(net: nn.Module) -> list[torch.Tensor]:
    return [parameter.detach().clone() for parameter in net.parameters()]


def moved(net: nn.Module, before: list[torch.Tensor]) -> bool:
    return any(not torch.equal(one, two) for one, two in zip(net.parameters(), before, strict=True))


def watch(monkeypatch: pytest.MonkeyPatch, owner: object, name: str) -> list[tuple[Any, ...]]:
    """The arguments of every call of a method, which still runs."""
    calls: list[tuple[Any, ...]] = []
    original: Callable[..., Any] = getattr(owner, name)

    def recorded(self: Any, *arguments: Any, **named: Any) -> Any:
        calls.append((self, *arguments))
        return original(self, *arguments, **named)

    monkeypatch.setattr(owner, name, recorded)
    return calls


@pytest.mark.parametrize(("k_g", "k_d"), [(1, 1), (3, 2)])
def test_one_iteration_updates_r_k_g_times_and_then_d_k_d_times(
    monkeypatch: pytest.MonkeyPatch, k_g: int, k_d: int
) -> None:
    machine = training(k_g=k_g, k_d=k_d)
    calls = watch(monkeypatch, NetOptimiser, "step")
    machine.iterate(1e-4, 1e-4)
    order = ["R" if call[0] is machine.refiner_optimiser else "D" for call in calls]
    assert order == ["R"] * k_g + ["D"] * k_d


def test_each_update_moves_its_own_net_only() -> None:
    machine = training(discriminator_norm="batch")
    refiner, discriminator = values(machine.refiner), values(machine.discriminator)
    machine.update_refiner(1e-3)
    assert moved(machine.refiner, refiner)
    assert not moved(machine.discriminator, discriminator)
    assert all(parameter.grad is None for parameter in machine.discriminator.parameters())
    refiner = values(machine.refiner)
    machine.update_discriminator(1e-3)
    assert not moved(machine.refiner, refiner)
    assert moved(machine.discriminator, discriminator)


def test_with_batch_norm_r_meets_the_d_that_was_trained(monkeypatch: pytest.MonkeyPatch) -> None:
    """Statistics of refined images alone would hide what tells them from real ones."""
    machine = training(discriminator_norm="batch")
    shown = watch(monkeypatch, type(machine.discriminator), "forward")
    machine.update_refiner(1e-4)
    reals = to_unit(machine.batches.real)
    assert len(shown[0][1]) == 8
    for image in shown[0][1][4:]:
        assert (reals - image).abs().flatten(1).amax(1).min() == 0
    plain = training()
    plain.update_refiner(1e-4)
    assert len(shown[1][1]) == 4


def test_an_sgd_step_of_r_is_equation_4_by_hand() -> None:
    machine = training(optimiser="sgd", lambda_reg=0.03, reduction="sum")
    synthetic = to_unit(machine.batches.synthetic[machine.batches.for_refiner.next()])
    machine.batches.for_refiner._position -= 4  # draw the same batch again
    refined = machine.refiner(synthetic)
    says_refined = machine.discriminator(refined).softmax(dim=1)[:, 1]
    loss = -(1 - says_refined).log().sum() + 0.03 * (refined - synthetic).abs().sum()
    gradients = torch.autograd.grad(loss, list(machine.refiner.parameters()))
    expected = [weight - 1e-5 * gradient for weight, gradient in zip(values(machine.refiner), gradients, strict=True)]
    machine.update_refiner(1e-5)
    for parameter, value in zip(machine.refiner.parameters(), expected, strict=True):
        torch.testing.assert_close(parameter.detach(), value, rtol=1e-5, atol=1e-7)
    assert machine.means.read()["r_loss"] == pytest.approx(float(loss.detach()) / 4, rel=1e-5)


def test_an_sgd_step_of_d_is_equation_2_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = training(optimiser="sgd")
    for _ in range(3):
        machine.update_discriminator(1e-6)
    machine.means.read()
    shown = watch(monkeypatch, type(machine.discriminator), "forward")
    before = values(machine.discriminator)
    machine.update_discriminator(1e-4)
    after = values(machine.discriminator)
    batch = shown[0][1]
    with torch.no_grad():
        for parameter, value in zip(machine.discriminator.parameters(), before, strict=True):
            parameter.copy_(value)
    says_refined = machine.discriminator(batch).softmax(dim=1)[:, 1]
    loss = (-says_refined[:4].log().sum() - (1 - says_refined[4:]).log().sum()) / 4
    gradients = torch.autograd.grad(loss, list(machine.discriminator.parameters()))
    for value, start, gradient in zip(after, before, gradients, strict=True):
        torch.testing.assert_close(value, start - 1e-4 * gradient, rtol=1e-5, atol=1e-7)
    assert machine.means.read()["d_loss"] == pytest.approx(float(loss.detach()), rel=1e-5)


def test_pretraining_of_r_knows_no_discriminator() -> None:
    machine, other = training(), training()
    with torch.no_grad():
        for parameter in other.discriminator.parameters():
            parameter.fill_(float("nan"))
    for each in (machine, other):
        for _ in range(3):
            each.pretrain_refiner(1e-3, 1.0)
    for one, two in zip(machine.refiner.parameters(), other.refiner.parameters(), strict=True):
        assert torch.equal(one, two)
    assert set(machine.means.read()) == {"r_regularisation"}
    assert machine.history is not None
    assert len(machine.history) == 0


def test_pretraining_makes_r_the_identity() -> None:
    machine = training(refiner_maps=8)
    for _ in range(20):
        machine.pretrain_refiner(1e-2, 1.0)
    first = machine.means.read()["r_regularisation"]
    for _ in range(100):
        machine.pretrain_refiner(5e-3, 1.0)
    assert machine.means.read()["r_regularisation"] < 0.5 * first


def test_d_sees_b_half_current_b_half_history_and_b_real(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = training()
    assert machine.history is not None
    old = torch.randint(0, 256, (12, 1, 35, 55), generator=torch.Generator().manual_seed(1), dtype=torch.uint8)
    machine.history.push(old)
    shown = watch(monkeypatch, type(machine.discriminator), "forward")
    pushed = watch(monkeypatch, type(machine.history), "push")
    machine.update_discriminator(1e-4)
    batch = shown[0][1]
    current, past, real = batch[:2], batch[2:4], batch[4:]
    assert batch.shape[0] == 8
    assert torch.equal(pushed[0][1], machine.pixels.from_unit(current, like=old))
    for image in past:
        assert (to_unit(old) - image).abs().flatten(1).amax(1).min() == 0
    reals = to_unit(machine.batches.real)
    for image in real:
        assert (reals - image).abs().flatten(1).amax(1).min() == 0
    held = machine.history.sample(12)
    remaining = [any(torch.equal(image, one) for one in held) for image in old]
    assert len(machine.history) == 12
    assert sum(remaining) == 10  # exactly b/2 gave way to the new ones


def test_while_the_history_holds_too_few_d_sees_current_images_only(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = training()
    assert machine.history is not None
    shown = watch(monkeypatch, type(machine.discriminator), "forward")
    held = []
    for _ in range(6):
        machine.update_discriminator(1e-4)
        held.append(len(machine.history))
    assert held == [4, 6, 8, 10, 12, 12]
    assert [len(call[1]) for call in shown] == [8] * 6


def test_only_d_updates_feed_the_history() -> None:
    machine = training()
    assert machine.history is not None
    machine.update_refiner(1e-4)
    assert len(machine.history) == 0


def test_without_history_d_sees_b_current_images(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = training(history=False)
    shown = watch(monkeypatch, type(machine.discriminator), "forward")
    machine.update_discriminator(1e-4)
    machine.update_discriminator(1e-4)
    assert [len(call[1]) for call in shown] == [8, 8]
    assert "d_accuracy_history" not in machine.means.read()


def test_a_global_discriminator_trains_with_the_same_code() -> None:
    machine = training(adversarial_loss="global")
    machine.iterate(1e-4, 1e-4)
    means = machine.means.read()
    assert means["r_adversarial"] == pytest.approx(87.3, rel=0.9)  # counted once per patch, not 0.69


def test_fused_adam_is_adam() -> None:
    """Against the update written out, over three steps."""
    layer = nn.Conv2d(3, 4, 3).to(memory_format=torch.channels_last)
    optimiser = NetOptimiser(layer, OptimiserSettings("adam", betas=(0.5, 0.99)))
    image = torch.randn(2, 3, 5, 5, generator=torch.Generator().manual_seed(0))
    weight = layer.weight.detach().clone()
    bias = layer.bias.detach().clone() if layer.bias is not None else torch.zeros(4)
    mean, square = torch.zeros_like(weight), torch.zeros_like(weight)
    for step in range(1, 4):
        leaf = weight.clone().requires_grad_()
        held = layer.bias.detach().clone() if layer.bias is not None else bias
        (gradient,) = torch.autograd.grad(F.conv2d(image, leaf, held).square().sum(), leaf)
        mean = 0.5 * mean + 0.5 * gradient
        square = 0.99 * square + 0.01 * gradient**2
        weight = weight - 0.01 * (mean / (1 - 0.5**step)) / ((square / (1 - 0.99**step)).sqrt() + 1e-8)
        optimiser.step(layer(image).square().sum(), 0.01)
    torch.testing.assert_close(layer.weight.detach(), weight, rtol=1e-4, atol=1e-6)


def test_gradients_are_clipped_to_the_norm_asked_for() -> None:
    layer = nn.Linear(3, 1)
    before = values(layer)
    optimiser = NetOptimiser(layer, OptimiserSettings("sgd", clip=2.0))
    optimiser.step(1e6 * layer(torch.ones(1, 3)).sum(), 1.0)
    change = torch.cat([(one.detach() - two).flatten() for one, two in zip(layer.parameters(), before, strict=True)])
    assert float(change.norm()) == pytest.approx(2.0, rel=1e-4)


def test_forgetting_drops_the_momentum_of_the_last_phase() -> None:
    layer = nn.Linear(2, 1)
    optimiser = NetOptimiser(layer, OptimiserSettings("sgd", momentum=0.9))
    optimiser.step(layer(torch.ones(1, 2)).sum(), 0.1)
    optimiser.forget()
    before = values(layer)
    optimiser.step((layer(torch.ones(1, 2)) * 0).sum(), 0.1)
    assert not moved(layer, before)
