"""The store: finished steps by key. Present = finished; what is read back is checked by its hash.

ROOT/steps/ab/abcd.../   artifacts and record.json of a finished step, put there by one rename
ROOT/work/abcd.../       a running step: its lock, checkpoint, progress and half-made artifacts
ROOT/failures/abcd.json  why a step failed the last time; never a cache hit
ROOT/damaged/abcd.../    a finished step whose files no longer match their hashes
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.core.canonical import canonical_json, file_digest
from bench.core.errors import DataError, UsageError

RECORD = "record.json"


class Store:
    """Finished steps below `root`; the folder is made when first written."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @staticmethod
    def default_root() -> Path:
        """$SIMGAN_BENCH_STORE, or the user's cache folder."""
        import platformdirs

        chosen = os.environ.get("SIMGAN_BENCH_STORE")
        return Path(chosen) if chosen else platformdirs.user_cache_path("simgan-bench") / "store"

    def path(self, key: str) -> Path:
        """The folder of a finished step (there or not)."""
        return self.root / "steps" / key[:2] / key

    def work(self, key: str) -> Path:
        """The folder of a running step."""
        return self.root / "work" / key

    def has(self, key: str) -> bool:
        """Whether the step is finished."""
        return (self.path(key) / RECORD).is_file()

    def record(self, key: str) -> dict[str, Any]:
        """What is known after running the step; DataError when it cannot be read."""
        path = self.path(key) / RECORD
        try:
            record: dict[str, Any] = json.loads(path.read_text())
        except (OSError, ValueError) as error:
            self._set_aside(key)
            raise DataError(_damaged(key, f"its record cannot be read ({error})")) from error
        return record

    def verified(self, key: str) -> Path:
        """The folder of a finished step after checking every file's hash; DataError when one is damaged.

        A damaged step is set aside, so the next run makes it again.
        """
        folder = self.path(key)
        for name, expected in self.record(key)["files"].items():
            path = folder / name
            found = file_digest(path) if path.is_file() else "no file"
            if found != expected:
                self._set_aside(key)
                raise DataError(_damaged(key, f"{name} should hash to {expected[:12]}, got {found[:12]}"))
        return folder

    def commit(self, key: str, made: Path, record: dict[str, Any]) -> None:
        """Publish a finished step's folder by one rename."""
        files = {str(path.relative_to(made)): file_digest(path) for path in sorted(made.rglob("*")) if path.is_file()}
        (made / RECORD).write_text(canonical_json({**record, "files": files}))
        target = self.path(key)
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.exists():  # without a record: an interrupted deletion
            shutil.rmtree(target)
        made.rename(target)
        (self.root / "failures" / f"{key}.json").unlink(missing_ok=True)
        shutil.rmtree(self.work(key), ignore_errors=True)

    def fail(self, key: str, failure: dict[str, Any]) -> None:
        """Keep why a step failed."""
        path = self.root / "failures" / f"{key}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(failure, indent=1))

    def _set_aside(self, key: str) -> None:
        folder = self.path(key)
        if folder.exists():
            aside = self.root / "damaged" / f"{key}-{time.time_ns()}"
            aside.parent.mkdir(parents=True, exist_ok=True)
            folder.rename(aside)


def _damaged(key: str, why: str) -> str:
    return f"stored step {key[:12]} is damaged: {why}; it was set aside. Run the same command again to make it anew."


@contextmanager
def storage_errors(root: Path) -> Iterator[None]:
    """Turn the file system's refusals (read-only, full, not a folder) into a UsageError of one line."""
    refusals = {
        errno.ENOSPC: "no space is left",
        errno.EDQUOT: "the disk quota is used up",
        errno.EROFS: "it is read-only",
        errno.EACCES: "it may not be written",
        errno.EPERM: "it may not be written",
        errno.ENOTDIR: "a part of its path is a file",
        errno.EEXIST: "a file is in its place",
        errno.EISDIR: "a folder is in its place",
        errno.ENOENT: "there can be no such folder",
        errno.ENAMETOOLONG: "its name is too long",
        errno.EIO: "the device failed",
    }
    try:
        yield
    except OSError as error:
        if error.errno not in refusals:
            raise
        raise UsageError(
            f"cannot write to {root}: {refusals[error.errno]}. Free it, or choose another folder (--store, --out);"
            " finished steps are kept."
        ) from error
