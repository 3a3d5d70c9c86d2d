"""Code fingerprints: a hash over what a component imports of our own, of its own package, or beside its own file.

A module counts as `normal_code` has it: see docs/fingerprints.md. Packages that others make (torch, NumPy) do not
count; their versions are recorded with every result.
"""

from __future__ import annotations

import ast
import functools
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from bench.core.canonical import digest
from bench.core.errors import UsageError
from bench.core.own_files import OWN_PACKAGES, is_from
from bench.core.registry import Origin, source
from bench.engine.normal_code import normal_code


class Reach(NamedTuple):
    """Whose modules count beside ours: those packages', and those below the folder of a file of the user's own."""

    packages: frozenset[str]
    folder: Path | None = None


def fingerprint(*modules: str) -> str:
    """sha256 of the import closure of `modules` (full names) inside our own packages and theirs."""
    return digest(closure(*modules))


def closure(*modules: str, folder: Path | None = None) -> dict[str, str]:
    """Every module that counts and that `modules` reach by imports, with the hash of its code; sorted by name.

    The packages of `modules` count, and what lies below `folder`. UsageError for code that is no Python.
    """
    reach = Reach(frozenset(module.partition(".")[0] for module in modules) - set(OWN_PACKAGES), folder)
    reached: set[str] = set()
    packages = [name for module in modules for name in _parents(module) if module_path(name, reach) is not None]
    waiting = [*modules, *packages]
    while waiting:
        module = waiting.pop()
        if module not in reached:
            reached.add(module)
            waiting.extend(_read(module, reach).imports)
    return {module: _read(module, reach).sha256 for module in sorted(reached)}


@functools.cache
def module_path(module: str, reach: Reach) -> Path | None:
    """The file of a module that counts, found without importing it; None for others."""
    top = module.partition(".")[0]
    if top in OWN_PACKAGES:
        return source(Origin(module))
    if reach.folder is not None:
        # Python's own modules come first on the search path, whatever lies in the folder.
        return None if top in sys.stdlib_module_names else source(Origin(module, folder=reach.folder))
    return source(Origin(module)) if top in reach.packages else None


def require_loaded(modules: Iterable[str], folder: Path) -> None:
    """UsageError when one of `modules` was imported from another place than below `folder`, where it was hashed."""
    for name in modules:
        path = module_path(name, Reach(frozenset(), folder))
        module = sys.modules.get(name)
        if module is not None and path is not None and not is_from(module, path):
            other = getattr(module, "__file__", None) or "built into Python"
            raise UsageError(
                f"{path}: another module '{name}' was imported in its place ({other}); rename yours, or make its"
                " folder a package (__init__.py) and import it as a part of that"
            )


@dataclass(frozen=True)
class _Code:
    """What counts of a module: the hash of its code, and the modules that count and that it imports anywhere."""

    sha256: str
    imports: frozenset[str]


@functools.cache
def _read(module: str, reach: Reach) -> _Code:
    path = module_path(module, reach)
    if path is None:
        raise ModuleNotFoundError(f"no module of ours is named {module}")
    code, sha256 = _normal(path)
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    return _Code(sha256, _imports(code, package, reach))


@functools.cache
def _normal(path: Path) -> tuple[ast.Module, str]:
    try:
        code = normal_code(path.read_text(encoding="utf-8"))
        return code, digest(ast.unparse(code))
    except (SyntaxError, UnicodeDecodeError) as error:
        where = f"line {error.lineno}: {error.msg}" if isinstance(error, SyntaxError) else str(error)
        raise UsageError(f"{path} is no Python code: {where}") from error


def _imports(code: ast.Module, package: str, reach: Reach) -> frozenset[str]:
    """Modules that count and are imported anywhere in `code`, a module of `package`, and the packages they lie in."""
    found: set[str] = set()
    for node in ast.walk(code):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parent = package.rsplit(".", node.level - 1)[0] if node.level else ""
            origin = ".".join(part for part in (parent, node.module) if part)
            found.add(origin)
            found.update(f"{origin}.{alias.name}" for alias in node.names)
    parents = {parent for name in found for parent in _parents(name)}
    return frozenset(name for name in found | parents if module_path(name, reach) is not None)


def _parents(module: str) -> list[str]:
    """The packages that a module lies in; their code runs when it is imported."""
    return [module.rsplit(".", depth)[0] for depth in range(1, module.count(".") + 1)]
