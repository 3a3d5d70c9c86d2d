"""SimGAN on images in colour: layout, networks of three channels, training, saving, and what does not fit together."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from bench.core.context import RunContext
from bench.core.errors import DataError
from bench.core.images import Unlabelled
from bench.training.batches import arrays, resident, to_unit
from refiners.nn.history import HistoryBuffer
from refiners.nn.inference import apply_in_chunks
from refiners.nn.networks import DiscriminatorNet, RefinerNet
from refiners.simgan import SimGAN
from tests.unit.simgan_small import TINY, EagerRun, Stop, same, smooth, stop_at, weights


def coloured(seed: int, count: int = 40, brightness: tuple[float, float, float] = (90.0, 100.0, 110.0)) -> Unlabelled:
    """Smooth images whose three channels differ in brightness."""
    grey = smooth(seed, count, 0.0).images[:].astype(np.int16)
    pixels = np.clip(grey[..., None] + np.array(brightness), 0, 255).astype(np.uint8)
    names = np.array([f"{seed}-{number}" for number in range(count)])
    return Unlabelled(ids=names, persons=names, images=pixels, name=f"colour {seed}")


def fitted(run: RunContext, **settings: Any) -> SimGAN:
    refiner = SimGAN.configured("quick", {**TINY, **settings})
    refiner.fit(coloured(0), coloured(1), run)
    return refiner


def noise(*shape: int) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


# Layout


def test_channels_stay_what_they_are_from_array_to_tensor_and_back() -> None:
    pixels = noise(5, 6, 7, 3)
    held = resident(pixels, "cpu")
    assert held.shape == (5, 3, 6, 7)
    assert held.dtype == torch.uint8
    for channel in range(3):
        assert np.array_equal(held[:, channel].numpy(), pixels[..., channel])
    back = arrays(held)
    assert np.array_equal(back, pixels)
    assert back.flags.c_contiguous
    assert to_unit(held[[3, 1]]).is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("shape", [(4, 1, 5), (4, 1, 5, 3), (1, 3, 3, 3), (2, 3, 3)])
def test_grey_and_colour_of_odd_sizes_are_told_apart(shape: tuple[int, ...]) -> None:
    pixels = noise(*shape)
    held = resident(pixels, "cpu")
    assert held.shape == (shape[0], 1 if len(shape) == 3 else 3, shape[1], shape[2])
    assert np.array_equal(arrays(held), pixels)


def test_history_keeps_all_channels() -> None:
    images = resident(noise(6, 5, 4, 3), "cpu")
    history = HistoryBuffer(6, images, seed=0)
    history.push(images[:4])
    history.push(images[4:])
    drawn = history.sample(6)
    assert all(any(torch.equal(image, one) for one in drawn) for image in images)


def test_only_the_outer_convolutions_know_of_colour() -> None:
    def parameters(net: torch.nn.Module) -> int:
        return sum(parameter.numel() for parameter in net.parameters())

    assert parameters(RefinerNet(channels=3)) == 296_129 + 2 * 64 * 9 + 2 * 65
    assert parameters(DiscriminatorNet(channels=3)) == 75_906 + 2 * 96 * 9


@pytest.mark.parametrize("shape", [(3, 8, 9), (3, 8, 9, 3)])
def test_running_a_net_in_chunks_keeps_shape_and_pixels(shape: tuple[int, ...]) -> None:
    pixels = noise(*shape)
    assert np.array_equal(apply_in_chunks(torch.nn.Identity(), pixels, "cpu", "float32"), pixels)
    assert apply_in_chunks(torch.nn.Identity(), pixels[:0], "cpu", "float32").shape == (0, *shape[1:])


# Training


def test_r_learns_the_colour_of_the_real_images() -> None:
    """Real images are redder and otherwise alike: red should rise, blue should not."""
    settings: dict[str, Any] = {
        "refiner_maps": 8,
        "batch": 8,
        "buffer_size": 64,
        "lambda_reg": 0.02,
        "pretrain_refiner": 80,
        "pretrain_discriminator": 30,
        "iterations": 80,
        "learning_rate": 1e-3,
        "pretrain_learning_rate": 3e-3,
    }
    synthetic, real = coloured(0, 200, (90, 90, 90)), coloured(1, 200, (150, 90, 90))
    run = RunContext(0)
    refiner = SimGAN.configured("quick", {**TINY, **settings})
    refiner.fit(synthetic, real, run)
    before = synthetic.images[:64].astype(float)
    red, _, blue = (refiner.refine(synthetic.images[:64], run) - before).mean(axis=(0, 1, 2))
    assert red > 15
    assert red > blue + 15


@pytest.mark.parametrize(("psi", "terms"), [("identity", 3 * 1925), ("derivatives", 3 * 3760), ("mean-rgb", 1925)])
def test_training_log_and_units_in_colour(psi: str, terms: int) -> None:
    run = RunContext(0)
    refiner = fitted(run, psi=psi)
    assert refiner.refine(coloured(2).images[:5], run).shape == (5, 35, 55, 3)
    assert run.notes["psi_terms"] == terms
    assert run.notes["lambda_mean_units"] == pytest.approx(0.5 * terms / 126)
    assert all(images.shape == (8, 35, 55, 3) and images.dtype == np.uint8 for _, _, images in run.images)
    assert all(np.isfinite(list(row.values())).all() for row in run.scalars)


@pytest.mark.parametrize(
    "settings", [{"adversarial_loss": "global"}, {"discriminator_norm": "batch"}, {"history": False, "snapshots": 2}]
)
def test_variants_train_in_colour(settings: dict[str, Any]) -> None:
    run = RunContext(0)
    assert fitted(run, **settings).refine(coloured(2).images[:2], run).shape == (2, 35, 55, 3)


def test_interrupted_and_resumed_in_colour(tmp_path: Path) -> None:
    expected = fitted(RunContext(0))
    for step in (4, 15):
        with pytest.raises(Stop):
            fitted(EagerRun(0, checkpoint=tmp_path / "state.pt", progress=stop_at(step)))
    assert same(expected, fitted(EagerRun(0, checkpoint=tmp_path / "state.pt")))


def test_save_and_load_keep_the_channels(tmp_path: Path) -> None:
    run = RunContext(0)
    refiner = fitted(run, snapshots=2)
    refiner.save(tmp_path)
    loaded = SimGAN.load(tmp_path)
    images = coloured(2).images[:5]
    assert np.array_equal(loaded.refine(images, run), refiner.refine(images, run))
    assert np.array_equal(loaded.at(0.5).refine(images, run), refiner.at(0.5).refine(images, run))
    assert weights(loaded)["last.weight"].shape[0] == 3


def test_refining_in_colour_does_not_depend_on_the_batch() -> None:
    run = RunContext(0)
    refiner = fitted(run)
    images = noise(70, 35, 55, 3)
    kept = images.copy()
    together = refiner.refine(images, run)
    for count in (1, 7):
        assert np.array_equal(refiner.refine(images[:count], run), together[:count])
    assert np.array_equal(images, kept)
    assert refiner.refine(noise(2, 48, 64, 3), run).shape == (2, 48, 64, 3)


# What does not fit together


def test_grey_and_colour_are_not_mixed() -> None:
    refiner, run = SimGAN.configured("quick", TINY), RunContext(0)
    with pytest.raises(DataError, match="set 0 has images in grey, colour 1 in colour") as told:
        refiner.fit(smooth(0), coloured(1), run)
    assert "\n" not in str(told.value)
    with pytest.raises(DataError, match="colour 0 has images in colour, set 1 in grey"):
        refiner.fit(coloured(0), smooth(1), run)


def test_a_refiner_takes_the_channels_that_it_was_trained_on() -> None:
    run = RunContext(0)
    with pytest.raises(DataError, match="trained on images in colour, the images to refine are in grey"):
        fitted(run).refine(smooth(0).images[:2], run)
    grey = SimGAN.configured("quick", TINY)
    grey.fit(smooth(0), smooth(1), run)
    with pytest.raises(DataError, match="trained on images in grey, the images to refine are in colour"):
        grey.refine(coloured(0).images[:2], run)


def test_the_mean_of_colours_needs_colours() -> None:
    refiner = SimGAN.configured("quick", {**TINY, "psi": "mean-rgb"})
    with pytest.raises(DataError, match="psi=mean-rgb is for images in colour") as told:
        refiner.fit(smooth(0), smooth(1), RunContext(0))
    assert "\n" not in str(told.value)
