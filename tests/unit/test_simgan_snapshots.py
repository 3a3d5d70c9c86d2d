"""Copies of R kept over its training: which moments, saving, resuming, and no effect on the training itself."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from bench.core.context import RunContext
from bench.core.errors import UsageError
from refiners.nn.assembly import build
from refiners.nn.snapshots import Snapshots
from refiners.simgan import SimGAN
from tests.unit.simgan_small import TINY, EagerRun, Stop, fitted, same, smooth, stop_at, weights

MOMENTS = (0, 0.25, 0.5, 0.75, 1)


def files(refiner: SimGAN, folder: Path) -> dict[str, bytes]:
    folder.mkdir()
    refiner.save(folder)
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_each_moment_is_r_after_that_share_of_the_iterations() -> None:
    """Against trainings that end there; the learning rate is constant, so that they are alike until then."""
    whole = fitted(RunContext(0), snapshots=4, constant_part=1)
    for moment in MOMENTS:
        shorter = fitted(RunContext(0), iterations=int(8 * moment), constant_part=1)
        assert same(whole.at(moment), shorter), moment
    assert not same(whole.at(0.25), whole.at(0.5))


@pytest.mark.parametrize("settings", [{}, {"adversarial_loss": "global"}, {"history": False}, {"lambda_reg": 0}])
def test_snapshots_change_nothing_of_the_training(settings: dict[str, Any]) -> None:
    without, run = RunContext(0), RunContext(0)
    expected, refiner = fitted(without, **settings), fitted(run, snapshots=3, **settings)
    assert same(expected, refiner)
    assert run.scalars == without.scalars
    for index in range(3):
        assert all(bool(tensor.isfinite().all()) for tensor in weights(refiner.at(index / 3)).values())


def test_moment_0_without_pretraining_is_the_initial_r() -> None:
    settings = {**TINY, "pretrain_refiner": 0, "pretrain_discriminator": 0, "snapshots": 1}
    refiner = SimGAN.configured("quick", settings)
    refiner.fit(smooth(0), smooth(1), RunContext(0))
    initial = build(refiner.config, smooth(0), smooth(1), RunContext(0)).refiner.state_dict()
    assert all(torch.equal(tensor, initial[name]) for name, tensor in weights(refiner.at(0)).items())


def test_the_end_is_always_there() -> None:
    refiner = fitted(RunContext(0))
    assert refiner.at(1) is refiner
    with pytest.raises(UsageError, match=r"moment 0 of its training \(kept: 1\)"):
        refiner.at(0)


@pytest.mark.parametrize("moment", [0.3, -0.25, 1.25, 0.5001, float("nan")])
def test_a_moment_that_was_not_kept_is_told_with_those_that_were(moment: float) -> None:
    refiner = fitted(RunContext(0), snapshots=4)
    with pytest.raises(UsageError, match=r"kept: 0, 0\.25, 0\.5, 0\.75, 1\)") as told:
        refiner.at(moment)
    assert "\n" not in str(told.value)


def test_a_moment_is_found_though_thirds_have_no_end() -> None:
    snapshots = Snapshots(3, 12, 22)
    net = torch.nn.Linear(1, 1)
    for done in range(23):
        with torch.no_grad():
            net.weight.fill_(done)
        snapshots.keep(done, net)
    assert [float(snapshots.at(moment)["weight"]) for moment in (0, 0.333333, 2 / 3)] == [12, 15, 18]


def test_more_snapshots_than_iterations_are_refused() -> None:
    with pytest.raises(UsageError, match=r"snapshots=9 are more than there are iterations \(8\)"):
        fitted(RunContext(0), snapshots=9)
    refiner = fitted(RunContext(0), snapshots=8)
    states = [weights(refiner.at(index / 8))["first.weight"] for index in range(9)]
    assert all(not torch.equal(one, two) for one, two in itertools.pairwise(states))


def test_an_untrained_refiner_has_no_moments() -> None:
    with pytest.raises(UsageError, match="not trained"):
        SimGAN.configured("quick").at(1)


def test_saved_beside_the_refiner_and_loaded_again(tmp_path: Path) -> None:
    run = RunContext(0)
    refiner = fitted(run, snapshots=4)
    first = files(refiner, tmp_path / "first")
    copies = [f"snapshot-{index:03d}.safetensors" for index in range(4)]
    assert sorted(first) == ["config.json", "refiner.safetensors", *copies]
    loaded = SimGAN.load(tmp_path / "first")
    images = smooth(2).images[:6]
    for moment in MOMENTS:
        assert np.array_equal(loaded.at(moment).refine(images, run), refiner.at(moment).refine(images, run))
    assert files(loaded, tmp_path / "second") == first


def test_a_past_refiner_is_a_refiner_of_its_own(tmp_path: Path) -> None:
    run = RunContext(0)
    refiner = fitted(run, snapshots=2)
    before = {name: tensor.clone() for name, tensor in weights(refiner.at(0.5)).items()}
    past = refiner.at(0.5)
    with torch.no_grad():
        weights(past)["last.bias"].add_(1)
    assert all(torch.equal(tensor, before[name]) for name, tensor in weights(refiner.at(0.5)).items())
    saved = files(refiner.at(0.5), tmp_path / "past")
    assert sorted(saved) == ["config.json", "refiner.safetensors"]
    images = smooth(2).images[:6]
    loaded = SimGAN.load(tmp_path / "past")
    assert np.array_equal(loaded.refine(images, run), refiner.at(0.5).refine(images, run))
    with pytest.raises(UsageError, match="kept: 1"):
        loaded.at(0.5)


@pytest.mark.parametrize("stops", [(5,), (12,), (13,), (14, 17), (20,)])
def test_interrupted_and_resumed_keeps_the_same_copies(tmp_path: Path, stops: tuple[int, ...]) -> None:
    """Stops before the first copy, right after one, between two, and after the last step."""
    expected = files(fitted(RunContext(0), snapshots=4), tmp_path / "whole")
    for step in stops:
        with pytest.raises(Stop):
            fitted(EagerRun(0, checkpoint=tmp_path / "state.pt", progress=stop_at(step)), snapshots=4)
    resumed = fitted(EagerRun(0, checkpoint=tmp_path / "state.pt"), snapshots=4)
    assert files(resumed, tmp_path / "resumed") == expected
