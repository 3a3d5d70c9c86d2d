"""Settings as the user writes them: `simgan.refiner_maps=64`."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from bench.core.errors import UsageError


def parse_settings(texts: Iterable[str]) -> list[tuple[str, str, Any]]:
    """'owner.name=value' -> (owner, name, value); a value that is no JSON is taken as text."""
    parsed = []
    for text in texts:
        path, equals, value = text.partition("=")
        owner, dot, name = path.strip().partition(".")
        if not (equals and dot and owner and name):
            raise UsageError(f"--set {text}: write OWNER.NAME=VALUE, for example --set simgan.refiner_maps=64")
        try:
            parsed.append((owner, name, json.loads(value)))
        except ValueError:
            parsed.append((owner, name, value))
    return parsed
