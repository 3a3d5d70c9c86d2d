"""Gets the snapshots to compare: from files and stores, or by `bench export` run by each revision's own code."""

from __future__ import annotations

import shlex
import signal
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bench.core.errors import BenchError, CellsFailed, DataError, Interrupted, UsageError
from bench.engine.asked import as_words
from bench.engine.found_results import find_results, made_with
from bench.engine.revisions import WORKING_TREE, code_in, has_export, is_dirty, own_checkout, resolve, worktree
from bench.engine.snapshot import Snapshot
from bench.engine.snapshot_file import read_snapshot
from bench.engine.store import Store

GOODBYE_SECONDS = 2.0
ERRORS: dict[int, type[BenchError]] = {error.exit_code: error for error in (DataError, Interrupted, CellsFailed)}
ERROR = "error: "


@dataclass(frozen=True)
class Order:
    """What to compare. asked: data, sizes, seeds, refiners and so on as the user gave them, by a `Request`'s fields.

    how: words for `bench export` on how to run. run: run what is missing. tell: takes each line of a revision's
    progress and our warnings.
    """

    experiment: str | None
    store: Store
    asked: Mapping[str, Any]
    how: Sequence[str]
    run: bool
    tell: Callable[[str], None]


def snapshots_of(names: Sequence[str], order: Order) -> list[Snapshot]:
    """The snapshot of each name: a revision, '.', a file of `bench export` or a store's folder.

    A revision that is compared with a file or a store is run with what that was made with. A name that means the same
    commit as another one is run once. Failed cells are told in the snapshot; a revision whose code cannot run at all
    is an error that names it, with its own exit code.
    """
    found = find_results([name for name in names if name != WORKING_TREE], order.experiment, order.asked)
    others = [name for name in names if name not in found]
    if others and found:
        order = _as_made(order, *next(iter(found.items())), others)
    if others:
        found |= _of_revisions(others, order)
    return [found[name] for name in names]


def _as_made(order: Order, name: str, snapshot: Snapshot, others: Sequence[str]) -> Order:
    """The order for revisions that are compared with results, and a line on what it took from them."""
    asked = {**made_with(snapshot), **order.asked}
    if order.experiment is None or as_words(asked) != as_words(order.asked):
        words = shlex.join(as_words(asked))
        order.tell(f"{', '.join(others)} as {name} was made: {snapshot.experiment} {words}")
    return replace(order, experiment=snapshot.experiment, asked=asked)


def _of_revisions(names: Sequence[str], order: Order) -> dict[str, Snapshot]:
    if order.experiment is None:
        raise UsageError("say which experiment is compared: --experiment, one of 'bench list experiments'")
    checkout = own_checkout()
    # All names first: a misspelt one must not cost the hours of the other.
    commits = {name: None if name == WORKING_TREE else resolve(checkout, name) for name in names}
    titles = {commit: _title(name, commit) for name, commit in commits.items()}
    for commit, title in titles.items():
        if commit is not None and not has_export(checkout, commit):
            raise CellsFailed(f"{title} has no 'bench export': it is older than comparisons")
    if is_dirty(checkout) and resolve(checkout, "HEAD") in titles:
        order.tell("warning: uncommitted changes are not part of HEAD; '.' compares the working tree as it is")
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        codes = {
            commit: checkout if commit is None else stack.enter_context(worktree(checkout, commit, order.store))
            for commit in sorted(titles, key=str)  # in one order, or two comparisons could wait for each other
        }
        calls = {commit: _Call(titles[commit], codes[commit], scratch / f"{commit}.zip", order) for commit in titles}
        made = _stored(calls, order)
        for commit, call in calls.items():
            if commit not in made:
                made[commit] = call.run()
    return {name: made[commit] for name, commit in commits.items()}


@dataclass(frozen=True)
class _Call:
    """`bench export` by the code in a folder; the results go to `path`."""

    title: str
    code: Path
    path: Path
    order: Order

    def start(self, *more: str) -> subprocess.Popen[str]:
        """The process, its messages piped."""
        code, order = code_in(self.code), self.order
        where = ("--store", str(order.store.root.absolute()))
        words = [str(order.experiment), str(self.path), *as_words(order.asked), *order.how, *where]
        return subprocess.Popen(
            [*code.command(), "export", *words, "--progress", "plain", *more],
            env=code.environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, errors="replace",
        )  # fmt: skip

    def run(self) -> Snapshot:
        """Run what is missing; its messages are told, an interrupt is passed on."""
        last = ""
        with self.start() as running:
            assert running.stderr is not None
            try:
                for line in filter(str.strip, running.stderr):
                    last = line.strip()
                    if not last.startswith(ERROR):  # told at the end
                        self.order.tell(f"{self.title}: {last}")
            except KeyboardInterrupt:
                _interrupt(running)
                raise
        found = self.result(running.returncode)
        if found is None:
            raise self.error(running.returncode, last)
        return found

    def result(self, exit_code: int) -> Snapshot | None:
        """What was written, which may lack failed cells; None where there is nothing to compare."""
        if exit_code not in (0, CellsFailed.exit_code) or not self.path.is_file():
            return None
        found = read_snapshot(self.path)
        return found if found.cells else None

    def error(self, exit_code: int, last: str) -> BenchError:
        """Why there is no result, with the revision's name; code that cannot run counts as failed cells."""
        reason = last.removeprefix(ERROR) or f"ended with exit code {exit_code}"
        return ERRORS.get(exit_code, CellsFailed)(f"{self.title}: {reason}")


def _stored(calls: Mapping[str | None, _Call], order: Order) -> dict[str | None, Snapshot]:
    """The snapshots of which everything is stored, looked for at the same time; nothing is run.

    UsageError when no revision accepts the options; else one that does not, or cannot run at all, is at fault.
    """
    started = {commit: call.start("--no-run") for commit, call in calls.items()}
    try:
        said = {commit: process.communicate()[1].strip() for commit, process in started.items()}
    except KeyboardInterrupt:
        for process in started.values():
            _interrupt(process)
        raise
    last = {commit: text.splitlines()[-1] if text else "" for commit, text in said.items()}
    if all(process.returncode == UsageError.exit_code for process in started.values()):
        raise UsageError(next(iter(last.values())).removeprefix(ERROR))
    found: dict[str | None, Snapshot] = {}
    for commit, process in started.items():
        snapshot = calls[commit].result(process.returncode)
        if snapshot is not None:
            found[commit] = snapshot
        elif not (order.run and process.returncode == DataError.exit_code):  # the exit code of missing results
            raise calls[commit].error(process.returncode, last[commit])
    return found


def _interrupt(running: subprocess.Popen[str]) -> None:
    """Let it end as after its own interrupt; on a terminal it has had that already."""
    try:
        running.wait(GOODBYE_SECONDS)
    except subprocess.TimeoutExpired:
        running.send_signal(signal.SIGINT)
        running.wait()


def _title(name: str, commit: str | None) -> str:
    if commit is None:
        return "the working tree"
    return commit[:7] if commit.startswith(name) else f"{name} ({commit[:7]})"
