"""The contract of a refiner, for every one in the registry and each kind of image that it takes: as `bench check` does.

Beyond bench.contract: real images have no labels, a refusal says what is needed, another seed trains another refiner,
the sets are compared with freshly drawn ones, labels included, and what a resumed training tells on its way.
"""

from __future__ import annotations

import typing
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bench.contract.images import KINDS, simulated
from bench.contract.refiner import CHECKS
from bench.contract.stoppable import Stopped
from bench.contract.subject import REAL, SEED, SYNTHETIC, Subject
from bench.core import registry
from bench.core.context import RunContext
from bench.core.errors import DataError
from bench.core.images import ImageSet, Unlabelled
from bench.core.refiner import Refiner
from tests.contract.conftest import WatchedRun, smallest

REFINERS: dict[str, type[Refiner]] = {name: registry.load("refiners", name) for name in registry.names("refiners")}
TAKEN = [(name, kind) for name, refiner in REFINERS.items() for kind in sorted(refiner.kinds)]
REFUSED = [(name, kind) for name, refiner in REFINERS.items() for kind in sorted({*KINDS} - refiner.kinds)]


class Small(Subject):
    """Every training that ends, resumed or not, has logged as many images."""

    logged: int | None = None

    def fit(self, run: RunContext, *, labelled: bool = False) -> Refiner:
        refiner = super().fit(run, labelled=labelled)
        assert self.logged in (None, len(run.images)), "images of the training were lost or logged twice"
        self.logged = len(run.images)
        return refiner


@pytest.fixture(scope="module", params=TAKEN, ids="-".join)
def subject(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Subject:
    name, kind = request.param
    preset, settings = smallest(REFINERS[name])
    return Small(REFINERS[name], kind, tmp_path_factory.mktemp(f"{name}-{kind}"), preset, settings)


@pytest.mark.parametrize("check", CHECKS)
def test_keeps_its_promise(subject: Subject, check: str) -> None:
    assert CHECKS[check](subject), "a check says what it saw"


def test_real_images_come_without_labels(subject: Subject) -> None:
    assert typing.get_type_hints(subject.refiner_class.fit)["real"] is Unlabelled
    assert not hasattr(Unlabelled, "labels")


@pytest.mark.parametrize(("name", "kind"), REFUSED)
def test_a_refusal_says_in_one_line_what_is_needed(name: str, kind: str, small: Callable[..., Refiner]) -> None:
    images, real = simulated(kind, "synthetic", 8, seed=1), simulated(kind, "real", 8, seed=2).unlabelled()
    with pytest.raises(DataError, match=r"images .* are needed; \w+") as told:
        _fit_and_refine(small(REFINERS[name]), images, real)
    assert "\n" not in str(told.value)


def _fit_and_refine(refiner: Refiner, images: ImageSet, real: Unlabelled) -> None:
    refiner.fit(images, real, RunContext(SEED))
    refiner.refine(images.images[:], RunContext(SEED))


def test_another_seed_trains_another_refiner_unless_nothing_is_trained(subject: Subject) -> None:
    run = RunContext(SEED + 1)
    other = subject.saved(subject.fit(run), "other-seed")
    assert (other == subject.saved(subject.trained.refiner, "own-seed")) == (not run.scalars)


def test_sets_are_as_they_were_drawn(subject: Subject) -> None:
    """Also after a change that a second training would not show, as clipping."""
    assert subject.trained
    drawn = simulated(subject.kind, "synthetic", SYNTHETIC, seed=1)
    np.testing.assert_array_equal(subject.synthetic.images[:], drawn.images[:])
    for label, values in drawn.labels.items():
        np.testing.assert_array_equal(subject.synthetic.labels[label], values)
    np.testing.assert_array_equal(subject.real.images[:], simulated(subject.kind, "real", REAL, seed=2).images[:])


def test_stopped_after_a_third_it_tells_the_same(subject: Subject, tmp_path: Path) -> None:
    """A place of its own, and progress that stays a part of the whole in the parts as well."""
    run = subject.trained.run
    if not run.calls:
        pytest.skip("trains in one go: there is nothing to resume")
    checkpoint = tmp_path / "third" / "checkpoint.pt"
    with pytest.raises(Stopped):
        subject.fit(WatchedRun(SEED, checkpoint=checkpoint, stop_after=max(run.calls // 3, 1)))
    resumed = WatchedRun(SEED, checkpoint=checkpoint)
    refiner = subject.fit(resumed)
    assert resumed.calls < run.calls, "it started again from the beginning"
    assert resumed.scalars == run.scalars
    assert subject.saved(refiner, "third") == subject.saved(subject.trained.refiner, "uninterrupted")
