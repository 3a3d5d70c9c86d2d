"""Code fingerprints: a hash over what a component imports of our own, blind to comments, docstrings and layout.

A module counts as its syntax tree without docstrings, so a comment or a reformatting changes nothing, while a
renamed variable or another constant does. Imports under `if TYPE_CHECKING:` do not run and do not count.
"""

from __future__ import annotations

import ast
import functools
import importlib.util
from dataclasses import dataclass
from pathlib import Path

from bench.core.canonical import digest

OWN_PACKAGES = ("bench", "refiners", "estimators", "reports")


def fingerprint(*modules: str) -> str:
    """sha256 of the import closure of `modules` (full names) inside our own packages."""
    return digest(closure(*modules))


def closure(*modules: str) -> dict[str, str]:
    """Every own module that `modules` reach by imports, with the hash of its code; sorted by name."""
    reached: set[str] = set()
    waiting = list(modules)
    while waiting:
        module = waiting.pop()
        if module not in reached:
            reached.add(module)
            waiting.extend(_read(module).imports)
    return {module: _read(module).sha256 for module in sorted(reached)}


@functools.cache
def module_path(module: str) -> Path | None:
    """The file of an own module, found without importing it; None when there is none."""
    top, *rest = module.split(".")
    if top not in OWN_PACKAGES:
        return None
    spec = importlib.util.find_spec(top)
    if spec is None or not spec.submodule_search_locations:
        return None
    base = Path(spec.submodule_search_locations[0], *rest)
    for candidate in (base / "__init__.py", base.with_suffix(".py")):
        if candidate.is_file():
            return candidate
    return None


@dataclass(frozen=True)
class _Code:
    """What counts of a module: the hash of its code, and the own modules that it imports anywhere."""

    sha256: str
    imports: frozenset[str]


@functools.cache
def _read(module: str) -> _Code:
    path = module_path(module)
    if path is None:
        raise ModuleNotFoundError(f"no module of ours is named {module}")
    tree = ast.parse(path.read_text(encoding="utf-8"))
    _strip_docstrings(tree)
    sha256 = digest(ast.unparse(tree))
    _strip_typing_blocks(tree)
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    return _Code(sha256, _own_imports(tree, package))


def _strip_docstrings(tree: ast.Module) -> None:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and node.body:
            match node.body[0]:
                case ast.Expr(value=ast.Constant(value=str())):
                    node.body = node.body[1:] or [ast.Pass()]


def _strip_typing_blocks(tree: ast.Module) -> None:
    """Drop the bodies of `if TYPE_CHECKING:`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.If):
            match node.test:
                case ast.Name(id="TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING"):
                    node.body = [ast.Pass()]


def _own_imports(tree: ast.Module, package: str) -> frozenset[str]:
    """Own modules imported anywhere in `tree`, a module of `package`, and the packages they lie in."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parent = package.rsplit(".", node.level - 1)[0] if node.level else ""
            source = ".".join(part for part in (parent, node.module) if part)
            found.add(source)
            found.update(f"{source}.{alias.name}" for alias in node.names)
    parents = {name.rsplit(".", depth)[0] for name in found for depth in range(1, name.count(".") + 1)}
    return frozenset(name for name in found | parents if module_path(name) is not None)
