"""Why a step would run: what differs from the nearest stored step of the same kind."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from bench.core.errors import DataError
from bench.engine.plan import Plan
from bench.engine.recipe import Recipe
from bench.engine.store import RECORD, Store

DIFFERENCES = {"code": "its code changed", "config": "its settings changed", "seed": "another seed"}


@dataclass(frozen=True)
class PlannedStep:
    """One step of a plan; `why` is empty for a stored one."""

    key: str
    label: str
    stored: bool
    why: str


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


def explain(plan: Plan, store: Store) -> Explanation:
    """Which steps are stored, which would run, and why. Steps that nothing missing needs count as stored."""
    stored = {key for key in plan.recipes if store.has(key)}
    missing = set(plan.missing(stored))
    past = _stored_recipes(store) if missing else []
    steps = tuple(
        PlannedStep(key, recipe.label, key not in missing, _why(recipe, plan, missing, past) if key in missing else "")
        for key, recipe in plan.recipes.items()
    )
    done = sum(cell.key in stored for cell in plan.cells)
    return Explanation(
        plan.request.experiment,
        plan.request.profile,
        len(plan.cells),
        done,
        {", ".join(where): reason for where, reason in plan.not_run.items()},
        steps,
    )


def _stored_recipes(store: Store) -> list[Recipe]:
    recipes = []
    for path in sorted((store.root / "steps").glob(f"*/*/{RECORD}")):
        try:
            recipes.append(Recipe.from_json(json.loads(path.read_text())["recipe"]))
        except (OSError, ValueError, KeyError) as error:
            raise DataError(
                f"stored step {path.parent.name[:12]} has no readable record ({error}); delete it"
            ) from error
    return recipes


def _why(recipe: Recipe, plan: Plan, missing: set[str], past: list[Recipe]) -> str:
    waiting = [plan.recipes[key].label for key in recipe.inputs.values() if key in missing]
    if waiting:
        return f"needs '{waiting[0]}', which is to run"
    relatives = [other for other in past if (other.step, other.component) == (recipe.step, recipe.component)]
    if not relatives:
        return "never run with this store"

    def differences(other: Recipe) -> list[str]:
        found = [text for name, text in DIFFERENCES.items() if getattr(other, name) != getattr(recipe, name)]
        return found + (["its inputs changed"] if other.inputs != recipe.inputs else [])

    nearest = sorted((differences(other) for other in relatives), key=len)[0]
    return ", ".join(nearest)
