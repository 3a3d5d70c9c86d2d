"""R and D as the paper lists them: parameters, map sizes, receptive fields, padding, initial weights."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from refiners.nn.networks import (
    DISCRIMINATORS,
    Conv,
    DiscriminatorNet,
    Padding,
    RefinerNet,
    initialise,
    map_size,
)

GAZE, HAND = DISCRIMINATORS["gaze"], DISCRIMINATORS["hand"]


def parameters(net: nn.Module) -> int:
    return sum(parameter.numel() for parameter in net.parameters())


def positive(net: nn.Module) -> nn.Module:
    """Small positive weights: no ReLU is dead, so gradients show the whole receptive field."""
    for module in net.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.constant_(module.weight, 1.0 / module.weight[0].numel())
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    return net


def extent(gradient: torch.Tensor) -> tuple[int, int]:
    rows, columns = gradient[0, 0].nonzero().T
    return int(rows.max() - rows.min()) + 1, int(columns.max() - columns.min()) + 1


def test_parameter_counts_of_the_paper() -> None:
    assert parameters(RefinerNet()) == 296_129
    assert parameters(DiscriminatorNet()) == 75_906


def test_the_hand_refiner_is_a_setting_of_the_same_net() -> None:
    assert parameters(RefinerNet(kernel=7, first_kernel=7, blocks=10)) == pytest.approx(4.02e6, rel=0.01)
    assert parameters(RefinerNet(kernel=3, first_kernel=7, blocks=10)) == pytest.approx(0.74e6, rel=0.01)


@pytest.mark.parametrize(("kernel", "field"), [(7, 127), (3, 47)])
def test_receptive_field_of_the_hand_refiner(kernel: int, field: int) -> None:
    """7x7 in every convolution, or in the first alone."""
    net = positive(RefinerNet(maps=2, kernel=kernel, first_kernel=7, blocks=10, output="none"))
    image = torch.ones(1, 1, 135, 135, requires_grad=True)
    torch.autograd.backward(net(image)[0, 0, 67, 67])
    assert image.grad is not None
    assert extent(image.grad) == (field, field)


@pytest.mark.parametrize(("padding", "side"), [("same", 7), ("valid", 5)])
def test_the_hand_discriminator_of_the_paper(padding: Padding, side: int) -> None:
    net = DiscriminatorNet(HAND, padding=padding)
    initialise(net, 0)
    assert parameters(net) == 178_050
    assert net(torch.zeros(1, 1, 224, 224)).shape[2:] == map_size((224, 224), HAND, padding) == (side, side)


def test_receptive_field_of_the_hand_discriminator_is_71_pixels() -> None:
    net = positive(DiscriminatorNet(HAND, padding="valid")).double()
    rows = torch.ones(104, 1, 103, 103).double()
    for row in range(103):
        rows[row, :, row] = 100.0
    with torch.no_grad():
        patch = net(rows)[:, 0, 0, 0]
    assert int(((patch[:-1] - patch[-1]).abs() > 1e-6).sum()) == 71


def test_noise_goes_into_the_first_convolution_only() -> None:
    net = RefinerNet(noise_channels=3)
    initialise(net, 0)
    assert parameters(net) == 296_129 + 3 * 64 * 9
    assert net(torch.zeros(2, 4, 9, 8)).shape == (2, 1, 9, 8)


@pytest.mark.parametrize(("padding", "size"), [("same", (9, 14)), ("valid", (4, 9))])
def test_map_of_patches(padding: Padding, size: tuple[int, int]) -> None:
    net = DiscriminatorNet(padding=padding)
    initialise(net, 0)
    assert net(torch.zeros(2, 1, 35, 55)).shape == (2, 2, *size)
    assert map_size((35, 55), GAZE, padding) == size


@pytest.mark.parametrize("image", [(36, 60), (35, 55), (64, 48), (23, 23)])
@pytest.mark.parametrize("padding", ["same", "valid"])
def test_map_size_agrees_with_the_net_for_any_image(image: tuple[int, int], padding: Padding) -> None:
    net = DiscriminatorNet(padding=padding)
    initialise(net, 0)
    assert net(torch.zeros(1, 1, *image)).shape[2:] == map_size(image, GAZE, padding)


def test_an_image_without_a_single_patch_is_told() -> None:
    assert map_size((13, 13), GAZE, "valid")[0] < 1


def test_receptive_field_of_r_is_19_pixels() -> None:
    net = positive(RefinerNet(output="none"))
    image = torch.ones(1, 1, 35, 55, requires_grad=True)
    torch.autograd.backward(net(image)[0, 0, 17, 27])
    assert image.grad is not None
    assert extent(image.grad) == (19, 19)


def test_receptive_field_of_d_is_23_pixels() -> None:
    """By what moves the output when one row or column changes: max-pooling gives gradients to winners alone."""
    net = positive(DiscriminatorNet(padding="valid")).double()
    rows, columns = torch.ones(36, 1, 35, 55).double(), torch.ones(56, 1, 35, 55).double()
    for row in range(35):
        rows[row, :, row] = 100.0
    for column in range(55):
        columns[column, :, :, column] = 100.0
    with torch.no_grad():
        for changed in (rows, columns):
            patch = net(changed)[:, 0, 2, 4]
            moved = (patch[:-1] - patch[-1]).abs() > 1e-6
            assert int(moved.sum()) == 23
            assert int(moved.nonzero().max() - moved.nonzero().min()) == 22


def test_same_padding_puts_the_odd_pixel_at_the_end() -> None:
    """Against the definition of ceil-size padding: 18x28 -> 9x14 looks at rows 2i..2i+2, not 2i-1..2i+1."""
    net = DiscriminatorNet((Conv(3, 3, 2),))
    initialise(net, 1)
    convolution = next(module for module in net.features if isinstance(module, nn.Conv2d))
    image = torch.randn(1, 1, 18, 28, generator=torch.Generator().manual_seed(0))
    row, column = 4, 6
    window = image[:, :, 2 * row : 2 * row + 3, 2 * column : 2 * column + 3]
    expected = F.conv2d(window, convolution.weight, convolution.bias).relu()
    torch.testing.assert_close(net.features(image)[:, :, row : row + 1, column : column + 1], expected)
    assert net.features(image).shape[2:] == (9, 14)


def test_r_is_what_figure_6_draws() -> None:
    """Against the layers written out by hand."""
    net = RefinerNet(maps=5, blocks=2)
    initialise(net, 3)
    weights = list(net.parameters())
    image = torch.randn(2, 1, 9, 8, generator=torch.Generator().manual_seed(1))
    maps = F.conv2d(image, weights[0], weights[1], padding=1).relu()
    for block in range(2):
        first, first_bias, second, second_bias = weights[2 + 4 * block : 6 + 4 * block]
        inner = F.conv2d(maps, first, first_bias, padding=1).relu()
        maps = (F.conv2d(inner, second, second_bias, padding=1) + maps).relu()
    expected = torch.tanh(F.conv2d(maps, weights[10], weights[11]))
    torch.testing.assert_close(net(image), expected)


def test_global_discriminator_sees_the_whole_image_at_once() -> None:
    net = DiscriminatorNet(whole_image=(35, 55))
    initialise(net, 0)
    assert net(torch.zeros(3, 1, 35, 55)).shape == (3, 2, 1, 1)
    assert parameters(net) == 75_906 - 66 + 2 * 32 * 9 * 14 + 2


def test_batch_norm_is_a_choice() -> None:
    assert not any(isinstance(module, nn.BatchNorm2d) for module in DiscriminatorNet().modules())
    normalised = DiscriminatorNet(batch_norm=True)
    assert sum(isinstance(module, nn.BatchNorm2d) for module in normalised.modules()) == 4


def test_initial_weights_are_he_and_reproducible_and_leave_the_global_generator_alone() -> None:
    before = torch.random.get_rng_state()
    first, second = RefinerNet(), RefinerNet()
    initialise(first, 7, last_scale=0.1)
    initialise(second, 7, last_scale=0.1)
    assert torch.equal(before, torch.random.get_rng_state())
    for one, two in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(one, two)
    inner = dict(first.named_parameters())["blocks.0.first.weight"]
    assert float(inner.detach().std()) == pytest.approx(math.sqrt(2 / (9 * 64)), rel=0.02)
    assert all(not parameter.any() for name, parameter in first.named_parameters() if name.endswith("bias"))
    initialise(second, 7, last_scale=1.0)
    torch.testing.assert_close(first.last.weight, 0.1 * second.last.weight)


def test_softmax_input_and_tanh_are_float32_under_autocast() -> None:
    refiner, discriminator = RefinerNet(maps=4, blocks=1), DiscriminatorNet()
    initialise(refiner, 0)
    initialise(discriminator, 0)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        refined = refiner(torch.zeros(1, 1, 35, 55))
        assert refined.dtype == discriminator(refined).dtype == torch.float32
