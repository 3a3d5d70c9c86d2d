"""The plan: an experiment's cells turned into recipes, every key known before anything runs."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from bench.core import registry
from bench.core.errors import DataError, UsageError, did_you_mean
from bench.core.experiment import LABEL, Column, Experiment, Profile, Row, Variant
from bench.core.measure import Measure
from bench.core.settings_text import parse_settings
from bench.data.manifests import DataSource, resolve_roles
from bench.engine.recipe import Recipe
from bench.engine.step import step_code


@dataclass(frozen=True)
class Request:
    """What the user asked for; empty means the experiment's own choice.

    refiners: registry names, or files of the user's own (`./mine.py:MyRefiner`).
    """

    experiment: str
    profile: str = "quick"
    data: str | None = None
    synthetic: str | None = None
    real: str | None = None
    test: str | None = None
    labelled: str | None = None
    seeds: int | None = None
    refiners: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    allow_person_overlap: bool = False

    def asked(self) -> dict[str, Any]:
        """The fields that were chosen, besides experiment, profile and settings; as JSON."""
        chosen = {name: value for name, value in vars(self).items() if value}
        others = {name: value for name, value in chosen.items() if name not in ("experiment", "profile", "settings")}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in others.items()}


@dataclass(frozen=True)
class Cell:
    """A row and a column with a seed, and the key of the step that its number comes from."""

    row: Row
    column: Column
    seed: int
    key: str


@dataclass(frozen=True)
class Plan:
    """recipes: key -> recipe, inputs before what needs them. not_run: (row key, column key) -> why it has no cells."""

    request: Request
    experiment: Experiment
    profile: Profile
    seeds: tuple[int, ...]
    refiners: tuple[str, ...]
    sources: Mapping[str, DataSource]
    recipes: Mapping[str, Recipe]
    cells: tuple[Cell, ...]
    rows: tuple[Row, ...]
    not_run: Mapping[tuple[str, str], str]
    sets: Mapping[str, str]
    """Image sets by role -> key of their prepare step."""
    fits: Mapping[tuple[str, int], str]
    """(variant, seed) -> key of its training."""
    refined: Mapping[tuple[str, int, int], str]
    """(variant, seed, size) -> key of its refined set."""

    @functools.cached_property
    def variants(self) -> tuple[Variant, ...]:
        """The refiners of the rows with their settings, each once."""
        return tuple({row.variant.key: row.variant for row in self.rows if row.variant is not None}.values())

    @functools.cached_property
    def pictured(self) -> Mapping[str, str]:
        """Variant -> key of the refined set that pictures are taken from: the first seed's."""
        keys = [variant.key for variant in self.variants]
        return {key: self.refined[key, self.seeds[0], 1] for key in keys if (key, self.seeds[0], 1) in self.refined}

    def targets(self) -> tuple[str, ...]:
        """The steps that the report reads: cells' numbers, trainings' logs, image sets."""
        wanted = [cell.key for cell in self.cells]
        return tuple(dict.fromkeys([*wanted, *self.fits.values(), *self.pictured.values(), *self.sets.values()]))

    def only_cells(self) -> Plan:
        """The same cells without trainings' logs and pictures: what a comparison needs, and no more."""
        return replace(self, fits={}, refined={})

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
    if request.seeds is not None and request.seeds < 1:
        raise UsageError(f"--seeds {request.seeds}: at least 1 is needed")
    seeds = tuple(range(request.seeds or profile.seeds))
    asked = request.refiners or experiment.refiners
    refiners = tuple(dict.fromkeys(registry.named("refiners", text) for text in asked))
    rows = experiment.rows(refiners)
    twice = [key for key, count in Counter(row.key for row in rows).items() if count > 1]
    if twice:
        raise UsageError(f"{experiment.name} has the row '{twice[0]}' of its own; leave that --refiner out")
    roles = resolve_roles(
        request.data or experiment.data, request.synthetic, request.real, request.test, request.labelled
    )
    _check_tasks(experiment, roles)
    components = _components(experiment, rows)
    settings, images = _split_settings(request.settings, components, profile)
    builder = _Builder(profile.preset or request.profile, settings, images, roles, experiment.more)
    builder.largest = max((row.size for row in rows if not builder.without_more(row)), default=1)
    experiment = replace(
        experiment, columns=tuple(column for column in experiment.columns if not builder.lacking(column))
    )
    cells = []
    not_run: dict[tuple[str, str], str] = {}
    for row in rows:
        for column in experiment.columns:
            if not applies(row, column):
                continue
            reason = builder.obstacle(row, column)
            if row.key in profile.leaves_out:
                reason = f"left out at {request.profile}, to save time; a larger profile runs it"
            if reason:
                not_run[row.key, column.key] = reason
                continue
            cells += [Cell(row, column, seed, builder.cell(row, column, seed)) for seed in seeds]
    for row in rows:  # pictures want a refined set even if no cell could be planned
        if row.variant is not None and not builder.lacking(row):
            builder.refined(row.variant, seeds[0], 1)
    sets = {role: builder.prepared(role, 1) for role in roles if role != "labelled" or not builder.unlabelled()}
    return Plan(
        request, experiment, profile, seeds, refiners, roles, builder.recipes, tuple(cells), rows, not_run,
        sets, builder.fits, builder.refined_sets,
    )  # fmt: skip


