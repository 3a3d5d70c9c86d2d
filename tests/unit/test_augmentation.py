"""Strong augmentation: nothing moves, each effect is what it says, and the stream alone decides."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from safetensors.numpy import load_file
from scipy.ndimage import gaussian_filter
from torch import Tensor

from bench.core.context import RunContext
from bench.core.images import ImageSet
from bench.data.simulator.eyes import render_eyes
from estimators.cnn import GazeCNN
from estimators.nn import augmentation
from estimators.nn.augmentation import strongly_augmented

MARGIN = 6
OFF: Mapping[str, Any] = {
    "LINES": 0,
    "RECTANGLES": 0,
    "CUT_OUTS": 0,
    "BLUR_PX": (1e-3, 1e-3),
    "LOWEST_RESOLUTION_PX": 1.0,
    "TONE": 1.0,
    "NOISE": 0.0,
}
Only = Callable[..., None]


@pytest.fixture
def only(monkeypatch: pytest.MonkeyPatch) -> Only:
    """only(NAME=value): augmentation does nothing but that, and does it to every image."""

    def restrict(probability: float = 1.0, **values: Any) -> None:
        for name, value in {**OFF, **values, "PROBABILITY": probability}.items():
            monkeypatch.setattr(augmentation, name, value)

    return restrict


def stream(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def eyes(count: int = 64) -> Tensor:
    return torch.from_numpy(render_eyes(count, domain="synthetic", seed=1).images).unsqueeze(1)


def augmented(image: NDArray[Any], count: int = 1) -> NDArray[np.uint8]:
    """(H, W) -> (count, H, W), each augmented apart."""
    pixels = torch.from_numpy(np.rint(image).astype(np.uint8)).expand(count, 1, -1, -1)
    found: NDArray[np.uint8] = strongly_augmented(pixels, stream())[:, 0].numpy()
    return found


def noise(height: int = 35, width: int = 55) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (height, width), dtype=np.uint8)


class TestStream:
    def test_same_state_same_images_and_the_next_ones_differ(self) -> None:
        images, generator = eyes(), stream()
        first = strongly_augmented(images, generator)
        state = generator.get_state()
        second = strongly_augmented(images, generator)
        assert first.shape == images.shape and first.dtype == torch.uint8
        assert torch.equal(first, strongly_augmented(images, stream()))
        assert not torch.equal(first, second)
        resumed = torch.Generator()
        resumed.set_state(state)
        assert torch.equal(second, strongly_augmented(images, resumed))

    def test_images_and_global_generator_are_left_alone(self) -> None:
        images, state = eyes(8), torch.get_rng_state()
        before = images.clone()
        strongly_augmented(images, stream())
        assert torch.equal(images, before)
        assert torch.equal(torch.get_rng_state(), state)

    def test_every_image_has_its_own(self) -> None:
        alike = eyes(1).expand(200, -1, -1, -1)
        assert len(torch.unique(strongly_augmented(alike, stream()).flatten(1), dim=0)) > 190

    def test_clean_images_stay_part_of_the_set(self, monkeypatch: pytest.MonkeyPatch) -> None:
        images = eyes(8)
        monkeypatch.setattr(augmentation, "PROBABILITY", 0.0)
        assert torch.equal(strongly_augmented(images, stream()), images)


class TestGeometry:
    @pytest.mark.parametrize("turned", [False, True])
    def test_blur_and_low_resolution_keep_a_ramp_in_its_place(self, only: Only, turned: bool) -> None:
        only(BLUR_PX=augmentation.BLUR_PX, LOWEST_RESOLUTION_PX=augmentation.LOWEST_RESOLUTION_PX)
        slope = 12
        ramp = np.tile(np.arange(21) * slope, (24, 1))
        seen = augmented(ramp.T if turned else ramp, 500).astype(float)
        moved = ((seen.swapaxes(1, 2) if turned else seen) - ramp)[:, MARGIN:-MARGIN, MARGIN:-MARGIN] / slope
        assert np.abs(moved).max() < 0.1 + 0.5 / slope  # rounding to grey values
        assert np.abs(moved.mean()) < 0.01

    @settings(max_examples=40)
    @given(
        side=st.integers(20, 64),
        cell=st.floats(1, augmentation.LOWEST_RESOLUTION_PX),
        phase=st.floats(0, 1, exclude_max=True),
    )
    def test_any_cells_move_nothing(self, side: int, cell: float, phase: float) -> None:
        matrix = augmentation._low_resolution(side, torch.tensor([[cell]]), torch.tensor([[phase]]))[0]
        torch.testing.assert_close(matrix.sum(dim=1), torch.ones(side))
        ramp = torch.arange(side, dtype=torch.float32)
        assert (matrix @ ramp - ramp)[MARGIN:-MARGIN].abs().max() < 0.1

    def test_a_blurred_coarse_spot_stays_where_it_was(self, only: Only) -> None:
        only(BLUR_PX=augmentation.BLUR_PX, LOWEST_RESOLUTION_PX=augmentation.LOWEST_RESOLUTION_PX)
        y, x = np.mgrid[:41, :61]
        spot = 255 * np.exp(-((x - 33.3) ** 2 + (y - 18.6) ** 2) / (2 * 2.0**2))
        weights = augmented(spot, 500).astype(float)
        total = weights.sum(axis=(1, 2))
        moved = np.stack([(weights * x).sum(axis=(1, 2)) / total - 33.3, (weights * y).sum(axis=(1, 2)) / total - 18.6])
        assert np.abs(moved).max() < 0.1
        assert np.abs(moved.mean(axis=1)).max() < 0.01
        assert weights.max(axis=(1, 2)).min() < 0.8 * 255, "it is blurred, though"


class TestEffects:
    def test_nothing_is_left_when_all_is_off(self, only: Only) -> None:
        only()
        np.testing.assert_array_equal(augmented(noise(), 20), np.broadcast_to(noise(), (20, 35, 55)))

    @pytest.mark.parametrize("sigma", [0.4, 1.2])
    def test_blur_is_scipys(self, only: Only, sigma: float) -> None:
        only(BLUR_PX=(sigma, sigma))
        expected = gaussian_filter(noise().astype(float), sigma, truncate=8)
        off = augmented(noise())[0] - expected
        assert np.abs(off[10:-10, 10:-10]).max() <= 0.5 + 1e-3

    def test_a_coarse_cell_is_the_mean_of_its_pixels(self) -> None:
        signal = torch.rand(30, generator=stream())
        seen = augmentation._low_resolution(30, torch.tensor([[3.0]]), torch.tensor([[0.0]]))[0] @ signal
        means = signal[2:29].reshape(9, 3).mean(dim=1)
        torch.testing.assert_close(seen[3:30:3], means)
        torch.testing.assert_close(seen[4:26:3], means[:-1] * 2 / 3 + means[1:] / 3)

    def test_tone_keeps_the_order_of_grey_values(self, only: Only) -> None:
        only(TONE=augmentation.TONE)
        toned = augmented(np.arange(256).reshape(16, 16), 500).reshape(500, -1).astype(int)
        assert (np.diff(toned) >= 0).all()
        assert len(np.unique(toned, axis=0)) == 500

    def test_noise_is_white_and_at_most_as_strong_as_said(self, only: Only) -> None:
        only(NOISE=augmentation.NOISE)
        off = augmented(np.full((35, 55), 128), 500).astype(float) - 128
        deviations = off.std(axis=(1, 2))
        assert 0.9 * 255 * augmentation.NOISE < deviations.max() < 1.1 * 255 * augmentation.NOISE
        assert np.abs(off.mean()) < 0.1
        assert np.abs((off[:, :, 1:] * off[:, :, :-1]).mean()) < 0.01 * off.var()

    @pytest.mark.parametrize(
        ("names", "share"),
        [
            (["LINES"], 0.75),
            (["RECTANGLES"], 0.5),
            (["CUT_OUTS"], 0.875),
            (["NOISE"], 0.5),
            (["BLUR_PX", "LOWEST_RESOLUTION_PX"], 0.75),
            (["TONE"], 0.875),
        ],
    )
    def test_each_happens_in_half_of_the_images(self, only: Only, names: list[str], share: float) -> None:
        """0.75 and 0.875: two and three effects in one."""
        only(augmentation.PROBABILITY, **{name: getattr(augmentation, name) for name in names})
        changed = (augmented(noise(), 2000) != noise()).any(axis=(1, 2))
        assert changed.mean() == pytest.approx(share, abs=0.04)

    @pytest.mark.parametrize(
        ("number", "share"), [("RECTANGLES", augmentation.RECTANGLE_SHARE), ("CUT_OUTS", augmentation.CUT_OUT_SHARE)]
    )
    def test_rectangles_stay_small(self, only: Only, number: str, share: float) -> None:
        only(**{number: 1})
        covered = (augmented(np.full((35, 55), 255), 2000) != 255).sum(axis=(1, 2))
        assert 1 < covered.max() <= (35 * share + 2) ** 2

    def test_lines_are_thin_and_cross_the_image(self, only: Only) -> None:
        only(LINES=1)
        covered = (augmented(np.full((35, 55), 255), 2000) != 255).sum(axis=(1, 2))
        diagonal = float(np.hypot(35, 55))
        assert diagonal < covered.max() <= (augmentation.LINE_PX + 2) * diagonal * 1.2


class TestTraining:
    def weights(self, folder: Path, run: RunContext, **settings: Any) -> dict[str, Any]:
        rendered = render_eyes(30, domain="synthetic", seed=1)
        train = ImageSet(
            ids=np.array([f"{index:05d}" for index in range(30)]),
            persons=rendered.persons.astype(str),
            images=rendered.images,
            labels={"gaze": rendered.gaze},
        )
        estimator = GazeCNN.configured("tiny", settings)
        estimator.fit(train, None, run)
        folder.mkdir()
        estimator.save(folder)
        return dict(load_file(folder / "weights.safetensors"))

    @pytest.mark.parametrize("stop_at", [1, 4])
    def test_resumed_equals_uninterrupted(self, tmp_path: Path, stop_at: int) -> None:
        class Eager(RunContext):
            def checkpoint_due(self) -> bool:
                return self.checkpoint is not None

        def stop(done: int, total: int, unit: str) -> None:
            if done == stop_at:
                raise KeyboardInterrupt

        whole = self.weights(tmp_path / "whole", RunContext(3), augment="strong")
        checkpoint = tmp_path / "checkpoint.pt"
        with pytest.raises(KeyboardInterrupt):
            self.weights(tmp_path / "stopped", Eager(3, checkpoint=checkpoint, progress=stop), augment="strong")
        resumed = self.weights(tmp_path / "resumed", Eager(3, checkpoint=checkpoint), augment="strong")
        for name, value in whole.items():
            np.testing.assert_array_equal(resumed[name], value, err_msg=name)
        plain = self.weights(tmp_path / "plain", RunContext(3))
        assert not np.array_equal(plain["last.weight"], whole["last.weight"])
