"""Strong augmentation of training images: tone, blur, resolution, noise and occlusion, but never geometry.

Two uses: a baseline without a refiner, in the manner of GazeML on UnityEyes (Park et al. 2018), and estimators that
must work on images which look unlike those they were trained on.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

Augment = Literal["none", "strong"]

PROBABILITY = 0.5
"""Of each effect in each image: clean images stay part of the training set."""

TONE = 2.0
"""Gain, contrast and gamma are drawn log-uniformly from 1 / TONE to TONE."""

BLUR_PX = 0.3, 1.2
"""Smallest and largest standard deviation of the blur."""

LOWEST_RESOLUTION_PX = 3.0
"""Side of the sensor cells of the coarsest camera, in pixels of the image."""

NOISE = 0.06
"""Largest standard deviation of the noise, as a share of white: 15 grey values."""

LINES, LINE_PX = 2, 4.0
RECTANGLES, RECTANGLE_SHARE = 1, 1 / 3
CUT_OUTS, CUT_OUT_SHARE = 3, 1 / 6
"""Number, and largest thickness or side (as a share of the shorter side of the image)."""


def strongly_augmented(images: Tensor, generator: torch.Generator) -> Tensor:
    """(n, 1, H, W) uint8 -> the same shape and type, other images; `generator` is on their device.

    Occlusion by lines, rectangles and small cut-outs; Gaussian blur; a camera of lower resolution (averaged down,
    linearly interpolated up); gain, contrast and gamma; white noise. Each of them in half of the images, drawn for
    every image apart. Nothing is moved, so labels that say where something is, or where it points, stay true.
    """
    draws = _Draws(len(images), generator)
    grey = images.float() / 255
    for _ in range(LINES):
        grey = _with_line(grey, draws)
    for _ in range(RECTANGLES):
        grey = _with_rectangle(grey, draws, RECTANGLE_SHARE)
    for _ in range(CUT_OUTS):
        grey = _with_rectangle(grey, draws, CUT_OUT_SHARE)
    grey = _seen_by_a_poor_camera(grey, draws)
    grey = _toned(grey, draws)
    noise = torch.randn(grey.shape, generator=generator, device=generator.device)
    grey = grey + noise * draws.sometimes(draws.uniform(0, NOISE), 0)
    return grey.clamp(0, 1).mul(255).round().to(torch.uint8)


class _Draws:
    """Random numbers for a batch: (n, 1, 1, 1), one per image."""

    def __init__(self, count: int, generator: torch.Generator) -> None:
        self._count, self._generator = count, generator

    def uniform(self, low: float, high: float) -> Tensor:
        unit = torch.rand((self._count, 1, 1, 1), generator=self._generator, device=self._generator.device)
        return low + (high - low) * unit

    def factor(self, largest: float) -> Tensor:
        """Log-uniform from 1 / largest to largest."""
        return largest ** self.uniform(-1, 1)

    def sometimes(self, values: Tensor, otherwise: float) -> Tensor:
        """`values` in the images where the effect happens, `otherwise` in the rest."""
        return torch.where(self.uniform(0, 1) < PROBABILITY, values, otherwise)


def _grid(grey: Tensor) -> tuple[Tensor, Tensor]:
    """(1, 1, 1, W) x and (1, 1, H, 1) y of the pixels' centres."""
    height, width = grey.shape[2:]
    x = torch.arange(width, device=grey.device, dtype=grey.dtype)
    return x.view(1, 1, 1, -1), torch.arange(height, device=grey.device, dtype=grey.dtype).view(1, 1, -1, 1)


def _painted(grey: Tensor, inside_px: Tensor, draws: _Draws) -> Tensor:
    """One grey value over all that lies inside; `inside_px`: distance to the edge, which is one pixel soft."""
    opacity = (inside_px + 0.5).clamp(0, 1) * draws.sometimes(draws.uniform(0.3, 1), 0)
    return grey + opacity * (draws.uniform(0, 1) - grey)


def _with_line(grey: Tensor, draws: _Draws) -> Tensor:
    """A straight line across the image: a hair, the frame of glasses, the edge of a mirror."""
    (x, y), (height, width) = _grid(grey), grey.shape[2:]
    angle = draws.uniform(0, torch.pi)
    across = (x - draws.uniform(0, width - 1)) * angle.sin() - (y - draws.uniform(0, height - 1)) * angle.cos()
    return _painted(grey, draws.uniform(0, LINE_PX) / 2 - across.abs(), draws)


def _with_rectangle(grey: Tensor, draws: _Draws, largest_share: float) -> Tensor:
    """An upright rectangle somewhere in the image; its sides are drawn apart."""
    (x, y), (height, width) = _grid(grey), grey.shape[2:]
    largest = largest_share * min(height, width)
    inside_x = draws.uniform(1, largest) / 2 - (x - draws.uniform(0, width - 1)).abs()
    inside_y = draws.uniform(1, largest) / 2 - (y - draws.uniform(0, height - 1)).abs()
    return _painted(grey, torch.minimum(inside_x, inside_y), draws)


def _seen_by_a_poor_camera(grey: Tensor, draws: _Draws) -> Tensor:
    """Blur and low resolution. Both are separable, so a matrix for rows and one for columns is all it takes."""
    sigma = draws.sometimes(draws.uniform(*BLUR_PX), 1e-3).flatten(1)
    cell = draws.sometimes(draws.uniform(1, LOWEST_RESOLUTION_PX), 1).flatten(1)
    for axis in (2, 3):
        phase = torch.where(cell > 1, draws.uniform(0, 1).flatten(1), 0)
        side = grey.shape[axis]
        matrix = (_low_resolution(side, cell, phase) @ _blur(side, sigma)).unsqueeze(1)
        grey = matrix @ grey if axis == 2 else grey @ matrix.mT
    return grey


def _blur(side: int, sigma: Tensor) -> Tensor:
    """(n, 1) -> (n, side, side): Gaussian blur along one axis, renormalised at the borders."""
    at = torch.arange(side, device=sigma.device, dtype=sigma.dtype)
    weights = torch.exp(-0.5 * ((at[:, None] - at) / sigma[:, :, None]) ** 2)
    return weights / weights.sum(dim=2, keepdim=True)


def _low_resolution(side: int, cell: Tensor, phase: Tensor) -> Tensor:
    """(n, 1) side of a cell in px and (n, 1) offset of the cells -> (n, side, side) along one axis.

    Each cell averages what falls on it, and its value stands at its centre; between centres it is linear. Straight
    ramps survive both to within 0.1 px, so nothing moves. A cell of 1 px without an offset changes nothing.
    """
    at = torch.arange(side, device=cell.device, dtype=cell.dtype)
    centres = (torch.arange(side + 2, device=cell.device) - phase) * cell  # (n, cells), from before the first pixel
    covered = (cell[:, :, None] / 2 + 0.5 - (at - centres.clamp(0, side - 1)[:, :, None]).abs()).clamp(0, 1)
    averages = covered / covered.sum(dim=2, keepdim=True)
    linear = (1 - (at[:, None] - centres[:, None, :]).abs() / cell[:, :, None]).clamp_min(0)
    return linear @ averages


def _toned(grey: Tensor, draws: _Draws) -> Tensor:
    """Another exposure, tone curve and contrast."""
    grey = grey.clamp(0, 1) ** draws.sometimes(draws.factor(TONE), 1)
    mean = grey.mean(dim=(1, 2, 3), keepdim=True)
    grey = mean + (grey - mean) * draws.sometimes(draws.factor(TONE), 1)
    return grey * draws.sometimes(draws.factor(TONE), 1)
