"""What the terminal shows: progress on stderr (a bar, or a plain line now and then), lists and facts on stdout."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from bench.core.errors import UsageError

if TYPE_CHECKING:
    from bench.engine.explain import Explanation
    from bench.engine.run import Status, Watch

PLAIN_SECONDS = 10.0
KINDS = ("auto", "bar", "plain", "none")


@contextmanager
def choose_watch(kind: str) -> Iterator[Watch]:
    """The way to show progress: 'auto' is a bar on a terminal and plain lines elsewhere."""
    if kind not in KINDS:
        raise UsageError(f"unknown --progress '{kind}'; choose {', '.join(KINDS)}")
    if kind == "auto":
        kind = "bar" if sys.stderr.isatty() else "plain"
    if kind == "bar":
        with _bar() as watch:
            yield watch
    else:
        yield _plain() if kind == "plain" else lambda status: None


def _plain() -> Watch:
    last = 0.0

    def watch(status: Status) -> None:
        nonlocal last
        now = time.monotonic()
        if last and now - last < PLAIN_SECONDS and status.finished + status.failed < status.total:
            return
        last = now
        running = "; ".join(_doing(*state) for state in status.running.values())
        _tell(f"{_counts(status)}{': ' + running if running else ''}{_left(status)}")

    return watch


def _tell(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


@contextmanager
def _bar() -> Iterator[Watch]:
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    with Live(console=Console(stderr=True), refresh_per_second=4, transient=True) as live:

        def watch(status: Status) -> None:
            lines = [f"{_meter(status.finished / max(status.total, 1))} {_counts(status)}{_left(status)}"]
            lines += [f"  {_doing(*state)}" for state in status.running.values()]
            live.update(Text("\n".join(lines), no_wrap=True, overflow="ellipsis"))

        yield watch


def _meter(share: float, width: int = 24) -> str:
    done = round(share * width)
    return "━" * done + "╌" * (width - done)


def _counts(status: Status) -> str:
    failed = f", {status.failed} failed" if status.failed else ""
    return f"{status.finished}/{status.total} steps{failed}"


def _left(status: Status) -> str:
    return "" if status.seconds_left is None else f", about {_duration(status.seconds_left)} left"


def _doing(label: str, done: int, total: int, unit: str, seconds: float) -> str:
    if not (done and total):
        return f"{label} ({_duration(seconds)})"
    rate = done / max(seconds, 1e-9)
    return f"{label} ({done:,}/{total:,} {unit}, {rate:.3g}/s)"


def _duration(seconds: float) -> str:
    whole = round(seconds)
    return f"{whole} s" if whole < 100 else f"{whole // 60} min {whole % 60:02d} s"


def print_json(value: Any) -> None:
    """One JSON document; ValueError for a number that JSON does not know."""
    sys.stdout.write(json.dumps(value, indent=1, allow_nan=False) + "\n")


def print_plan(plan: Explanation) -> None:
    """Counts, then each step that would run with the reason."""
    to_run = [step for step in plan.steps if not step.stored]
    out = sys.stdout.write
    out(f"{plan.experiment} ({plan.profile}): {plan.cells} cells ({plan.cells_stored} stored), ")
    out(f"{len(plan.steps)} steps: {len(plan.steps) - len(to_run)} stored, {len(to_run)} to run\n")
    _columns([(step.label, step.why) for step in to_run])
    for row, reason in plan.not_run.items():
        out(f"not run: {row}: {reason}\n")


def print_lists(lists: Mapping[str, Sequence[Mapping[str, str]]]) -> None:
    """Each kind with its entries."""
    for kind, entries in lists.items():
        if len(lists) > 1:
            sys.stdout.write(f"{kind}\n")
        _columns([(entry["name"], entry["summary"]) for entry in entries])


def print_records(records: Sequence[Mapping[str, Any]], as_json: bool, once: str = "") -> None:
    """A line per record, its values in columns; the column `once` is told below, each text a single time."""
    if as_json:
        print_json(records)
        return
    texts = [[_text(value) for name, value in record.items() if name != once] for record in records]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    for row in texts:
        cells = (f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
        sys.stdout.write("  ".join(cells).rstrip() + "\n")
    for text in dict.fromkeys(record[once] for record in records if once and record[once]):
        sys.stdout.write(f"\n{text.strip()}\n")


def _text(value: Any) -> str:
    if isinstance(value, list | tuple):
        return "x".join(map(str, value)) if all(isinstance(item, int) for item in value) else ", ".join(map(str, value))
    return str(value)


def print_facts(facts: Mapping[str, Any]) -> None:
    """Nested facts, one per line."""
    for section, values in facts.items():
        sys.stdout.write(f"{section}\n")
        _columns([(str(name), str(value)) for name, value in values.items()])


def _columns(rows: Sequence[tuple[str, str]]) -> None:
    width = max((len(left) for left, _ in rows), default=0)
    for left, right in rows:
        sys.stdout.write(f"  {left:<{width}}  {right}".rstrip() + "\n")
