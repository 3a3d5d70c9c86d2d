"""The plan: an experiment's cells turned into recipes, every key known before anything runs."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bench.core import registry
from bench.core.errors import UsageError, did_you_mean
from bench.core.experiment import Experiment, Profile, Row
from bench.core.settings_text import parse_settings
from bench.data.manifests import DataSource, resolve_roles
from bench.engine.recipe import Recipe
from bench.engine.step import step_code

MINIMUM_SEEDS = 1


@dataclass(frozen=True)
class Request:
    """What the user asked for; empty means the experiment's own choice."""

    experiment: str
    profile: str = "quick"
    data: str | None = None
    synthetic: str | None = None
    real: str | None = None
    test: str | None = None
    seeds: int | None = None
    refiners: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    allow_person_overlap: bool = False


@dataclass(frozen=True)
class Cell:
    """A row with a seed, and the key of its predictions."""

    row: Row
    seed: int
    predictions: str


@dataclass(frozen=True)
class Plan:
    """recipes: key -> recipe, inputs before what needs them. not_run: row key -> why it has no cells."""

    request: Request
    experiment: Experiment
    profile: Profile
    seeds: tuple[int, ...]
    refiners: tuple[str, ...]
    sources: Mapping[str, DataSource]
    recipes: Mapping[str, Recipe]
    cells: tuple[Cell, ...]
    rows: tuple[Row, ...]
    not_run: Mapping[str, str]
    sets: Mapping[str, str]
    """Image sets by name ('synthetic', 'real', 'test') -> key of their prepare step."""
    fits: Mapping[tuple[str, int], str]
    """(refiner, seed) -> key of its training."""
    refined: Mapping[tuple[str, int, int], str]
    """(refiner, seed, size) -> key of its refined set."""

    def targets(self) -> tuple[str, ...]:
        """The steps that the report reads: predictions, trainings' logs, image sets."""
        pictures = [key for (_, seed, size), key in self.refined.items() if (seed, size) == (self.seeds[0], 1)]
        wanted = [cell.predictions for cell in self.cells]
        return tuple(dict.fromkeys([*wanted, *self.fits.values(), *pictures, *self.sets.values()]))

    def missing(self, stored: Iterable[str]) -> list[str]:
        """Keys to run, in order: targets that are not stored, and what they need that is not."""
        have = set(stored)
        needed: set[str] = set()
        waiting = [key for key in self.targets() if key not in have]
        while waiting:
            key = waiting.pop()
            if key not in needed:
                needed.add(key)
                waiting += [source for source in self.recipes[key].inputs.values() if source not in have]
        return [key for key in self.recipes if key in needed]


def make_plan(request: Request) -> Plan:
    """All recipes of an experiment; UsageError for unknown names and settings, DataError for missing data."""
    experiment: Experiment = registry.load("experiments", request.experiment)
    if request.profile not in experiment.profiles:
        known = list(experiment.profiles)
        raise UsageError(
            f"unknown profile '{request.profile}'{did_you_mean(request.profile, known)}; choose {', '.join(known)}"
        )
    profile = experiment.profiles[request.profile]
    seeds = tuple(range(request.seeds or profile.seeds))
    if request.seeds is not None and request.seeds < MINIMUM_SEEDS:
        raise UsageError(f"--seeds {request.seeds}: at least {MINIMUM_SEEDS} is needed")
    refiners = tuple(dict.fromkeys(request.refiners or experiment.refiners))
    for name in refiners:
        registry.module_name("refiners", name)
    rows = experiment.rows(refiners)
    roles = resolve_roles(request.data or experiment.data, request.synthetic, request.real, request.test)
    components = {*refiners, *(row.estimator for row in rows)}
    settings, images = _split_settings(request.settings, components, profile)
    builder = _Builder(request.profile, settings, images, roles)
    cells = []
    not_run: dict[str, str] = {}
    for row in rows:
        if row.train == "real" and not roles["real"].labelled:
            not_run[row.key] = f"{roles['real'].name} has no labels to train on"
            continue
        cells += [Cell(row, seed, builder.predictions(row, seed)) for seed in seeds]
    for refiner in refiners:  # pictures want a refined set even if no cell could be planned
        builder.refined(refiner, seeds[0], 1)
    sets = {role: builder.prepared(role, 1) for role in roles}
    return Plan(
        request, experiment, profile, seeds, refiners, roles, builder.recipes, tuple(cells), rows, not_run,
        sets, builder.fits, builder.refined_sets,
    )  # fmt: skip


