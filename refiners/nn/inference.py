"""Running a trained image-to-image network: the same result for an image whatever it is batched with."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from bench.core.chunks import padded_chunks
from bench.training.batches import arrays, resident
from bench.training.device import Precision, autocast
from bench.training.pixels import DepthScale, pixels_of
from refiners.nn.noise import own_noise, together

# Pixels per pass. Kernels are chosen by shape and round differently, so every pass has the same one.
CHUNK_PIXELS = {"cpu": 64 * 35 * 55, "cuda": 1024 * 35 * 55}


def apply_in_chunks(
    net: nn.Module,
    images: NDArray[Any],
    device: str,
    precision: Precision,
    depth: DepthScale = "centred",
    noise: tuple[int, int] = (0, 0),
) -> NDArray[Any]:
    """uint8 levels, (N, H, W) or (N, H, W, 3), or uint16 depth, (N, H, W), through `net` on `device`.

    noise: how many channels of it the net takes beside an image, and the seed that it depends on with the pixels.
    """
    size = max(
        1,
        CHUNK_PIXELS.get(device.partition(":")[0], CHUNK_PIXELS["cpu"]) // (images.shape[1] * images.shape[2]),
    )
    net = net.to(device).to(memory_format=torch.channels_last).eval()
    parts = [np.zeros((0, *images.shape[1:]), dtype=images.dtype)]
    for count, rows in padded_chunks(len(images), size):
        stored = resident(images[rows], device)
        pixels = pixels_of(stored, depth)
        with torch.inference_mode(), autocast(device, precision):
            seen = pixels.to_unit(stored)
            if noise[0]:
                seen = together(seen, torch.from_numpy(own_noise(images[rows], *noise)).to(device))
            refined = pixels.from_unit(net(seen), like=stored)
        parts.append(arrays(refined)[:count])
    return np.concatenate(parts)
