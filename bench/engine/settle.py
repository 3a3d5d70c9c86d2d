"""A plan without the cells whose labels the prepared image sets lack; known only once the sets are there."""

from __future__ import annotations

from dataclasses import replace

from bench.core import registry
from bench.core.measure import Measure
from bench.core.metric import Metric
from bench.engine.plan import Cell, Plan
from bench.engine.store import Store


def settle(plan: Plan, store: Store) -> Plan:
    """Move such cells to `not_run`, with the reason. Unchanged while a set that matters is not prepared."""
    cells, not_run = [], dict(plan.not_run)
    for cell in plan.cells:
        reason = _lacking(plan, store, cell)
        if reason:
            not_run[cell.row.key, cell.column.key] = reason
        else:
            cells.append(cell)
    return replace(plan, cells=tuple(cells), not_run=not_run)


def _lacking(plan: Plan, store: Store, cell: Cell) -> str:
    """Which label is missing where; empty when none is, as far as is known."""
    for role, label in _wanted(plan, cell):
        key = plan.sets[role]
        if store.has(key) and label not in store.record(key)["notes"]["labels"]:
            return f"{plan.sources[role].name} has no '{label}' labels"
    return ""


def _wanted(plan: Plan, cell: Cell) -> list[tuple[str, str]]:
    """(role, label) that a cell cannot do without, beside the label that all estimators of its experiment learn."""
    row, column = cell.row, cell.column
    if column.of == "predictions":
        trained_on = "synthetic" if row.train != "real" else "labelled" if "labelled" in plan.sets else "real"
        metric: type[Metric] = registry.load("metrics", column.name)
        given = [(role, label) for role in (trained_on, "test") for label in row.takes]
        return given + [("test", label) for label in metric.takes]
    if column.of == "images":
        measure: type[Measure] = registry.load("measures", column.name)
        return [("synthetic", label) for label in measure.takes]
    return []
