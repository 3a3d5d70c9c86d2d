"""Random weights for an Inception v3 in a file of 6 MB: all layers are cut from one pool of numbers."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import torch

from bench.core.canonical import file_digest


@functools.cache
def random_inception() -> dict[str, torch.Tensor]:
    """Always the same, under torchvision's names, without the classifiers; activations keep their scale."""
    from torchvision.models import inception_v3  # type: ignore[import-untyped]

    with torch.device("meta"):
        wanted = inception_v3(weights=None, init_weights=False, aux_logits=False).state_dict()
    pool = torch.randn(max(tensor.numel() for tensor in wanted.values()), generator=torch.Generator().manual_seed(0))
    weights: dict[str, torch.Tensor] = {}
    for name, tensor in wanted.items():
        if name.endswith("conv.weight"):
            layer, fan_in = name.removesuffix("conv.weight"), tensor[0].numel()
            weights[name] = pool[: tensor.numel()].view(tensor.shape)
            weights[f"{layer}bn.weight"] = torch.ones(len(tensor))
            weights[f"{layer}bn.bias"] = 0.1 * pool[: len(tensor)]
            weights[f"{layer}bn.running_mean"] = torch.zeros(len(tensor))
            weights[f"{layer}bn.running_var"] = torch.full((len(tensor),), fan_in / 2)
    return weights


def saved_inception(folder: Path) -> dict[str, Any]:
    """The settings of frechet-inception with these weights, written into a file in `folder`."""
    path = folder / "inception.pth"
    torch.save(random_inception(), path)
    return {"weights": str(path), "weights_sha256": file_digest(path)}
