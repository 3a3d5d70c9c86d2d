"""Heatmaps and the places they stand for, as shares of the image's side: the centre of cell c of G is (c + 0.5) / G."""

from __future__ import annotations

import torch
from torch import Tensor


def gaussians(places: Tensor, side: int, sigma: float) -> Tensor:
    """(n, K, 2) shares (x, y) -> (n, K, side, side) maps exp(-d^2 / (2 sigma^2)), d and sigma in cells; peak 1.

    Newell et al. 2016 have sigma = 1 on 64 x 64. A place between cells keeps its fraction of a cell.
    """
    cells = torch.arange(side, device=places.device, dtype=places.dtype)
    x, y = (torch.exp(-((cells - (places[..., axis, None] * side - 0.5)) ** 2) / (2 * sigma**2)) for axis in (0, 1))
    return y[..., :, None] * x[..., None, :]


def highest_cells(maps: Tensor) -> Tensor:
    """(n, K, G, G) -> (n, K, 2) shares (x, y) of the centre of the highest cell; the first of equal ones."""
    side = maps.shape[-1]
    values = maps.flatten(2)
    cells = torch.arange(side * side, device=maps.device)
    # argmax leaves open which of equal ones it gives, and then an answer could depend on the batch
    first = torch.where(values == values.amax(dim=2, keepdim=True), cells, side * side).amin(dim=2)
    return (torch.stack([first % side, first // side], dim=2).to(maps.dtype) + 0.5) / side


def centres_of_mass(maps: Tensor) -> Tensor:
    """(n, K, G, G) -> (n, K, 2) shares (x, y): the mean cell under the softmax of each map (Sun et al. 2018)."""
    side = maps.shape[-1]
    mass = maps.flatten(2).softmax(dim=2).view(maps.shape)
    centres = (torch.arange(side, device=maps.device, dtype=maps.dtype) + 0.5) / side
    # no matrix products: they round by where a row lies in memory
    return torch.stack([(mass.sum(dim=2) * centres).sum(dim=2), (mass.sum(dim=3) * centres).sum(dim=2)], dim=2)
