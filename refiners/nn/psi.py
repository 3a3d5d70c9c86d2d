"""psi of ||psi(R(x)) - psi(x)||_1: in which features self-regularisation compares an image with its input.

The first version of the paper compares pixels (the identity). The CVPR version names image derivatives, the mean of
the colour channels and learned features as alternatives.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

import torch
from torch import nn

from bench.core.errors import DataError

PsiName = Literal["identity", "derivatives", "mean-rgb", "vgg"]
VGGLayer = Literal["relu1_2", "relu2_2", "relu3_3", "relu4_3"]

# (N, C, H, W) images in -1..1 to features of any shape, (N, ...).
Psi = Callable[[torch.Tensor], torch.Tensor]

# Number of a layer in torchvision's `vgg16().features`.
VGG_LAYERS: Mapping[VGGLayer, int] = {"relu1_2": 3, "relu2_2": 8, "relu3_3": 15, "relu4_3": 22}
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def identity(images: torch.Tensor) -> torch.Tensor:
    """The pixels themselves, not copied."""
    return images


def derivatives(images: torch.Tensor) -> torch.Tensor:
    """(N, C (H (W - 1) + (H - 1) W)): differences of horizontal and of vertical neighbours.

    Without the pixels themselves, so that a change of brightness of the whole image costs nothing.
    """
    horizontal = images[..., 1:] - images[..., :-1]
    vertical = images[..., 1:, :] - images[..., :-1, :]
    return torch.cat([horizontal.flatten(1), vertical.flatten(1)], dim=1)


def mean_rgb(images: torch.Tensor) -> torch.Tensor:
    """(N, 1, H, W): the mean of a pixel's three channels; what colour it has costs nothing."""
    return images.mean(dim=1, keepdim=True)


class VGGFeatures(nn.Module):
    """Activations of a frozen VGG16 (Simonyan and Zisserman, ICLR 2015): (N, 1 or 3, H, W) -> (N, maps, h, w).

    weights: a state dict with torchvision's names ('features.0.weight', ...); what lies beyond `layer` is not
    needed. Images in -1..1 are normalised as ImageNet's were, grey ones shown as three equal channels.
    Raises DataError when weights are missing or of another shape.
    """

    scale: torch.Tensor
    shift: torch.Tensor

    def __init__(self, weights: Mapping[str, torch.Tensor], layer: VGGLayer = "relu2_2") -> None:
        super().__init__()
        from torchvision.models import vgg16  # type: ignore[import-untyped]  # only here: slow to import

        # "meta": torch's own initialisation would draw from the global generator.
        with torch.device("meta"):
            self.features = vgg16(weights=None, init_weights=False).features[: VGG_LAYERS[layer] + 1]
        self.features.load_state_dict(_matching(weights, self.features), assign=True)
        self.requires_grad_(False)
        mean, std = (torch.tensor(values).reshape(1, 3, 1, 1) for values in (IMAGENET_MEAN, IMAGENET_STD))
        self.register_buffer("scale", 0.5 / std)
        self.register_buffer("shift", (0.5 - mean) / std)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Features of images in -1..1; the gradient reaches the images."""
        features: torch.Tensor = self.features(images * self.scale + self.shift)
        return features


def _matching(weights: Mapping[str, torch.Tensor], features: nn.Module) -> dict[str, torch.Tensor]:
    chosen = {}
    for name, wanted in features.state_dict().items():
        given = weights.get(f"features.{name}")
        if given is None or given.shape != wanted.shape:
            raise DataError(
                f"the weights for psi=vgg are not those of torchvision's vgg16: 'features.{name}' is missing or not "
                f"of shape {tuple(wanted.shape)}; save its state_dict()"
            )
        chosen[name] = given.float()
    return chosen


def count_terms(psi: Psi, image: tuple[int, int, int], device: str) -> int:
    """Features of one image (channels, height, width), which the self-regularisation sums over; DataError if none."""
    if isinstance(psi, VGGFeatures):
        halvings = sum(isinstance(layer, nn.MaxPool2d) for layer in psi.features)
        if min(image[1:]) < 2**halvings:
            raise DataError(f"images of {image[1:]} px are too small for psi=vgg; choose a lower psi_layer")
    with torch.no_grad():
        return psi(torch.zeros((1, *image), device=device)).numel()
