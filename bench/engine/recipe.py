"""A recipe: everything that determines a step's result; its hash is the step's key in the store."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from bench.core.canonical import digest


@dataclass(frozen=True)
class Recipe:
    """One step to run.

    step: name of the module in `bench/engine/steps`. component: (kind, name) of what it works with. config:
    JSON that determines the result. inputs: role -> key of the step that makes it. code: fingerprint. seed:
    the cell's seed, None where nothing is random. place: where to find things on this machine (not keyed).
    """

    step: str
    label: str
    component: tuple[str, str]
    config: Mapping[str, Any]
    code: str
    inputs: Mapping[str, str] = field(default_factory=dict)
    seed: int | None = None
    place: Mapping[str, Any] = field(default_factory=dict)

    @functools.cached_property
    def key(self) -> str:
        """sha256 of what determines the result; label and place do not."""
        return digest(
            {
                "step": self.step,
                "component": self.component,
                "config": self.config,
                "inputs": self.inputs,
                "code": self.code,
                "seed": self.seed,
            }
        )

    @property
    def trains(self) -> bool:
        """Whether the step trains a refiner or an estimator."""
        return self.step in ("fit_refiner", "fit_estimator")

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values, for a worker process and for the record."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """The recipe that `to_json` described."""
        return cls(**{**values, "component": tuple(values["component"])})