def _check_tasks(experiment: Experiment, roles: Mapping[str, DataSource]) -> None:
    """DataError for hands where eyes are meant and the reverse, as far as a format says it without reading."""
    for source in roles.values():
        if registry.load("readers", source.format).task not in (None, experiment.task):
            raise DataError(
                f"{source.name} has no '{LABEL[experiment.task]}' labels, which {experiment.name} is about; choose"
                f" another data set, e.g. --data {experiment.data}"
            )


def applies(row: Row, column: Column) -> bool:
    """Whether a column means anything for a row; where it does not, the table has a dash."""
    if row.columns is not None and column.key not in row.columns:
        return False
    if column.of == "predictions":
        return (column.estimator or row.estimator) is not None
    if column.of == "training":
        return row.variant is not None
    return not (_measure(column).needs_source and row.train == "real")


def _measure(column: Column) -> type[Measure]:
    return registry.load("measures", column.name)  # type: ignore[no-any-return]


def _components(experiment: Experiment, rows: Iterable[Row]) -> set[str]:
    """Every refiner, estimator and measure of an experiment: the owners of settings."""
    rows = tuple(rows)
    refiners = {row.variant.refiner for row in rows if row.variant is not None}
    estimators = {row.estimator for row in rows} | {column.estimator for column in experiment.columns}
    measures = {column.name for column in experiment.columns if column.of == "images"}
    return refiners | measures | {name for name in estimators if name is not None}


