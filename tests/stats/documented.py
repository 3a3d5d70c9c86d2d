"""Numbers that a page of the documentation prints in its tables, beside what the simulations of the suite give."""

from __future__ import annotations

from pathlib import Path

import numpy as np


def documented(page: Path, heading: str, row: str) -> list[float]:
    """The numbers of one row of the page's table under a heading; the row is told by its first cell."""
    _, _, section = page.read_text(encoding="utf-8").partition(f"\n### {heading}\n")
    for line in section.partition("\n#")[0].splitlines():
        first, *cells = (cell.strip() for cell in line.strip("|").split("|"))
        if first == row:
            return [float(cell) for cell in cells if cell != "–"]
    raise AssertionError(f"{page.name} has no row {row!r} under {heading!r}")


def agree(page: Path, heading: str, row: str, percentages: list[float]) -> None:
    """The page says what the simulation gives; a few cases may flip by rounding on another machine."""
    print(f"{heading}: | {row} | {' | '.join(f'{value:.1f}' for value in percentages)} |")
    np.testing.assert_allclose(documented(page, heading, row), percentages, atol=0.31)