@dataclass
class _Builder:
    """Makes recipes, each once, inputs first."""

    profile: str
    settings: Mapping[str, Mapping[str, Any]]
    images: Mapping[str, int | None]
    roles: Mapping[str, DataSource]
    identities: dict[str, dict[str, Any]] = field(default_factory=dict)
    recipes: dict[str, Recipe] = field(default_factory=dict)
    fits: dict[tuple[str, int], str] = field(default_factory=dict)
    refined_sets: dict[tuple[str, int, int], str] = field(default_factory=dict)

    def _configured(self, name: str) -> dict[str, Any]:
        chosen = dict(self.settings.get(name, {}))
        return {"preset": chosen.pop("preset", self.profile), "settings": chosen}

    def _identity(self, role: str) -> dict[str, Any]:
        if role not in self.identities:  # hashing a data set's files takes a while
            self.identities[role] = self.roles[role].identity()
        return self.identities[role]

    def _step(
        self,
        step: str,
        label: str,
        component: tuple[registry.Kind, str],
        config: Mapping[str, Any],
        inputs: Mapping[str, str],
        seed: int | None = None,
        place: Mapping[str, Any] | None = None,
    ) -> str:
        code = _step_code(step, component)
        recipe = Recipe(step, label, component, config, code, inputs, seed, place or {})
        self.recipes.setdefault(recipe.key, recipe)
        return recipe.key

    def prepared(self, role: str, size: int) -> str:
        source = self.roles[role]
        count = self.images[role]
        config = {"source": self._identity(role), "count": count if count is None else count * size}
        place = {"source": source.spec()}
        return self._step("prepare", f"prepare {source.name}", ("readers", source.format), config, {}, place=place)

    def fit(self, refiner: str, seed: int) -> str:
        inputs = {"synthetic": self.prepared("synthetic", 1), "real": self.prepared("real", 1)}
        component: tuple[registry.Kind, str] = ("refiners", refiner)
        config = self._configured(refiner)
        key = self._step("fit_refiner", f"train {refiner}, seed {seed}", component, config, inputs, seed)
        self.fits[refiner, seed] = key
        return key

    def refined(self, refiner: str, seed: int, size: int) -> str:
        inputs = {"refiner": self.fit(refiner, seed), "images": self.prepared("synthetic", size)}
        key = self._step("refine", f"refine with {refiner}, seed {seed}", ("refiners", refiner), {}, inputs, seed)
        self.refined_sets[refiner, seed, size] = key
        return key

    def predictions(self, row: Row, seed: int) -> str:
        if row.refiner is not None:
            train = self.refined(row.refiner, seed, row.size)
        else:
            train = self.prepared(row.train, row.size if row.train == "synthetic" else 1)
        what = f"{row.estimator} on {row.refiner or row.train}, seed {seed}"
        component: tuple[registry.Kind, str] = ("estimators", row.estimator)
        config = self._configured(row.estimator)
        fit = self._step("fit_estimator", f"train {what}", component, config, {"train": train}, seed)
        inputs = {"estimator": fit, "images": self.prepared("test", 1)}
        return self._step("predict", f"test {what}", component, {}, inputs, seed)


@functools.cache
def _step_code(step: str, component: tuple[registry.Kind, str]) -> str:
    return step_code(step, component)


def _split_settings(
    texts: Iterable[str], components: set[str], profile: Profile
) -> tuple[dict[str, dict[str, Any]], dict[str, int | None]]:
    """'--set simgan.refiner_maps=64' by component, '--set images.synthetic=4000' by role."""
    settings: dict[str, dict[str, Any]] = {}
    images = dict(profile.images)
    for owner, name, value in parse_settings(texts):
        if owner == "images":
            if name not in images:
                raise UsageError(f"--set images.{name}: no such role{did_you_mean(name, images)}")
            if not (value is None or (isinstance(value, int) and value > 0)):
                raise UsageError(f"--set images.{name}={value}: a positive number of images is needed, or null for all")
            images[name] = value
        elif owner in components:
            settings.setdefault(owner, {})[name] = value
        else:
            known = sorted({*components, "images"})
            raise UsageError(
                f"--set {owner}.{name}: this run has no '{owner}'{did_you_mean(owner, known)};"
                f" it has {', '.join(known)}"
            )
    return settings, images
