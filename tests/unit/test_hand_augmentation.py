"""Rotations and crops of hands: joints go where their pixels go, depth keeps its values, draws come from one stream."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from estimators.nn.hand_augmentation import rotated_and_cropped

SIDE = 64


def blobs(count: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """(count, 1, 64, 64) int16 with a disc of its own depth at each of 3 places, and the places as shares."""
    rng = np.random.default_rng(seed)
    centres = np.array([(-14, -9), (15, -3), (-2, 16)]) + rng.uniform(-4, 4, (count, 3, 2)) + (SIDE - 1) / 2
    rows, columns = np.mgrid[:SIDE, :SIDE]
    images = np.zeros((count, SIDE, SIDE), np.int16)
    for index in range(count):
        for joint, (x, y) in enumerate(centres[index]):
            images[index][np.hypot(columns - x, rows - y) < 4] = 500 + 100 * joint
    return torch.from_numpy(images)[:, None], torch.from_numpy((centres + 0.5) / SIDE).float()


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def centre_px(image: Tensor, depth: int) -> Tensor:
    """(x, y) mean of the pixels of one depth."""
    rows, columns = torch.nonzero(image[0] == depth, as_tuple=True)
    return torch.stack([columns.float().mean(), rows.float().mean()])


@pytest.mark.parametrize(("rotation_deg", "crop"), [(20, 0), (0, 0.2), (20, 0.1), (90, 0.2)])
def test_places_move_with_their_pixels(rotation_deg: float, crop: float) -> None:
    images, places = blobs(25)
    moved, new = rotated_and_cropped(images, places, generator(), rotation_deg, crop)
    assert moved.dtype == images.dtype and moved.shape == images.shape
    for image, joints in zip(moved, new * SIDE - 0.5, strict=True):
        for joint, place in enumerate(joints):
            if float(place.min()) > 5 and float(place.max()) < SIDE - 6:
                assert float((centre_px(image, 500 + 100 * joint) - place).norm()) < 1
    assert float((new - places).abs().max()) * SIDE > 3


def test_depth_is_never_mixed() -> None:
    images, places = blobs(10)
    moved, _ = rotated_and_cropped(images, places, generator(), 45, 0.3)
    assert set(moved.flatten().tolist()) == set(images.flatten().tolist())


def test_without_rotation_and_crop_nothing_changes() -> None:
    images, places = blobs(5)
    moved, new = rotated_and_cropped(images, places, generator(), 0, 0)
    assert torch.equal(moved, images)
    torch.testing.assert_close(new, places)


def test_rotation_keeps_distances_within_its_range_and_crop_scales_them() -> None:
    images, places = blobs(200)
    before = places[:, 1] - places[:, 0]
    _, turned = rotated_and_cropped(images, places, generator(), 20, 0)
    after = turned[:, 1] - turned[:, 0]
    torch.testing.assert_close(after.norm(dim=1), before.norm(dim=1))
    angle = torch.rad2deg(torch.atan2(after[:, 1], after[:, 0]) - torch.atan2(before[:, 1], before[:, 0]))
    assert -20.01 < float(angle.min()) < -18 and 18 < float(angle.max()) < 20.01
    _, cropped = rotated_and_cropped(images, places, generator(), 0, 0.2)
    ratio = before.norm(dim=1) / (cropped[:, 1] - cropped[:, 0]).norm(dim=1)
    assert 0.799 < float(ratio.min()) < 0.82 and 1.18 < float(ratio.max()) < 1.201


def test_what_lies_outside_is_background() -> None:
    images = torch.full((50, 1, SIDE, SIDE), 700, dtype=torch.int16)
    moved, _ = rotated_and_cropped(images, torch.zeros((50, 1, 2)), generator(), 20, 0)
    assert set(moved.flatten().tolist()) == {0, 700}


def test_the_stream_decides() -> None:
    images, places = blobs(4)
    first, again, other = (rotated_and_cropped(images, places, generator(seed), 20, 0.1) for seed in (1, 1, 2))
    assert torch.equal(first[0], again[0]) and torch.equal(first[1], again[1])
    assert not torch.equal(first[1], other[1])
