"""Results as the table's data: one row per line, with its status, interval and the paper's number.

Reading a stored table back imports neither pandas, scipy, matplotlib nor torch: printing it costs nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from bench.core.canonical import digest
from bench.core.errors import DataError
from reports.published import Published, load_published, verdict

if TYPE_CHECKING:
    from bench.core.metric import Metric
    from bench.engine.results import Results, RowResults

Status = Literal["measured", "quoted", "not run", "failed"]
NoteKind = Literal["failure", "warning", "best", "reading", "count", "data", "mark", "figure"]


@dataclass(frozen=True)
class TableMetric:
    """What the table's numbers are."""

    name: str
    version: int
    unit: str
    better: Literal["lower", "higher"]


@dataclass(frozen=True)
class Note:
    """One sentence under the table. label: the row it is about, or ''."""

    kind: NoteKind
    text: str
    label: str = ""

    @property
    def sentence(self) -> str:
        """The note with the name of its row, with a full stop; the one about the best rows says how they are marked."""
        label = "Bold" if self.kind == "best" else self.label
        text = f"{label}: {self.text}" if label else self.text
        return text if text.endswith((".", "!", "?")) else f"{text}."


@dataclass(frozen=True)
class TableRow:
    """One line of the table.

    value, ci95: mean over seeds and its 95 % t-interval, only when every seed is there (never an average
    over holes). per_seed: one mean over the test images per seed in `seeds`.
    paper, tolerance: the printed number and how far from it still counts as the same.
    source: the work that the paper quotes the number from.
    """

    key: str
    label: str
    estimator: str
    train: str
    refiner: str | None = None
    size: int = 1
    value: float | None = None
    ci95: tuple[float, float] | None = None
    per_seed: tuple[float, ...] = ()
    seeds: tuple[int, ...] = ()
    n_seeds: int = 0
    n_test: int | None = None
    paper: float | None = None
    tolerance: float | None = None
    paper_status: str | None = None
    status: Status = "measured"
    reason: str | None = None
    source: str | None = None
    bold: bool = False

    @property
    def half_width(self) -> float | None:
        """Half the width of the interval, None with fewer than two seeds."""
        return None if self.ci95 is None else (self.ci95[1] - self.ci95[0]) / 2


@dataclass(frozen=True)
class Table:
    """The whole table: what `table.json` holds and every rendering is made of."""

    experiment: str
    title: str
    profile: str
    data: Mapping[str, str]
    metric: TableMetric
    rows: tuple[TableRow, ...]
    provenance: Mapping[str, Any]
    digest: str
    caption: str
    notes: tuple[Note, ...] = ()
    simulator: bool = False
    paper_data: bool = False
    paper_source: str = ""
    figures: tuple[str, ...] = field(default=())

    def to_json(self) -> dict[str, Any]:
        """The JSON object of `table.json` and of `bench run --json`; ValueError for a NaN anywhere."""
        plain: dict[str, Any] = json.loads(json.dumps(asdict(self), allow_nan=False))
        return plain

    @property
    def measured(self) -> tuple[TableRow, ...]:
        """The rows that the harness is responsible for, in order."""
        return tuple(row for row in self.rows if row.status != "quoted")

    @property
    def quoted(self) -> tuple[TableRow, ...]:
        """The rows that are only quoted."""
        return tuple(row for row in self.rows if row.status == "quoted")


def load_table(path: Path) -> Table:
    """The table of a `table.json`; DataError with the next step when it is not one."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return table_from_json(content)
    except FileNotFoundError as error:
        raise DataError(f"{path} does not exist; run 'bench run' for it first") from error
    except (OSError, UnicodeDecodeError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise DataError(f"{path} is not a stored table ({error}); 'bench report' writes it again") from error


def table_from_json(content: Mapping[str, Any]) -> Table:
    """A table from `Table.to_json()`; KeyError, TypeError or ValueError when it is something else."""
    plain = {name: content[name] for name in (item.name for item in fields(Table))}
    plain["metric"] = TableMetric(**content["metric"])
    plain["rows"] = tuple(_row_from_json(row) for row in content["rows"])
    plain["notes"] = tuple(Note(**note) for note in content["notes"])
    plain["figures"] = tuple(content["figures"])
    return Table(**plain)


def _row_from_json(row: Mapping[str, Any]) -> TableRow:
    ci95 = row["ci95"]
    return TableRow(
        **{
            **row,
            "ci95": None if ci95 is None else (float(ci95[0]), float(ci95[1])),
            "per_seed": tuple(row["per_seed"]),
            "seeds": tuple(row["seeds"]),
        }
    )


def build_table(results: Results) -> Table:
    """The table of a run's results."""
    from bench.core.registry import load
    from reports.notes import caption, notes

    experiment = results.experiment
    metric: Metric = load("metrics", experiment.metric)()
    published = load_published(experiment.name)
    rows = tuple(_measure(results, row, metric, published) for row in results.rows)
    rows = _embolden(rows, metric) + _quoted(results, published)
    measure = TableMetric(metric.name, metric.version, metric.unit, metric.better)
    return Table(
        experiment=experiment.name,
        title=experiment.title,
        profile=results.profile,
        data=dict(results.data),
        metric=measure,
        rows=rows,
        provenance=dict(results.provenance),
        digest=digest(_measured_values(rows)),
        caption=caption(results, measure, rows),
        notes=notes(results, rows, published),
        simulator=results.simulator,
        paper_data=results.paper_data,
        paper_source=f"{published.short}, {published.where}" if published.values else "",
    )


