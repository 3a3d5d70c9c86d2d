"""SimGAN on depth images: millimetres, both scales, noise channels, saving, resuming, and what does not fit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from bench.core.context import RunContext
from bench.core.depth import centres_mm
from bench.core.errors import DataError
from bench.core.images import Unlabelled
from refiners.nn.assembly import build
from refiners.nn.noise import DEVIATION, NoiseStream, own_noise
from refiners.nn.optimisers import decay
from refiners.simgan import SimGAN
from tests.unit.simgan_small import TINY, EagerRun, Stop, same, smooth, stop_at, weights

SIZE = 32


def mounds(seed: int, count: int = 40, height_mm: float = 60.0) -> Unlabelled:
    """A round mound on background, at 500 to 1300 mm."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:SIZE, :SIZE]
    middle, radius = rng.uniform(12, 20, (2, count, 1, 1)), rng.uniform(7, 11, (count, 1, 1))
    share = np.clip(1 - ((rows - middle[0]) ** 2 + (columns - middle[1]) ** 2) / radius**2, 0, 1)
    depth = np.where(share > 0, rng.uniform(500, 1300, (count, 1, 1)) - height_mm * share, 0)
    names = np.array([f"{seed}-{number}" for number in range(count)])
    return Unlabelled(ids=names, persons=names, images=depth.round().astype(np.uint16), name=f"hands {seed}")


def fitted(run: RunContext, preset: str = "quick", **settings: Any) -> SimGAN:
    refiner = SimGAN.configured(preset, {**TINY, **settings})
    refiner.fit(mounds(0), mounds(1), run)
    return refiner


# Settings


def test_the_paper_preset_holds_the_papers_values_for_hands() -> None:
    config = SimGAN.configured("hand-paper").config
    assert (config.refiner_maps, config.refiner_blocks, config.refiner_kernel, config.refiner_first_kernel) == (
        64,
        10,
        7,
        7,
    )
    assert (config.discriminator, config.depth, config.noise_channels) == ("hand", "paper", 0)
    assert (config.k_g, config.k_d, config.pretrain_refiner, config.pretrain_discriminator) == (2, 1, 500, 200)
    assert (config.optimiser, config.learning_rate, config.drop_after) == ("sgd", 2e-4, 600_000)
    assert config.iterations > 600_000
    assert config.learning_rate * config.drop_factor == pytest.approx(5e-5)


def test_no_preset_of_gaze_has_noise() -> None:
    for preset in ("smoke", "quick", "standard", "paper", "blog", "bojja"):
        assert SimGAN.configured(preset).config.noise_channels == 0


def test_the_learning_rate_drops_in_one_step() -> None:
    rates = [decay(step, 10, 1.0, (6, 0.25)) for step in range(10)]
    assert rates == [1.0] * 6 + [0.25] * 4
    assert decay(9, 10, 0.5, (6, 0.5)) == pytest.approx(0.5 * decay(9, 10, 0.5))


def test_the_dropped_rate_is_what_is_trained_with() -> None:
    run = RunContext(0)
    fitted(run, constant_part=1, log_every=1, drop_after=3, learning_rate=1e-3)
    assert [row["lr"] for row in run.scalars][12:] == [1e-3] * 3 + [2.5e-4] * 5


# Training and refining


def test_r_learns_how_high_real_mounds_are() -> None:
    """Real ones are three times as high and otherwise alike: the relief should grow."""
    settings: dict[str, Any] = {
        "refiner_maps": 8,
        "batch": 8,
        "buffer_size": 64,
        "lambda_reg": 0.02,
        "pretrain_refiner": 80,
        "pretrain_discriminator": 30,
        "iterations": 100,
        "learning_rate": 1e-3,
        "pretrain_learning_rate": 3e-3,
    }
    synthetic, real, run = mounds(0, 200, 40), mounds(1, 200, 120), RunContext(0)
    refiner = SimGAN.configured("quick", {**TINY, **settings})
    refiner.fit(synthetic, real, run)

    def relief(images: NDArray[Any]) -> float:
        shown = np.where(images > 0, images, np.nan)
        return float(np.nanmean(np.nanstd(shown, axis=(1, 2))))

    before = synthetic.images[:64]
    assert relief(refiner.refine(before, run)) > 1.3 * relief(before)


