"""The paper's losses against closed forms: units, sign convention, softmax axis, accuracy, equation (4)."""

from __future__ import annotations

import math

import pytest
import torch

from refiners.nn.losses import (
    REAL,
    REFINED,
    LossUnits,
    patch_accuracy,
    patch_cross_entropy,
    self_regularisation,
)
from refiners.nn.optimisers import decay


def logits_of(probability_refined: torch.Tensor) -> torch.Tensor:
    """(N, 2, h, w) logits whose softmax says "refined" with these probabilities (N, h, w)."""
    return torch.stack([(1 - probability_refined).log(), probability_refined.log()], dim=1)


def test_label_convention_is_the_papers() -> None:
    assert (REAL, REFINED) == (0, 1)
    sure_refined = logits_of(torch.full((1, 9, 14), 0.99))
    assert patch_cross_entropy(sure_refined, REFINED) < patch_cross_entropy(sure_refined, REAL)


@pytest.mark.parametrize(("patches", "loss"), [((9, 14), 87.3), ((4, 9), 25.0)])
def test_an_undecided_d_costs_ln_2_per_patch(patches: tuple[int, int], loss: float) -> None:
    undecided = torch.zeros(1, 2, *patches)
    for label in (REAL, REFINED):
        assert float(patch_cross_entropy(undecided, label)) == pytest.approx(loss, abs=0.05)
        total = math.prod(patches) * math.log(2)
        assert float(patch_cross_entropy(undecided, label)) == pytest.approx(total, rel=1e-6)


def test_cross_entropy_is_minus_log_of_d_summed_over_images_and_patches() -> None:
    generator = torch.Generator().manual_seed(0)
    refined = torch.rand(3, 4, 5, generator=generator).mul(0.98).add(0.01)
    logits = logits_of(refined)
    torch.testing.assert_close(patch_cross_entropy(logits, REFINED), -refined.log().sum())
    torch.testing.assert_close(patch_cross_entropy(logits, REAL), -(1 - refined).log().sum())


def test_shifting_both_logits_of_a_patch_changes_nothing_and_huge_logits_stay_finite() -> None:
    logits = torch.randn(2, 2, 3, 3, generator=torch.Generator().manual_seed(0))
    shifted = logits + 7 * torch.arange(9.0).reshape(1, 1, 3, 3)
    torch.testing.assert_close(patch_cross_entropy(shifted, REAL), patch_cross_entropy(logits, REAL))
    assert float(patch_cross_entropy(1e4 * torch.tensor([[[[1.0]], [[-1.0]]]]), REFINED)) == pytest.approx(2e4)


def test_r_loss_is_the_non_saturating_one() -> None:
    """Gradient of -log(1 - D) with respect to the logit of D: it is D itself, large where R is caught."""
    logits = logits_of(torch.tensor([[[0.999]]])).requires_grad_()
    torch.autograd.backward(patch_cross_entropy(logits, REAL))
    assert logits.grad is not None
    assert float(logits.grad[0, 1]) == pytest.approx(0.999, rel=1e-4)


def test_self_regularisation_is_the_l1_norm_over_all_pixels() -> None:
    synthetic = torch.zeros(2, 1, 35, 55)
    refined = torch.full((2, 1, 35, 55), 0.262)
    assert float(self_regularisation(refined, synthetic)) / 2 == pytest.approx(504, abs=1)  # paper's Figure 14
    assert float(self_regularisation(-refined, synthetic)) == pytest.approx(
        float(self_regularisation(refined, synthetic))
    )


def test_self_regularisation_compares_features_and_sums_over_them() -> None:
    """Equation (4) of the CVPR version: ||psi(R(x)) - psi(x)||_1, not psi of something else."""

    def halves(images: torch.Tensor) -> torch.Tensor:
        return torch.cat([images.square(), 3 * images], dim=1)

    refined, synthetic = torch.full((2, 1, 4, 5), -0.5), torch.full((2, 1, 4, 5), 0.5)
    assert float(self_regularisation(refined, synthetic, halves)) == pytest.approx(2 * 20 * 3)
    assert float(self_regularisation(refined, refined.clone(), halves)) == 0


def test_losses_are_computed_in_float32() -> None:
    half = torch.full((4, 1, 35, 55), 0.1, dtype=torch.bfloat16)
    assert self_regularisation(half, torch.zeros_like(half), lambda images: images.half()).dtype == torch.float32
    assert self_regularisation(half, torch.zeros_like(half)).dtype == torch.float32
    assert patch_cross_entropy(torch.zeros(1, 2, 2, 2, dtype=torch.bfloat16), REAL).dtype == torch.float32


def test_accuracy_counts_patches_and_a_tie_is_no_hit() -> None:
    logits = logits_of(torch.tensor([[[0.9, 0.2], [0.6, 0.5]]]))
    assert float(patch_accuracy(logits, REFINED)) == 0.5
    assert float(patch_accuracy(logits, REAL)) == 0.25


def test_weight_in_mean_units_is_that_of_the_same_trade_off() -> None:
    units = LossUnits(patches=126, terms=1925, weight=0.01)
    assert units.mean_weight == pytest.approx(0.153, abs=5e-4)
    adversarial, regularisation = 60.0, 500.0
    in_sums = adversarial + units.weight * regularisation
    in_means = adversarial / 126 + units.mean_weight * regularisation / 1925
    assert in_means == pytest.approx(in_sums / 126)


def test_a_global_loss_counts_once_per_patch() -> None:
    local, whole = LossUnits(126, 1925, 0.5), LossUnits(126, 1925, 0.5, whole_image=True)
    undecided = float(patch_cross_entropy(torch.zeros(1, 2, 1, 1), REAL))
    assert whole.adversarial_scale * undecided == pytest.approx(126 * math.log(2))
    assert local.adversarial_scale == 1


def test_mini_batch_reduction() -> None:
    total = torch.tensor(64.0)
    assert float(LossUnits(2, 1, 1.0, reduction="sum").reduced(total, 16)) == 64
    assert float(LossUnits(2, 1, 1.0, reduction="per_image").reduced(total, 16)) == 4
    assert float(LossUnits(2, 1, 1.0, reduction="per_patch").reduced(total, 16)) == 2


def test_learning_rate_is_constant_and_then_falls_linearly_to_zero() -> None:
    rates = [decay(step, 100, 0.5) for step in range(101)]
    assert rates[:51] == [1.0] * 51
    assert rates[75] == pytest.approx(0.5)
    assert rates[100] == 0
    assert rates[99] > 0
    assert all(decay(step, 100, 1.0) == 1 for step in range(100))
