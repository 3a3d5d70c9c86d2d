"""Trained VGG16 weights for psi: from a file whose hash is known, or downloaded by torchvision. Never random ones."""

from __future__ import annotations

from pathlib import Path

import torch

from bench.core.errors import DataError
from bench.training import weights_file


def read_weights(path: Path, sha256: str) -> dict[str, torch.Tensor]:
    """A state dict from a .safetensors file or one of `torch.save`; DataError when it is not the file asked for."""
    return weights_file.read_weights(path, sha256, "psi_weights", "a VGG16")


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
            f"psi_download: VGG16's weights could not be downloaded ({error}); "
            "set psi_weights=FILE and psi_weights_sha256=HASH"
        ) from error
    return weights
