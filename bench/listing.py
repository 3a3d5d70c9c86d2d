"""What `bench list` lists: every component's name and its file's first line, without importing it."""

from __future__ import annotations

from typing import get_args

from bench.core import registry
from bench.core.errors import UsageError, did_you_mean

DATASETS = "datasets"
TURING = {
    "name": "turing-table1",
    "summary": "Table 1: the visual Turing test's counts re-analysed, and what such a study can show.",
    "distribution": registry.OURS,
}
"""No experiment of cells: it counts answers, and only `bench run` knows it."""


def listing(kind: str | None) -> dict[str, list[dict[str, str]]]:
    """Kind -> [{name, summary, distribution}]; all kinds when `kind` is None. UsageError for an unknown kind."""
    kinds = [*get_args(registry.Kind), DATASETS]
    if kind is not None and kind not in kinds:
        raise UsageError(f"unknown kind '{kind}'{did_you_mean(kind, kinds)}; choose {', '.join(kinds)}")
    return {each: _entries(each) for each in ([kind] if kind else kinds)}


def _entries(kind: str) -> list[dict[str, str]]:
    if kind == DATASETS:
        from bench.data.manifests import list_manifests

        return [{"name": manifest.name, "summary": manifest.title} for manifest in list_manifests()]
    found = [_entry(kind, name) for name in registry.names(kind)]  # type: ignore[arg-type]
    return [*found, TURING] if kind == "experiments" else found


def _entry(kind: registry.Kind, name: str) -> dict[str, str]:
    """Name, summary and the package that it comes with, which the summary names where it is not ours."""
    summary, owner = registry.summary(kind, name), registry.origin(kind, name).distribution
    told = summary if owner == registry.OURS else f"{summary} (package {owner})".lstrip()
    return {"name": name, "summary": told, "distribution": owner}
