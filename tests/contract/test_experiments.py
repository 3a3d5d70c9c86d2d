"""The contract of an experiment, for every one in the registry: what it declares exists and fits together."""

from __future__ import annotations

import contextlib
from typing import Any, get_args

import pytest

from bench.core import registry
from bench.core.errors import UsageError
from bench.core.experiment import Experiment, Figure, Row
from bench.core.settings import PROFILES
from bench.engine.plan import Request, applies, make_plan
from reports.published import load_published

# Loaded here, since importing scikit-learn draws from Python's generator.
INPUTS = {name: registry.load("estimators", name).inputs for name in registry.names("estimators")}


@pytest.fixture(params=registry.names("experiments"))
def experiment(request: pytest.FixtureRequest) -> Experiment:
    found: Experiment = registry.load("experiments", request.param)
    assert found.name == request.param, "an experiment is called like its file"
    return found


def rows_of(experiment: Experiment) -> tuple[Row, ...]:
    return experiment.rows(experiment.refiners)


def test_it_has_every_profile_and_known_figures(experiment: Experiment) -> None:
    assert tuple(experiment.profiles) == PROFILES
    assert set(experiment.figures) <= set(get_args(Figure))
    for profile in experiment.profiles.values():
        assert profile.seeds >= 1
        assert set(profile.images) - {"labelled"} == {"synthetic", "real", "test"}


def test_rows_and_columns_have_keys_of_their_own(experiment: Experiment) -> None:
    for keys in ([row.key for row in rows_of(experiment)], [column.key for column in experiment.columns]):
        assert len(set(keys)) == len(keys)


@pytest.mark.parametrize("refiner", registry.names("refiners"))
def test_every_refiner_gives_rows_or_is_refused(experiment: Experiment, refiner: str) -> None:
    for asked in ((refiner,), tuple(dict.fromkeys((*experiment.refiners, refiner)))):
        with contextlib.suppress(UsageError):
            keys = [row.key for row in experiment.rows(asked)]
            assert len(set(keys)) == len(keys), asked


def test_equal_variant_keys_mean_the_same_refiner(experiment: Experiment) -> None:
    seen: dict[str, Any] = {}
    for row in rows_of(experiment):
        if row.variant is not None:
            assert seen.setdefault(row.variant.key, row.variant) == row.variant
        assert (row.variant is not None) == (row.train == "refined")


def test_the_headline_means_something_for_every_row(experiment: Experiment) -> None:
    headline = experiment.columns[0]
    assert [row.key for row in rows_of(experiment) if not applies(row, headline)] == [
        row.key for row in rows_of(experiment) if row.train == "real" and headline.of == "images"
    ]


def test_rows_are_compared_with_rows_that_exist(experiment: Experiment) -> None:
    keys = {row.key for row in rows_of(experiment)}
    known = {column.key for column in experiment.columns}
    for row in rows_of(experiment):
        assert set(row.against) <= keys - {row.key}
        assert set(row.columns or ()) <= known


def test_rows_say_what_their_estimator_takes(experiment: Experiment) -> None:
    for row in rows_of(experiment):
        if row.estimator is not None:
            assert row.takes == INPUTS[row.estimator]


def test_columns_name_metrics_measures_and_their_quantities(experiment: Experiment) -> None:
    for column in experiment.columns:
        if column.of == "predictions":
            registry.load("metrics", column.name)(**column.options)
            assert column.margin is not None, "without a margin two commits cannot be compared in it"
        elif column.of == "images":
            measure = registry.load("measures", column.name)
            assert column.quantity in measure.quantities
            assert (column.estimator is not None) == (measure.gauge != "none")
            assert column.margin is None, "differences are tested on predictions of the test images only"


@pytest.mark.parametrize("profile", PROFILES)
def test_settings_are_valid_at_every_profile(experiment: Experiment, profile: str) -> None:
    preset = experiment.profiles[profile].preset or profile
    for row in rows_of(experiment):
        if row.variant is not None and not row.needs:
            registry.load("refiners", row.variant.refiner).configured(preset, row.variant.settings)
        for estimator, settings in row.settings.items():
            registry.load("estimators", estimator).configured(preset, settings)


def test_published_numbers_belong_to_rows_and_columns(experiment: Experiment) -> None:
    published = load_published(experiment.name).values
    others = {column.key for column in experiment.columns[1:]}
    references = {row.reference for row in rows_of(experiment)} - {None}
    assert references <= set(published), "a row's reference must be on file"
    for id_, entry in published.items():
        row, _, column = id_.partition("/")
        assert not column or (row in references and column in others), f"{id_} stands beside nothing"
        assert entry.tolerance > 0


def test_it_can_be_planned(experiment: Experiment) -> None:
    plan = make_plan(Request(experiment.name, profile="smoke"))
    assert plan.cells
    assert {cell.key for cell in plan.cells} <= set(plan.recipes)
    for key, recipe in plan.recipes.items():
        before = list(plan.recipes)[: list(plan.recipes).index(key)]
        assert set(recipe.inputs.values()) <= set(before), "inputs come before what needs them"
