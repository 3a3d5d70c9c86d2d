"""How numbers, units and statuses are said, the same in every rendering."""

from __future__ import annotations

from reports.frame import Table, TableRow

DECIMALS = 2
UNIT_WORDS = {"deg": "degrees", "px": "pixels", "percent": "% of images", "%": "% of images"}


def metric_words(name: str, unit: str) -> str:
    """`angular error in degrees`."""
    return f"{name.replace('-', ' ')} in {UNIT_WORDS.get(unit, unit)}"


def number(value: float | None) -> str:
    """A measured number with two decimals, or an en dash."""
    return "–" if value is None else f"{value:.{DECIMALS}f}"


def printed(value: float | None) -> str:
    """A published number as it was printed (one decimal at least), or an en dash."""
    if value is None:
        return "–"
    return f"{value:.1f}" if round(value, 1) == value else f"{value:g}"


def measured(row: TableRow) -> str:
    """`7.82 ± 0.11`, `7.82` for one seed, or the status of a row without a number."""
    if row.value is None:
        return "–" if row.status == "quoted" else row.status
    spread = row.half_width
    return number(row.value) if spread is None else f"{number(row.value)} ± {number(spread)}"


def trained_on(row: TableRow) -> str:
    """`synthetic`, or `refined, 4x` when the set is not of the usual size."""
    return row.train if row.size == 1 else f"{row.train}, {row.size}x"


def says_reproduced(table: Table) -> bool:
    """Whether any row has a verdict; a column that says 'not comparable' everywhere is a note instead."""
    return any(row.paper_status not in (None, "not comparable") for row in table.rows)


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