@dataclass
class _Builder:
    """Makes recipes, each once, inputs first."""

    preset: str
    settings: Mapping[str, Mapping[str, Any]]
    images: Mapping[str, int | None]
    roles: Mapping[str, DataSource]
    more: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)
    largest: int = 1
    """The largest size of a row: refiners are trained on that many images."""
    identities: dict[tuple[str, int], dict[str, Any]] = field(default_factory=dict)
    recipes: dict[str, Recipe] = field(default_factory=dict)
    prepared_sets: dict[tuple[str, int], str] = field(default_factory=dict)
    fits: dict[tuple[str, int], str] = field(default_factory=dict)
    refined_sets: dict[tuple[str, int, int], str] = field(default_factory=dict)

    def obstacle(self, row: Row, column: Column) -> str:
        """Why a cell cannot be run with these data and settings; empty when it can."""
        reason = self.lacking(row) or self.without_more(row)
        if reason:
            return reason
        gauge = _measure(column).gauge if column.of == "images" else "none"
        return self.unlabelled() if row.train == "real" or gauge == "real" else ""

    def lacking(self, part: Row | Column) -> str:
        """Which settings a row or column waits for; empty when one of them is given."""
        given = {f"{owner}.{name}" for owner, settings in self.settings.items() for name in settings}
        if not part.needs or given & set(part.needs):
            return ""
        return f"it needs {' or '.join(f'--set {name}=...' for name in part.needs)}"

    def without_more(self, row: Row) -> str:
        """Why there is no synthetic set of the row's size; empty when there is."""
        source, options = self.roles["synthetic"], self.more.get(row.size)
        if not options:
            return ""
        known = registry.load("readers", source.format).Config.model_fields
        unknown = [name for name in options if name not in known]
        return f"{source.name} has no {' and no '.join(unknown)} to choose" if unknown else ""

    def unlabelled(self) -> str:
        """Why there are no labelled real images to train on; empty when there are."""
        source = self.roles[self._labelled()]
        if not source.labelled:
            return f"{source.name} has no labels to train on"
        try:
            self._identity(self._labelled(), 1)
        except DataError as error:
            if "labelled" in self.roles:  # a set of its own, which a user may not have
                return str(error)
            raise
        return ""

    def cell(self, row: Row, column: Column, seed: int) -> str:
        """The key of the step that a cell's number comes from."""
        if column.of == "images":
            return self.measured(row, column, seed)
        if column.of == "training":
            assert row.variant is not None
            return self.fit(row.variant, seed)
        estimator = column.estimator or row.estimator
        assert estimator is not None
        return self.predictions(row, estimator, seed)

    def _labelled(self) -> str:
        return "labelled" if "labelled" in self.roles else "real"

    def _configured(self, name: str, own: Mapping[str, Any]) -> dict[str, Any]:
        chosen = {**self.settings.get(name, {}), **own}
        return {"preset": chosen.pop("preset", self.preset), "settings": chosen}

    def _source(self, role: str, size: int) -> DataSource:
        source = self.roles[role]
        more = self.more.get(size, {}) if role == "synthetic" else {}
        return replace(source, options={**source.options, **more}) if more else source

    def _identity(self, role: str, size: int) -> dict[str, Any]:
        if (role, size) not in self.identities:  # hashing a data set's files takes a while
            self.identities[role, size] = self._source(role, size).identity()
        return self.identities[role, size]

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
        where = {**(place or {}), **registry.place(*component)}
        recipe = Recipe(step, label, component, config, code, inputs, seed, where)
        self.recipes.setdefault(recipe.key, recipe)
        return recipe.key

    def prepared(self, role: str, size: int) -> str:
        if (role, size) in self.prepared_sets:
            return self.prepared_sets[role, size]
        source = self._source(role, size)
        count = self.images["real" if role == "labelled" and role not in self.images else role]
        config = {"source": self._identity(role, size), "count": count if count is None else count * size}
        place = {"source": source.spec()}
        key = self._step("prepare", f"prepare {source.name}", ("readers", source.format), config, {}, place=place)
        self.prepared_sets[role, size] = key
        return key

    def fit(self, variant: Variant, seed: int) -> str:
        if (variant.key, seed) in self.fits:
            return self.fits[variant.key, seed]
        inputs = {"synthetic": self.prepared("synthetic", self.largest), "real": self.prepared("real", 1)}
        component: tuple[registry.Kind, str] = ("refiners", variant.refiner)
        config = self._configured(variant.refiner, variant.settings)
        key = self._step("fit_refiner", f"train {variant.key}, seed {seed}", component, config, inputs, seed)
        self.fits[variant.key, seed] = key
        return key

    def refined(self, variant: Variant, seed: int, size: int) -> str:
        if (variant.key, seed, size) in self.refined_sets:
            return self.refined_sets[variant.key, seed, size]
        inputs = {"refiner": self.fit(variant, seed), "images": self.prepared("synthetic", size)}
        config = {} if variant.moment is None else {"moment": variant.moment}
        component: tuple[registry.Kind, str] = ("refiners", variant.refiner)
        key = self._step("refine", f"refine with {variant.key}, seed {seed}", component, config, inputs, seed)
        self.refined_sets[variant.key, seed, size] = key
        return key

    def _trained_on(self, row: Row, seed: int, size: int) -> str:
        """The image set of a row."""
        if row.variant is not None:
            return self.refined(row.variant, seed, size)
        return self.prepared("synthetic", size) if row.train == "synthetic" else self.prepared(self._labelled(), 1)

    def predictions(self, row: Row, estimator: str, seed: int) -> str:
        what = f"{estimator} on {row.variant.key if row.variant else row.train}, seed {seed}"
        component: tuple[registry.Kind, str] = ("estimators", estimator)
        config = self._configured(estimator, row.settings.get(estimator, {}))
        inputs = {"train": self._trained_on(row, seed, row.size)}
        trained = self._step("fit_estimator", f"train {what}", component, config, inputs, seed)
        if row.adapt:
            inputs = {"estimator": trained, "real": self.prepared("real", 1)}
            trained = self._step("adapt_estimator", f"adapt {what}", component, {}, inputs, seed)
        inputs = {"estimator": trained, "images": self.prepared("test", 1)}
        return self._step("predict", f"test {what}", component, {}, inputs, seed)

    def measured(self, row: Row, column: Column, seed: int) -> str:
        measure = _measure(column)
        what = row.variant.key if row.variant else row.train
        inputs = {"images": self._trained_on(row, seed, 1), "real": self.prepared(column.reference, 1)}
        if row.train != "real":
            inputs["source"] = self.prepared("synthetic", 1)
        config: dict[str, Any] = {"settings": self.settings.get(column.name, {})}
        if measure.gauge != "none":
            assert column.estimator is not None, f"column {column.key}: {column.name} measures with an estimator"
            config["gauge"] = column.estimator
            inputs["gauge"] = self._gauge(column.estimator, measure.gauge, seed)
        label = f"measure {column.name} of {what}, seed {seed}"
        return self._step("measure", label, ("measures", column.name), config, inputs, seed)

    def _gauge(self, estimator: str, domain: str, seed: int) -> str:
        """An estimator to measure with, trained on every second image of a set; the others are measured."""
        config = {**self._configured(estimator, {}), "every_second": True}
        train = self.prepared("synthetic" if domain == "synthetic" else self._labelled(), 1)
        label = f"train {estimator} to measure with, seed {seed}"
        return self._step("fit_estimator", label, ("estimators", estimator), config, {"train": train}, seed)


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
