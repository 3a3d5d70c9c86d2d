"""Components of installed packages, offered as entry points: `simgan_bench.refiners` and so on. Imports none."""

from __future__ import annotations

import functools
import importlib.metadata
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from bench.core.errors import UsageError

GROUP = "simgan_bench."


class Offer(NamedTuple):
    """Where a package has a component: module and attribute; an empty attribute is the module's only one."""

    module: str
    attribute: str
    distribution: str


@functools.cache
def offers(kind: str) -> Mapping[str, Offer]:
    """Registry name -> offer, of one kind ('refiners', ...); UsageError when two packages offer one name."""
    found: dict[str, Offer] = {}
    for entry in importlib.metadata.entry_points(group=f"{GROUP}{kind}"):
        owner = entry.dist.name if entry.dist is not None else entry.module
        if entry.name in found:
            raise UsageError(
                f"the packages {found[entry.name].distribution} and {owner} both offer '{entry.name}' among the"
                f" {kind}; uninstall one of them"
            )
        found[entry.name] = Offer(entry.module, entry.attr, owner)
    return MappingProxyType(found)
