"""Content hashes of a data set's files, remembered while path, size and times of the files stay the same."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Sequence
from pathlib import Path

from bench.core.canonical import digest, file_digest
from bench.core.errors import DataError


def relative_name(root: Path, path: Path) -> str:
    """A file's name below the root with forward slashes, or its bare name when it lies elsewhere."""
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name


def files_digest(root: Path, files: Sequence[Path]) -> str:
    """sha256 over the sorted relative names and contents of the files; a moved folder keeps its digest.

    The result is kept in a small JSON file of the user's cache folder under a hash of every file's path, size
    and times, so that an unchanged data set is read only once. A cache that cannot be written is done without.
    """
    try:
        stamps = [_stamp(path) for path in files]
        remembered = _cache_folder() / f"{digest(stamps)}.json"
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            return str(json.loads(remembered.read_text())["sha256"])
        contents = sorted([relative_name(root, path), file_digest(path)] for path in files)
    except OSError as error:
        raise DataError(f"cannot read {error.filename}: {error.strerror}") from error
    combined = digest(contents)
    with contextlib.suppress(OSError):
        remembered.parent.mkdir(parents=True, exist_ok=True)
        partial = remembered.with_suffix(f".{os.getpid()}")
        partial.write_text(json.dumps({"sha256": combined, "files": len(files)}))
        partial.replace(remembered)
    return combined


def _stamp(path: Path) -> list[str | int]:
    """What changes when a file changes; ctime too, because copying tools restore the mtime."""
    status = path.stat()
    return [str(path.absolute()), status.st_size, status.st_mtime_ns, status.st_ctime_ns]


def _cache_folder() -> Path:
    import platformdirs

    return platformdirs.user_cache_path("simgan-bench") / "file-hashes"
