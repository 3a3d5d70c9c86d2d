"""Finds components by their file's name; lists them without importing them."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import inspect
import pkgutil
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

from bench.core.errors import UsageError, did_you_mean

Kind = Literal["refiners", "estimators", "metrics", "measures", "experiments", "readers"]

PACKAGES: dict[Kind, str] = {
    "refiners": "refiners",
    "estimators": "estimators",
    "metrics": "bench.metrics",
    "measures": "bench.measures",
    "experiments": "bench.experiments",
    "readers": "bench.data.readers",
}


def names(kind: Kind) -> list[str]:
    """Registry names of a kind, sorted: file names with hyphens for underscores."""
    spec = importlib.util.find_spec(PACKAGES[kind])
    assert spec is not None and spec.submodule_search_locations is not None
    found = pkgutil.iter_modules(list(spec.submodule_search_locations))
    return sorted(module.name.replace("_", "-") for module in found if not module.ispkg)


def module_name(kind: Kind, name: str) -> str:
    """Full module name of a component, not imported; UsageError with the closest name when unknown."""
    known = names(kind)
    if name not in known:
        raise UsageError(
            f"unknown {kind.removesuffix('s')} '{name}'{did_you_mean(name, known)}. See 'bench list {kind}'."
        )
    return f"{PACKAGES[kind]}.{name.replace('-', '_')}"


def summary(kind: Kind, name: str) -> str:
    """The first line of a component's file: what it is. Does not import it."""
    spec = importlib.util.find_spec(PACKAGES[kind])
    assert spec is not None and spec.submodule_search_locations is not None
    path = Path(next(iter(spec.submodule_search_locations))) / f"{name.replace('-', '_')}.py"
    return (ast.get_docstring(ast.parse(path.read_text())) or "").partition("\n")[0]


def load(kind: Kind, name: str) -> Any:
    """The component: its class, or for an experiment its `EXPERIMENT`."""
    module = importlib.import_module(module_name(kind, name))
    return module.EXPERIMENT if kind == "experiments" else _only_class(module, kind)


def _only_class(module: ModuleType, kind: Kind) -> type[Any]:
    """The one public concrete subclass of the kind's contract that a module defines."""
    contract = _contract(kind)
    found = [
        value
        for value in vars(module).values()
        if inspect.isclass(value)
        and issubclass(value, contract)
        and value.__module__ == module.__name__
        and not value.__name__.startswith("_")
    ]
    if len(found) != 1:
        raise UsageError(f"{module.__name__} must define exactly one {contract.__name__}, found {len(found)}")
    return found[0]


def _contract(kind: Kind) -> type[Any]:
    from bench.core.estimator import Estimator
    from bench.core.measure import Measure
    from bench.core.metric import Metric
    from bench.core.reader import Reader
    from bench.core.refiner import Refiner

    contracts: dict[Kind, type[Any]] = {
        "refiners": Refiner,
        "estimators": Estimator,
        "metrics": Metric,
        "measures": Measure,
        "readers": Reader,
    }
    return contracts[kind]
