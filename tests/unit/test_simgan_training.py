"""SimGAN as a refiner: presets, learning direction, resume, faults, batch independence, bad input."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from bench.core.context import RunContext
from bench.core.errors import BenchError, DataError, TrainingFailed, UsageError
from bench.core.images import Unlabelled
from refiners.identity import Identity
from refiners.nn import adversarial, losses
from refiners.nn.diagnostics import RunningMeans, find_faults, find_saturation, require_finite
from refiners.simgan import SimGAN

TINY: dict[str, Any] = {
    "refiner_maps": 4,
    "refiner_blocks": 1,
    "batch": 4,
    "buffer_size": 12,
    "pretrain_refiner": 6,
    "pretrain_discriminator": 6,
    "iterations": 8,
    "log_every": 5,
}


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def smooth(seed: int, count: int = 40, brightness: float = 100.0, size: tuple[int, int] = (35, 55)) -> Unlabelled:
    """Random smooth images around a brightness."""
    rng = np.random.default_rng(seed)
    coarse = rng.normal(0, 18, (count, size[0] // 5, size[1] // 5)).repeat(5, axis=1).repeat(5, axis=2)
    noise = rng.normal(0, 4, coarse.shape)
    pixels = np.clip(coarse + noise + brightness, 0, 255).astype(np.uint8)
    names = np.array([f"{seed}-{number}" for number in range(count)])
    return Unlabelled(ids=names, persons=names, images=pixels, name=f"set {seed}")


def fitted(run: RunContext, preset: str = "quick", **settings: Any) -> SimGAN:
    refiner = SimGAN.configured(preset, {**TINY, **settings})
    refiner.fit(smooth(0), smooth(1), run)
    return refiner


def weights(refiner: SimGAN) -> dict[str, torch.Tensor]:
    assert refiner._refiner is not None
    return refiner._refiner.state_dict()


def same(one: SimGAN, two: SimGAN) -> bool:
    first, second = weights(one), weights(two)
    return all(torch.equal(first[name], second[name]) for name in first)


class Stop(Exception):
    """A kill at a chosen step."""


class EagerRun(RunContext):
    """Writes a checkpoint after every step, so that a stop loses nothing."""

    def checkpoint_due(self) -> bool:
        return self.checkpoint is not None


def stop_at(step: int) -> Any:
    def progress(done: int, total: int, unit: str) -> None:
        if done == step:
            raise Stop

    return progress


# Settings


def test_the_paper_preset_holds_the_papers_values() -> None:
    config = SimGAN.configured("paper").config
    held = (config.refiner_maps, config.refiner_blocks, config.batch, config.k_g, config.k_d, config.learning_rate)
    assert held == (64, 4, 512, 50, 1, 1e-3)
    assert (config.pretrain_refiner, config.pretrain_discriminator) == (1000, 200)
    assert (config.optimiser, config.lambda_reg) == ("sgd", 0.01)


def test_every_setting_is_described_and_names_its_source() -> None:
    for name, field in SimGAN.Config.model_fields.items():
        assert field.description, name
        if name not in {"precision", "log_every", "least_change", "least_variation", "most_accuracy"}:
            assert any(source in field.description for source in ("aper", "UNCONFIRMED", "Bojja", "torch", "blog")), (
                name
            )


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"batch": 7}, "batch=7 must be even"),
        ({"buffer_size": 8}, "must hold at least one batch"),
        ({"refiner_kernel": 4}, "must be odd"),
        ({"lambda": 1}, "did you mean 'lambda_reg'"),
        ({"learning_rate": -1}, "learning_rate=-1"),
    ],
)
def test_wrong_settings_are_told_in_one_line(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message) as told:
        SimGAN.configured("quick", settings)
    assert "\n" not in str(told.value)


# What is learned


@pytest.mark.parametrize("swapped", [False, True])
def test_refined_images_move_towards_the_real_ones_unless_labels_are_swapped(
    monkeypatch: pytest.MonkeyPatch, swapped: bool
) -> None:
    """Real images are 40 grey levels brighter and otherwise alike: R should learn to brighten."""
    if swapped:
        right, update = losses.patch_cross_entropy, adversarial.AdversarialTraining.update_refiner

        def wrong_way(self: adversarial.AdversarialTraining, rate: float) -> None:
            with monkeypatch.context() as swap:
                swap.setattr(adversarial, "patch_cross_entropy", lambda logits, label: right(logits, 1 - label))
                update(self, rate)

        monkeypatch.setattr(adversarial.AdversarialTraining, "update_refiner", wrong_way)
    synthetic, real = smooth(0, 200, 100), smooth(1, 200, 140)
    refiner = SimGAN.configured(
        "quick",
        {
            **TINY,
            "refiner_maps": 8,
            "batch": 8,
            "buffer_size": 64,
            "lambda_reg": 0.05,
            "pretrain_refiner": 60,
            "pretrain_discriminator": 30,
            "iterations": 60,
            "learning_rate": 1e-3,
            "pretrain_learning_rate": 3e-3,
        },
    )
    run = RunContext(0)
    refiner.fit(synthetic, real, run)
    shift = float(refiner.refine(synthetic.images[:64], run).mean()) - float(synthetic.images[:64].mean())
    assert (shift > 15) != swapped


def test_log_has_the_curves_the_phases_and_the_strip() -> None:
    run = RunContext(0)
    fitted(run)
    steps = [row["step"] for row in run.scalars]
    assert steps == [5, 6, 10, 12, 15, 20]
    assert set(run.scalars[0]) == {"step", "r_regularisation", "lr"}
    assert set(run.scalars[3]) >= {"d_loss", "d_accuracy_real", "d_accuracy_refined", "d_accuracy_history", "lr"}
    assert "r_adversarial" not in run.scalars[3]
    last = run.scalars[-1]
    assert last["r_loss"] == pytest.approx(last["r_adversarial"] + 0.5 * last["r_regularisation"], rel=1e-5)
    assert run.notes["phases"] == {"pretrain R": 6, "pretrain D": 12, "adversarial": 20}
    assert run.notes["lambda_mean_units"] == pytest.approx(0.5 * 1925 / 126)
    names = [(step, name) for step, name, _ in run.images]
    assert names[0] == (0, "inputs")
    shown = [step for step, name in names if name == "refined"]
    assert shown[:2] == [0, 6]
    assert shown[-1] == 20
    assert all(images.shape == (8, 35, 55) and images.dtype == np.uint8 for _, _, images in run.images)


def test_the_learning_rate_falls_in_the_last_phase_only() -> None:
    run = RunContext(0)
    fitted(run, iterations=20, log_every=1, constant_part=0.5, learning_rate=1e-3, pretrain_learning_rate=2e-3)
    rates = [row["lr"] for row in run.scalars]
    assert rates[:6] == [2e-3] * 6
    assert rates[6:23] == [1e-3] * 17
    assert rates[-1] == pytest.approx(1e-4)


@pytest.mark.parametrize(
    "settings",
    [
        {"discriminator_norm": "batch"},
        {"adversarial_loss": "global"},
        {"history": False},
        {"discriminator_padding": "valid"},
        {"optimiser": "sgd", "momentum": 0.9, "learning_rate": 1e-6, "pretrain_learning_rate": None},
        {"refiner_padding": "reflect", "refiner_output": "none", "init": "xavier"},
        {"k_g": 2, "k_d": 3, "clip_norm": 50.0, "reduction": "sum", "learning_rate": 1e-5},
        {"pretrain_refiner": 0, "pretrain_discriminator": 0},
        {"iterations": 0},
    ],
)
def test_every_variant_trains_and_refines(settings: dict[str, Any]) -> None:
    run = RunContext(0)
    refiner = fitted(run, **settings)
    assert refiner.refine(smooth(0).images[:3], run).shape == (3, 35, 55)
    assert all(np.isfinite(list(row.values())).all() for row in run.scalars)


# Determinism and resume


def test_same_seed_same_weights_and_no_global_generator() -> None:
    before = torch.random.get_rng_state()
    one, two, other = fitted(RunContext(3)), fitted(RunContext(3)), fitted(RunContext(4))
    assert same(one, two)
    assert not same(one, other)
    assert torch.equal(before, torch.random.get_rng_state())


@pytest.mark.parametrize(
    ("stops", "settings"),
    [(stops, {}) for stops in [(1,), (6,), (9,), (12,), (14,), (3, 10, 19), (20,)]]
    + [((3, 10, 19), {"discriminator_norm": "batch", "k_g": 2, "optimiser": "sgd", "momentum": 0.5})],
)
def test_interrupted_and_resumed_is_uninterrupted(
    tmp_path: Path, stops: tuple[int, ...], settings: dict[str, Any]
) -> None:
    """Stops in each phase, at their borders, several times, and after the last step."""
    whole = RunContext(0)
    expected = fitted(whole, **settings)
    for step in stops:
        run = EagerRun(0, checkpoint=tmp_path / "state.pt", progress=stop_at(step))
        with pytest.raises(Stop):
            fitted(run, **settings)
    run = EagerRun(0, checkpoint=tmp_path / "state.pt")
    resumed = fitted(run, **settings)
    assert same(expected, resumed)
    assert run.scalars == whole.scalars
    assert run.notes == whole.notes
    assert run.warnings == whole.warnings
    assert [(step, name) for step, name, _ in run.images] == [(step, name) for step, name, _ in whole.images]
    for (_, _, one), (_, _, two) in zip(run.images, whole.images, strict=True):
        assert np.array_equal(one, two)


def test_a_resumed_run_does_not_repeat_steps(tmp_path: Path) -> None:
    seen: list[int] = []
    first = EagerRun(0, checkpoint=tmp_path / "state.pt", progress=stop_at(13))
    with pytest.raises(Stop):
        fitted(first)
    fitted(RunContext(0, checkpoint=tmp_path / "state.pt", progress=lambda done, total, unit: seen.append(done)))
    assert seen == list(range(14, 21))


def test_save_and_load_refine_alike_without_pickle(tmp_path: Path) -> None:
    run = RunContext(0)
    refiner = fitted(run)
    refiner.save(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["config.json", "refiner.safetensors"]
    images = smooth(2).images
    assert np.array_equal(SimGAN.load(tmp_path).refine(images, run), refiner.refine(images, run))  # type: ignore[arg-type]


# Refining


@pytest.mark.parametrize("precision", ["auto", "float32", "bfloat16"])
def test_refining_does_not_depend_on_the_batch(precision: str) -> None:
    """The paper's layers: kernels are chosen by shape, and their rounding shows in 8 bits."""
    run = RunContext(0)
    refiner = fitted(
        run,
        precision=precision,
        refiner_maps=32,
        refiner_blocks=2,
        pretrain_refiner=1,
        pretrain_discriminator=1,
        iterations=1,
        least_change=0,
    )
    images = np.random.default_rng(0).integers(0, 256, (70, 35, 55), dtype=np.uint8)
    all_at_once = refiner.refine(images, run)
    for count in (1, 7, 64):
        assert np.array_equal(refiner.refine(images[:count], run), all_at_once[:count])
    assert np.array_equal(refiner.refine(images[40:47], run), all_at_once[40:47])
    order = np.random.default_rng(1).permutation(70)
    assert np.array_equal(refiner.refine(images[order], run), all_at_once[order])


