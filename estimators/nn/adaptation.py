"""Adaptive batch normalisation: a trained network's statistics re-estimated on unlabelled images (Li et al. 2016)."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from bench.core.chunks import padded_chunks
from bench.training.device import Precision, autocast
from estimators.nn.evaluation import CHUNK


def reestimate_batch_norms(
    layers: nn.Sequential, inputs: Callable[[Tensor], Tensor], images: Tensor, precision: Precision
) -> None:
    """Give each BatchNorm2d of `layers` the mean and variance that it sees in `images`, one after the other.

    inputs: (n, 1, H, W) uint8 -> what the first layer takes. Layer by layer, because the later ones see what the
    earlier ones make of the new statistics: the result is that of one pass in training mode with all images as one
    batch, and what the statistics were before does not matter. Sums are float64.
    """
    for depth, norm in enumerate(layers):
        if not isinstance(norm, nn.BatchNorm2d):
            continue
        assert norm.running_mean is not None and norm.running_var is not None
        total, squares = torch.zeros((2, norm.num_features), dtype=torch.float64)
        seen = 0
        for count, rows in padded_chunks(len(images), CHUNK):
            with torch.inference_mode(), autocast(images.device.type, precision):
                maps = layers[:depth](inputs(images[rows]))[:count]
            values = maps.cpu().double()
            total += values.sum(dim=(0, 2, 3))
            squares += values.square().sum(dim=(0, 2, 3))
            seen += values.numel() // norm.num_features
        mean = total / seen
        norm.running_mean.copy_(mean)
        norm.running_var.copy_((squares / seen - mean.square()).clamp_min(0))
