"""Files of a data set below its root folder: found, or a DataError that says how to get them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from bench.core.errors import DataError


def below(root: Path, relative: str) -> Path:
    """The path of a manifest's file or folder: below the root unless absolute; ~ is the home folder."""
    return root / Path(relative).expanduser()


def require_files(root: Path, relative: Iterable[str]) -> list[Path]:
    """Existing files below `root`; DataError naming the first that is missing."""
    paths = [below(root, name) for name in relative]
    for path in paths:
        if not path.is_file():
            raise DataError(f"no file {path}; see 'bench data status' for how to get the data set")
    return paths


def require_folder(root: Path, relative: str) -> Path:
    """An existing folder below `root`; DataError when it is missing."""
    path = below(root, relative)
    if not path.is_dir():
        raise DataError(f"no folder {path}; see 'bench data status' for how to get the data set")
    return path


def files_with(folder: Path, suffixes: Sequence[str], *, what: str) -> list[Path]:
    """Sorted files of a folder whose names end in one of `suffixes` (case ignored); DataError if none."""
    endings = tuple(suffix.lower() for suffix in suffixes)
    found = sorted(path for path in folder.iterdir() if path.name.lower().endswith(endings) and path.is_file())
    if not found:
        raise DataError(f"{folder} holds no {what} ({', '.join(suffixes)}); check the folder in the manifest")
    return found
