"""The depth that an image shows at a place: nearest foreground, median of its neighbours, nothing without a hand."""

from __future__ import annotations

import numpy as np
import torch

from estimators.nn.surface_depth import surface_mm


def shown(image: torch.Tensor, *places: tuple[float, float]) -> list[float]:
    found = surface_mm(image[None, None], torch.tensor([places]))
    assert found.dtype == torch.float32
    return [float(value) for value in found[0]]


def test_equals_a_plain_search() -> None:
    rng = np.random.default_rng(0)
    depth = np.where(rng.random((12, 17)) < 0.15, rng.integers(500, 900, (12, 17)), 0)
    places = rng.uniform(-2, 18, (40, 2))
    found = shown(torch.from_numpy(depth.astype(np.int16)), *(tuple(place) for place in places.tolist()))
    rows, columns = np.nonzero(depth)
    for (x, y), value in zip(np.rint(places), found, strict=True):
        squared = (columns - np.clip(x, 0, 16)) ** 2 + (rows - np.clip(y, 0, 11)) ** 2
        at = int(squared.argmin())  # np.nonzero is in reading order, and argmin takes the first
        window = depth[max(rows[at] - 1, 0) : rows[at] + 2, max(columns[at] - 1, 0) : columns[at] + 2]
        values = np.sort(window[window > 0])
        assert value == values[(len(values) - 1) // 2]


def test_an_outlier_is_not_believed() -> None:
    image = torch.full((9, 9), 700, dtype=torch.int16)
    image[4, 4] = 400
    assert shown(image, (4, 4)) == [700]


def test_far_from_the_hand_its_nearest_pixel_answers() -> None:
    image = torch.zeros((9, 9), dtype=torch.int16)
    image[2, 3], image[7, 7] = 650, 800
    assert shown(image, (0, 0), (8.4, 6.6), (-50, -50), (300, 300)) == [650, 800, 650, 800]


def test_no_hand_no_depth() -> None:
    assert shown(torch.zeros((5, 5), dtype=torch.int16), (2, 2), (0, 4)) == [0, 0]


def test_the_deepest_value_is_read_exactly() -> None:
    assert shown(torch.full((3, 3), 32_767, dtype=torch.int16), (1, 1)) == [32_767]
