"""Code fingerprints: a hash over what a component imports of our own, blind to comments, docstrings and layout.

A module counts as its syntax tree without docstrings, so a comment or a reformatting changes nothing, while a
renamed variable or another constant does. Imports under `if TYPE_CHECKING:` do not run and do not count.
"""

from __future__ import annotations

import ast
import functools
import importlib.util
from collections.abc import Iterator
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
            waiting.extend(_own_imports(module))
    return {module: _code_hash(module) for module in sorted(reached)}


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


@functools.cache
def _tree(module: str) -> ast.Module:
    path = module_path(module)
    if path is None:
        raise ModuleNotFoundError(f"no module of ours is named {module}")
    return ast.parse(path.read_text(encoding="utf-8"))


@functools.cache
def _own_imports(module: str) -> frozenset[str]:
    """Own modules that `module` imports anywhere, and the packages they lie in."""
    path = module_path(module)
    package = module if path is not None and path.name == "__init__.py" else module.rpartition(".")[0]
    found: set[str] = set()
    for node in _running_nodes(_tree(module)):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parent = package.rsplit(".", node.level - 1)[0] if node.level else ""
            source = ".".join(part for part in (parent, node.module) if part)
            found.add(source)
            found.update(f"{source}.{alias.name}" for alias in node.names)
    parents = {name.rsplit(".", depth)[0] for name in found for depth in range(1, name.count(".") + 1)}
    return frozenset(name for name in found | parents if module_path(name) is not None)


def _running_nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """All nodes but those under `if TYPE_CHECKING:`."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            for child in node.orelse:
                yield child
                yield from _running_nodes(child)
            continue
        yield node
        yield from _running_nodes(node)


@functools.cache
def _code_hash(module: str) -> str:
    tree = ast.parse(ast.unparse(_tree(module)))  # a copy: the cached tree keeps its docstrings
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0] if node.body else None
            if (
                isinstance(first, ast.Expr)
                and isinstance(first.value, ast.Constant)
                and isinstance(first.value.value, str)
            ):
                node.body = node.body[1:] or [ast.Pass()]
    return digest(ast.unparse(tree))
