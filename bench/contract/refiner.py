"""The contract of a refiner, promise by promise. Each check returns what it saw, or raises `Broken`."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from bench.contract.images import KINDS, simulated
from bench.contract.stoppable import StoppableRun, Stopped
from bench.contract.subject import SEED, Broken, Subject
from bench.core import registry
from bench.core.context import RunContext
from bench.core.errors import BenchError, DataError, UsageError
from bench.core.refiner import Refiner
from bench.core.settings import PROFILES
from bench.core.settings_text import parse_settings
from bench.data.check import Check
from bench.training.device import pin_threads


class ContractBroken(BenchError):
    """A component does not keep its contract: its cells would fail, or could not be trusted."""

    exit_code = 4


@dataclass(frozen=True)
class Promise:
    """A check's result with the kind of images that it was made on."""

    images: str
    check: Check

    def line(self) -> str:
        """What the terminal shows of it."""
        return f"{self.check.verdict:<4} {self.images}: {self.check.name}: {self.check.detail}"

    def to_json(self) -> dict[str, str]:
        """One object of `bench check --json`."""
        return {"images": self.images, **asdict(self.check)}


def check_named(text: str, settings: Iterable[str] = ()) -> Iterator[Promise]:
    """Check a refiner of the registry, or a file's (`./mine.py:MyRefiner`), with settings as the user writes them.

    It runs on the CPU in one thread, where results are bit-identical. UsageError for unknown names and settings.
    """
    name = registry.named("refiners", text)
    chosen: dict[str, Any] = {}
    for owner, setting, value in parse_settings(settings):
        if owner != name:
            raise UsageError(f"--set {owner}.{setting}: only settings of '{name}' mean something here")
        chosen[setting] = value
    pin_threads()
    yield from check_refiner(registry.load("refiners", name), chosen.pop("preset", None), chosen)


def require_kept(promises: Iterable[Promise]) -> None:
    """ContractBroken when one of the promises is."""
    found = list(promises)
    broken = [promise for promise in found if promise.check.verdict == "bad"]
    if broken:
        first = f"{broken[0].check.name}: {broken[0].check.detail}"
        raise ContractBroken(f"{len(broken)} of {len(found)} checks failed: {first}")


def check_refiner(
    refiner_class: type[Refiner], preset: str | None = None, settings: Mapping[str, Any] | None = None
) -> Iterator[Promise]:
    """Check every promise, one after the other, on each kind of image that the refiner takes.

    preset: its smallest by default, 'tiny' if it has that. UsageError for settings that it refuses.
    """
    chosen = preset or ("tiny" if "tiny" in refiner_class.presets else "smoke")
    refiner_class.configured(chosen, settings)
    with tempfile.TemporaryDirectory() as temporary:
        for kind in sorted(refiner_class.kinds & set(KINDS)) or KINDS[:1]:
            folder = Path(temporary, kind)
            folder.mkdir()
            subject = Subject(refiner_class, kind, folder, chosen, settings or {})
            for name, check in CHECKS.items():
                found = verdict(name, check, subject)
                yield Promise(kind, found)
                if check is trains and found.verdict == "bad":
                    break  # nothing can be said of a refiner that there is not


def verdict(name: str, check: Callable[[Subject], str], subject: Subject) -> Check:
    """Make one check; whatever the refiner raises is a broken promise as well."""
    try:
        return Check(name, "ok", check(subject))
    except Broken as broken:
        return Check(name, "bad", str(broken))
    except Exception as error:  # noqa: BLE001 - a bug in somebody's refiner is what is looked for
        reason = str(error).partition("\n")[0]
        return Check(name, "bad", f"{type(error).__name__}: {reason}")


def declared(subject: Subject) -> str:
    """Its direction, the images it takes and a docstring."""
    refiner = subject.refiner_class
    if refiner.direction not in ("synthetic-to-real", "real-to-synthetic"):
        raise Broken(f"direction is {refiner.direction!r}; it must be 'synthetic-to-real' or 'real-to-synthetic'")
    if not isinstance(refiner.needs_synthetic_labels, bool):
        raise Broken("needs_synthetic_labels must be True or False")
    if not refiner.kinds or not refiner.kinds <= set(KINDS):
        raise Broken(f"kinds are {', '.join(sorted(refiner.kinds)) or 'none'}; choose from {', '.join(KINDS)}")
    if not (refiner.__dict__.get("__doc__") or "").strip():
        raise Broken(f"{refiner.__name__} needs a docstring that says what it is")
    return f"{refiner.direction}, takes {' and '.join(sorted(refiner.kinds))}"


