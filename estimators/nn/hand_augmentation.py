"""Random rotations and crops of depth images, and of the joints in them alike (section 3.2)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def rotated_and_cropped(
    images: Tensor, places: Tensor, draws: torch.Generator, rotation_deg: float, crop: float
) -> tuple[Tensor, Tensor]:
    """(n, 1, S, S) stored depth and (n, K, 2) places as shares of the side -> both seen through another square.

    The square's side is 1 - crop to 1 + crop of the image's, its centre up to crop / 2 of the side away from the
    image's, and it is turned by up to rotation_deg to both sides; all are drawn evenly for each image. What lies
    outside the image is background (0). Depth is taken from the nearest pixel: means of two depths would be
    surfaces where there are none. Places may come to lie outside, below 0 or above 1.
    """
    count, device = len(images), images.device

    def even(largest: float) -> Tensor:
        return largest * (2 * torch.rand(count, generator=draws, device=device) - 1)

    angle, side, centre = torch.deg2rad(even(rotation_deg)), 1 + even(crop), torch.stack([even(crop), even(crop)], 1)
    cosine, sine = angle.cos(), angle.sin()
    turn = torch.stack([torch.stack([cosine, -sine], 1), torch.stack([sine, cosine], 1)], 1)  # (n, 2, 2)
    # In coordinates of -1..1 a point p of the new image shows side * turn p + centre of the old one.
    to_old = torch.cat([side[:, None, None] * turn, centre[:, :, None]], dim=2)
    grid = F.affine_grid(to_old, list(images.shape), align_corners=False)
    moved = F.grid_sample(images.float(), grid, mode="nearest", padding_mode="zeros", align_corners=False)
    from_centre = (2 * places - 1 - centre[:, None]) / side[:, None, None]
    return moved.to(images.dtype), (from_centre @ turn + 1) / 2  # a turn undone is its transpose: p^T turn