def test_refines_other_sizes_and_no_images_and_leaves_the_input_alone() -> None:
    run = RunContext(0)
    refiner = fitted(run)
    for size in ((36, 60), (64, 48)):
        images = np.full((2, *size), 90, dtype=np.uint8)
        kept = images.copy()
        refined = refiner.refine(images, run)
        assert refined.shape == images.shape
        assert refined.dtype == np.uint8
        assert np.array_equal(images, kept)
    assert refiner.refine(np.zeros((0, 35, 55), np.uint8), run).shape == (0, 35, 55)


def test_a_large_image_is_refined_as_one() -> None:
    run = RunContext(0)
    assert fitted(run).refine(np.zeros((2, 400, 500), np.uint8), run).shape == (2, 400, 500)


def test_identity_returns_a_copy() -> None:
    images = smooth(0).images[:4]
    run = RunContext(0)
    refiner = Identity.configured("smoke")
    refiner.fit(smooth(0), smooth(1), run)
    refined = refiner.refine(images, run)
    assert np.array_equal(refined, images)
    refined += 1
    assert not np.array_equal(refined, images)


# Bad input


def depth(images: Unlabelled) -> Unlabelled:
    pixels: NDArray[Any] = np.asarray(images.images[:])
    return Unlabelled(images.ids, images.persons, pixels.astype(np.uint16), "depth")


