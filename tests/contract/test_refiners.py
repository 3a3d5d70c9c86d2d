"""The contract of a refiner, for every one in the registry and each kind of image that it takes: what `bench check` runs.

Beyond bench.contract: real images come without labels, a refusal says what is needed, another seed trains another
refiner, what is not read of a set's images stays as well, and what a resumed training tells on its way.
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
from bench.core.images import Unlabelled
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
    refiner = small(REFINERS[name])
    images, real = simulated(kind, "synthetic", 8, seed=1), simulated(kind, "real", 8, seed=2).unlabelled()
    with pytest.raises(DataError, match=r"images .* are needed; \w+") as told:
        _use(refiner, images.images[:], lambda run: refiner.fit(images, real, run))
    assert "\n" not in str(told.value)
