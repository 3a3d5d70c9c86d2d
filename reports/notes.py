"""The caption and the sentences under the table: what was measured, on what, how often, and what to beware of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bench.engine.columns import ColumnFacts
from reports.frame import Note, TableRow, comparable
from reports.published import Published
from reports.stopping import suggestion
from reports.wording import metric_words, plural

if TYPE_CHECKING:
    from bench.engine.results import Results

REFERENCES = {"test": "test images", "real": "real images that the refiner was shown"}
ROLES = {
    "synthetic": "Synthetic images",
    "real": "Real images",
    "test": "Test images",
    "labelled": "Labelled real images",
}


def caption(results: Results, columns: Sequence[ColumnFacts], rows: Sequence[TableRow]) -> str:
    """Title, what the numbers are, and '(simulator)' when the test images are simulated."""
    title = f"{results.experiment.title.rstrip('.')}."
    where = "on simulated test images (simulator)" if results.simulator else ""
    head = columns[0]
    told = "" if len(columns) > 1 else f"{head.better} is better"
    what = f"Mean {metric_words(head.name, head.unit)}" if len(columns) == 1 else ""
    first = " ".join(text for text in (what, where) if text)
    sentence = "; ".join(
        text for text in (", ".join(part for part in (first, told) if part), _seed_words(rows)) if text
    )
    return f"{title} {sentence[:1].upper()}{sentence[1:]}." if sentence else title


def _seed_words(rows: Sequence[TableRow]) -> str:
    """`mean and 95 % t-interval over 3 seeds`, as far as that is what is there."""
    counts = {cell.n_seeds for row in rows for cell in row.cells.values() if cell.status == "measured"}
    if not counts or max(counts) == 1:
        return "one seed, so no interval" if counts else ""
    span = f"{min(counts)} to {max(counts)}" if len(counts) > 1 else str(max(counts))
    return f"mean and 95 % t-interval over {span} seeds"


def notes(
    results: Results, columns: Sequence[ColumnFacts], rows: Sequence[TableRow], published: Published
) -> tuple[Note, ...]:
    """Failures first, then warnings, how to read the table, counts, data sets and marks."""
    return (
        *_failures(columns, rows),
        *_warnings(results),
        *_reading(results, columns, rows, published),
        *(Note("reading", text) for text in results.experiment.notes),
        *_checkpoint(results),
        *_counts(results, rows),
        *(Note("data", f"{ROLES.get(role, role)}: {line}.") for role, line in results.data.items()),
        *(Note("mark", text) for text in results.marks),
    )


def _failures(columns: Sequence[ColumnFacts], rows: Sequence[TableRow]) -> list[Note]:
    """What failed or was not run, once per row and reason; the columns are named unless it is the whole row."""
    found = []
    for row in rows:
        by_reason: dict[str, list[str]] = {}
        for column in columns:
            cell = row.cells.get(column.key)
            if cell is not None and cell.status in ("failed", "not run"):
                reason = str(cell.reason) if cell.status == "failed" else f"not run: {cell.reason}"
                by_reason.setdefault(reason, []).append(column.label)
        for reason, labels in by_reason.items():
            told = "" if len(labels) == len(row.cells) else f" ({', '.join(labels)})"
            found.append(Note("failure", reason, f"{row.label}{told}"))
    return found


def _warnings(results: Results) -> list[Note]:
    """Each warning once: one refiner serves several rows, and says the same under each."""
    rows_of: dict[str, list[str]] = {}
    for found in results.rows:
        for text in found.warnings:
            rows_of.setdefault(text, []).append(found.row.label)
    return [Note("warning", text, labels[0] if len(labels) == 1 else "") for text, labels in rows_of.items()]


def _reading(
    results: Results, columns: Sequence[ColumnFacts], rows: Sequence[TableRow], published: Published
) -> list[Note]:
    found = []
    if any(cell.ci95 is not None for row in rows for cell in row.cells.values()):
        found.append(
            Note(
                "reading",
                "± is half the 95 % t-interval over training seeds on the same test images; "
                "it does not say how far the mean would move for new persons.",
            )
        )
    found += _best(columns, rows)
    if published.values:
        found.append(Note("reading", _against_paper(results, rows, published)))
    return found


def _best(columns: Sequence[ColumnFacts], rows: Sequence[TableRow]) -> list[Note]:
    """What bold means here, and which rows could not be compared."""
    column = next((column for column in columns if column.of == "predictions"), columns[0])
    compared = comparable(rows, column)
    if len(compared) < 2 or column.of != "predictions":
        return []
    if compared[0].cells[column.key].n_seeds == 1:
        return [Note("best", "the best measured row; with one seed there is no test of the others.")]
    each = "" if sum(each.of == "predictions" for each in columns) == 1 else "in its column "
    text = (
        f"{each}not significantly worse than any other row (one-sided t-tests paired by seed, smallest p times the"
        " number of other rows, 5 %): the best row is among the bold ones."
    )
    measured = [row for row in rows if column.key in row.cells and row.cells[column.key].status == "measured"]
    others = [row.label for row in measured if row not in compared]
    return [Note("best", f"{text} Not compared, having other seeds: {'; '.join(others)}." if others else text)]


def _against_paper(results: Results, rows: Sequence[TableRow], published: Published) -> str:
    source = f"Paper: {published.source}, {published.where}"
    if results.simulator:
        return f"{source}. Measured on the simulator: not comparable with the paper's numbers."
    if not results.paper_data:
        return (
            f"{source}. Not measured on the paper's data and sizes (profile paper, no --set): not comparable with it."
        )
    tolerances = "; ".join(
        f"{row.label}: {cell.tolerance:g}"
        for row in rows
        for cell in row.cells.values()
        if cell.paper_status is not None
    )
    return (
        f"{source}. Reproduced: the 95 % interval lies within the tolerance around the printed number "
        f"({tolerances or 'none measured'}); not reproduced: it lies outside; inconclusive: it does neither, "
        "or there is one seed only."
    )


def _checkpoint(results: Results) -> list[Note]:
    """When to have stopped, where the rows are moments of a training."""
    found = suggestion(results)
    return [Note("reading", f"Suggested checkpoint: {found.reason}")] if found else []


def _counts(results: Results, rows: Sequence[TableRow]) -> list[Note]:
    """How many images, persons and seeds stand behind the numbers."""
    counts = sorted({cell.n_seeds for row in rows for cell in row.cells.values() if cell.status == "measured"})
    span = f"{counts[0]} to {counts[-1]} seeds" if len(counts) > 1 else plural(counts[0] if counts else 0, "seed")
    kinds = {column.of for column in results.columns}
    if "predictions" in kinds:
        persons = len(set(results.persons.tolist()))
        alone = " One person: this says nothing about others." if persons == 1 else ""
        told = f"n = {plural(len(results.ids), 'test image')} of {plural(persons, 'person')}; {span}"
    else:
        alone, told = "", f"n = {span}"
    found = [Note("count", f"{told}; profile {results.profile}.{alone}")]
    looked_at = [
        len(values)
        for row in results.rows
        for column in results.columns
        if column.of == "images" and column.key in row.cells
        for per_image in row.cells[column.key].per_image.values()
        for values in per_image.values()
    ]
    if looked_at:
        text = f"Drift and realism are measured on {plural(max(looked_at), 'image')} that no gauge was trained on"
        realism = {column.key for column in results.columns if column.kind == "realism"}
        shown = {column.reference for column in results.experiment.columns if column.key in realism}
        against = " and ".join(words for reference, words in REFERENCES.items() if reference in shown)
        tail = f"; realism against the {against}, without their labels" if against else ""
        found.append(Note("count", f"{text}{tail}."))
    return found