def _measured_values(rows: Sequence[TableRow]) -> dict[str, dict[str, float]]:
    """Values by row and seed: two tables with equal digests hold the same measurements."""
    return {
        row.key: dict(zip(map(str, row.seeds), row.per_seed, strict=True)) for row in rows if row.status == "measured"
    }


def _measure(results: Results, found: RowResults, metric: Metric, published: Published) -> TableRow:
    """One row with its status: measured only when every seed gave a finite value."""
    from bench.stats import t_interval

    row, n_test = found.row, len(results.ids)
    per_seed, failures = _per_seed(found, metric, n_test)
    printed = published.values.get(row.reference) if row.reference else None
    value, ci95, reason, paper_status = None, None, None, None
    status: Status = "measured"
    if found.not_run is not None:
        status, reason = "not run", found.not_run
    elif failures:
        status, reason = "failed", _failure_line(failures, len(failures) + len(per_seed))
    elif not per_seed:
        status, reason = "not run", "no seed has been run"
    else:
        value, low, high = t_interval(list(per_seed.values()))
        ci95 = None if low is None or high is None else (low, high)
        if printed is not None:
            paper_status = verdict(printed, ci95) if _is_reproduction(results) else "not comparable"
    return TableRow(
        key=row.key,
        label=row.label,
        estimator=row.estimator,
        train=row.train,
        refiner=row.refiner,
        size=row.size,
        value=value,
        ci95=ci95,
        per_seed=tuple(per_seed.values()),
        seeds=tuple(per_seed),
        n_seeds=len(per_seed),
        n_test=n_test,
        paper=None if printed is None else printed.value,
        tolerance=None if printed is None else printed.tolerance,
        paper_status=paper_status,
        status=status,
        reason=reason,
    )


def _is_reproduction(results: Results) -> bool:
    return results.paper_data and not results.simulator


def _per_seed(found: RowResults, metric: Metric, n_test: int) -> tuple[dict[int, float], dict[int, str]]:
    """Values and failures by seed; a value that is not finite is a failure, never a number."""
    import numpy as np

    values: dict[int, float] = {}
    failures = dict(found.failures)
    for seed, errors in sorted(found.values.items()):
        if len(errors) != n_test:
            raise ValueError(f"{found.row.key}, seed {seed}: {len(errors)} values for {n_test} test images")
        bad = int((~np.isfinite(errors)).sum())
        if bad:
            failures[seed] = f"{bad} of {n_test} values are NaN or infinite"
        elif seed not in failures:
            values[seed] = float(metric.summary(errors))
    return values, failures


def _failure_line(failures: Mapping[int, str], seeds: int) -> str:
    """`1 of 3 seeds failed (seed 2: the loss became NaN)`; equal reasons are said once."""
    by_reason: dict[str, list[int]] = {}
    for seed in sorted(failures):
        by_reason.setdefault(failures[seed], []).append(seed)
    told = "; ".join(
        f"seed{'s' if len(at) > 1 else ''} {', '.join(map(str, at))}: {reason}" for reason, at in by_reason.items()
    )
    return f"{len(failures)} of {seeds} seed{'s' if seeds > 1 else ''} failed ({told})"


def _embolden(rows: tuple[TableRow, ...], metric: Metric) -> tuple[TableRow, ...]:
    """Mark the rows that are not significantly worse than the best measured one."""
    from bench.stats import not_significantly_worse

    per_seed = {row.key: row.per_seed for row in comparable(rows)}
    best = not_significantly_worse(per_seed, lower_is_better=metric.better == "lower") if per_seed else set()
    return tuple(replace(row, bold=row.key in best) for row in rows)


def comparable(rows: Sequence[TableRow]) -> tuple[TableRow, ...]:
    """The measured rows that share the most seeds: rows are paired by seed, so others cannot be compared."""
    measured = [row for row in rows if row.status == "measured"]
    seeds = max((row.seeds for row in measured), key=len, default=())
    return tuple(row for row in measured if row.seeds == seeds)


def _quoted(results: Results, published: Published) -> tuple[TableRow, ...]:
    """The printed numbers that no row of the experiment measures."""
    measured = {found.row.reference for found in results.rows}
    return tuple(
        TableRow(
            key=entry.id,
            label=entry.label,
            estimator=entry.id,
            train=entry.train,
            paper=entry.value,
            tolerance=entry.tolerance,
            status="quoted",
            reason=f"quoted by the paper from {entry.source}" if entry.source else "the paper's own result",
            source=entry.source,
        )
        for entry in published.values.values()
        if entry.id not in measured
    )
