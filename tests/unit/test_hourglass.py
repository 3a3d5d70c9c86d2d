"""The stacked hourglass: its stacks and sizes, places in px, depth below the surface, learning, refusals."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from bench.core.context import RunContext
from bench.core.errors import DataError, UsageError
from bench.core.images import ImageSet
from bench.training.device import pin_threads
from estimators.hourglass import Hourglass
from estimators.nn.hourglass_network import HourglassNetwork
from estimators.nn.joint_maps import gaussians

BELOW_MM = np.arange(14) * 2.0
RUN = RunContext(0)


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    pin_threads(1)
    yield
    pin_threads(before)


def hands(count: int, seed: int = 1, side: int = 32) -> ImageSet:
    """A sloping surface whose outline tells where the joints are: all at fixed offsets from the middle of a square."""
    rng = np.random.default_rng(seed)
    middle = rng.uniform(0.35, 0.65, (count, 2)) * side
    tilt, distance = rng.uniform(-2, 2, count), rng.uniform(600, 900, count)
    rows, columns = np.mgrid[:side, :side]
    x, y = columns - middle[:, 0, None, None], rows - middle[:, 1, None, None]
    surface = np.rint(distance[:, None, None] + tilt[:, None, None] * x)
    images = np.where(np.maximum(abs(x), abs(y)) < side / 4, surface, 0).astype(np.uint16)
    offsets = np.stack([np.arange(14) % 4 - 1.5, np.arange(14) // 4 - 1.5], axis=1) * side / 12
    places = middle[:, None] + offsets
    depth = distance[:, None] + tilt[:, None] * offsets[:, 0] + BELOW_MM
    joints = np.concatenate([places, depth[..., None]], axis=2)
    ids = np.array([f"{index:05d}" for index in range(count)])
    return ImageSet(ids=ids, persons=ids, images=images, labels={"joints": joints}, name="hands")


def fitted(train: ImageSet, validation: ImageSet | None = None, **settings: Any) -> Hourglass:
    estimator = Hourglass.configured("tiny", settings)
    estimator.fit(train, validation, RunContext(0))
    return estimator


def network(estimator: Hourglass, size: int) -> HourglassNetwork:
    built = estimator._new_network((size, size))
    built.initialise(torch.Generator().manual_seed(0))
    return built


def parameters(part: torch.nn.Module) -> int:
    return sum(values.numel() for values in part.parameters())


def px(predicted: NDArray[np.float64], truth: NDArray[np.float64]) -> NDArray[np.float64]:
    distances: NDArray[np.float64] = np.linalg.norm((predicted - truth)[..., :2], axis=2)
    return distances


class TestNetwork:
    def test_the_papers_has_two_stacks_of_14_maps_of_64_cells(self) -> None:
        paper = network(Hourglass.configured("hand-paper"), 224)
        assert (len(paper.hourglasses), paper.input_side) == (2, 256)
        with torch.no_grad():
            maps = paper(torch.randint(0, 900, (1, 1, 224, 224), dtype=torch.int16))
        assert maps.shape == (1, 2, 14, 64, 64)
        assert maps.dtype == torch.float32

    def test_the_papers_size(self) -> None:
        """By hand: a residual of f maps has f^2 / 2 + 9 f^2 / 4 + f^2 / 2 weights, 2 f biases and 4 f of norms."""
        paper = network(Hourglass.configured("hand-paper"), 224)
        residual = 13 * 256**2 // 4 + 6 * 256
        normed = 256**2 + 3 * 256
        one = (4 * 3 + 1 + 1) * residual + normed  # 3 per level, one innermost, one after
        assert parameters(paper.hourglasses) == 2 * one
        heads, back = 2 * (256 * 14 + 14), (256 + 14) * 256 + 256
        assert parameters(paper) == 2 * one + heads + back + parameters(paper.stem)
        assert 6.0e6 < parameters(paper) < 7.0e6

    @pytest.mark.parametrize("reduction", [1, 2, 4])
    def test_the_stem_brings_the_input_to_the_maps(self, reduction: int) -> None:
        estimator = Hourglass.configured("tiny", {"input_side": 8 * reduction, "stacks": 2})
        with torch.no_grad():
            maps = network(estimator, 32)(torch.zeros((2, 1, 32, 32), dtype=torch.int16))
        assert maps.shape == (2, 2, 14, 8, 8)

    def test_every_stack_is_trained(self) -> None:
        """Intermediate supervision: each adds the same loss for the same maps."""
        estimator = Hourglass.configured("tiny", {"argmax": "hard", "stacks": 2})
        targets = torch.rand((3, 14, 2), generator=torch.Generator().manual_seed(0))
        right = gaussians(targets, 8, 1.0)
        assert float(estimator._loss(torch.stack([right, right], dim=1), targets)) == 0
        one = float(estimator._loss(torch.stack([right + 1, right], dim=1), targets))
        both = float(estimator._loss(torch.stack([right + 1, right + 1], dim=1), targets))
        assert one == pytest.approx(64, rel=1e-6) and both == pytest.approx(128, rel=1e-6)

    def test_the_soft_loss_is_in_cells(self) -> None:
        estimator = Hourglass.configured("tiny", {"argmax": "soft"})
        maps = torch.full((1, 2, 14, 8, 8), -1e4)
        maps[..., 4, 2] = 0
        exact = torch.tensor([2.5, 4.5]).expand(1, 14, 2) / 8
        assert float(estimator._loss(maps, exact)) == pytest.approx(0, abs=1e-6)
        assert float(estimator._loss(maps, exact + 2 / 8)) == pytest.approx(2 * 2 * 1.5, rel=1e-5)


class TestPlaces:
    @pytest.mark.parametrize(("size", "grid"), [(32, 32), (64, 32), (56, 16)])
    @pytest.mark.parametrize("argmax", ["hard", "soft"])
    def test_cells_become_px_of_the_image(self, size: int, grid: int, argmax: str) -> None:
        settings = {"map_side": grid, "input_side": grid, "argmax": argmax, "stacks": 2}
        built = network(Hourglass.configured("tiny", settings), size).eval()
        maps = torch.full((1, 2, 14, grid, grid), -1e3)
        maps[:, 1, :, 3, 5] = 1e3  # the last stack counts
        built.heatmaps = lambda images: maps  # type: ignore[method-assign]
        image = torch.full((1, 1, size, size), 800, dtype=torch.int16)
        u, v = (5 + 0.5) * size / grid - 0.5, (3 + 0.5) * size / grid - 0.5
        torch.testing.assert_close(built(image), torch.tensor([u, v, 800.0]).expand(1, 14, 3))


class TestLearning:
    @pytest.mark.parametrize("argmax", ["hard", "soft"])
    def test_learns_to_a_fraction_of_the_spread(self, argmax: str) -> None:
        train, test = hands(200), hands(60, seed=2)
        estimator = fitted(
            train, argmax=argmax, features=16, stacks=1, steps=80, batch=16, evaluate_every=40, rotation_deg=5.0
        )
        truth = test.labels["joints"]
        error = px(estimator.predict(test.images[:], RUN), truth).mean()
        assert error < 0.5 * px(np.broadcast_to(train.labels["joints"].mean(axis=0), truth.shape), truth).mean()

    def test_usual_distance_below_the_surface_is_learnt_and_kept(self, tmp_path: Path) -> None:
        estimator = fitted(hands(60))
        estimator.save(tmp_path)
        for each in (estimator, Hourglass.load(tmp_path)):
            assert each._network is not None
            np.testing.assert_allclose(each._network.below_surface_mm.numpy(), BELOW_MM, atol=1.5)

    def test_depth_is_the_surface_at_the_place_and_that_distance(self) -> None:
        train = hands(60)
        estimator = fitted(train)
        flat = np.full((3, 32, 32), 777, np.uint16)
        assert estimator._network is not None
        below = estimator._network.below_surface_mm.numpy()
        np.testing.assert_allclose(estimator.predict(flat, RUN)[..., 2], np.broadcast_to(777 + below, (3, 14)))

    def test_images_without_a_hand_are_harmless(self) -> None:
        train = hands(20)
        empty = train.images[:].copy()
        empty[::2] = 0
        for argmax in ("hard", "soft"):
            predicted = fitted(train.with_images(empty), argmax=argmax).predict(np.zeros((3, 32, 32), np.uint16), RUN)
            assert np.isfinite(predicted).all()

    def test_distance_to_the_camera_does_not_matter(self) -> None:
        train = hands(20)
        estimator = fitted(train)
        far = np.where(train.images[:] > 0, train.images[:] + 400, 0).astype(np.uint16)
        near, moved = (estimator.predict(images, RUN) for images in (train.images[:], far))
        np.testing.assert_allclose(moved[..., 2], near[..., 2] + 400, atol=1e-3)

    def test_augments_unless_told_not_to(self) -> None:
        images, predictions = hands(20), []
        for rotation_deg, crop in ((20.0, 0.1), (0.0, 0.1), (20.0, 0.0), (0.0, 0.0)):
            estimator = fitted(images, rotation_deg=rotation_deg, crop=crop)
            predictions.append(estimator.predict(images.images[:], RUN))
        assert all(not np.array_equal(predictions[0], other) for other in predictions[1:])


class TestRefusals:
    def test_images(self) -> None:
        train = hands(8)
        with pytest.raises(DataError, match=r"32x30 px are not square; crop them"):
            fitted(replace(train, images=train.images[:, :, :30]))
        with pytest.raises(
            DataError, match=r"hands: got uint8 images .* depth images .* are needed; choose a data set of hands"
        ):
            fitted(replace(train, images=train.images[:].astype(np.uint8)))
        with pytest.raises(DataError, match="40000 mm"):
            fitted(replace(train, images=np.full((8, 32, 32), 40_000, np.uint16)))

    @pytest.mark.parametrize(
        ("settings", "told"),
        [
            ({"input_side": 48, "map_side": 16}, "input_side must be 1, 2 or 4 times map_side, 16; it is 48"),
            ({"levels": 4, "map_side": 8, "input_side": 8}, "map_side 8 cannot be halved 4 times; lower levels"),
        ],
    )
    def test_settings(self, settings: dict[str, int], told: str) -> None:
        with pytest.raises(UsageError, match=told):
            Hourglass.configured("tiny", settings)