def test_unsuitable_images_are_told() -> None:
    refiner, run = SimGAN.configured("quick", TINY), RunContext(0)
    good = smooth(0)
    cases: list[tuple[Unlabelled, Unlabelled, str]] = [
        (depth(good), good, "8-bit grey images"),
        (good, smooth(1, size=(40, 60)), "resize one of the sets"),
    ]
    for synthetic, real, message in cases:
        with pytest.raises(DataError, match=message):
            refiner.fit(synthetic, real, run)
    small = smooth(0, size=(10, 10))
    with pytest.raises(DataError, match="too small for the discriminator"):
        SimGAN.configured("quick", {**TINY, "discriminator_padding": "valid"}).fit(small, small, run)


def test_one_image_of_each_kind_is_enough() -> None:
    run = RunContext(0)
    refiner = SimGAN.configured("quick", TINY)
    refiner.fit(smooth(0, 1), smooth(1, 1), run)
    assert refiner.refine(smooth(0, 1).images[:1], run).shape == (1, 35, 55)


def test_an_untrained_refiner_says_so(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not trained"):
        SimGAN.configured("quick").refine(np.zeros((1, 35, 55), np.uint8), RunContext(0))
    with pytest.raises(UsageError, match="not trained"):
        SimGAN.configured("quick").save(tmp_path)


def test_refining_the_wrong_type_is_told() -> None:
    run = RunContext(0)
    with pytest.raises(BenchError, match="8-bit grey images"):
        fitted(run).refine(np.zeros((1, 35, 55), np.float32), run)


# Faults


def test_divergence_fails_with_the_step_and_the_next_thing_to_try(tmp_path: Path) -> None:
    run = RunContext(0, checkpoint=tmp_path / "state.pt")
    settings: dict[str, Any] = {
        "optimiser": "sgd",
        "learning_rate": 10,
        "pretrain_learning_rate": None,
        "refiner_output": "none",
    }
    with pytest.raises(TrainingFailed, match=r"diverged at or shortly before step \d+: .*lower learning_rate"):
        fitted(run, iterations=200, pretrain_refiner=30, **settings)


def test_nothing_broken_is_ever_written_to_a_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: Any, rate: float, weight: float) -> None:
        with torch.no_grad():
            self.refiner.last.bias.fill_(float("nan"))

    monkeypatch.setattr(adversarial.AdversarialTraining, "pretrain_refiner", broken)
    with pytest.raises(TrainingFailed, match="a weight is not finite"):
        fitted(EagerRun(0, checkpoint=tmp_path / "state.pt"), log_every=1000)
    assert not (tmp_path / "state.pt").exists()