def settings_described(subject: Subject) -> str:
    """Settings are frozen, refuse unknown names, and each has a default and a description; presets are valid."""
    config = subject.refiner_class.Config
    if not config.model_config.get("frozen") or config.model_config.get("extra") != "forbid":
        raise Broken("Config must be frozen and forbid unknown names: derive it from bench.core.settings.Settings")
    for name, info in config.model_fields.items():
        if info.is_required():
            raise Broken(f"setting {name} needs a default")
        if not info.description:
            raise Broken(f"setting {name} needs a description: what it is, its unit")
    for preset in sorted({*subject.refiner_class.presets, *PROFILES}):
        chosen = subject.refiner_class.configured(preset).config
        if config.model_validate_json(chosen.model_dump_json()) != chosen:
            raise Broken(f"the settings of preset '{preset}' change when they are saved as JSON and read back")
    try:
        subject.refiner_class.configured(subject.preset, {"no_such_setting": 1})
    except UsageError:
        return f"{len(config.model_fields)} settings"
    raise Broken("an unknown setting is taken without a word")


def other_images_refused(subject: Subject) -> str:
    """A DataError for images of a kind that it does not take: nothing is trained on what means something else."""
    others = [kind for kind in KINDS if kind not in subject.refiner_class.kinds]
    for kind in others:
        images, real = simulated(kind, "synthetic", 8, seed=1), simulated(kind, "real", 8, seed=2).unlabelled()
        refiner = subject.new()
        try:
            refiner.fit(images, real, RunContext(SEED))
            refiner.refine(images.images[:], RunContext(SEED))
        except DataError:
            continue
        raise Broken(
            f"takes {kind} without a word; raise DataError (bench.data.image_checks), or add '{kind}' to kinds"
        )
    return f"refuses {', '.join(others)}" if others else "takes all kinds"


def trains(subject: Subject) -> str:
    """It can be trained and applied."""
    run = subject.trained.run
    return f"{run.calls} steps, {run.seconds:.1f} s" if run.calls else f"{run.seconds:.1f} s"


def same_shape(subject: Subject) -> str:
    """Refined images have the shape and dtype of the given ones, which stay as they are."""
    images = subject.some(17)
    given = images.copy()
    refined = subject.trained.refiner.refine(images, RunContext(SEED))
    if (refined.shape, refined.dtype) != (given.shape, given.dtype):
        raise Broken(f"{given.dtype} {given.shape} becomes {refined.dtype} {refined.shape}")
    if not np.array_equal(images, given):
        raise Broken("refine changes the images that it is given: work on a copy")
    if np.shares_memory(refined, images):
        raise Broken("what refine returns shares memory with what it is given: return a copy")
    return f"{refined.dtype}, {int(refined.min())} to {int(refined.max())}"


def same_in_any_batch(subject: Subject) -> str:
    """An image is refined the same alone, seven at a time, and in another order."""
    images, refiner = subject.some(15), subject.trained.refiner
    together = refiner.refine(images, RunContext(SEED))
    for batch in (1, 7):
        parts = [refiner.refine(images[at : at + batch], RunContext(SEED)) for at in range(0, 15, batch)]
        _require_same(np.concatenate(parts), together, f"refined {batch} at a time, 15 images differ from all at once")
    order = np.random.default_rng(0).permutation(15)
    _require_same(refiner.refine(images[order], RunContext(SEED)), together[order], "the order of the images matters")
    return "1 at a time, 7 at a time, 15 at once, shuffled"


def same_when_loaded(subject: Subject) -> str:
    """Saved, loaded and saved again, it refines the same and writes the same files."""
    refiner = subject.trained.refiner
    first = subject.saved(refiner, "first")
    loaded = subject.refiner_class.load(subject.folder / "first")
    if loaded.config != refiner.config:
        raise Broken("its settings are others after loading")
    images = subject.some(9)
    again, expected = (one.refine(images, RunContext(SEED)) for one in (loaded, refiner))
    _require_same(again, expected, "the loaded refiner refines otherwise: _save_state must keep all that refine needs")
    if subject.saved(loaded, "second") != first:
        raise Broken("the loaded refiner saves other files")
    return ", ".join(first)


