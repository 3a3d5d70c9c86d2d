"""Trainings that go wrong and how that is told: divergence, no effect, collapse, a D that wins."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from bench.core.context import RunContext
from bench.core.errors import TrainingFailed
from refiners.nn import adversarial
from refiners.nn.diagnostics import RunningMeans, find_faults, find_saturation, require_finite
from tests.unit.simgan_small import EagerRun, fitted, smooth


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
