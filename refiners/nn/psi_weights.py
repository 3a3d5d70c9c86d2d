"""Trained VGG16 weights for psi, downloaded by torchvision."""

from __future__ import annotations

import torch

from bench.core.errors import DataError


def download_weights() -> dict[str, torch.Tensor]:
    """The ImageNet weights as `torchvision.models.vgg16(weights=...)` gets them: hash checked, kept in torch's cache.

    Without building the classifier, whose 124 million weights are not needed. DataError when that fails (offline).
    """
    from torchvision.models import VGG16_Weights  # type: ignore[import-untyped]  # only here: slow to import

    try:
        weights: dict[str, torch.Tensor] = VGG16_Weights.IMAGENET1K_V1.get_state_dict(
            progress=False, check_hash=True, weights_only=True
        )
    except (OSError, RuntimeError) as error:
        raise DataError(
            f"simgan.psi_download: VGG16's weights could not be downloaded ({error}); "
            "set simgan.psi_weights=FILE and simgan.psi_weights_sha256=HASH"
        ) from error
    return weights
