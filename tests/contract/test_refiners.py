"""The contract of a refiner, for every one in the registry, on simulated eyes and, for those that take it, on depth."""

from __future__ import annotations

import typing
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.core import registry
from bench.core.context import RunContext
from bench.core.errors import DataError
from bench.core.images import ImageSet, Unlabelled
from bench.core.refiner import Refiner

Saved = Callable[[Any, str], dict[str, bytes]]


Render = Callable[..., ImageSet]
REAL = {"eyes": "distant", "hands": "kinect"}


def _by_kind() -> list[tuple[str, str]]:
    """(refiner, kind of images) for every kind that it declares."""
    named = [
        (name, typing.cast("type[Refiner]", registry.load("refiners", name))) for name in registry.names("refiners")
    ]
    return [(name, kind) for name, refiner in named for kind in sorted(refiner.kinds)]


@pytest.fixture(scope="module", params=_by_kind(), ids="-".join)
def chosen(request: pytest.FixtureRequest) -> tuple[str, str]:
    name, kind = request.param
    return name, kind


@pytest.fixture(scope="module")
def refiner_class(chosen: tuple[str, str]) -> type[Refiner]:
    return typing.cast("type[Refiner]", registry.load("refiners", chosen[0]))


@pytest.fixture(scope="module")
def render(chosen: tuple[str, str], eyes: Render, hands: Render) -> Render:
    """Draws images of the kind: render(count, domain, seed)."""
    return {"eyes": eyes, "hands": hands}[chosen[1]]


@pytest.fixture(scope="module")
def synthetic(render: Render) -> ImageSet:
    return render(48, "synthetic", 1)


@pytest.fixture(scope="module")
def real(render: Render, chosen: tuple[str, str]) -> Unlabelled:
    return render(40, REAL[chosen[1]], 2).unlabelled()


@pytest.fixture(scope="module")
def fit(
    refiner_class: type[Refiner], small: Callable[..., Refiner], synthetic: ImageSet, real: Unlabelled
) -> Callable[[RunContext], Refiner]:
    """Train a small one; the synthetic labels only if it says that it needs them, as the harness does."""

    def train(run: RunContext) -> Refiner:
        refiner = small(refiner_class)
        refiner.fit(synthetic if refiner_class.needs_synthetic_labels else synthetic.unlabelled(), real, run)
        return refiner

    return train


@pytest.fixture(scope="module")
def fitted(fit: Callable[[RunContext], Refiner]) -> Refiner:
    return fit(RunContext(5))


def test_declares_itself(refiner_class: type[Refiner]) -> None:
    assert refiner_class.direction in ("synthetic-to-real", "real-to-synthetic")
    assert isinstance(refiner_class.needs_synthetic_labels, bool)
    assert refiner_class.kinds <= {"eyes", "hands"}


@pytest.mark.parametrize("name", registry.names("refiners"))
def test_images_of_a_kind_that_it_does_not_take_are_refused(
    name: str, eyes: Render, hands: Render, small: Callable[..., Refiner]
) -> None:
    """In one line that says what it takes: nothing is trained on numbers that mean something else."""
    refiner_class = typing.cast("type[Refiner]", registry.load("refiners", name))
    for kind, draw in {"eyes": eyes, "hands": hands}.items():
        if kind in refiner_class.kinds:
            continue
        with pytest.raises(DataError, match=r"images .* are needed; \w+") as told:
            _use(small(refiner_class), draw(8, "synthetic", 1), draw(8, REAL[kind], 2).unlabelled())
        assert "\n" not in str(told.value)


def _use(refiner: Refiner, synthetic: ImageSet, real: Unlabelled) -> None:
    refiner.fit(synthetic, real, RunContext(5))
    refiner.refine(synthetic.images[:], RunContext(5))


def test_real_images_come_without_labels(refiner_class: type[Refiner]) -> None:
    hints = typing.get_type_hints(refiner_class.fit)
    assert hints["real"] is Unlabelled
    assert not hasattr(Unlabelled, "labels")


