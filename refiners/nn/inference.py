"""Running a trained image-to-image network: the same result for an image whatever it is batched with."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from bench.core.errors import DataError
from bench.training.batches import in_chunks, resident, to_uint8, to_unit
from bench.training.device import Precision, autocast

# Pixels per pass. Kernels are chosen by shape and round differently, so every pass has the same one.
CHUNK_PIXELS = {"cpu": 64 * 35 * 55, "cuda": 1024 * 35 * 55}


def apply_in_chunks(net: nn.Module, images: NDArray[Any], device: str, precision: Precision) -> NDArray[np.uint8]:
    """uint8 images, (N, H, W) or (N, H, W, 3), through `net` on `device`.

    The last chunk is filled up by repeating its last image.
    """
    size = max(
        1,
        CHUNK_PIXELS.get(device.partition(":")[0], CHUNK_PIXELS["cpu"]) // (images.shape[1] * images.shape[2]),
    )
    net = net.to(device).to(memory_format=torch.channels_last).eval()
    parts = [np.zeros((0, *images.shape[1:]), dtype=np.uint8)]
    for part in in_chunks(len(images), size):
        chunk = images[part]
        filled = np.pad(chunk, ((0, size - len(chunk)), *[(0, 0)] * (chunk.ndim - 1)), mode="edge")
        with torch.inference_mode(), autocast(device, precision):
            refined = net(to_unit(resident(filled, device)))
        parts.append(to_uint8(refined)[: len(chunk)])
    return np.concatenate(parts)


def channels_of(images: Any, name: str) -> int:
    """1 for (N, H, W) uint8 images, 3 for (N, H, W, 3); DataError for any other."""
    shape = tuple(images.shape)
    if images.dtype != np.uint8 or not (len(shape) == 3 or (len(shape) == 4 and shape[3] == 3)):
        raise DataError(
            f"{name}: this refiner takes (N, H, W) 8-bit grey images or (N, H, W, 3) 8-bit RGB images, "
            f"got {images.dtype} {shape}"
        )
    return 1 if len(shape) == 3 else 3


def require_grey(images: Any, name: str) -> None:
    """DataError unless `images` are (N, H, W) uint8."""
    if len(images.shape) != 3 or images.dtype != np.uint8:
        raise DataError(
            f"{name}: this refiner takes (N, H, W) 8-bit grey images, got {images.dtype} {tuple(images.shape)}"
        )
