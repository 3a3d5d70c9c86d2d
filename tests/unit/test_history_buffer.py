"""The history of refined images: fractions, filling, replacement, randomness, resume."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from refiners.nn.history import HistoryBuffer

SHAPE = (2, 3)
LIKE = torch.zeros(1, 1, *SHAPE, dtype=torch.uint8)


def marked(first: int, count: int) -> torch.Tensor:
    """Images whose grey level 0..255 is their number."""
    grey = torch.arange(first, first + count, dtype=torch.uint8)
    return grey[:, None, None, None].expand(count, 1, *SHAPE)


def numbers(images: torch.Tensor) -> list[int]:
    return [int(value) for value in images[:, 0, 0, 0].tolist()]


def test_starts_empty_and_keeps_everything_until_it_is_full() -> None:
    history = HistoryBuffer(12, LIKE, seed=0)
    assert len(history) == 0
    for first in range(0, 12, 4):
        history.push(marked(first, 4))
    assert sorted(numbers(history.sample(12))) == list(range(12))


def test_a_push_that_does_not_fit_fills_the_free_places_and_replaces_old_images_only() -> None:
    for seed in range(20):
        history = HistoryBuffer(10, LIKE, seed=seed)
        history.push(marked(0, 8))
        history.push(marked(100, 6))
        held = numbers(history.sample(10))
        assert sorted(number for number in held if number >= 100) == list(range(100, 106))
        assert len([number for number in held if number < 100]) == 4


def test_when_full_exactly_the_pushed_number_is_replaced_and_the_size_kept() -> None:
    history = HistoryBuffer(32, LIKE, seed=1)
    history.push(marked(0, 32))
    history.push(marked(200, 8))
    held = numbers(history.sample(32))
    assert len(history) == len(set(held)) == 32
    assert sorted(number for number in held if number >= 200) == list(range(200, 208))


def test_samples_are_distinct_and_uniform_over_all_images_held() -> None:
    history = HistoryBuffer(20, LIKE, seed=2)
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
        history = HistoryBuffer(size, LIKE, seed=seed)
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


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int16])
@pytest.mark.parametrize("channels", [1, 3])
def test_keeps_levels_and_millimetres_as_they_are(dtype: torch.dtype, channels: int) -> None:
    shape = (4, channels, *SHAPE)
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, torch.iinfo(dtype).max, shape, generator=generator, dtype=dtype)
    history = HistoryBuffer(4, images[:1], seed=0)
    history.push(images)
    kept = history.sample(4)
    assert kept.dtype == dtype
    assert all(any(torch.equal(image, one) for one in kept) for image in images)


def test_does_not_alias_what_is_pushed_or_sampled() -> None:
    history = HistoryBuffer(4, LIKE, seed=0)
    images = marked(0, 1).repeat(4, 1, 1, 1)
    history.push(images)
    images += 1
    sample = history.sample(4)
    sample += 2
    assert not history.sample(4).any()


def test_asking_for_more_than_is_held_is_an_error() -> None:
    history = HistoryBuffer(4, LIKE, seed=0)
    history.push(marked(0, 2))
    with pytest.raises(ValueError, match="3 images asked of a history of 2"):
        history.sample(3)


def test_state_continues_exactly() -> None:
    history = HistoryBuffer(16, LIKE, seed=3)
    for first in range(0, 60, 6):
        history.push(marked(first, 6))
    other = HistoryBuffer(16, LIKE, seed=99)
    other.load_state_dict(history.state_dict())
    for first in range(60, 90, 6):
        assert numbers(history.sample(5)) == numbers(other.sample(5))
        history.push(marked(first, 6))
        other.push(marked(first, 6))
    assert numbers(history.sample(16)) == numbers(other.sample(16))


def test_leaves_the_global_generator_alone() -> None:
    before = torch.random.get_rng_state()
    history = HistoryBuffer(4, LIKE, seed=3)
    history.push(marked(0, 4))
    history.push(marked(0, 4))
    history.sample(2)
    assert torch.equal(before, torch.random.get_rng_state())
