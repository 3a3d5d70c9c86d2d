"""The margin: differences within it do not matter. Declared by the experiment, or given as `0.3deg`."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bench.core import registry
from bench.core.errors import UsageError
from bench.engine.columns import ColumnFacts

if TYPE_CHECKING:
    from bench.engine.snapshot import Snapshot

POINTS = ("%", "points", "pp")  # what percentages differ by
WRITTEN = re.compile(r"\s*([0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?)\s*([a-zA-Z%]*)\s*")


@dataclass(frozen=True)
class Margin:
    """declared: column key -> the experiment's margin. given: unit -> the user's, which goes before it."""

    declared: Mapping[str, float]
    given: Mapping[str, float] = field(default_factory=dict)

    def of(self, facts: ColumnFacts) -> float | None:
        """The margin of a column in its unit; None where nobody gave one."""
        return self.given.get(facts.unit, self.declared.get(facts.key))


def margin_for(snapshot: Snapshot, texts: Sequence[str]) -> Margin:
    """The margins for a snapshot's columns: its experiment's, and those that the user wrote before them."""
    declared = registry.load("experiments", snapshot.experiment).columns
    known = {column.key: column.margin for column in declared if column.margin is not None}
    return margin_of(texts, known, snapshot.columns)


def margin_of(texts: Sequence[str], declared: Mapping[str, float], columns: Iterable[ColumnFacts]) -> Margin:
    """The margins of an experiment with those that the user wrote, such as '0.3deg', '2 points', '2%' or '0.05'.

    UsageError for what is no number above 0 with a unit, a unit that no column of predictions has, or one given twice.
    """
    units = list(dict.fromkeys(facts.unit for facts in columns if facts.of == "predictions"))
    given: dict[str, float] = {}
    for text in texts:
        value, written = _read(text)
        unit = "%" if written in POINTS else written
        if unit not in units:
            known = ", ".join(f"'{_words(known)}'" for known in units) or "none"
            raise UsageError(
                f"margin '{text}' is in '{_words(written)}', but the columns that are compared have {known}; "
                f"write it as {_example(units)}"
            )
        if unit in given:
            raise UsageError(f"two margins in '{_words(written)}'; give one, it holds for every column with this unit")
        given[unit] = value
    return Margin(declared, given)


def _read(text: str) -> tuple[float, str]:
    match = WRITTEN.fullmatch(text)
    value = float(match[1]) if match else math.nan
    if match is None or not (math.isfinite(value) and value > 0):
        raise UsageError(f"margin '{text}' is not a number above 0 with a unit; write it as 0.3deg, 0.1px or 2points")
    return value, match[2]


def _words(unit: str) -> str:
    return unit or "no unit"


def _example(units: Sequence[str]) -> str:
    return f"0.3{units[0]}" if units else "0.3deg"
