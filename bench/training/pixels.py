"""How stored pixels become a network's numbers, and back: 8-bit grey or colour, and depth in mm."""

from __future__ import annotations

from typing import Any, Literal, Protocol

import torch
from numpy.typing import NDArray

from bench.core.depth import HALF_RANGE_MM
from bench.core.errors import DataError
from bench.training.batches import DEEPEST_MM, to_unit

DepthScale = Literal["centred", "paper"]
DEPTH_SCALE = (
    "How depth becomes numbers, on depth images only: centred = each image around the mean depth of its hand, "
    "150 mm are 1, background 1; paper = (depth - 2000 mm) / 2000 mm, background 0 (section 3.2: 'depth value minus "
    "2000'; the divisor is not in the paper)."
)


class Pixels(Protocol):
    """One way between stored images, (n, C, H, W), and float32 of about -1..1 in channels-last memory."""

    def to_unit(self, images: torch.Tensor) -> torch.Tensor:
        """Stored images -> a network's numbers."""

    def from_unit(self, unit: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
        """A network's numbers -> stored images; `like`: the stored images that they were made from."""


class Levels:
    """8-bit levels 0..255 as -1..1 (the range of the paper's Figure 14 statistics)."""

    def to_unit(self, images: torch.Tensor) -> torch.Tensor:
        """uint8 -> -1..1."""
        return to_unit(images)

    def from_unit(self, unit: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
        """-1..1 -> uint8, rounded to nearest."""
        return unit.detach().float().add(1.0).mul_(127.5).round_().clamp_(0, 255).to(torch.uint8)


class CentredDepth:
    """Depth in mm around the mean of each image's foreground: 150 mm are 1, background is 1.

    A hand at any distance looks the same, and its relief fills the range. What is decoded above 0.9 is background,
    so what lies 135 mm or more behind the centre comes back as 135. An image without foreground stays one.
    """

    BACKGROUND_FROM = 0.9

    def to_unit(self, images: torch.Tensor) -> torch.Tensor:
        """int16 mm, 0 = background -> -1..1."""
        depth = images.to(torch.float32, memory_format=torch.channels_last)
        relative = ((depth - _centres(images)) / HALF_RANGE_MM).clamp_(-1.0, self.BACKGROUND_FROM)
        return torch.where(images > 0, relative, 1.0)

    def from_unit(self, unit: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
        """-1..1 -> int16 mm, rounded, around the centres of `like`."""
        unit, centres = unit.detach().float(), _centres(like)
        depth = (unit * HALF_RANGE_MM + centres).round_().clamp_(1, DEEPEST_MM)
        return torch.where((unit > self.BACKGROUND_FROM) | (centres == 0), 0.0, depth).to(torch.int16)


def _centres(depth: torch.Tensor) -> torch.Tensor:
    """(n, 1, 1, 1) float32 mean foreground depth, 0 where there is none; whole sums, so alike in any batch."""
    count = (depth > 0).sum(dim=(1, 2, 3), keepdim=True)
    return (depth.sum(dim=(1, 2, 3), keepdim=True, dtype=torch.int64).double() / count.clamp_min(1)).float()


class PaperDepth:
    """Depth in mm as in section 3.2: foreground is the depth minus 2000, which is negative, background 0; / 2000 mm.

    The divisor brings it into the range of a tanh. What is decoded as 1750 mm or more is background: the hands of NYU
    are nearer than 1.5 m.
    """

    ORIGIN_MM, SCALE_MM, BACKGROUND_FROM_MM = 2000.0, 2000.0, 1750

    def to_unit(self, images: torch.Tensor) -> torch.Tensor:
        """int16 mm, 0 = background -> -1..0."""
        depth = images.to(torch.float32, memory_format=torch.channels_last)
        return torch.where(images > 0, (depth - self.ORIGIN_MM) / self.SCALE_MM, 0.0)

    def from_unit(self, unit: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
        """-1..0 -> int16 mm, rounded."""
        depth = (unit.detach().float() * self.SCALE_MM + self.ORIGIN_MM).round_().clamp_(1, DEEPEST_MM)
        return torch.where(depth >= self.BACKGROUND_FROM_MM, 0.0, depth).to(torch.int16)


def pixels_of(images: torch.Tensor, depth: DepthScale = "centred") -> Pixels:
    """The way for resident images: by their type, uint8 levels or int16 depth."""
    if images.dtype == torch.uint8:
        return Levels()
    return CentredDepth() if depth == "centred" else PaperDepth()


def require_scale(images: torch.Tensor | NDArray[Any], depth: DepthScale, owner: str) -> None:
    """DataError when depth images, stored or resident, are beyond what the scale can tell from background."""
    if depth == "centred" or images.dtype.itemsize == 1 or not len(images):
        return
    deepest = int(images.max())
    if deepest >= PaperDepth.BACKGROUND_FROM_MM:
        raise DataError(
            f"{owner}: depth of {deepest} mm; with depth=paper, {PaperDepth.BACKGROUND_FROM_MM} mm and more are "
            "background; choose depth=centred"
        )
