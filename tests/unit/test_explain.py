"""Why a step would run: which modules moved, compared with the stored step that differs least."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.engine.explain import Explanation, explain
from bench.engine.plan import Plan, Request, make_plan
from bench.engine.recipe import Recipe
from bench.engine.step import step_closure
from bench.engine.store import Store


@pytest.fixture
def plan() -> Plan:
    return make_plan(Request("gaze-table2", profile="smoke"))


@pytest.fixture
def store(plan: Plan, tmp_path: Path) -> Store:
    """The image sets are stored."""
    found = Store(tmp_path)
    for recipe in plan.recipes.values():
        if recipe.step == "prepare":
            keep(found, recipe, {})
    return found


def training(plan: Plan) -> Recipe:
    return next(recipe for recipe in plan.recipes.values() if recipe.step == "fit_refiner")


def keep(store: Store, recipe: Recipe, more: Mapping[str, Any]) -> None:
    out = store.root / "out"
    out.mkdir()
    store.commit(recipe.key, out, {"recipe": recipe.to_json(), **more})


def told(found: Explanation, label: str = "train simgan, seed 0") -> tuple[str, tuple[str, ...]]:
    return next((step.why, step.modules) for step in found.steps if step.label == label)


def earlier(recipe: Recipe, **changed: str | None) -> tuple[Recipe, dict[str, Any]]:
    """The same training with other code: module -> its hash then, None when it was not there."""
    closure = {**step_closure(recipe.step, recipe.component), **changed}
    return replace(recipe, code=str(sorted(changed))), {"closure": {k: v for k, v in closure.items() if v is not None}}


def test_modules_that_changed_came_or_went_are_named(plan: Plan, store: Store) -> None:
    keep(store, *earlier(training(plan), **{"refiners.nn.losses": "0", "refiners.nn.psi": None, "refiners.old": "0"}))
    found = told(explain(plan, store))
    assert found[1] == ("refiners.nn.losses", "refiners.nn.psi", "refiners.old")
    assert found[0] == "its code changed: refiners.nn.losses, refiners.nn.psi, refiners.old"


def test_many_modules_are_counted(plan: Plan, store: Store) -> None:
    keep(store, *earlier(training(plan), **{f"refiners.old{index}": "0" for index in range(7)}))
    why, modules = told(explain(plan, store))
    assert why.endswith("refiners.old3 and 3 more")
    assert len(modules) == 7


def test_a_record_without_modules_says_that_code_changed(plan: Plan, store: Store) -> None:
    keep(store, replace(training(plan), code="old"), {})
    assert told(explain(plan, store)) == ("its code changed", ())


def test_the_nearest_step_is_compared(plan: Plan, store: Store) -> None:
    recipe = training(plan)
    keep(store, *earlier(recipe, **{"refiners.nn.losses": "0", "refiners.nn.psi": "0"}))
    keep(store, *earlier(recipe, **{"refiners.simgan": "0"}))
    far, closure = earlier(recipe, **{"refiners.nn.psi": "0"})
    keep(store, replace(far, seed=7), closure)
    assert told(explain(plan, store))[0] == "its code changed: refiners.simgan"


def test_settings_are_told_before_code(plan: Plan, store: Store) -> None:
    other, closure = earlier(training(plan), **{"refiners.simgan": "0"})
    keep(store, replace(other, config={"preset": "paper"}), closure)
    assert told(explain(plan, store))[0] == "its settings changed, its code changed: refiners.simgan"


def test_what_waits_for_it_names_the_step(plan: Plan, store: Store) -> None:
    keep(store, *earlier(training(plan), **{"refiners.simgan": "0"}))
    assert told(explain(plan, store), "refine with simgan, seed 0") == (
        "needs 'train simgan, seed 0', which is to run",
        (),
    )


def test_the_printed_object_has_the_modules(plan: Plan, store: Store) -> None:
    keep(store, *earlier(training(plan), **{"refiners.simgan": "0"}))
    steps = explain(plan, store).to_json()["steps"]
    assert set(steps[0]) == {"key", "label", "stored", "why", "modules"}
    assert [list(step["modules"]) for step in steps if step["modules"]] == [["refiners.simgan"]]
