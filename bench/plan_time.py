"""How long a plan would take, as a table and a line on stdout."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from bench.console import print_records

if TYPE_CHECKING:
    from bench.engine.estimate import Estimate


def print_estimate(estimate: Estimate) -> None:
    """A line per kind of step, then the whole: steps one after the other in each of the processes."""
    rows = [{"kind": "kind of step", "steps": "steps", "each": "each", "total": "together", "found": ""}]
    for kind in estimate.kinds:
        each = told(kind.seconds) if kind.seconds is not None else "?"
        total = told(kind.steps * kind.seconds) if kind.seconds is not None else "?"
        rows.append({"kind": kind.label, "steps": str(kind.steps), "each": each, "total": total, "found": kind.found})
    if len(rows) > 1:
        print_records(rows, False)
    processes = "1 process" if estimate.workers == 1 else f"{estimate.workers} processes"
    unknown = sum(kind.steps for kind in estimate.kinds if kind.seconds is None)
    without = f", without {unknown} steps of which it cannot be told" if unknown else ""
    sys.stdout.write(f"about {told(estimate.seconds)} on {processes} ({estimate.device}){without}\n")


def told(seconds: float) -> str:
    """`0.3 s`, `45 s`, `12 min`, `3 h 20 min`, `5 days 3 h`: the two largest units, no more than an estimate knows."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min"
    return f"{hours // 24} days {hours % 24} h"
