"""The published numbers and curves beside which results are printed; read from `reports/reference/`."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from typing import Literal

from bench.core.errors import DataError

Verdict = Literal["reproduced", "not reproduced", "inconclusive"]


@dataclass(frozen=True)
class PublishedValue:
    """One printed number. tolerance: how far a mean may lie from it and still count as the same number.

    source: the work that the paper quotes, None when the number is the paper's own.
    """

    id: str
    label: str
    train: str
    value: float
    tolerance: float
    source: str | None = None
    notes: str = ""


@dataclass(frozen=True)
class Published:
    """The printed numbers of one experiment; empty when it has none. curves: the file of the paper's curves."""

    source: str = ""
    short: str = ""
    where: str = ""
    curves: str = ""
    values: Mapping[str, PublishedValue] = field(default_factory=dict)


@dataclass(frozen=True)
class PublishedCurve:
    """One digitised curve. references: ids of the printed numbers of the same network, in any experiment."""

    label: str
    references: tuple[str, ...]
    x: tuple[float, ...]
    percent: tuple[float, ...]


def _text(name: str) -> str | None:
    """A file of `reports/reference/`, or None when there is none; works from a wheel as well."""
    file = resources.files("reports").joinpath("reference", name)
    return file.read_text(encoding="utf-8") if file.is_file() else None


def load_published(experiment: str) -> Published:
    """The printed numbers of an experiment by their ids; empty when none are on file."""
    name = f"{experiment.replace('-', '_')}.toml"
    text = _text(name)
    if text is None:
        return Published()
    try:
        return _parse(tomllib.loads(text))
    except (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as error:
        raise DataError(f"reports/reference/{name} cannot be read: {error!r}") from error


def _parse(content: dict[str, object]) -> Published:
    values = {
        id_: PublishedValue(
            id=id_,
            label=str(entry["label"]),
            train=str(entry["train"]),
            value=float(entry["value"]),
            tolerance=float(entry["tolerance"]),
            source=entry.get("from"),
            notes=str(entry.get("notes", "")),
        )
        for id_, entry in content.items()
        if isinstance(entry, dict)
    }
    return Published(
        source=str(content["source"]),
        short=str(content["short"]),
        where=str(content["where"]),
        curves=str(content.get("curves", "")),
        values=values,
    )


def load_published_curves(experiment: str) -> tuple[str, tuple[PublishedCurve, ...]]:
    """The paper's error curves to draw with an experiment, and where they come from; none: ("", ())."""
    name = load_published(experiment).curves
    text = _text(name) if name else None
    if text is None:
        return "", ()
    content = json.loads(text)
    x = tuple(content["x"])
    curves = tuple(
        PublishedCurve(curve["label"], tuple(curve["references"]), x, tuple(curve["percent"]))
        for curve in content["curves"]
    )
    return str(content["source"]), curves


def verdict(published: PublishedValue, ci95: tuple[float, float] | None) -> Verdict:
    """Whether a mean's 95 % interval lies within the printed number's tolerance, outside it, or across."""
    if ci95 is None:
        return "inconclusive"
    low, high = published.value - published.tolerance, published.value + published.tolerance
    if low <= ci95[0] and ci95[1] <= high:
        return "reproduced"
    return "not reproduced" if ci95[1] < low or ci95[0] > high else "inconclusive"
