"""Rows of label preservation: what is known to move nothing or by how much, and the refiners that are asked about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bench.core.experiment import Row, Variant

SHIFTS_PX = (0.5, 1.0, 2.0)

Unmoved = tuple[str, str, str, Mapping[str, Any]]
"""Key, label, refiner and settings of a change that moves nothing."""


def known_changes(unmoved: Sequence[Unmoved], refiners: Sequence[str]) -> tuple[Row, ...]:
    """No change, changes that move nothing, planted shifts, and the refiners."""
    found = [Row("identity", "identity (nothing changed)", "refined", variant=Variant("identity", "identity"))]
    for key, label, refiner, settings in unmoved:
        found.append(Row(key, label, "refined", variant=Variant(key, refiner, settings)))
    for shift in SHIFTS_PX:
        variant = Variant(f"shift-{shift:g}", "planted-shift", {"px": shift})
        found.append(Row(variant.key, f"moved by {shift:g} px", "refined", variant=variant))
    known = {row.key for row in found}
    found += [
        Row(refiner, f"refined ({refiner})", "refined", variant=Variant(refiner, refiner))
        for refiner in refiners
        if refiner not in known
    ]
    return tuple(found)
