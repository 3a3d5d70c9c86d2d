"""Strong augmentation: nothing moves, each effect is what it says, and the stream alone decides."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file
from scipy.ndimage import gaussian_filter1d
from torch import Tensor

from bench.core.context import RunContext
from bench.core.images import ImageSet
from bench.data.simulator.eyes import render_eyes
from estimators.cnn import GazeCNN
from estimators.nn import augmentation
from estimators.nn.augmentation import strongly_augmented

MARGIN = 6


def stream(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def eyes(count: int = 64) -> Tensor:
    return torch.from_numpy(render_eyes(count, domain="synthetic", seed=1).images).unsqueeze(1)


def draws(count: int, seed: int = 0) -> augmentation._Draws:
    return augmentation._Draws(count, stream(seed))


def column(value: float) -> Tensor:
    return torch.tensor([[value]])


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
    @settings(max_examples=40)
    @given(
        side=st.integers(20, 64),
        cell=st.floats(1, augmentation.LOWEST_RESOLUTION_PX),
        phase=st.floats(0, 1, exclude_max=True),
    )
    def test_low_resolution_moves_nothing(self, side: int, cell: float, phase: float) -> None:
        matrix = augmentation._low_resolution(side, column(cell), column(phase))[0]
        torch.testing.assert_close(matrix.sum(dim=1), torch.ones(side))
        ramp = torch.arange(side, dtype=torch.float32)
        assert (matrix @ ramp - ramp)[MARGIN:-MARGIN].abs().max() < 0.1

    def test_a_blurred_coarse_spot_stays_where_it_was(self) -> None:
        y, x = np.mgrid[:41, :61]
        spot = np.exp(-((x - 33.3) ** 2 + (y - 18.6) ** 2) / (2 * 2.0**2)).astype(np.float32)
        seen = augmentation._seen_by_a_poor_camera(torch.from_numpy(spot).expand(500, 1, -1, -1), draws(500))
        weights = seen[:, 0].double().numpy()
        total = weights.sum(axis=(1, 2))
        moved = np.stack([(weights * x).sum(axis=(1, 2)) / total - 33.3, (weights * y).sum(axis=(1, 2)) / total - 18.6])
        assert np.abs(moved).max() < 0.1
        assert np.abs(moved.mean(axis=1)).max() < 0.01
        assert weights.max(axis=(1, 2)).min() < 0.8, "it is blurred, though"


class TestEffects:
    def test_blur_is_scipys(self) -> None:
        signal = np.random.default_rng(0).random(60)
        for sigma in (0.4, 1.2):
            ours = augmentation._blur(60, column(sigma))[0].double().numpy() @ signal
            theirs = gaussian_filter1d(signal, sigma, truncate=8)
            np.testing.assert_allclose(ours[10:-10], theirs[10:-10], atol=1e-5)

    def test_a_coarse_cell_is_the_mean_of_its_pixels(self) -> None:
        signal = torch.rand(30, generator=stream())
        seen = augmentation._low_resolution(30, column(3.0), column(0.0))[0] @ signal
        means = signal[2:29].reshape(9, 3).mean(dim=1)
        torch.testing.assert_close(seen[3:30:3], means)
        torch.testing.assert_close(seen[4:26:3], means[:-1] * 2 / 3 + means[1:] / 3)

    @settings(max_examples=40)
    @given(seed=st.integers(0, 2**32))
    def test_tone_keeps_the_order_of_grey_values(self, seed: int) -> None:
        grey = torch.linspace(0, 1, 77).view(1, 1, 7, 11)
        assert (augmentation._toned(grey, draws(1, seed)).flatten().diff() >= -1e-6).all()

    @pytest.mark.parametrize(
        ("effect", "share"),
        [
            (augmentation._with_line, 0.5),
            (lambda grey, draws: augmentation._with_rectangle(grey, draws, 1 / 3), 0.5),
            (augmentation._seen_by_a_poor_camera, 0.75),
            (augmentation._toned, 0.875),
        ],
    )
    def test_each_happens_in_half_of_the_images(
        self, effect: Callable[[Tensor, augmentation._Draws], Tensor], share: float
    ) -> None:
        """0.75 and 0.875: two and three effects in one."""
        grey = eyes(1).float().expand(2000, -1, -1, -1) / 255
        changed = (effect(grey, draws(2000)) - grey).abs().amax(dim=(1, 2, 3)) > 1e-6
        assert float(changed.float().mean()) == pytest.approx(share, abs=0.04)

    @pytest.mark.parametrize("largest_share", [1 / 3, 1 / 6])
    def test_rectangles_stay_small(self, largest_share: float) -> None:
        grey = torch.full((2000, 1, 35, 55), 2.0)
        covered = (augmentation._with_rectangle(grey, draws(2000), largest_share) != 2).flatten(1).sum(dim=1)
        assert 1 < int(covered.max()) <= (35 * largest_share + 2) ** 2

    def test_lines_are_thin_and_cross_the_image(self) -> None:
        grey = torch.full((2000, 1, 35, 55), 2.0)
        covered = (augmentation._with_line(grey, draws(2000)) != 2).flatten(1).sum(dim=1)
        diagonal = float(np.hypot(35, 55))
        assert diagonal < int(covered.max()) <= (augmentation.LINE_PX + 2) * diagonal * 1.2


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
