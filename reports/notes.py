"""The caption and the sentences under the table: what was measured, on what, how often, and what to beware of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from reports.frame import Note, TableMetric, TableRow, comparable
from reports.published import Published
from reports.wording import metric_words, plural

if TYPE_CHECKING:
    from bench.engine.results import Results

ROLES = {"synthetic": "Synthetic images", "real": "Real images", "test": "Test images"}


def caption(results: Results, metric: TableMetric, rows: Sequence[TableRow]) -> str:
    """Title, what the numbers are, and '(simulator)' when the test images are simulated."""
    title = f"{results.experiment.title.rstrip('.')}."
    where = " on simulated test images (simulator)" if results.simulator else ""
    seeds = _seed_words(rows)
    told = f"Mean {metric_words(metric.name, metric.unit)}{where}, {metric.better} is better"
    return f"{title} {told}; {seeds}." if seeds else f"{title} {told}."


def _seed_words(rows: Sequence[TableRow]) -> str:
    """`mean and 95 % t-interval over 3 seeds`, as far as that is what is there."""
    counts = {row.n_seeds for row in rows if row.status == "measured"}
    if not counts or max(counts) == 1:
        return "one seed, so no interval" if counts else ""
    span = f"{min(counts)} to {max(counts)}" if len(counts) > 1 else str(max(counts))
    return f"mean and 95 % t-interval over {span} seeds"


def notes(results: Results, rows: Sequence[TableRow], published: Published) -> tuple[Note, ...]:
    """Failures first, then warnings, how to read the table, counts, data sets and marks."""
    return (
        *_failures(rows),
        *_warnings(results),
        *_reading(results, rows, published),
        *_counts(results, rows),
        *(Note("data", f"{ROLES.get(role, role)}: {line}.") for role, line in results.data.items()),
        *(Note("mark", text) for text in results.marks),
    )


def _failures(rows: Sequence[TableRow]) -> list[Note]:
    return [
        Note("failure", str(row.reason) if row.status == "failed" else f"not run: {row.reason}", row.label)
        for row in rows
        if row.status in ("failed", "not run")
    ]


def _warnings(results: Results) -> list[Note]:
    """Each warning once: one refiner serves several rows, and says the same under each."""
    rows_of: dict[str, list[str]] = {}
    for found in results.rows:
        for text in found.warnings:
            rows_of.setdefault(text, []).append(found.row.label)
    return [Note("warning", text, labels[0] if len(labels) == 1 else "") for text, labels in rows_of.items()]


def _reading(results: Results, rows: Sequence[TableRow], published: Published) -> list[Note]:
    found = []
    if any(row.ci95 is not None for row in rows):
        found.append(
            Note(
                "reading",
                "± is half the 95 % t-interval over training seeds on the same test images; "
                "it does not say how far the mean would move for new persons.",
            )
        )
    found += _best(rows)
    if published.values:
        found.append(Note("reading", _against_paper(results, rows, published)))
    return found


def _best(rows: Sequence[TableRow]) -> list[Note]:
    """What bold means here, and which rows could not be compared."""
    compared = comparable(rows)
    if len(compared) < 2:
        return []
    if compared[0].n_seeds == 1:
        return [Note("best", "the best measured row; with one seed there is no test of the others.")]
    text = "not significantly worse than the best row (one-sided t-test paired by seed, Holm over the rows, 5 %)."
    others = [row.label for row in rows if row.status == "measured" and row not in compared]
    return [Note("best", f"{text} Not compared, having other seeds: {'; '.join(others)}." if others else text)]


def _against_paper(results: Results, rows: Sequence[TableRow], published: Published) -> str:
    source = f"Paper: {published.source}, {published.where}"
    if results.simulator:
        return f"{source}. Measured on the simulator: not comparable with the paper's numbers."
    if not results.paper_data:
        return f"{source}. Measured on other data than the paper's: not comparable with its numbers."
    tolerances = "; ".join(f"{row.label}: {row.tolerance:g}" for row in rows if row.paper_status is not None)
    return (
        f"{source}. Reproduced: the 95 % interval lies within the tolerance around the printed number "
        f"({tolerances or 'none measured'}); not reproduced: it lies outside; inconclusive: it does neither, "
        "or there is one seed only."
    )


def _counts(results: Results, rows: Sequence[TableRow]) -> list[Note]:
    persons = len(set(results.persons.tolist()))
    counts = sorted({row.n_seeds for row in rows if row.status == "measured"})
    span = f"{counts[0]} to {counts[-1]} seeds" if len(counts) > 1 else plural(counts[0] if counts else 0, "seed")
    told = f"n = {plural(len(results.ids), 'test image')} of {plural(persons, 'person')}; {span}"
    alone = " One person: this says nothing about others." if persons == 1 else ""
    return [Note("count", f"{told}; profile {results.profile}.{alone}")]