def same_seed_same_weights(subject: Subject) -> str:
    """The seed decides: the same one gives the same files."""
    first = subject.saved(subject.trained.refiner, "seed")
    if subject.saved(subject.fit(RunContext(SEED)), "seed-again") != first:
        raise Broken("two trainings with one seed differ: draw from run.rng or run.stream_seed only")
    return f"{sum(map(len, first.values())):,} bytes twice the same"


def generators_untouched(subject: Subject) -> str:
    """Neither draws from nor seeds a generator that others share."""
    touched = subject.trained.touched
    if touched:
        raise Broken(f"uses the global generator of {' and '.join(touched)}: draw from run.rng or run.stream_seed")
    return "numpy.random, random and torch"


def sets_untouched(subject: Subject) -> str:
    """Training changes neither image set: they are as freshly drawn ones."""
    _ = subject.trained
    fresh = replace(subject)
    _require_same(subject.synthetic.images[:], fresh.synthetic.images[:], "fit changes the synthetic images: copy them")
    _require_same(subject.real.images[:], fresh.real.images[:], "fit changes the real images: copy them")
    return "synthetic and real images"


def labels_unused(subject: Subject) -> str:
    """The synthetic labels change nothing, unless it declares that it needs them."""
    if subject.refiner_class.needs_synthetic_labels:
        return "declares that it needs the synthetic ones"
    without = subject.saved(subject.trained.refiner, "without-labels")
    if subject.saved(subject.fit(RunContext(SEED), labelled=True), "with-labels") != without:
        raise Broken("the synthetic labels change it: set needs_synthetic_labels, and tables are marked")
    return "the same with and without labels"


def resumes(subject: Subject) -> str:
    """Interrupted and resumed, it ends as the uninterrupted one."""
    whole, calls = subject.saved(subject.trained.refiner, "whole"), subject.trained.run.calls
    if not calls:
        return "trains in one go, nothing to resume"
    for stop_after in sorted({1, calls // 2, calls - 1} - {0}):
        checkpoint = subject.folder / f"stop-{stop_after}" / "checkpoint.pt"
        try:
            subject.fit(StoppableRun(SEED, checkpoint=checkpoint, stop_after=stop_after))
        except Stopped:
            pass
        else:
            raise Broken(f"an interrupt in step {stop_after} of {calls} is swallowed")
        resumed = StoppableRun(SEED, checkpoint=checkpoint)
        refiner = subject.fit(resumed)
        where = f"stopped after {stop_after} of {calls} steps"
        if resumed.calls >= calls:
            raise Broken(
                f"{where}, it starts again: use save_checkpoint and load_checkpoint of bench.training.checkpoint"
            )
        if subject.saved(refiner, f"resumed-{stop_after}") != whole:
            raise Broken(
                f"{where} and resumed, it ends otherwise: keep all state in the checkpoint, generators as well"
            )
        if _logged(resumed) != _logged(subject.trained.run):
            raise Broken(f"{where} and resumed, its log differs")
    return f"stopped at 3 places of {calls} steps"


def _logged(run: RunContext) -> tuple[object, ...]:
    """Scalars and pictures, to be compared."""
    return run.scalars, [(step, name, images.tobytes()) for step, name, images in run.images]


def _require_same(found: np.ndarray, expected: np.ndarray, message: str) -> None:
    if not np.array_equal(found, expected):
        raise Broken(message)


CHECKS: Mapping[str, Callable[[Subject], str]] = {
    "declares itself": declared,
    "settings": settings_described,
    "other images refused": other_images_refused,
    "trains": trains,
    "shape and dtype": same_shape,
    "any batch, any order": same_in_any_batch,
    "saved and loaded": same_when_loaded,
    "same seed": same_seed_same_weights,
    "global generators": generators_untouched,
    "image sets untouched": sets_untouched,
    "labels not used": labels_unused,
    "interrupted and resumed": resumes,
}