def test_a_loss_that_is_not_finite_is_named() -> None:
    with pytest.raises(TrainingFailed, match="step 7: d_loss is not finite"):
        require_finite({"d_loss": float("nan"), "r_loss": 1.0}, [torch.nn.Linear(1, 1)], 7)
    require_finite({"r_loss": 1.0}, [torch.nn.Linear(1, 1)], 7)


def test_a_refiner_that_did_nothing_is_told_in_the_table() -> None:
    images = smooth(0).images[:]
    real = smooth(1).images[:]
    limits = {"least_change": 2.0, "least_variation": 0.25}
    (fault,) = find_faults(images, images + 1, real, **limits)
    assert "did nothing" in fault
    assert "1.00 grey levels" in fault
    assert find_faults(images, images + 5, real, **limits) == []


def test_a_strong_weight_makes_a_refiner_that_does_nothing_and_the_run_says_so() -> None:
    run = RunContext(0)
    fitted(run, lambda_reg=100, pretrain_refiner=150, pretrain_learning_rate=1e-2, refiner_maps=8, least_change=25)
    assert any("did nothing" in warning for warning in run.warnings)
    assert run.notes["mean_change_grey"] < 25


def test_a_collapse_is_told_and_a_low_contrast_domain_is_none() -> None:
    synthetic, real = smooth(0).images[:], smooth(1).images[:]
    limits = {"least_change": 2.0, "least_variation": 0.25}
    rng = np.random.default_rng(0)
    alike = np.clip(synthetic[:1] + rng.normal(0, 1, synthetic.shape), 0, 255).astype(np.uint8)
    (fault,) = find_faults(synthetic, alike, real, **limits)
    assert "collapsed" in fault
    flat = (real.astype(float) * 0.1 + 100).astype(np.uint8)
    assert find_faults(synthetic, flat, flat, **limits) == []


def test_a_discriminator_that_wins_is_told() -> None:
    won = {"d_accuracy_real": 1.0, "d_accuracy_refined": 0.999, "r_adversarial": 900.0}
    fair = {"d_accuracy_real": 0.7, "d_accuracy_refined": 0.6, "r_adversarial": 90.0}
    pretraining = {"d_accuracy_real": 1.0, "d_accuracy_refined": 1.0}
    (fault,) = find_saturation([fair] * 5 + [won] * 5, 0.995)
    assert "discriminator won" in fault
    assert find_saturation([won] * 5 + [fair] * 5, 0.995) == []
    assert find_saturation([pretraining] * 5, 0.995) == []


def test_running_means_average_between_readings() -> None:
    means = RunningMeans()
    means.add(a=torch.tensor(1.0), b=torch.tensor(5.0))
    means.add(a=torch.tensor(3.0))
    assert means.peek() == {"a": 2.0, "b": 5.0}
    assert means.read() == {"a": 2.0, "b": 5.0}
    assert means.read() == {}
