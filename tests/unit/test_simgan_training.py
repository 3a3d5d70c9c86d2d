"""SimGAN's training: presets, learning direction, curves, variants, determinism, resume."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from bench.core.context import RunContext
from bench.core.errors import UsageError
from refiners.nn import adversarial, losses
from refiners.simgan import SimGAN
from tests.unit.simgan_small import TINY, EagerRun, Stop, fitted, same, smooth, stop_at

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
        ({"psi": "edges"}, "psi='edges'"),
        ({"psi_weights_sha256": "12"}, "psi_weights_sha256='12'"),
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
        {"lambda_reg": 0},
        {"lambda_reg": 0, "pretrain_refiner": 0, "discriminator_norm": "batch"},
        {"adversarial_loss": "global", "history": False, "lambda_reg": 0, "snapshots": 4},
        {"psi": "derivatives", "reduction": "per_patch", "snapshots": 1},
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
