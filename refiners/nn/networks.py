"""The refiner R and the discriminator D of the paper (section 3.1), for images of any size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn
from torch.nn import functional as F

Padding = Literal["same", "valid"]
Border = Literal["zeros", "reflect", "replicate"]
Init = Literal["he", "xavier"]


class RefinerNet(nn.Module):
    """R: a convolution, `blocks` ResNet blocks and a 1x1 convolution; no stride, no pooling.

    (N, channels + noise_channels, H, W), the image in -1..1 before its noise -> float32 (N, channels, H, W).
    The paper's gaze refiner (grey, 3x3, 64 maps, 4 blocks) has 296,129 parameters and a receptive field of 19 px;
    its hand refiner (10 blocks) 4.02 M and 127 px with 7x7 in all convolutions, 0.74 M and 47 px with 7x7 in the first.
    first_kernel: of the first convolution.
    """

    def __init__(
        self,
        *,
        channels: int = 1,
        noise_channels: int = 0,
        maps: int = 64,
        blocks: int = 4,
        kernel: int = 3,
        first_kernel: int = 3,
        padding: Border = "zeros",
        output: Literal["tanh", "none"] = "tanh",
    ) -> None:
        super().__init__()
        self.first = _conv(channels + noise_channels, maps, first_kernel, padding=padding)
        self.blocks = nn.ModuleList(_ResNetBlock(maps, kernel, padding) for _ in range(blocks))
        self.last = _conv(maps, channels, 1)
        self._squash = output == "tanh"

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Refined images; tanh is computed in float32 also under autocast."""
        maps = F.relu_(self.first(images))
        for block in self.blocks:
            maps = block(maps)
        refined: torch.Tensor = self.last(maps).float()
        return refined.tanh() if self._squash else refined


class _ResNetBlock(nn.Module):
    """Figure 6: convolution, ReLU, convolution, add the input, ReLU."""

    def __init__(self, maps: int, kernel: int, padding: Border) -> None:
        super().__init__()
        self.first = _conv(maps, maps, kernel, padding=padding)
        self.second = _conv(maps, maps, kernel, padding=padding)

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        return F.relu_(self.second(F.relu_(self.first(maps))).add_(maps))


@dataclass(frozen=True)
class Conv:
    """A convolution of D with a ReLU after it."""

    maps: int
    kernel: int
    stride: int = 1


@dataclass(frozen=True)
class MaxPool:
    """A max-pooling of D."""

    kernel: int
    stride: int = 1


# What comes before the last 1x1 convolution to 2 maps. The paper says "2 max-pooling layers" and lists one.
DISCRIMINATORS: dict[str, Sequence[Conv | MaxPool]] = {
    "gaze": (Conv(96, 3, 2), Conv(64, 3, 2), MaxPool(3, 1), Conv(32, 3, 1), Conv(32, 1, 1)),
    "hand": (Conv(96, 7, 4), Conv(64, 5, 2), MaxPool(3, 2), Conv(32, 3, 2), Conv(32, 1, 1)),
}


class DiscriminatorNet(nn.Module):
    """D: (N, channels, H, W) -> (N, 2, h, w) float32 logits; map 1 says "refined", map 0 "real".

    The softmax over the two maps is in the loss, so no activation follows the last convolution.
    The paper's gaze discriminator has 75,906 parameters, a receptive field of 23 px and, for 35x55 images,
    9x14 patches ("same") or 4x9 ("valid"); its hand discriminator 178,050, 71 px and, for 224x224 images, 7x7 or
    5x5. batch_norm: after each convolution, with the statistics of the
    images of one call, so that a call should hold real and refined ones. whole_image: (height, width) of the
    images for the ablation with a global loss: a fully connected layer in the place of the last convolution
    gives (N, 2, 1, 1).
    """

    def __init__(
        self,
        layers: Sequence[Conv | MaxPool] = DISCRIMINATORS["gaze"],
        *,
        channels: int = 1,
        padding: Padding = "same",
        batch_norm: bool = False,
        whole_image: tuple[int, int] | None = None,
    ) -> None:
        super().__init__()
        self.batch_norm = batch_norm
        self.features = nn.Sequential()
        maps = channels
        for layer in layers:
            if isinstance(layer, MaxPool):
                self.features.append(_SamePad(layer.kernel, layer.stride, float("-inf"), padding))
                self.features.append(nn.MaxPool2d(layer.kernel, layer.stride))
                continue
            self.features.append(_SamePad(layer.kernel, layer.stride, 0.0, padding))
            self.features.append(_conv(maps, layer.maps, layer.kernel, layer.stride))
            if batch_norm:
                self.features.append(nn.BatchNorm2d(layer.maps, track_running_stats=False))
            self.features.append(nn.ReLU(inplace=True))
            maps = layer.maps
        # A fully connected layer on the map is a convolution with a kernel as large as the map.
        kernel = (1, 1) if whole_image is None else map_size(whole_image, layers, padding)
        self.head = _conv(maps, 2, kernel)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logits, float32 also under autocast."""
        logits: torch.Tensor = self.head(self.features(images))
        return logits.float()


def map_size(image: tuple[int, int], layers: Sequence[Conv | MaxPool], padding: Padding) -> tuple[int, int]:
    """Height and width of D's map of patches; not positive when the image is too small for `layers`."""
    height, width = image
    for layer in layers:
        if padding == "same":
            height, width = -(-height // layer.stride), -(-width // layer.stride)
        else:
            height, width = ((side - layer.kernel) // layer.stride + 1 for side in (height, width))
    return height, width


class _SamePad(nn.Module):
    """Padding of a strided layer so that ceil(side / stride) outputs remain, the odd pixel at the end.

    torch's own "same" refuses strides, and symmetric padding of 18x28 would look at other pixels.
    """

    def __init__(self, kernel: int, stride: int, value: float, padding: Padding) -> None:
        super().__init__()
        self.kernel, self.stride, self.value = kernel, stride, value
        self.needed = padding == "same" and kernel > 1

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        if not self.needed:
            return maps
        top, bottom = self._missing(maps.shape[2])
        left, right = self._missing(maps.shape[3])
        return F.pad(maps, (left, right, top, bottom), value=self.value)

    def _missing(self, side: int) -> tuple[int, int]:
        missing = max((-(-side // self.stride) - 1) * self.stride + self.kernel - side, 0)
        return missing // 2, missing - missing // 2


def _conv(
    maps_in: int, maps_out: int, kernel: int | tuple[int, int], stride: int = 1, padding: Border | None = None
) -> nn.Conv2d:
    """A convolution without values (see `initialise`); padding: how to fill the border, None for no border.

    torch's own initialisation would draw from the global generator.
    """
    pad = kernel // 2 if padding is not None and isinstance(kernel, int) else 0
    layer = nn.Conv2d(maps_in, maps_out, kernel, stride, pad, padding_mode=padding or "zeros", device="meta")
    return layer.to_empty(device="cpu")


def initialise(net: nn.Module, seed: int, how: Init = "he", last_scale: float = 1.0) -> None:
    """Draw the weights of all convolutions from one stream, biases zero; the last one times `last_scale`."""
    generator = torch.Generator().manual_seed(seed)
    convolutions = [module for module in net.modules() if isinstance(module, nn.Conv2d)]
    for convolution in convolutions:
        if how == "he":
            nn.init.kaiming_normal_(convolution.weight, nonlinearity="relu", generator=generator)
        else:
            nn.init.xavier_uniform_(convolution.weight, generator=generator)
        if convolution.bias is not None:
            nn.init.zeros_(convolution.bias)
    with torch.no_grad():
        convolutions[-1].weight.mul_(last_scale)
