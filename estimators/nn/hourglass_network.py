"""Stacked hourglasses: depth image to heatmaps, one stack of them after each hourglass (Newell et al., ECCV 2016)."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bench.core.errors import DataError
from bench.core.hands import JOINTS
from bench.training.pixels import DepthScale, pixels_of
from estimators.nn.joint_maps import centres_of_mass, highest_cells
from estimators.nn.layers import Conv2d, SizedNetwork
from estimators.nn.surface_depth import surface_mm

Argmax = Literal["hard", "soft"]


class HourglassNetwork(SizedNetwork):
    """(n, 1, H, W) int16 mm -> heatmaps in training mode, joints else.

    In training mode (n, stacks, 14, G, G) float32 heatmaps; else (n, 14, 3) float32: u, v in px and depth in mm.
    The depth of a joint is what the image shows at its place, and `below_surface_mm`, (14,), more.
    """

    below_surface_mm: Tensor
    last: nn.ModuleList

    def __init__(
        self,
        size: tuple[int, int],
        *,
        stacks: int,
        levels: int,
        features: int,
        input_side: int,
        map_side: int,
        depth: DepthScale,
        argmax: Argmax,
    ) -> None:
        super().__init__(size)
        if size[0] != size[1]:
            raise DataError(f"images of {size[0]}x{size[1]} px are not square; crop them to squares around the hand")
        self.input_side, self.depth, self.argmax = input_side, depth, argmax
        self.register_buffer("below_surface_mm", torch.zeros(len(JOINTS)))
        self.stem = _stem(features, input_side // map_side)
        self.hourglasses = nn.ModuleList(
            nn.Sequential(_Hourglass(levels, features), _Residual(features, features), _normed_conv(features, features))
            for _ in range(stacks)
        )
        self.last = nn.ModuleList(Conv2d(features, len(JOINTS), 1) for _ in range(stacks))
        self.back = nn.ModuleList(Conv2d(features + len(JOINTS), features, 1) for _ in range(stacks - 1))

    def heatmaps(self, images: Tensor) -> Tensor:
        """(n, 1, H, W) int16 mm -> (n, stacks, 14, G, G) float32, the last stack being the best."""
        unit = pixels_of(images, self.depth).to_unit(images)
        if unit.shape[2] != self.input_side:
            unit = F.interpolate(unit, (self.input_side, self.input_side), mode="bilinear", align_corners=False)
        seen = self.stem(unit)
        stacks: list[Tensor] = []
        for index, (hourglass, head) in enumerate(zip(self.hourglasses, self.last, strict=True)):
            found = hourglass(seen)
            with torch.autocast(found.device.type, enabled=False):  # bfloat16 would round neighbouring cells alike
                stacks.append(head(found.float()))
            if index < len(self.back):
                seen = seen + self.back[index](torch.cat([found, stacks[-1].to(found.dtype)], dim=1))
        return torch.stack(stacks, dim=1)

    def forward(self, images: Tensor) -> Tensor:
        maps = self.heatmaps(images)
        if self.training:
            return maps
        find = highest_cells if self.argmax == "hard" else centres_of_mass
        places = find(maps[:, -1]) * images.shape[3] - 0.5
        return torch.cat([places, (surface_mm(images, places) + self.below_surface_mm)[..., None]], dim=2)


class _Hourglass(nn.Module):
    """Halved `levels` times and doubled again, adding on each size what was seen there on the way down."""

    def __init__(self, levels: int, features: int) -> None:
        super().__init__()
        self.beside = _Residual(features, features)
        self.down = _Residual(features, features)
        self.inner = _Hourglass(levels - 1, features) if levels > 1 else _Residual(features, features)
        self.up = _Residual(features, features)

    def forward(self, maps: Tensor) -> Tensor:
        inner = self.up(self.inner(self.down(F.max_pool2d(maps, 2))))
        seen: Tensor = self.beside(maps) + F.interpolate(inner, scale_factor=2, mode="nearest")
        return seen


class _Residual(nn.Module):
    """Norm - ReLU - conv three times: 1x1 to half the features, 3x3, 1x1 to all; added to the input (He et al.)."""

    def __init__(self, features_in: int, features: int) -> None:
        super().__init__()
        half = features // 2
        self.change = nn.Sequential()
        for maps_in, maps_out, kernel in ((features_in, half, 1), (half, half, 3), (half, features, 1)):
            self.change.append(nn.BatchNorm2d(maps_in))
            self.change.append(nn.ReLU(inplace=True))
            self.change.append(Conv2d(maps_in, maps_out, kernel, padding=kernel // 2))
        self.same = nn.Identity() if features_in == features else Conv2d(features_in, features, 1)

    def forward(self, maps: Tensor) -> Tensor:
        changed: Tensor = self.same(maps) + self.change(maps)
        return changed


def _normed_conv(features_in: int, features: int, kernel: int = 1, stride: int = 1) -> nn.Sequential:
    """Convolution - norm - ReLU."""
    return nn.Sequential(
        Conv2d(features_in, features, kernel, stride=stride, padding=kernel // 2),
        nn.BatchNorm2d(features),
        nn.ReLU(inplace=True),
    )


def _stem(features: int, reduction: int) -> nn.Sequential:
    """From the image to maps of 1 / reduction of its side; with 4 as published: conv 7x7 /2, residuals, max pooling."""
    if reduction == 1:
        return _normed_conv(1, features, 5)
    stem = nn.Sequential(_normed_conv(1, features // 4, 7, stride=2), _Residual(features // 4, features // 2))
    if reduction == 4:
        stem.append(nn.MaxPool2d(2))
    stem.append(_Residual(features // 2, features // 2))
    stem.append(_Residual(features // 2, features))
    return stem
