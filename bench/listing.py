"""What `bench list` lists: every component's name and its file's first line, without importing it."""

from __future__ import annotations

from typing import get_args

from bench.core import registry
from bench.core.errors import UsageError, did_you_mean

DATASETS = "datasets"


def listing(kind: str | None) -> dict[str, list[dict[str, str]]]:
    """Kind -> [{name, summary}]; all kinds when `kind` is None. UsageError for an unknown kind."""
    kinds = [*get_args(registry.Kind), DATASETS]
    if kind is not None and kind not in kinds:
        raise UsageError(f"unknown kind '{kind}'{did_you_mean(kind, kinds)}; choose {', '.join(kinds)}")
    return {each: _entries(each) for each in ([kind] if kind else kinds)}


def _entries(kind: str) -> list[dict[str, str]]:
    if kind == DATASETS:
        from bench.data.manifests import list_manifests

        return [{"name": manifest.name, "summary": manifest.title} for manifest in list_manifests()]
    return [
        {"name": name, "summary": registry.summary(kind, name)}  # type: ignore[arg-type]
        for name in registry.names(kind)  # type: ignore[arg-type]
    ]
