"""The depth that an image shows at a place: of the nearest foreground, without its outliers."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def surface_mm(images: Tensor, places: Tensor) -> Tensor:
    """(n, 1, H, W) stored depth and (n, K, 2) places (u, v) in px -> (n, K) float32 mm.

    The median of the foreground in the 3x3 px around the foreground pixel nearest to the place, which is rounded to
    whole pixels and into the image; the lower one of two. Of equally near pixels the first in reading order.
    0 for images without any foreground.
    """
    height, width = images.shape[2:]
    depth = images[:, 0].float()
    v, u = (torch.arange(side, device=images.device) for side in (height, width))
    pixel = v[:, None] * width + u
    found = []
    for place in places.unbind(dim=1):  # one joint at a time: all would be 14 times the memory
        at_u, at_v = (place[:, axis].round().long().clamp(0, side - 1) for axis, side in ((0, width), (1, height)))
        squared = (v[:, None] - at_v[:, None, None]) ** 2 + (u - at_u[:, None, None]) ** 2
        # Distance and pixel in one number: the order is total, so nothing depends on how the smallest is searched.
        ranked = torch.where(depth > 0, squared * (height * width) + pixel, 1 << 62)
        found.append(_foreground_median(depth, ranked.flatten(1).argmin(dim=1)))
    return torch.stack(found, dim=1)


def _foreground_median(depth: Tensor, pixel: Tensor) -> Tensor:
    """(n, H, W) depth and (n,) flat pixel indices -> (n,) lower median of the foreground around each."""
    across = depth.shape[2] + 2  # with a frame of background
    corner = pixel // depth.shape[2] * across + pixel % depth.shape[2]
    window = torch.tensor([row * across + column for row in range(3) for column in range(3)], device=depth.device)
    values = F.pad(depth, (1, 1, 1, 1)).flatten(1).gather(1, corner[:, None] + window)
    count = (values > 0).sum(dim=1, keepdim=True)
    nearest_first = torch.where(values > 0, values, torch.inf).sort(dim=1).values
    middle = nearest_first.gather(1, (count - 1).clamp_min(0) // 2)
    return torch.where(count > 0, middle, 0).squeeze(1)
