"""Finds components by name, and lists them without importing them.

Built-in ones are named after their files; others come from installed packages (entry points), or from a file that
the user names on the command line.
"""

from __future__ import annotations

import ast
import functools
import importlib
import importlib.util
import inspect
import operator
import pkgutil
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, Literal, NamedTuple

from bench.core.entry_points import Offer, offers
from bench.core.errors import UsageError, did_you_mean
from bench.core.own_files import OwnFile, import_outside, import_own, own_file

Kind = Literal["refiners", "estimators", "metrics", "measures", "experiments", "readers"]

PACKAGES: dict[Kind, str] = {
    "refiners": "refiners",
    "estimators": "estimators",
    "metrics": "bench.metrics",
    "measures": "bench.measures",
    "experiments": "bench.experiments",
    "readers": "bench.data.readers",
}
OWNERS: tuple[Kind, ...] = ("refiners", "estimators", "measures")
"""Kinds whose components have settings on the command line: `--set NAME.SETTING=VALUE`."""
OURS = "simgan-bench"

_OWN: dict[tuple[Kind, str], OwnFile] = {}
"""Files of the user's own that this process was told of."""


class Origin(NamedTuple):
    """Where a component is.

    attribute: its name in the module, empty for the only one there. folder: where a file of the user's own imports
    from. distribution: the package that it was installed with, empty for such a file.
    """

    module: str
    attribute: str = ""
    folder: Path | None = None
    distribution: str = OURS


def names(kind: Kind) -> list[str]:
    """All registry names of a kind, sorted; UsageError when a package offers a name that is taken."""
    own = [name for own_kind, name in _OWN if own_kind == kind]
    return sorted([*_built_in(kind), *_offers(kind), *own])


def named(kind: Kind, text: str) -> str:
    """The registry name of what the user wrote: a name, or `./mine.py:MyRefiner`, which is remembered under its name.

    UsageError when it is unknown, or when its name means something else as well.
    """
    own = own_file(text)
    if own is None:
        origin(kind, text)
        _offers(kind)  # a package that offers this name again is told of, not passed over
        return text
    taken = {name: other for other in OWNERS for name in (*_built_in(other), *_offers(other))}
    if own.name in taken or own.name == "images":
        what = f"already among the {taken[own.name]}" if own.name in taken else "what --set calls the image sets"
        raise UsageError(f"{text}: '{own.name}' is {what}; rename the file")
    known = _OWN.setdefault((kind, own.name), own)
    if known != own:
        raise UsageError(f"{known.written()} and {own.written()} are both named '{own.name}'; rename one of the files")
    return own.name


def origin(kind: Kind, name: str) -> Origin:
    """Where a component is; UsageError with the closest name when it is unknown."""
    if (kind, name) in _OWN:
        own = _OWN[kind, name]
        return Origin(own.module, own.class_name, own.folder, "")
    if name in _built_in(kind):
        return Origin(f"{PACKAGES[kind]}.{name.replace('-', '_')}")
    offer = _offers(kind).get(name)
    if offer is None:
        raise UsageError(
            f"unknown {kind.removesuffix('s')} '{name}'{did_you_mean(name, names(kind))}. See 'bench list {kind}'."
        )
    return Origin(offer.module, offer.attribute, None, offer.distribution)


def place(kind: Kind, name: str) -> dict[str, str]:
    """What another process must be told to find a component, for `named`; empty when it finds it by itself."""
    return {"component": _OWN[kind, name].written()} if (kind, name) in _OWN else {}


def module_name(kind: Kind, name: str) -> str:
    """Full module name of a component, not imported; UsageError with the closest name when unknown."""
    return origin(kind, name).module


def summary(kind: Kind, name: str) -> str:
    """The first line of a component's file: what it is, empty where there is none. Does not import it."""
    path = source(origin(kind, name))
    return "" if path is None else (ast.get_docstring(ast.parse(path.read_text("utf-8"))) or "").partition("\n")[0]


def source(where: Origin) -> Path | None:
    """The file of a component's module, found without importing it; None when it is not a file of Python code."""
    top, *rest = where.module.split(".")
    if where.folder is not None:
        bases = [where.folder / top]
    else:
        spec = importlib.util.find_spec(top)
        if spec is None:
            return None
        alone = str(Path(spec.origin or "").with_suffix(""))  # a module that is no package
        bases = [Path(folder) for folder in spec.submodule_search_locations or [alone]]
    tried = [Path(base, *rest) for base in bases]
    files = (file for path in tried for file in (path / "__init__.py", path.parent / f"{path.name}.py"))
    return next((file for file in files if file.is_file()), None)


def load(kind: Kind, name: str) -> Any:
    """The component: its class, or for an experiment its `EXPERIMENT`. UsageError when it is not what it should be."""
    where = origin(kind, name)
    if (kind, name) in _OWN:
        module = import_own(_OWN[kind, name])
    elif where.distribution == OURS:
        module = importlib.import_module(where.module)
    else:
        module = import_outside(where.module, f"{where.module} of the package {where.distribution}")
    if kind == "experiments":
        return _experiment(module, where.attribute, name)
    return _class(module, where.attribute, kind) if where.attribute else _only_class(module, kind)


@functools.cache
def _built_in(kind: Kind) -> frozenset[str]:
    """File names with hyphens for underscores."""
    spec = importlib.util.find_spec(PACKAGES[kind])
    assert spec is not None and spec.submodule_search_locations is not None
    found = pkgutil.iter_modules(list(spec.submodule_search_locations))
    return frozenset(module.name.replace("_", "-") for module in found if not module.ispkg)


def _offers(kind: Kind) -> Mapping[str, Offer]:
    found = offers(kind)
    for name in sorted(found.keys() & _built_in(kind)):
        raise UsageError(
            f"the package {found[name].distribution} offers '{name}' ({found[name].module}), and {OURS} has"
            f" '{name}' ({PACKAGES[kind]}.{name.replace('-', '_')}) among its {kind}; rename or uninstall the package's"
        )
    return found


def _experiment(module: ModuleType, attribute: str, name: str) -> Any:
    experiment = getattr(module, attribute or "EXPERIMENT", None)
    if getattr(experiment, "name", None) != name:
        raise UsageError(f"{module.__name__} must define EXPERIMENT, an Experiment with the name '{name}'")
    return experiment


def _class(module: ModuleType, attribute: str, kind: Kind) -> type[Any]:
    """A class of a module by its name; UsageError when it is not there or keeps no contract of the kind."""
    contract = _contract(kind)
    try:
        found = operator.attrgetter(attribute)(module)
    except AttributeError as error:
        known = [name for name, value in vars(module).items() if inspect.isclass(value)]
        raise UsageError(f"{module.__file__} has no '{attribute}'{did_you_mean(attribute, known)}") from error
    if not (inspect.isclass(found) and issubclass(found, contract)):
        raise UsageError(
            f"{attribute} of {module.__file__} is no {contract.__name__}: derive it from {_path(contract)}"
        )
    missing = [name for name in dir(found) if getattr(getattr(found, name), "__isabstractmethod__", False)]
    if missing:
        raise UsageError(f"{attribute} of {module.__file__} lacks {', '.join(missing)}; see {_path(contract)}")
    return found


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


def _path(contract: type[Any]) -> str:
    return f"{contract.__module__}.{contract.__name__}"


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
