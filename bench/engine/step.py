"""Runs one step: inputs verified, artifacts made aside, published by one rename; failures kept as records."""

from __future__ import annotations

import importlib
import json
import platform
import shutil
import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock

from bench.core import registry
from bench.core.canonical import digest
from bench.core.context import RunContext
from bench.core.errors import BenchError, DataError, UsageError
from bench.engine.fingerprint import closure, require_loaded
from bench.engine.recipe import Recipe
from bench.engine.store import Store, storage_errors

PROGRESS = "progress.json"
PROGRESS_SECONDS = 0.5


@dataclass(frozen=True)
class Step:
    """What a step's `run` works with: its recipe's contents, its inputs' folders, where to write."""

    config: Mapping[str, Any]
    place: Mapping[str, Any]
    inputs: Mapping[str, Path]
    out: Path
    component: Any
    context: RunContext


@dataclass(frozen=True)
class Outcome:
    """How a step ended. 'refused' = a data or usage error, which ends the whole run with `exit_code`."""

    key: str
    status: Literal["done", "failed", "refused"]
    reason: str = ""
    exit_code: int = 0


def run_step(recipe_json: dict[str, Any], root: str, device: str) -> Outcome:
    """Run the recipe unless it is stored, through any executor; returns how it ended and never raises for it."""
    recipe, store = Recipe.from_json(recipe_json), Store(Path(root))
    try:
        with storage_errors(store.root):
            store.work(recipe.key).parent.mkdir(parents=True, exist_ok=True)
            with FileLock(f"{store.work(recipe.key)}.lock"):
                if not store.has(recipe.key):
                    _run(recipe, store, device)
        Path(f"{store.work(recipe.key)}.lock").unlink(missing_ok=True)
    except (DataError, UsageError) as error:
        return Outcome(recipe.key, "refused", str(error), error.exit_code)
    except Exception as error:  # noqa: BLE001 - the step boundary: a bug in one cell must not lose the others
        reason = str(error) if isinstance(error, BenchError) else f"{type(error).__name__}: {error}"
        failure = {
            "recipe": recipe.to_json(),
            "reason": reason,
            "traceback": traceback.format_exc(),
            "time": time.time(),
        }
        store.fail(recipe.key, failure)
        shutil.rmtree(store.work(recipe.key), ignore_errors=True)
        return Outcome(recipe.key, "failed", reason.partition("\n")[0], 4)
    return Outcome(recipe.key, "done")


def _run(recipe: Recipe, store: Store, device: str) -> None:
    if "component" in recipe.place:  # a file of the user's own, of which only the planning process was told
        registry.named(recipe.component[0], recipe.place["component"])  # type: ignore[arg-type]
    code = require_same_code(recipe)
    started = time.time()
    work = store.work(recipe.key)
    out = work / "out"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    component = registry.load(*recipe.component)  # type: ignore[arg-type]
    origin = registry.origin(*recipe.component)  # type: ignore[arg-type]
    if origin.folder is not None:
        require_loaded(code, origin.folder)
    if recipe.step != "prepare":
        from bench.training.device import pin_threads, tune_process

        pin_threads()
        tune_process()
    context = RunContext(
        recipe.seed or 0,
        device=device,
        checkpoint=work / "checkpoint.pt",
        progress=_progress_writer(work / PROGRESS),
    )
    inputs = {role: store.verified(key) for role, key in recipe.inputs.items()}
    step = Step(recipe.config, recipe.place, inputs, out, component, context)
    importlib.import_module(f"bench.engine.steps.{recipe.step}").run(step)
    if origin.folder is not None:  # again: functions import as well
        require_loaded(code, origin.folder)
    record = {
        "recipe": {**recipe.to_json(), "place": {}},
        "closure": code,
        "warnings": context.warnings,
        "notes": context.notes,
        "seconds": time.time() - started,
        "finished": time.time(),
        "environment": environment(origin.distribution),
        "device": device,
    }
    store.commit(recipe.key, out, record)


def step_closure(step: str, component: tuple[str, str]) -> dict[str, str]:
    """The modules behind a kind of step with its component (kind, name), each with the hash of its code.

    A component that is chosen by its name in a module counts by that name, since there may be several.
    """
    origin = registry.origin(*component)  # type: ignore[arg-type]
    found = closure(f"bench.engine.steps.{step}", origin.module, folder=origin.folder)
    return {**found, f"{origin.module}:{origin.attribute}": ""} if origin.attribute else found


def step_code(step: str, component: tuple[str, str]) -> str:
    """Fingerprint of a kind of step with its component (kind, name)."""
    return digest(step_closure(step, component))


def require_same_code(recipe: Recipe) -> dict[str, str]:
    """The modules behind a step, with their hashes.

    UsageError when the code was edited since the recipe was made: its result would be filed under the old code.
    """
    found = step_closure(recipe.step, recipe.component)
    if digest(found) != recipe.code:
        raise UsageError(
            f"the code behind '{recipe.label}' was edited while the run was going on; finished steps are stored."
            " Run the same command again."
        )
    return found


def environment(*distributions: str) -> dict[str, str]:
    """Versions and hardware, recorded with every result; not part of any key. `distributions`: packages beside ours."""
    found = {"python": platform.python_version(), "machine": platform.machine(), "system": platform.system()}
    for package in ("torch", "numpy", "scikit-learn", "simgan-bench", *filter(None, distributions)):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "unknown"
    return found


def _progress_writer(path: Path) -> Any:
    """A progress callback that leaves the latest state in a file; whoever watches polls it."""
    last = 0.0

    def write(done: int, total: int, unit: str) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= PROGRESS_SECONDS:
            last = now
            path.write_text(json.dumps([done, total, unit]))

    return write
