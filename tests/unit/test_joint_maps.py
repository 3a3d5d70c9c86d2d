"""Heatmaps and the places in them: closed forms, the centres of cells in px of the image, ties."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from estimators.nn.joint_maps import centres_of_mass, gaussians, highest_cells


def test_gaussians_equal_the_closed_form() -> None:
    places = torch.tensor([[[0.3, 0.7], [0.0, 1.0]]], dtype=torch.float64)
    maps = gaussians(places, 10, 1.5)
    for joint, (x, y) in enumerate(places[0].tolist()):
        for row, column in ((0, 0), (6, 2), (7, 3), (9, 0)):
            squared = (column - (10 * x - 0.5)) ** 2 + (row - (10 * y - 0.5)) ** 2
            assert float(maps[0, joint, row, column]) == pytest.approx(np.exp(-squared / (2 * 1.5**2)), rel=1e-12)


def test_the_peak_is_1_at_the_centre_of_a_cell_and_its_mass_that_of_the_integral() -> None:
    maps = gaussians(torch.tensor([[[(5 + 0.5) / 16, (9 + 0.5) / 16]]], dtype=torch.float64), 16, 1.0)
    assert float(maps[0, 0, 9, 5]) == 1
    assert float(maps.sum()) == pytest.approx(2 * np.pi, rel=1e-5)


@pytest.mark.parametrize(("side", "grid"), [(64, 64), (64, 32), (64, 16), (224, 64)])
def test_the_highest_cell_is_its_centre_in_px(side: int, grid: int) -> None:
    """u = (cell + 0.5) * W / grid - 0.5: cell 0 of 32 lies between pixels 0 and 1 of 64."""
    for column, row in ((0, 0), (grid - 1, 3), (7, grid - 1)):
        maps = torch.zeros((1, 1, grid, grid))
        maps[0, 0, row, column] = 1
        found = (highest_cells(maps) * side - 0.5)[0, 0].tolist()
        assert found == pytest.approx([(column + 0.5) * side / grid - 0.5, (row + 0.5) * side / grid - 0.5], abs=1e-4)
    assert side != grid or found == [7.0, side - 1.0]


@pytest.mark.parametrize("grid", [16, 64])
def test_the_highest_cell_of_a_gaussian_is_the_one_that_holds_the_place(grid: int) -> None:
    places = torch.rand((20, 14, 2), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    found = highest_cells(gaussians(places, grid, 1.0))
    torch.testing.assert_close(found, ((places * grid).floor() + 0.5) / grid)


def test_of_equally_high_cells_the_first_is_taken() -> None:
    maps = torch.zeros((2, 1, 4, 4))
    maps[1, 0, 2, 1] = maps[1, 0, 3, 3] = 5
    torch.testing.assert_close(highest_cells(maps)[:, 0] * 4 - 0.5, torch.tensor([[0.0, 0.0], [1.0, 2.0]]))


def test_the_centre_of_mass_lies_between_cells() -> None:
    maps = torch.full((1, 2, 8, 8), -1e3)
    maps[0, 0, 3, 2] = maps[0, 0, 3, 3] = 1
    maps[0, 1] = 0
    torch.testing.assert_close(centres_of_mass(maps)[0] * 8 - 0.5, torch.tensor([[2.5, 3.0], [3.5, 3.5]]))
