"""Layers without values, networks that know the size of their images, and He initialisation from a named stream."""

from __future__ import annotations

import torch
from torch import Tensor, nn

LAST_LAYER_SCALE = 0.1
FEW_OUTPUTS = 16


class Conv2d(nn.Conv2d):
    """Convolution without values: PyTorch's own would be drawn from the global generator."""

    def reset_parameters(self) -> None:
        """Leave the weights for `initialise` or a file."""


class Linear(nn.Linear):
    """Fully connected layer without values, for the same reason, whose outputs do not depend on an image's place."""

    def reset_parameters(self) -> None:
        """Leave the weights for `initialise` or a file."""

    def forward(self, values: Tensor) -> Tensor:
        """(n, inputs) -> (n, outputs)."""
        if self.training or self.out_features >= FEW_OUTPUTS:
            return super().forward(values)
        # A matrix product with few outputs rounds by how each row is aligned in memory (measured with MKL).
        return (values.unsqueeze(1) * self.weight).sum(dim=2) + self.bias


class SizedNetwork(nn.Module):
    """A network for images of one size in pixels, (height, width), which is saved with its weights."""

    image_size: Tensor
    last: nn.Module
    """The layer, or the layers, that give the outputs."""

    def __init__(self, size: tuple[int, int]) -> None:
        super().__init__()
        self.register_buffer("image_size", torch.tensor(size))

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels of the images it takes."""
        height, width = self.image_size.tolist()
        return int(height), int(width)

    def initialise(self, generator: torch.Generator) -> None:
        """He et al. 2015: normal with variance 2 / inputs; zero biases; last layers x 0.1, to start near 0."""
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d | nn.Linear):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu", generator=generator)
                nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
        with torch.no_grad():
            for layer in self.last.modules():
                if isinstance(layer, nn.Conv2d | nn.Linear):
                    layer.weight.mul_(LAST_LAYER_SCALE)
