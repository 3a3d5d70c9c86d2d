"""Why a step would run: what differs from the nearest stored step of the same kind."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from bench.core.errors import DataError
from bench.engine.plan import Plan
from bench.engine.recipe import Recipe
from bench.engine.step import step_closure
from bench.engine.store import RECORD, Store

DIFFERENCES = {"code": "its code changed", "config": "its settings changed", "seed": "another seed"}
MOST_NAMED = 4
"""Modules that a reason names; the JSON has all."""


@dataclass(frozen=True)
class PlannedStep:
    """One step of a plan; `why` is empty for a stored one.

    modules: those whose code differs from the stored step's; empty where it does not, or where that is not known.
    """

    key: str
    label: str
    stored: bool
    why: str
    modules: tuple[str, ...] = ()


@dataclass(frozen=True)
class Explanation:
    """The counts and the steps of a plan."""

    experiment: str
    profile: str
    cells: int
    cells_stored: int
    not_run: dict[str, str]
    steps: tuple[PlannedStep, ...]

    def to_json(self) -> dict[str, Any]:
        """The object that `bench plan --json` prints."""
        return {**asdict(self), "to_run": sum(not step.stored for step in self.steps)}


@dataclass(frozen=True)
class _Past:
    """A stored step: its recipe, and its modules with their hashes; empty in records of earlier versions."""

    recipe: Recipe
    closure: Mapping[str, str]


def explain(plan: Plan, store: Store) -> Explanation:
    """Which steps are stored, which would run, and why. Steps that nothing missing needs count as stored."""
    stored = {key for key in plan.recipes if store.has(key)}
    missing = set(plan.missing(stored))
    past = _stored_steps(store) if missing else []
    steps = []
    for key, recipe in plan.recipes.items():
        why, modules = _why(recipe, plan, missing, past) if key in missing else ("", ())
        steps.append(PlannedStep(key, recipe.label, key not in missing, why, modules))
    done = sum(cell.key in stored for cell in plan.cells)
    return Explanation(
        plan.request.experiment,
        plan.request.profile,
        len(plan.cells),
        done,
        {", ".join(where): reason for where, reason in plan.not_run.items()},
        tuple(steps),
    )


def _stored_steps(store: Store) -> list[_Past]:
    found = []
    for path in sorted((store.root / "steps").glob(f"*/*/{RECORD}")):
        try:
            record = json.loads(path.read_text())
            found.append(_Past(Recipe.from_json(record["recipe"]), record.get("closure", {})))
        except (OSError, ValueError, KeyError) as error:
            raise DataError(
                f"stored step {path.parent.name[:12]} has no readable record ({error}); delete it"
            ) from error
    return found


def _why(recipe: Recipe, plan: Plan, missing: set[str], past: list[_Past]) -> tuple[str, tuple[str, ...]]:
    """The reason, and the modules that it is about: compared with the stored step that differs least."""
    waiting = [plan.recipes[key].label for key in recipe.inputs.values() if key in missing]
    if waiting:
        return f"needs '{waiting[0]}', which is to run", ()
    relatives = [
        other for other in past if (other.recipe.step, other.recipe.component) == (recipe.step, recipe.component)
    ]
    if not relatives:
        return "never run with this store", ()
    compared = [(_differences(recipe, other.recipe), _moved(recipe, other)) for other in relatives]
    differences, modules = min(compared, key=lambda found: (len(found[0]), len(found[1])))
    return ", ".join(differences.values()) + _named(modules), modules


def _differences(recipe: Recipe, other: Recipe) -> dict[str, str]:
    """What differs -> how it is told; code comes last, since modules follow."""
    found = {name: text for name, text in DIFFERENCES.items() if getattr(other, name) != getattr(recipe, name)}
    if other.inputs != recipe.inputs:
        found["inputs"] = "its inputs changed"
    return {name: found[name] for name in sorted(found, key=lambda name: name == "code")}


def _moved(recipe: Recipe, other: _Past) -> tuple[str, ...]:
    """Modules that are new, gone or changed since a stored step; none when its record does not say."""
    if other.recipe.code == recipe.code or not other.closure:
        return ()
    now = step_closure(recipe.step, recipe.component)
    return tuple(sorted(name for name in {*now, *other.closure} if now.get(name) != other.closure.get(name)))


def _named(modules: tuple[str, ...]) -> str:
    if not modules:
        return ""
    more = f" and {len(modules) - MOST_NAMED} more" if len(modules) > MOST_NAMED else ""
    return f": {', '.join(modules[:MOST_NAMED])}{more}"
