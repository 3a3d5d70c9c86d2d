"""Revisions of the project's own repository: names become commits, and a commit a worktree whose code can be run."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

import bench
from bench.core.errors import DataError, UsageError, did_you_mean
from bench.core.own_files import OWN_PACKAGES
from bench.engine.snapshot import Revision
from bench.engine.store import Store, storage_errors

WORKING_TREE = "."
GIT_SECONDS = 120
# A hook that calls us sets these, and git would look there and not where we say.
OF_A_HOOK = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR")
# What points to another environment or other code than a revision's.
OF_AN_ENVIRONMENT = ("VIRTUAL_ENV", "UV_PROJECT_ENVIRONMENT", "UV_PROJECT", "PYTHONPATH", "PYTHONHOME")


def git(folder: Path, *words: str) -> str | None:
    """What git says about a folder's repository; None where it refuses. UsageError without git."""
    command = ["git", "-C", str(folder), "-c", "core.hooksPath=/dev/null", *words]
    environment = {name: value for name, value in os.environ.items() if name not in OF_A_HOOK}
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=GIT_SECONDS, env=environment)
    except FileNotFoundError as error:
        raise UsageError("git is not installed; commits cannot be compared without it, exported files can") from error
    except subprocess.TimeoutExpired as error:
        raise DataError(f"'git {words[0]}' gave no answer in {GIT_SECONDS} s in {folder}") from error
    return done.stdout.strip() if done.returncode == 0 else None


def find_checkout(folder: Path) -> Path | None:
    """The top of the repository around `folder` if it holds this project; None elsewhere, or without git."""
    if shutil.which("git") is None:
        return None
    top = git(folder, "rev-parse", "--show-toplevel")
    # An installed copy may lie inside somebody else's repository: only a file of ours that is tracked counts.
    if not top or git(Path(top), "ls-files", "--error-unmatch", "bench/__init__.py") is None:
        return None
    return Path(top)


def own_checkout() -> Path:
    """The current folder's repository if it holds this project, else that of the code that runs; else UsageError."""
    if shutil.which("git") is None:
        raise UsageError("git is not installed; commits cannot be compared without it, exported files can")
    found = find_checkout(Path.cwd()) or find_checkout(Path(bench.__file__).parents[1])
    if found is None:
        raise UsageError(
            "no repository of simgan-bench here, and the installed one is no checkout; go into a clone,"
            " or compare files of 'bench export'"
        )
    return found


def resolve(checkout: Path, name: str) -> str:
    """The full hash of a commit; UsageError with the closest name when unknown, DataError where history is cut off."""
    commit = git(checkout, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
    if commit:
        return commit
    if git(checkout, "rev-parse", "--is-shallow-repository") == "true":
        raise DataError(
            f"revision '{name}' is not in this shallow clone; get the history with 'git fetch --unshallow'"
            " (in CI: fetch-depth: 0 for actions/checkout)"
        )
    known = (git(checkout, "for-each-ref", "--format=%(refname:short)") or "").split()
    raise UsageError(f"unknown revision '{name}'{did_you_mean(name, known)}; 'git log --all' shows what there is")


def describe(checkout: Path, commit: str, *, dirty: bool = False) -> Revision:
    """A commit's name, first line and date; with `dirty`, whether the working tree differs from it."""
    told = git(checkout, "log", "-1", "--format=%H%x00%ct%x00%s", "--end-of-options", commit)
    if told is None:  # a repository without any commit
        return Revision(None, False, bench.__version__)
    full, seconds, subject = told.split("\0")
    return Revision(full, dirty and is_dirty(checkout), bench.__version__, subject, float(seconds))


def is_dirty(checkout: Path) -> bool:
    """Whether there are uncommitted changes; of new files, those that could be code of ours."""
    changed = git(checkout, "status", "--porcelain", "--untracked-files=no")
    new = git(checkout, "ls-files", "--others", "--exclude-standard", "--", *OWN_PACKAGES)
    return bool(changed or new)


def has_export(checkout: Path, commit: str) -> bool:
    """Whether a commit's code has the command that a comparison calls."""
    return git(checkout, "cat-file", "-e", f"{commit}:bench/engine/export.py") is not None


@contextmanager
def worktree(checkout: Path, commit: str, store: Store) -> Iterator[Path]:
    """The files of a commit in a folder of the store, removed afterwards; what a killed run left is replaced.

    A second comparison of the same commit waits for the first one; the lock's file stays, or a third could slip in.
    """
    folder = (store.root / "worktrees" / commit).absolute()
    with storage_errors(store.root):
        folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):
        _remove(checkout, folder)
        if git(checkout, "worktree", "add", "--detach", "--force", str(folder), commit) is None:
            _remove(checkout, folder)
            raise DataError(f"git cannot make a worktree of {commit[:7]} in {folder}; see 'git worktree add' there")
        try:
            yield folder
        finally:
            _remove(checkout, folder)


def _remove(checkout: Path, folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    git(checkout, "worktree", "prune")


@dataclass(frozen=True)
class Code:
    """Code to run: the folder that holds the packages, and whether it needs an environment of its own."""

    folder: Path
    own_environment: bool

    def command(self) -> list[str]:
        """What runs its `bench`; UsageError where it needs uv and there is none."""
        module = ["-P", "-m", "bench.cli"]  # -P: the current folder may hold packages of the same names
        if not self.own_environment:
            return [sys.executable, *module]
        if shutil.which("uv") is None:
            raise UsageError(
                f"the dependencies in {self.folder / 'pyproject.toml'} differ from those that run now, and uv, which"
                " would install them, is missing; install uv, or run 'bench export' there and compare the files"
            )
        return ["uv", "run", "--project", str(self.folder), "python", *module]

    def environment(self) -> dict[str, str]:
        """Its packages first, whatever is installed."""
        dropped = {*OF_A_HOOK, *(OF_AN_ENVIRONMENT if self.own_environment else ("PYTHONPATH",))}
        kept = {name: value for name, value in os.environ.items() if name not in dropped}
        return {**kept, "PYTHONPATH": str(self.folder)}


def code_in(folder: Path) -> Code:
    """The code in a checkout; its own environment only where its dependencies differ from those that run now."""
    running = Path(bench.__file__).parents[1]
    return Code(folder, _dependencies(folder) != _dependencies(running) and (running / "pyproject.toml").is_file())


def _dependencies(folder: Path) -> object:
    """What decides the environment: Python's versions and the packages', without pins and development tools."""
    try:
        project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    except (OSError, KeyError, ValueError):
        return None
    return sorted(project.get("dependencies", [])), project.get("requires-python")
