"""The history of refined images: fractions, filling, replacement, randomness, resume."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from refiners.nn.history import HistoryBuffer

SHAPE = (2, 3)


def marked(first: int, count: int) -> torch.Tensor:
    """Images whose grey level 0..255 is their number."""
    grey = torch.arange(first, first + count, dtype=torch.float32) / 127.5 - 1.0
    return grey[:, None, None, None].expand(count, 1, *SHAPE)


def numbers(images: torch.Tensor) -> list[int]:
    return [int(value) for value in images[:, 0, 0, 0].add(1).mul(127.5).round().tolist()]


def test_starts_empty_and_keeps_everything_until_it_is_full() -> None:
    history = HistoryBuffer(12, SHAPE, seed=0, device="cpu")
    assert len(history) == 0
    for first in range(0, 12, 4):
        history.push(marked(first, 4))
    assert sorted(numbers(history.sample(12))) == list(range(12))


def test_a_push_that_does_not_fit_fills_the_free_places_and_replaces_old_images_only() -> None:
    for seed in range(20):
        history = HistoryBuffer(10, SHAPE, seed=seed, device="cpu")
        history.push(marked(0, 8))
        history.push(marked(100, 6))
        held = numbers(history.sample(10))
        assert sorted(number for number in held if number >= 100) == list(range(100, 106))
        assert len([number for number in held if number < 100]) == 4


def test_when_full_exactly_the_pushed_number_is_replaced_and_the_size_kept() -> None:
    history = HistoryBuffer(32, SHAPE, seed=1, device="cpu")
    history.push(marked(0, 32))
    history.push(marked(200, 8))
    held = numbers(history.sample(32))
    assert len(history) == len(set(held)) == 32
    assert sorted(number for number in held if number >= 200) == list(range(200, 208))


def test_samples_are_distinct_and_uniform_over_all_images_held() -> None:
    history = HistoryBuffer(20, SHAPE, seed=2, device="cpu")
    history.push(marked(0, 20))
    counts = np.zeros(20)
    for _ in range(2000):
        drawn = numbers(history.sample(5))
        assert len(set(drawn)) == 5
        counts[drawn] += 1
    expected = 2000 * 5 / 20
    assert ((counts - expected) ** 2 / expected).sum() < 43.8  # chi-square, 19 degrees of freedom, p = 0.001


def test_ages_are_those_of_random_replacement() -> None:
    """Each push of n over a full buffer of B leaves an image with probability 1 - n/B: ages are geometric."""
    size, pushed, pushes, runs = 40, 4, 60, 40
    surviving = np.zeros(pushes)
    for seed in range(runs):
        history = HistoryBuffer(size, SHAPE, seed=seed, device="cpu")
        history.push(marked(255, 40))
        for number in range(pushes):
            history.push(marked(number, 1).expand(pushed, 1, *SHAPE))
        for number in numbers(history.sample(size)):
            if number < pushes:
                surviving[number] += 1
    ages = np.arange(pushes)[::-1]
    expected = runs * pushed * (1 - pushed / size) ** ages
    recent = expected > 10
    deviation = (surviving[recent] - expected[recent]) / np.sqrt(expected[recent])
    assert np.abs(deviation).max() < 4
    assert surviving.sum() + 0.5 * size > 0.9 * runs * size * (1 - (1 - pushed / size) ** pushes)


def test_keeps_images_to_half_a_grey_level_and_clamps() -> None:
    history = HistoryBuffer(4, SHAPE, seed=0, device="cpu")
    images = torch.linspace(-1.2, 1.2, 4 * 6).reshape(4, 1, *SHAPE)
    history.push(images)
    kept = history.sample(4).sort(dim=0).values
    torch.testing.assert_close(kept, images.clamp(-1, 1).sort(dim=0).values, atol=0.5 / 127.5 + 1e-6, rtol=0)


def test_does_not_keep_the_graph_or_alias_what_is_pushed() -> None:
    history = HistoryBuffer(4, SHAPE, seed=0, device="cpu")
    images = torch.zeros(4, 1, *SHAPE, requires_grad=True)
    history.push(images)
    sample = history.sample(4)
    sample += 1
    assert not sample.requires_grad
    assert history.sample(4).abs().max() < 0.01


def test_asking_for_more_than_is_held_is_an_error() -> None:
    history = HistoryBuffer(4, SHAPE, seed=0, device="cpu")
    history.push(marked(0, 2))
    with pytest.raises(ValueError, match="3 images asked of a history of 2"):
        history.sample(3)


def test_state_continues_exactly() -> None:
    history = HistoryBuffer(16, SHAPE, seed=3, device="cpu")
    for first in range(0, 60, 6):
        history.push(marked(first, 6))
    other = HistoryBuffer(16, SHAPE, seed=99, device="cpu")
    other.load_state_dict(history.state_dict())
    for first in range(60, 90, 6):
        assert numbers(history.sample(5)) == numbers(other.sample(5))
        history.push(marked(first, 6))
        other.push(marked(first, 6))
    assert numbers(history.sample(16)) == numbers(other.sample(16))


def test_leaves_the_global_generator_alone() -> None:
    before = torch.random.get_rng_state()
    history = HistoryBuffer(4, SHAPE, seed=3, device="cpu")
    history.push(marked(0, 4))
    history.push(marked(0, 4))
    history.sample(2)
    assert torch.equal(before, torch.random.get_rng_state())
