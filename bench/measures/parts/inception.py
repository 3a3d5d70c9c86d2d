"""Inception v3 (Szegedy et al. 2016) as a feature extractor, with torchvision's architecture and given weights."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn.functional import interpolate

from bench.core.chunks import padded_chunks
from bench.core.errors import DataError
from bench.core.images import ImageArray
from bench.training.batches import resident, to_unit

SIDE_PX = 299
# Images per pass. Kernels are chosen by shape and round differently, so every pass has the same one.
CHUNK = {"cpu": 4, "cuda": 64}


def inception(weights: Mapping[str, torch.Tensor], source: str) -> nn.Module:
    """(N, 3, 299, 299) in -1..1 -> (N, 2048): the averages over the last maps, which the classifier would see.

    weights: a state dict under torchvision's names; the classifiers' are not needed. source: where it is from, named
    in errors. DataError when it is of another network.
    """
    from torchvision.models import inception_v3  # type: ignore[import-untyped]  # only here: slow to import

    # "meta": torch's own initialisation would draw from the global generator.
    with torch.device("meta"):
        net: nn.Module = inception_v3(weights=None, init_weights=False, aux_logits=False, transform_input=False)
    net.fc = nn.Identity()
    wanted = net.state_dict()
    try:
        net.load_state_dict({name: weights[name].float() for name in wanted if name in weights}, assign=True)
    except RuntimeError as error:
        problem = textwrap.shorten(str(error).partition("\n")[2], 120, placeholder=" ...")
        raise DataError(
            f"{source} does not hold the weights of torchvision's inception_v3 ({problem}); save its state_dict()"
        ) from error
    return net.requires_grad_(False).eval()


def features(net: nn.Module, images: ImageArray, device: str) -> Iterator[NDArray[np.float64]]:
    """(N, H, W) or (N, H, W, 3) uint8 -> their (n, 2048) features, n <= N at a time, in order.

    The last pass is filled up by repeating its last image.
    """
    size = CHUNK.get(device.partition(":")[0], CHUNK["cpu"])
    net = net.to(device).to(memory_format=torch.channels_last)
    pixels = images[:]
    for count, chosen in padded_chunks(len(pixels), size):
        with torch.inference_mode():
            found = net(as_input(resident(pixels[chosen], device)))[:count]
        yield found.cpu().numpy().astype(np.float64)


def as_input(images: torch.Tensor) -> torch.Tensor:
    """(N, 1 or 3, H, W) uint8 -> (N, 3, 299, 299) in -1..1, the whole image resized (bilinear, antialiased).

    Grey is shown as three equal channels. The network was trained on -1..1: torchvision's own one undoes the
    normalisation by ImageNet's means first (`transform_input`), so this is the same.
    """
    resized = interpolate(to_unit(images), (SIDE_PX, SIDE_PX), mode="bilinear", align_corners=False, antialias=True)
    return resized.expand(-1, 3, -1, -1)
