"""White noise beside an image, for a refiner that has to draw what its input does not tell: random ragged edges."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from refiners.classical.content import content_seed

DEVIATION = 0.2
"""Of the noise: about the contrast of images as R sees them. At 1, hands lost their relief (docs/simgan.md)."""


class NoiseStream:
    """Normal noise for training, from one stream whose state is part of a checkpoint; 0 channels: none."""

    def __init__(self, channels: int, seed: int, device: str) -> None:
        self.channels = channels
        self._generator = torch.Generator(device=device).manual_seed(seed)

    def beside(self, images: torch.Tensor) -> torch.Tensor:
        """(n, C, H, W) images -> (n, C + channels, H, W), new noise in each call."""
        if not self.channels:
            return images
        shape = (len(images), self.channels, *images.shape[2:])
        return together(images, torch.randn(shape, generator=self._generator, device=images.device) * DEVIATION)

    def state_dict(self) -> dict[str, Any]:
        """The tensor that `load_state_dict` takes back."""
        return {"generator": self._generator.get_state()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue exactly where `state` was taken."""
        self._generator.set_state(state["generator"].cpu())


def together(images: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
    """Images and their noise as one input, channels last."""
    return torch.cat([images, noise], dim=1).contiguous(memory_format=torch.channels_last)


def own_noise(images: NDArray[Any], channels: int, seed: int) -> NDArray[np.float32]:
    """(n, channels, H, W) normal noise: a function of each image's pixels and the seed, not of its neighbours."""
    noise = np.empty((len(images), channels, *images.shape[1:3]), dtype=np.float32)
    for image, drawn in zip(images, noise, strict=True):
        np.random.default_rng(content_seed(image, seed)).standard_normal(dtype=np.float32, out=drawn)
    noise *= DEVIATION
    return noise