def test_the_identity_is_learnt_to_millimetres_and_background_stays() -> None:
    run = RunContext(0)
    settings: dict[str, Any] = {
        "refiner_maps": 16,
        "pretrain_refiner": 300,
        "pretrain_discriminator": 0,
        "iterations": 0,
        "batch": 8,
    }
    before = mounds(2).images[:]
    after = fitted(run, **settings).refine(before, run)
    both = (before > 0) & (after > 0)
    assert np.abs(after.astype(float) - before)[both].mean() < 12
    assert ((before > 0) != (after > 0)).mean() < 0.03
    assert np.abs(centres_mm(after) - centres_mm(before)).max() < 25


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"depth": "paper"},
        {"noise_channels": 2},
        {"adversarial_loss": "global", "noise_channels": 1},
        {"discriminator": "hand", "refiner_first_kernel": 7, "history": False},
        {"psi": "derivatives", "snapshots": 2, "noise_channels": 1},
    ],
)
def test_every_variant_trains_and_refines_alike_in_any_batch(settings: dict[str, Any]) -> None:
    run, images = RunContext(0), mounds(3, 70).images[:]
    refiner = fitted(run, **settings)
    refined = refiner.refine(images, run)
    assert refined.shape == images.shape
    assert refined.dtype == np.uint16
    for count in (1, 7):
        assert np.array_equal(refiner.refine(images[:count], run), refined[:count])
    order = np.random.default_rng(0).permutation(70)
    assert np.array_equal(refiner.refine(images[order], run), refined[order])
    assert refiner.refine(images[:0], run).shape == (0, SIZE, SIZE)
    assert all(np.isfinite(list(row.values())).all() for row in run.scalars)
    assert all(shown.dtype == np.uint16 for _, _, shown in run.images)


@pytest.mark.parametrize("settings", [{}, {"depth": "paper"}])
def test_d_and_the_history_see_stored_millimetres(settings: dict[str, Any]) -> None:
    machine = build(SimGAN.configured("quick", {**TINY, **settings}).config, mounds(0), mounds(1), RunContext(0))
    machine.update_discriminator(1e-4)
    assert machine.history is not None
    held = machine.history.sample(4)
    assert held.dtype == torch.int16
    assert int(held.min()) >= 0


def test_a_change_is_measured_in_grey_levels_around_each_centre() -> None:
    """A hand at 1.3 m is no brighter than one at 0.5 m, and no change is as large as the depth itself."""
    run = RunContext(0)
    fitted(run, pretrain_refiner=100, pretrain_learning_rate=3e-3, iterations=1, least_change=200)
    assert 0 < run.notes["mean_change_grey"] < 150
    assert any("did nothing" in warning for warning in run.warnings)


# Noise


def test_noise_of_an_image_is_a_function_of_its_pixels_and_the_seed() -> None:
    images = mounds(0, 9).images[:]
    noise = own_noise(images, 3, seed=5)
    assert noise.shape == (9, 3, SIZE, SIZE)
    assert noise.dtype == np.float32
    assert np.array_equal(own_noise(images[4:6], 3, seed=5), noise[4:6])
    assert np.array_equal(own_noise(images[[0, 0]], 3, seed=5), noise[[0, 0]])
    assert not np.array_equal(own_noise(images, 3, seed=6), noise)
    assert np.abs(np.corrcoef(noise.reshape(27, -1)) - np.eye(27)).max() < 0.2
    drawn = NoiseStream(3, seed=5, device="cpu").beside(torch.zeros(9, 1, SIZE, SIZE))[:, 1:]
    for values in (noise, drawn.numpy()):
        assert float(values.mean()) == pytest.approx(0, abs=0.01)
        assert float(values.std()) == pytest.approx(DEVIATION, rel=0.03)


def test_noise_in_training_is_one_stream_that_continues() -> None:
    images = torch.zeros(2, 1, 5, 6)
    stream = NoiseStream(2, seed=3, device="cpu")
    first = stream.beside(images)
    state = stream.state_dict()
    second = stream.beside(images)
    assert first.shape == (2, 3, 5, 6)
    assert not torch.equal(first, second)
    other = NoiseStream(2, seed=9, device="cpu")
    other.load_state_dict(state)
    assert torch.equal(other.beside(images), second)
    assert NoiseStream(0, seed=3, device="cpu").beside(images) is images


