"""How long a plan would take: each kind of step timed once, or as measured before, put together in the run's order."""

from __future__ import annotations

import json
import statistics
import tempfile
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench.core import registry
from bench.core.canonical import digest
from bench.core.errors import BenchError, Interrupted
from bench.core.trial import InParts
from bench.engine.executors import open_executor
from bench.engine.plan import Plan
from bench.engine.recipe import Recipe
from bench.engine.schedule import time_together
from bench.engine.store import RECORD, Store
from bench.engine.trial import try_step

TIMED, MEASURED = "timed now", "as measured before"
VERBS = {
    "fit_refiner": "train", "fit_estimator": "train", "adapt_estimator": "adapt",
    "refine": "refine with", "predict": "test",
}  # fmt: skip
Lookup = Callable[[str], Recipe | None]


@dataclass(frozen=True)
class KindTime:
    """Steps that take equally long. seconds: of each; None when that cannot be told, and `found` says why."""

    label: str
    steps: int
    seconds: float | None
    found: str


@dataclass(frozen=True)
class Estimate:
    """seconds: from the start of the run to its end, with `workers` steps at a time on `device`.

    Steps whose time cannot be told count as none.
    """

    seconds: float
    workers: int
    device: str
    kinds: tuple[KindTime, ...]

    def to_json(self) -> dict[str, Any]:
        """The object `time` of `bench plan --time --json`."""
        return asdict(self)


def estimate(plan: Plan, store: Store, *, executor: str, device: str) -> Estimate:
    """Time the missing steps of a plan where they would run. Nothing is written into the store.

    Reading, rendering, training, ... are really done, for a second or two per kind: UsageError for a wrong device or
    executor, Interrupted on Ctrl-C.
    """
    missing = plan.missing(key for key in plan.recipes if store.has(key))
    if not missing:
        return Estimate(0.0, 1, device, ())
    from bench.training.device import choose_device  # torch: only when there is something to try

    device = choose_device(device)
    kinds: dict[str, list[str]] = {}
    for key in missing:
        kinds.setdefault(_kind(plan.recipes[key], plan.recipes.get), []).append(key)
    known = _measured_before(store, {plan.recipes[key].code for key in missing}, device)
    try:
        with (
            tempfile.TemporaryDirectory(prefix="bench-plan-") as scratch,
            open_executor(executor, device) as (pool, workers),
        ):
            tried = {
                kind: pool.submit(try_step, keys[0], _ancestry(plan, keys[0]), str(store.root), scratch, device)
                for kind, keys in sorted(kinds.items(), key=lambda kind: not plan.recipes[kind[1][0]].trains)
                if kind not in known
            }
            found = {kind: future.result() for kind, future in tried.items()}
    except KeyboardInterrupt as error:
        raise Interrupted("interrupted while steps were timed; nothing was changed") from error
    except BrokenProcessPool as error:
        raise BenchError(
            "a worker process died while steps were timed (out of memory?); try again with '--executor serial'"
        ) from error
    times = {kind: _time(plan, keys, known.get(kind), found.get(kind)) for kind, keys in kinds.items()}
    seconds = {key: times[_kind(plan.recipes[key], plan.recipes.get)].seconds or 0.0 for key in missing}
    dearest_first = sorted(times.values(), key=lambda time: -time.steps * (time.seconds or 0.0))
    return Estimate(time_together(plan.recipes, seconds, workers), workers, device, tuple(dearest_first))


def _time(plan: Plan, keys: list[str], before: float | None, tried: float | str | None) -> KindTime:
    label = _label(plan.recipes[keys[0]], plan.recipes)
    if before is not None:
        return KindTime(label, len(keys), before, MEASURED)
    if isinstance(tried, str):
        return KindTime(label, len(keys), None, tried)
    return KindTime(label, len(keys), tried, TIMED)


def _iterates(recipe: Recipe) -> bool:
    """Whether a training takes as long whatever the number of images."""
    return recipe.trains and issubclass(registry.load(*recipe.component).Config, InParts)  # type: ignore[arg-type]


def _kind(recipe: Recipe, lookup: Lookup) -> str:
    """The same text for steps that take equally long: neither seeds nor what images show matter, but their number."""
    inputs = {role: None if _iterates(recipe) else _input(lookup(key), lookup) for role, key in recipe.inputs.items()}
    config = {} if recipe.step == "refine" else recipe.config
    return digest({"step": recipe.step, "component": recipe.component, "config": config, "inputs": inputs})


def _input(recipe: Recipe | None, lookup: Lookup) -> Any:
    if recipe is None:
        return None
    if recipe.step == "prepare":
        return [recipe.component[1], recipe.config["count"]]
    if recipe.step == "refine":
        return _input(lookup(recipe.inputs["images"]), lookup)
    return _kind(recipe, lookup)


def _measured_before(store: Store, codes: set[str], device: str) -> dict[str, float]:
    """Kind -> median seconds of the stored steps of that kind, with the code of now and on a device like this one.

    Other code may be faster or slower.
    """
    records = {path.parent.name: _record(path) for path in sorted((store.root / "steps").glob(f"*/*/{RECORD}"))}
    recipes = {key: Recipe.from_json(record["recipe"]) for key, record in records.items() if record}
    seconds: dict[str, list[float]] = {}
    for key, recipe in recipes.items():
        record = records[key]
        like = str(record.get("device", "")).partition(":")[0] == device.partition(":")[0]
        if recipe.code not in codes or not like or not all(source in recipes for source in recipe.inputs.values()):
            continue
        own = float(record.get("seconds", 0))
        # what an interrupted training had spent before it went on is in its notes alone
        seconds.setdefault(_kind(recipe, recipes.get), []).append(max(own, record["notes"].get("fit_seconds", 0)))
    return {kind: statistics.median(values) for kind, values in seconds.items()}


def _record(path: Path) -> dict[str, Any]:
    """A stored step's record; empty when it cannot be read, which is told where it matters."""
    try:
        record: dict[str, Any] = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return record


def _ancestry(plan: Plan, key: str) -> dict[str, Any]:
    """The recipes of a step and of all that it needs, as JSON."""
    found: dict[str, Any] = {}
    waiting = [key]
    while waiting:
        recipe = plan.recipes[waiting.pop()]
        found[recipe.key] = recipe.to_json()
        waiting += [source for source in recipe.inputs.values() if source not in found]
    return found


def _label(recipe: Recipe, recipes: Mapping[str, Recipe]) -> str:
    """`train cnn on 4,000 images (augment=strong)`."""
    if recipe.step == "prepare":
        return f"{recipe.label}, {_count(recipe)}"
    settings = {**recipe.config.get("settings", {}), **_without(recipe.config, ("settings", "preset", "moment"))}
    told = ", ".join(f"{name}={value}" for name, value in settings.items())
    verb = VERBS.get(recipe.step, recipe.step)
    name = f"{verb} {recipe.component[1]}"
    if not _iterates(recipe):
        name += f" on {_count(recipes[_images(recipe, recipes)])}"
    return f"{name} ({told})" if told else name


def _images(recipe: Recipe, recipes: Mapping[str, Recipe]) -> str:
    """The key of the image set that a step works on, before it was refined."""
    role = next(role for role in ("images", "train", "synthetic") if role in recipe.inputs)
    key = recipe.inputs[role]
    return key if recipes[key].step == "prepare" else _images(recipes[key], recipes)


def _count(recipe: Recipe) -> str:
    count = recipe.config["count"]
    return "all images" if count is None else f"{count:,} images"


def _without(config: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: value for name, value in config.items() if name not in names}
