"""Named streams, checkpoints and samplers: the same seed gives the same run, whatever else is drawn."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from bench.core.context import RunContext
from bench.training.batches import Sampler
from bench.training.checkpoint import load_checkpoint, save_checkpoint


def test_streams_are_independent_of_each_other_and_repeatable() -> None:
    one, two = RunContext(3), RunContext(3)
    one.rng("noise").random(100)
    assert np.array_equal(one.rng("order").random(5), two.rng("order").random(5))
    assert not np.array_equal(one.rng("order").random(5), one.rng("noise").random(5))
    assert one.stream_seed("init") == two.stream_seed("init") != RunContext(4).stream_seed("init")


def test_a_checkpoint_brings_back_state_and_log(tmp_path: Path) -> None:
    run = RunContext(0, checkpoint=tmp_path / "work" / "checkpoint.pt")
    assert load_checkpoint(run) is None
    run.log(1, loss=2.0)
    run.log_images(1, "refined", np.ones((1, 2, 3), np.uint8))
    run.warn("careful")
    run.note(weight=0.5)
    save_checkpoint(run, {"weights": torch.arange(3), "step": 1})
    run.log(2, loss=1.0)  # after the checkpoint: must not come back twice
    again = RunContext(0, checkpoint=run.checkpoint)
    state = load_checkpoint(again)
    assert state is not None
    assert state["step"] == 1
    assert torch.equal(state["weights"], torch.arange(3))
    assert again.scalars == [{"step": 1.0, "loss": 2.0}]
    assert again.images[0][:2] == (1, "refined")
    assert (again.images[0][2] == 1).all()
    assert (again.warnings, again.notes) == (["careful"], {"weight": 0.5})


def test_without_a_checkpoint_file_nothing_is_written(tmp_path: Path) -> None:
    run = RunContext(0)
    save_checkpoint(run, {})
    assert not run.checkpoint_due()
    assert not list(tmp_path.iterdir())


@given(st.integers(1, 20), st.integers(1, 30), st.integers(0, 12))
def test_a_sampler_sees_every_image_once_per_epoch_and_resumes(count: int, batch: int, before: int) -> None:
    sampler = Sampler(count, batch, seed=1, device="cpu")
    drawn = [sampler.next() for _ in range(before)]
    state = sampler.state_dict()
    drawn += [sampler.next() for _ in range(count)]
    seen = torch.cat(drawn)
    for epoch in range(len(seen) // count):
        assert sorted(seen[epoch * count : (epoch + 1) * count].tolist()) == list(range(count))
    again = Sampler(count, batch, seed=99, device="cpu")
    again.load_state_dict(state)
    assert all(torch.equal(again.next(), expected) for expected in drawn[before:])
