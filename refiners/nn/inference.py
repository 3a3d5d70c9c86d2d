"""Running a trained image-to-image network: the same result for an image whatever it is batched with."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from bench.core.chunks import padded_chunks
from bench.training.batches import resident, to_uint8, to_unit
from bench.training.device import Precision, autocast

# Pixels per pass. Kernels are chosen by shape and round differently, so every pass has the same one.
CHUNK_PIXELS = {"cpu": 64 * 35 * 55, "cuda": 1024 * 35 * 55}


def apply_in_chunks(net: nn.Module, images: NDArray[Any], device: str, precision: Precision) -> NDArray[np.uint8]:
    """uint8 images, (N, H, W) or (N, H, W, 3), through `net` on `device`."""
    size = max(
        1,
        CHUNK_PIXELS.get(device.partition(":")[0], CHUNK_PIXELS["cpu"]) // (images.shape[1] * images.shape[2]),
    )
    net = net.to(device).to(memory_format=torch.channels_last).eval()
    parts = [np.zeros((0, *images.shape[1:]), dtype=np.uint8)]
    for count, rows in padded_chunks(len(images), size):
        with torch.inference_mode(), autocast(device, precision):
            refined = net(to_unit(resident(images[rows], device)))
        parts.append(to_uint8(refined)[:count])
    return np.concatenate(parts)
