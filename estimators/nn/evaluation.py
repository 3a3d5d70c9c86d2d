"""What a network says of many images: in chunks of one size, so that no prediction depends on its neighbours."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bench.training.batches import in_chunks
from bench.training.device import Precision, autocast

CHUNK = 128


def padded_chunks(*tensors: Tensor) -> Iterator[tuple[int, list[Tensor]]]:
    """Tensors of N rows -> `CHUNK` rows of each at a time, and how many of them count; the last row pads the rest.

    A kernel chosen for another batch size may round differently, so there is only one.
    """
    for chunk in in_chunks(len(tensors[0]), CHUNK):
        parts = [tensor[chunk] for tensor in tensors]
        count = len(parts[0])
        yield count, [torch.cat([part, part[-1:].expand(CHUNK - count, *part.shape[1:])]) for part in parts]


def evaluate(
    function: Callable[..., Tensor], images: Tensor, *others: Tensor, precision: Precision
) -> NDArray[np.float64]:
    """`function` of (N, 1, H, W) uint8 images on the device, and of `others`, row by row -> (N, ...) float64."""
    values = []
    with torch.inference_mode(), autocast(images.device.type, precision):
        for count, parts in padded_chunks(images, *others):
            values.append(function(*parts)[:count])
    result: NDArray[np.float64] = torch.cat(values).cpu().double().numpy()
    return result


def angles_deg(predicted: NDArray[np.float64], truth: NDArray[np.float64]) -> NDArray[np.float64]:
    """Angle in degrees between two (N, 3) arrays of vectors of any length, (N,)."""
    sine = np.linalg.norm(np.cross(predicted, truth), axis=1)
    cosine = (predicted * truth).sum(axis=1)
    angles: NDArray[np.float64] = np.degrees(np.arctan2(sine, cosine))
    return angles
