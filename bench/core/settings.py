"""Settings of a component: frozen, every field described, unknown names refused."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from bench.core.errors import UsageError, did_you_mean

PROFILES = ("smoke", "quick", "standard", "paper")
HAND = "hand-"
"""What stands before a profile's name in the presets of hand experiments."""


class Settings(BaseModel):
    """Base of every component's `Config`: give each field a default, a range, its unit and its source."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Component:
    """A configured part that the registry finds by its file's name (a refiner or an estimator).

    `presets` maps a preset's name to the settings it changes. The profiles' names are always valid, and 'hand-' with
    one of them: a component that does not list 'hand-quick' runs its 'quick', and without that its defaults.
    """

    Config: ClassVar[type[Settings]] = Settings
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    config: Settings

    def __init__(self, config: Any = None) -> None:
        self.config = self.Config() if config is None else config

    @classmethod
    def configured(cls, preset: str = "quick", settings: Mapping[str, Any] | None = None) -> Self:
        """The component with a preset's settings and the user's own on top; UsageError when they are wrong."""
        chosen = preset if preset in cls.presets else preset.removeprefix(HAND)
        if chosen not in cls.presets and chosen not in PROFILES:
            known = sorted({*cls.presets, *PROFILES})
            raise UsageError(
                f"{_title(cls)} has no preset '{preset}'{did_you_mean(preset, known)}; it has {', '.join(known)}"
            )
        try:
            return cls(cls.Config.model_validate({**cls.presets.get(chosen, {}), **(settings or {})}))
        except ValidationError as error:
            raise UsageError(_explain(cls, error)) from error

    def save(self, folder: Path) -> None:
        """Write the settings and the fitted state into an existing folder."""
        (folder / "config.json").write_text(self.config.model_dump_json(indent=1))
        self._save_state(folder)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read back what `save` wrote."""
        component = cls(cls.Config.model_validate(json.loads((folder / "config.json").read_text())))
        component._load_state(folder)
        return component

    def _save_state(self, folder: Path) -> None:
        """Write the fitted state; nothing by default."""

    def _load_state(self, folder: Path) -> None:
        """Read the fitted state; nothing by default."""


def _title(cls: type[Component]) -> str:
    return f"'{cls.__module__.rpartition('.')[2].replace('_', '-')}'"


def _explain(cls: type[Component], error: ValidationError) -> str:
    """The first problem of a settings error in one line."""
    first = error.errors()[0]
    name = ".".join(str(part) for part in first["loc"]) or "settings"
    if first["type"] == "extra_forbidden":
        known = list(cls.Config.model_fields)
        hint = did_you_mean(name, known) or f"; it has {', '.join(known) or 'none'}"
        return f"{_title(cls)} has no setting '{name}'{hint}"
    return f"{_title(cls)}: setting {name}={first['input']!r} is wrong: {first['msg']}"
