"""`bench check`: a good refiner passes, and each broken promise is found by its check."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from pydantic import Field

from bench.contract.refiner import CHECKS, ContractBroken, check_named, check_refiner, require_kept, verdict
from bench.contract.subject import Subject
from bench.core.context import RunContext
from bench.core.errors import UsageError
from bench.core.fitted_arrays import FittedArrays
from bench.core.images import ImageSet, Unlabelled
from bench.core.refiner import Refiner
from bench.core.settings import Settings
from bench.data.image_checks import check_grey
from bench.training.checkpoint import load_checkpoint, save_checkpoint

STEPS = 6


class Good(FittedArrays, Refiner):
    """Adds a small pattern that is trained step by step."""

    class Config(Settings):
        """How strong."""

        strength: float = Field(3.0, ge=0, le=9, description="Grey levels.")

    config: Config

    def fit(self, synthetic: ImageSet | Unlabelled, real: Unlabelled, run: RunContext) -> None:
        check_grey(synthetic.images, synthetic.name)
        height, width = synthetic.size
        state = load_checkpoint(run) or {"step": 0, "pattern": torch.zeros(height, width)}
        pattern = state["pattern"].numpy().copy()
        for step in range(int(state["step"]), STEPS):
            pattern += self.config.strength * self.draw(run, step, (height, width))
            run.log(step, mean=float(pattern.mean()))
            if run.checkpoint_due():
                save_checkpoint(run, {"step": step + 1, "pattern": torch.from_numpy(pattern)})
            run.progress(step + 1, STEPS, "steps")
        self._arrays = {"pattern": pattern}

    def draw(self, run: RunContext, step: int, size: tuple[int, int]) -> NDArray[np.float32]:
        return run.rng(f"pattern {step}").random(size).astype(np.float32)

    def refine(self, images: NDArray[Any], run: RunContext) -> NDArray[Any]:
        refined: NDArray[Any] = np.clip(images + self._fitted()["pattern"], 0, 255).astype(images.dtype)
        return refined


class NoDocstring(Good):
    __doc__ = None


class Undescribed(Good):
    """A setting without a description."""

    class Config(Settings):
        strength: float = 3.0


class TakesAll(Good):
    """Takes hands for eyes."""

    def fit(self, synthetic: ImageSet | Unlabelled, real: Unlabelled, run: RunContext) -> None:
        self._arrays = {"pattern": np.zeros(synthetic.size)}


class Fails(Good):
    """Breaks down."""

    def draw(self, run: RunContext, step: int, size: tuple[int, int]) -> NDArray[np.float32]:
        raise ValueError("no such luck\nsecond line")


class Floats(Good):
    """Returns unit range."""

    def refine(self, images: NDArray[Any], run: RunContext) -> NDArray[Any]:
        return super().refine(images, run) / 255


class InPlace(Good):
    """Works on what it is given."""

    def refine(self, images: NDArray[Any], run: RunContext) -> NDArray[Any]:
        images[:] = super().refine(images, run)
        return images


class Normalises(Good):
    """Depends on what else is in the batch."""

    def refine(self, images: NDArray[Any], run: RunContext) -> NDArray[Any]:
        refined: NDArray[Any] = np.clip(images - images.mean() + 128, 0, 255).astype(images.dtype)
        return refined


class Forgets(Good):
    """Keeps less than it needs."""

    def _save_state(self, folder: Path) -> None:
        (folder / "size.txt").write_text("little")

    def _load_state(self, folder: Path) -> None:
        self._arrays = {"pattern": np.zeros(1)}


class Unseeded(Good):
    """Draws from a fresh generator."""

    def draw(self, run: RunContext, step: int, size: tuple[int, int]) -> NDArray[np.float32]:
        return np.random.default_rng().random(size).astype(np.float32)


class Global(Good):
    """Seeds the generator of all."""

    def draw(self, run: RunContext, step: int, size: tuple[int, int]) -> NDArray[np.float32]:
        np.random.seed(step)  # noqa: NPY002
        return super().draw(run, step, size)


class Overwrites(Good):
    """Works on the image set."""

    def fit(self, synthetic: ImageSet | Unlabelled, real: Unlabelled, run: RunContext) -> None:
        super().fit(synthetic, real, run)
        images: Any = real.images
        images[0] += 1


class Peeks(Good):
    """Uses labels in secret."""

    def fit(self, synthetic: ImageSet | Unlabelled, real: Unlabelled, run: RunContext) -> None:
        super().fit(synthetic, real, run)
        if isinstance(synthetic, ImageSet):
            self._arrays = {"pattern": self._fitted()["pattern"] + synthetic.gaze.mean()}


class StartsAgain(Good):
    """Keeps no checkpoints."""

    def fit(self, synthetic: ImageSet | Unlabelled, real: Unlabelled, run: RunContext) -> None:
        run.checkpoint = None
        super().fit(synthetic, real, run)


class GoesOnElsewhere(Good):
    """Draws from one stream all the way, and does not keep where it is."""

    _rng: np.random.Generator

    def fit(self, synthetic: ImageSet | Unlabelled, real: Unlabelled, run: RunContext) -> None:
        self._rng = run.rng("pattern")
        super().fit(synthetic, real, run)

    def draw(self, run: RunContext, step: int, size: tuple[int, int]) -> NDArray[np.float32]:
        return self._rng.random(size).astype(np.float32)


class NoKind(Good):
    """Takes nothing."""

    kinds: ClassVar[frozenset[str]] = frozenset()


def failed(refiner: type[Refiner], **more: Any) -> Mapping[str, str]:
    checks = [promise.check for promise in check_refiner(refiner, **more)]
    assert checks
    return {check.name: check.detail for check in checks if check.verdict == "bad"}


def test_a_good_refiner_passes_every_check() -> None:
    promises = list(check_refiner(Good))
    assert [promise.check.name for promise in promises] == list(CHECKS)
    assert {promise.check.verdict for promise in promises} == {"ok"}, promises
    require_kept(promises)


@pytest.mark.parametrize(
    ("refiner", "name", "detail"),
    [
        (NoDocstring, "declares itself", "needs a docstring"),
        (NoKind, "declares itself", "kinds are none"),
        (Undescribed, "settings", "setting strength needs a description"),
        (TakesAll, "other images refused", "takes hands without a word"),
        (Fails, "trains", "ValueError: no such luck"),
        (Floats, "shape and dtype", "becomes float64"),
        (InPlace, "shape and dtype", "changes the images that it is given"),
        (Normalises, "any batch, any order", "1 at a time"),
        (Forgets, "saved and loaded", "refines otherwise"),
        (Unseeded, "same seed", "two trainings with one seed differ"),
        (Global, "global generators", "numpy.random"),
        (Overwrites, "image sets untouched", "changes the real images"),
        (Peeks, "labels not used", "set needs_synthetic_labels"),
        (StartsAgain, "interrupted and resumed", "starts again"),
        (GoesOnElsewhere, "interrupted and resumed", "ends otherwise"),
    ],
)
def test_a_broken_promise_is_found(refiner: type[Refiner], name: str, detail: str) -> None:
    found = failed(refiner)
    assert detail in found[name]
    assert "\n" not in found[name]


def test_nothing_is_said_of_a_refiner_that_cannot_be_trained() -> None:
    assert [promise.check.name for promise in check_refiner(Fails)][-1] == "trains"


def test_a_check_alone(tmp_path: Path) -> None:
    """As another test suite would use it."""
    subject = Subject(Good, "eyes", tmp_path)
    assert verdict("saved and loaded", CHECKS["saved and loaded"], subject).verdict == "ok"


def test_broken_promises_end_in_exit_code_4() -> None:
    with pytest.raises(ContractBroken, match=r"^1 of 4 checks failed: trains: ValueError") as told:
        require_kept(check_refiner(Fails))
    assert told.value.exit_code == 4


def test_settings_are_those_of_the_refiner() -> None:
    assert failed(Good, settings={"strength": 0}) == {}
    with pytest.raises(UsageError, match="strength=99"):
        failed(Good, settings={"strength": 99})
    with pytest.raises(UsageError, match="only settings of 'identity' mean something here"):
        list(check_named("identity", ["simgan.batch=4"]))


def test_hands_are_checked_where_they_are_taken() -> None:
    kinds = {promise.images for promise in check_named("identity")}
    assert kinds == {"eyes", "hands"}