def test_noise_changes_what_is_refined_with_the_seed_of_the_run() -> None:
    refiner, images = fitted(RunContext(0), noise_channels=2), mounds(3, 6).images[:]
    one = refiner.refine(images, RunContext(0))
    assert np.array_equal(refiner.refine(images, RunContext(0)), one)
    assert not np.array_equal(refiner.refine(images, RunContext(1)), one)
    without = fitted(RunContext(0))
    assert np.array_equal(without.refine(images, RunContext(0)), without.refine(images, RunContext(1)))


@pytest.mark.parametrize("grey", [False, True])
def test_interrupted_and_resumed_with_noise(tmp_path: Path, grey: bool) -> None:
    def trained(run: RunContext) -> SimGAN:
        refiner = SimGAN.configured("quick", {**TINY, "noise_channels": 2})
        sets = (smooth(0), smooth(1)) if grey else (mounds(0), mounds(1))
        refiner.fit(*sets, run)
        return refiner

    expected = trained(RunContext(0))
    for step in (3, 9, 15):
        with pytest.raises(Stop):
            trained(EagerRun(0, checkpoint=tmp_path / "state.pt", progress=stop_at(step)))
    assert same(expected, trained(EagerRun(0, checkpoint=tmp_path / "state.pt")))


def test_save_and_load_keep_kind_noise_and_copies(tmp_path: Path) -> None:
    run, images = RunContext(0), mounds(3, 5).images[:]
    refiner = fitted(run, snapshots=2, noise_channels=1)
    refiner.save(tmp_path)
    loaded = SimGAN.load(tmp_path)
    assert np.array_equal(loaded.refine(images, run), refiner.refine(images, run))
    assert np.array_equal(loaded.at(0.5).refine(images, run), refiner.at(0.5).refine(images, run))
    assert weights(loaded)["first.weight"].shape[1] == 2
    assert weights(loaded)["last.weight"].shape[0] == 1
    with pytest.raises(DataError, match="trained on images of depth, the images to refine are in grey"):
        loaded.refine(smooth(0).images[:2], run)


# What does not fit together


def test_grey_and_depth_are_not_mixed(tmp_path: Path) -> None:
    run = RunContext(0)
    with pytest.raises(
        DataError, match=r"set 0 has images in grey, hands 1 of depth: .*; choose sets of one kind"
    ) as told:
        SimGAN.configured("quick", TINY).fit(smooth(0), mounds(1), run)
    assert "\n" not in str(told.value)
    with pytest.raises(DataError, match="trained on images of depth, the images to refine are in grey"):
        fitted(run).refine(smooth(0).images[:2], run)
    grey = SimGAN.configured("quick", TINY)
    grey.fit(smooth(0), smooth(1), run)
    grey.save(tmp_path)
    for refiner in (grey, SimGAN.load(tmp_path), grey.at(1)):
        with pytest.raises(DataError, match="trained on images in grey, the images to refine are of depth"):
            refiner.refine(mounds(0).images[:2], run)


def test_depth_beyond_the_papers_scale_is_told() -> None:
    far, run = mounds(1), RunContext(0)
    far = Unlabelled(far.ids, far.persons, np.where(far.images[:] > 0, far.images[:] + 800, 0).astype(np.uint16), "far")
    message = r"far: depth of \d+ mm; with depth=paper, 1750 mm and more are background; choose depth=centred"
    for sets in ((mounds(0), far), (far, mounds(0))):
        with pytest.raises(DataError, match=message):
            SimGAN.configured("quick", {**TINY, "depth": "paper"}).fit(*sets, run)
    near = fitted(run, depth="paper")
    with pytest.raises(DataError, match="the images to refine: depth of"):
        near.refine(far.images[:], run)
    SimGAN.configured("quick", TINY).fit(mounds(0), far, run)


def test_sizes_and_psi_that_do_not_suit_depth_are_told() -> None:
    run, small = RunContext(0), mounds(1)
    half = Unlabelled(small.ids, small.persons, small.images[:, ::2, ::2], "half")
    with pytest.raises(DataError, match="resize one of the sets"):
        SimGAN.configured("quick", TINY).fit(mounds(0), half, run)
    with pytest.raises(DataError, match="psi=mean-rgb is for images in colour"):
        SimGAN.configured("quick", {**TINY, "psi": "mean-rgb"}).fit(mounds(0), mounds(1), run)
