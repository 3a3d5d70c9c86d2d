"""How numbers, units and statuses are said, the same in every rendering."""

from __future__ import annotations

from bench.engine.columns import ColumnFacts
from reports.frame import Table, TableCell, TableRow

DECIMALS = {"": 3, "%": 1, "mm": 1, "s": 1, "real SD": 3}  # of measured numbers, by unit; 2 otherwise
UNIT_WORDS = {"deg": "degrees", "px": "pixels", "mm": "millimetres", "s": "seconds"}


def trains(table: Table) -> bool:
    """Whether estimators are trained on the rows' images; else 'trained on' means nothing."""
    return any(column.of == "predictions" for column in table.columns)


def paper_heads(table: Table) -> list[str]:
    """What stands above the printed numbers: `Paper`, or with the column's label when several columns have some."""
    found = table.published
    return ["Paper"] if len(found) == 1 else [f"Paper: {column.label}" for column in found]


def metric_words(name: str, unit: str) -> str:
    """`angular error in degrees`."""
    return f"{name.replace('-', ' ')} in {UNIT_WORDS.get(unit, unit)}"


def number(value: float | None, unit: str) -> str:
    """A measured number with its unit's decimals, or an en dash."""
    return "–" if value is None else f"{value:.{DECIMALS.get(unit, 2)}f}"


def printed(value: float | None) -> str:
    """A published number as it was printed (one decimal at least), or an en dash."""
    if value is None:
        return "–"
    return f"{value:.1f}" if round(value, 1) == value else f"{value:g}"


def measured(cell: TableCell | None, unit: str) -> str:
    """`7.82 ± 0.11`, `7.82` for one seed, the status of a cell without a number, a dash where there is no cell."""
    if cell is None or cell.status == "quoted":
        return "–"
    if cell.value is None:
        return cell.status
    spread = cell.half_width
    return number(cell.value, unit) if spread is None else f"{number(cell.value, unit)} ± {number(spread, unit)}"


def paper_value(row: TableRow, column: ColumnFacts) -> str:
    """The printed number of a row and column, or an en dash."""
    cell = row.cells.get(column.key)
    return printed(cell.paper if cell else None)


def seeds(row: TableRow) -> str:
    """The number of seeds behind a row, or an en dash."""
    return str(row.head.n_seeds) if row.head.status == "measured" else "–"


def trained_on(row: TableRow) -> str:
    """`synthetic`, or `refined, 4x` when the set is not of the usual size."""
    return row.train if row.size == 1 else f"{row.train}, {row.size}x"


def says_reproduced(table: Table) -> bool:
    """Whether any row has a verdict; a column that says 'not comparable' everywhere is a note instead."""
    return any(against_paper(row) not in ("–", "not comparable") for row in table.rows)


def against_paper(row: TableRow) -> str:
    """The verdicts on a row's printed numbers, headline first, or the one that all share; an en dash without any."""
    found = [cell.paper_status for cell in row.cells.values() if cell.paper_status]
    return "; ".join(found if len(set(found)) > 1 else found[:1]) or "–"


def plural(count: int, word: str) -> str:
    """`1 seed`, `1,000 images`."""
    return f"{count:,} {word}{'' if count == 1 else 's'}"


def duration(seconds: float) -> str:
    """`42 s`, `5 min 02 s`, `3 h 05 min`."""
    whole = round(seconds)
    if whole < 100:
        return f"{whole} s"
    return (
        f"{whole // 60} min {whole % 60:02d} s" if whole < 6000 else f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    )
