"""A component in a file of the user's own, outside any package of ours: `./mine.py:MyRefiner`."""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from bench.core.errors import UsageError

WRITTEN = re.compile(r"(?P<file>.+\.py)(?::(?P<name>\w*))?")
OWN_PACKAGES = ("bench", "refiners", "estimators", "reports")


class OwnFile(NamedTuple):
    """Where a component is: `path`, absolute, and its class there."""

    path: Path
    class_name: str

    @property
    def name(self) -> str:
        """Its registry name: the file's, with hyphens."""
        return self.path.stem.replace("_", "-")

    @property
    def folder(self) -> Path:
        """Where its imports start: the nearest folder above the file that is no package."""
        return next(above for above in self.path.parents if not (above / "__init__.py").is_file())

    @property
    def module(self) -> str:
        """Its full module name, seen from `folder`."""
        return ".".join(self.path.relative_to(self.folder).with_suffix("").parts)

    def written(self) -> str:
        """As `own_file` reads it, from any working folder."""
        return f"{self.path}:{self.class_name}"


def own_file(text: str) -> OwnFile | None:
    """What `FILE.py:CLASS` means; None for text that names no Python file. UsageError when it cannot be used."""
    written = WRITTEN.fullmatch(text)
    if written is None:
        return None
    path = Path(written["file"]).absolute()
    if not path.is_file():
        raise UsageError(f"{written['file']} is not a file; a refiner of your own is given as ./mine.py:MyRefiner")
    if not written["name"]:
        raise UsageError(f"{text}: name the class as well, as in ./mine.py:MyRefiner")
    found = OwnFile(path.parent.resolve() / path.name, written["name"])  # a link keeps its own name
    top = found.module.partition(".")[0]
    if not all(part.replace("-", "_").isidentifier() for part in found.module.split(".")):
        raise UsageError(f"{text}: '{found.module}' is no name for a Python module; rename the file")
    if top in OWN_PACKAGES or top in sys.stdlib_module_names:
        owner = "simgan-bench" if top in OWN_PACKAGES else "Python"
        raise UsageError(f"{text}: '{top}' is a module of {owner} itself; rename yours")
    return found


def import_own(own: OwnFile) -> ModuleType:
    """The file's module; UsageError, of one line, when it cannot be imported or another module has its name.

    Its folder comes last on the search path: nothing beside it can take the place of a module that others need.
    """
    if str(own.folder) not in sys.path:
        sys.path.append(str(own.folder))
    module = import_outside(own.module, str(own.path))
    if not is_from(module, own.path):
        raise UsageError(f"{own.path}: there is another module '{own.module}', {module.__file__}; rename yours")
    return module


def import_outside(module: str, owner: str) -> ModuleType:
    """A module that is not ours; whatever its import raises becomes a UsageError that names the owner."""
    try:
        return importlib.import_module(module)
    except Exception as error:
        reason = str(error).partition("\n")[0]
        raise UsageError(f"{owner} cannot be imported: {type(error).__name__}: {reason}") from error


def is_from(module: ModuleType, path: Path) -> bool:
    """Whether a module was loaded from a file."""
    loaded = getattr(module, "__file__", None)
    return loaded is not None and Path(loaded).resolve() == path.resolve()