def test_images_keep_shape_dtype_count_and_are_not_changed_in_place(fitted: Refiner, synthetic: ImageSet) -> None:
    images = synthetic.images[:17]
    before = images.copy()
    refined = fitted.refine(images, RunContext(5))
    assert (refined.shape, refined.dtype) == (images.shape, images.dtype)
    np.testing.assert_array_equal(images, before)
    assert not np.shares_memory(refined, images)


def test_independent_of_batch_and_order(fitted: Refiner, synthetic: ImageSet) -> None:
    images = synthetic.images[:15]
    together = fitted.refine(images, RunContext(5))
    for batch in (1, 7):
        parts = [fitted.refine(images[at : at + batch], RunContext(5)) for at in range(0, 15, batch)]
        np.testing.assert_array_equal(np.concatenate(parts), together, err_msg=f"batch {batch}")
    order = np.random.default_rng(0).permutation(15)
    np.testing.assert_array_equal(fitted.refine(images[order], RunContext(5)), together[order])


def test_saved_and_loaded_refines_the_same(fitted: Refiner, synthetic: ImageSet, saved: Saved, tmp_path: Path) -> None:
    files = saved(fitted, "first")
    loaded = type(fitted).load(tmp_path / "first")
    assert loaded.config == fitted.config
    images = synthetic.images[:9]
    np.testing.assert_array_equal(loaded.refine(images, RunContext(5)), fitted.refine(images, RunContext(5)))
    assert saved(loaded, "second") == files


def test_seed_decides(fit: Callable[[RunContext], Refiner], fitted: Refiner, saved: Saved) -> None:
    first, run = saved(fitted, "first"), RunContext(6)
    assert saved(fit(RunContext(5)), "again") == first
    other = saved(fit(run), "other")
    assert (other == first) == (not run.scalars), "another seed must train another refiner, unless nothing is trained"


def test_sets_are_not_changed(
    fit: Callable[[RunContext], Refiner], synthetic: ImageSet, real: Unlabelled, render: Render, chosen: tuple[str, str]
) -> None:
    fit(RunContext(5))
    np.testing.assert_array_equal(synthetic.images[:], render(48, "synthetic", 1).images[:])
    np.testing.assert_array_equal(real.images[:], render(40, REAL[chosen[1]], 2).images[:])


def test_labels_are_not_used_unless_declared(
    refiner_class: type[Refiner],
    small: Callable[..., Refiner],
    synthetic: ImageSet,
    real: Unlabelled,
    fitted: Refiner,
    saved: Saved,
) -> None:
    if refiner_class.needs_synthetic_labels:
        pytest.skip("declares that it needs the synthetic labels")
    labelled = small(refiner_class)
    labelled.fit(synthetic, real, RunContext(5))
    assert saved(labelled, "labelled") == saved(fitted, "unlabelled")


def test_interrupted_and_resumed_equals_uninterrupted(
    fit: Callable[[RunContext], Refiner],
    fitted: Refiner,
    saved: Saved,
    new_run: Callable[..., Any],
    stopped: type[Exception],
    tmp_path: Path,
) -> None:
    counting = new_run(5)
    fit(counting)
    if not counting.calls:
        pytest.skip("trains in one go: there is nothing to resume")
    whole = saved(fitted, "whole")
    for stop_after in sorted({1, counting.calls // 3, counting.calls // 2, counting.calls - 1} - {0}):
        checkpoint = tmp_path / f"stop-{stop_after}" / "checkpoint.pt"
        with pytest.raises(stopped):
            fit(new_run(5, checkpoint=checkpoint, stop_after=stop_after))
        resumed = new_run(5, checkpoint=checkpoint)
        refiner = fit(resumed)
        assert resumed.calls < counting.calls, "it started again from the beginning"
        assert saved(refiner, f"resumed-{stop_after}") == whole, f"stopped after {stop_after} of {counting.calls}"
        assert resumed.scalars == counting.scalars
        assert len(resumed.images) == len(counting.images)
