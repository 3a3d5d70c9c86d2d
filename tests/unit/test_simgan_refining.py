"""Refining with a SimGAN: batch independence, sizes, and input that it cannot take."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from bench.core.context import RunContext
from bench.core.errors import BenchError, DataError, UsageError
from bench.core.images import Unlabelled
from refiners.identity import Identity
from refiners.simgan import SimGAN
from tests.unit.simgan_small import TINY, fitted, smooth


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
        (depth(good), good, "depth has images of depth, set 0 in grey: .*; choose sets of one kind, or convert one"),
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
