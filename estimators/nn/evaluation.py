"""What a network says of many images: in chunks of one size, so that no prediction depends on its neighbours."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bench.core.chunks import padded_chunks
from bench.training.device import Precision, autocast

CHUNK = 128


def evaluate(
    function: Callable[..., Tensor], images: Tensor, *others: Tensor, precision: Precision
) -> NDArray[np.float64]:
    """`function` of (N, 1, H, W) uint8 images on the device, and of `others`, row by row -> (N, ...) float64."""
    values = []
    with torch.inference_mode(), autocast(images.device.type, precision):
        for count, rows in padded_chunks(len(images), CHUNK):
            values.append(function(*(tensor[rows] for tensor in (images, *others)))[:count])
    result: NDArray[np.float64] = torch.cat(values).cpu().double().numpy()
    return result
