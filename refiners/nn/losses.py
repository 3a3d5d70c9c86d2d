"""The losses of the paper's equations (1) to (4), in the paper's units: sums over patches and pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch.nn import functional as F

from refiners.nn.psi import Psi, identity

# D's two maps, and the target labels of section 2.1: "0 for every y_j, and 1 for every x~_i".
REAL, REFINED = 0, 1

Reduction = Literal["sum", "per_image", "per_patch"]


def patch_cross_entropy(logits: torch.Tensor, label: int) -> torch.Tensor:
    """-log of D's softmax for `label`, summed over images and patches (section 2.2); float32 scalar.

    logits: (N, 2, h, w). The softmax runs over the two maps of each patch. At D = 0.5 one image of 9x14
    patches costs 126 ln 2 = 87.3.
    """
    return -F.log_softmax(logits.float(), dim=1)[:, label].sum()


def self_regularisation(refined: torch.Tensor, synthetic: torch.Tensor, psi: Psi = identity) -> torch.Tensor:
    """||psi(R(x)) - psi(x)||_1 of equation (4): summed over images and features; float32 scalar.

    Images in -1..1. With the identity the features are the pixels, as in the first version of the paper.
    """
    return (psi(refined).float() - psi(synthetic).float()).abs().sum()


def patch_accuracy(logits: torch.Tensor, label: int) -> torch.Tensor:
    """Share of patches that D gives to the right class; a tie counts as wrong. No gradient."""
    right = logits[:, label] > logits[:, 1 - label]
    return right.float().mean().detach()


@dataclass(frozen=True)
class LossUnits:
    """How sums over a mini-batch become the losses that are minimised.

    patches: D's patches per image. terms: of the self-regularisation per image, which are the pixels (times
    channels) when psi is the identity. weight: lambda in sum units.
    whole_image: D sees the image as one (global loss), so its cross-entropy counts `patches` times and
    lambda keeps its meaning. reduction: what the sum is divided by; the paper writes none.
    """

    patches: int
    terms: int
    weight: float
    whole_image: bool = False
    reduction: Reduction = "per_image"

    @property
    def mean_weight(self) -> float:
        """The lambda for a loss of means over patches and features, as most public code writes it."""
        return self.weight * self.terms / self.patches

    @property
    def adversarial_scale(self) -> float:
        """Factor of every cross-entropy: 1, or the number of patches for a global loss."""
        return float(self.patches) if self.whole_image else 1.0

    def reduced(self, total: torch.Tensor, batch: int) -> torch.Tensor:
        """A sum over a mini-batch of `batch` images in the chosen reduction; the ratio of its terms stays."""
        divisors = {"sum": 1, "per_image": batch, "per_patch": batch * self.patches}
        return total / divisors[self.reduction]
