"""What a plan makes of rows and columns: sizes, gauges, adaptation, labelled sets, settings that rows wait for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bench.core.errors import DataError, UsageError
from bench.engine.plan import Plan, Request, make_plan
from bench.engine.recipe import Recipe
from bench.engine.settle import settle
from bench.engine.store import Store


def plan(experiment: str, **changes: Any) -> Plan:
    return make_plan(Request(experiment, profile="smoke", **changes))


def recipe(found: Plan, row: str, column: str) -> Recipe:
    return next(
        found.recipes[cell.key] for cell in found.cells if (cell.row.key, cell.column.key) == (row, column)
    )  # fmt: skip


def origin(found: Plan, of: Recipe, role: str) -> Recipe:
    return found.recipes[of.inputs[role]]


def test_refiners_are_trained_on_the_largest_size_and_applied_to_each() -> None:
    made = plan("gaze-table2")
    sizes = {}
    for row in ("refined", "refined-4x"):
        refined = origin(made, origin(made, recipe(made, row, "error"), "estimator"), "train")
        sizes[row] = origin(made, refined, "images").config["count"]
        assert origin(made, origin(made, refined, "refiner"), "synthetic").config["count"] == 400
    assert sizes == {"refined": 100, "refined-4x": 400}


def test_a_gauge_is_trained_on_every_second_image_and_shared_by_the_rows() -> None:
    made = plan("label-preservation")
    gauges = {recipe(made, row, "residual").inputs["gauge"] for row in ("identity", "shift-1", "simgan")}
    assert len(gauges) == 1
    gauge = made.recipes[gauges.pop()]
    assert gauge.config["every_second"] is True
    assert origin(made, gauge, "train").step == "prepare"


@pytest.mark.parametrize(
    ("experiment", "changes", "told"),
    [
        ("hand-table4", {"data": "simulator"}, r"simulator:synthetic has no 'joints' labels.* --data simulator-hands$"),
        ("gaze-table2", {"data": "simulator-hands"}, r"simulator-hands:synthetic has no 'gaze' .* --data simulator$"),
        ("gaze-table2", {"real": "simulator-hands"}, r"simulator-hands:real has no 'gaze' labels"),
        ("gaze-table2", {"data": "nyu-hands"}, r"nyu-hands:synthetic has no 'gaze' labels"),
        ("hand-table4", {"test": "mpiigaze"}, r"mpiigaze:test has no 'joints' labels"),
    ],
)
def test_hands_where_eyes_are_meant_and_the_reverse(experiment: str, changes: dict[str, str], told: str) -> None:
    with pytest.raises(DataError, match=told):
        plan(experiment, **changes)


def test_rows_of_several_moments_share_one_training() -> None:
    made = plan("training-progress")
    assert len({made.fits[variant.key, 0] for variant in made.variants}) == 1
    assert len({made.refined[variant.key, 0, 1] for variant in made.variants}) == len(made.variants)


def test_an_adapting_row_shows_the_real_images_to_what_another_row_has_trained() -> None:
    made = plan("refiner-comparison")
    adapted = origin(made, recipe(made, "adabn", "error-cnn"), "estimator")
    assert (adapted.step, adapted.inputs["real"]) == ("adapt_estimator", made.sets["real"])
    trained = origin(made, adapted, "estimator")
    assert trained == origin(made, recipe(made, "batch-norm", "error-cnn"), "estimator")
    assert (trained.step, trained.config["settings"]) == ("fit_estimator", {"norm": "batch"})
    assert origin(made, recipe(made, "synthetic", "error-cnn"), "estimator").step == "fit_estimator"


def test_real_images_have_no_drift_and_columns_can_be_left_out() -> None:
    made = plan("refiner-comparison")
    columns = {row: {cell.column.key for cell in made.cells if cell.row.key == row} for row in ("real", "adabn")}
    assert "drift" not in columns["real"]
    assert {"error-cnn", "auc", "kid"} <= columns["real"]
    assert columns["adabn"] == {"error-cnn"}


def test_a_row_waits_for_one_of_its_settings(tmp_path: Path) -> None:
    without = plan("ablation-psi")
    assert without.not_run["psi-vgg", "error-cnn"].startswith("it needs --set simgan.psi_weights=")
    assert "psi-vgg" not in without.pictured
    given = plan("ablation-psi", settings=(f"simgan.psi_weights={tmp_path / 'vgg16.pth'}",))
    assert not given.not_run
    assert "psi-vgg" in given.pictured


def test_settings_of_a_row_go_over_those_of_the_user() -> None:
    made = plan("ablation-lambda", settings=("simgan.lambda_reg=7", "simgan.batch=4"))
    for variant in made.variants:
        settings = made.recipes[made.fits[variant.key, 0]].config["settings"]
        assert settings == {"batch": 4, **variant.settings}


def test_an_ablation_knows_one_refiner_only() -> None:
    with pytest.raises(UsageError, match="knows no other refiner"):
        plan("ablation-history", refiners=("identity",))


def test_a_labelled_set_of_its_own_trains_the_real_rows() -> None:
    made = plan("gaze-table3", labelled="simulator-near:real")
    trained_on = origin(made, origin(made, recipe(made, "svr/real", "error"), "estimator"), "train")
    assert trained_on.key == made.sets["labelled"] != made.sets["real"]
    refiner = made.recipes[made.fits["simgan", 0]]
    assert refiner.inputs["real"] == made.sets["real"]


def test_a_labelled_set_that_is_not_here_leaves_its_rows_out(tmp_path: Path) -> None:
    manifest = tmp_path / "mine.toml"
    manifest.write_text(
        'title = "mine"\nformat = "folder"\n[parts.synthetic]\nuse = "simulator:synthetic"\n'
        '[parts.real]\nuse = "simulator:real"\nlabelled = false\n[parts.test]\nuse = "simulator:test"\n'
        '[parts.labelled]\nfolder = "nowhere"\n'
    )
    made = plan("gaze-table3", data=str(manifest))
    assert "nowhere" in made.not_run["svr/real", "error"]
    assert not any(cell.row.train == "real" for cell in made.cells)
    assert "labelled" not in made.sets


def prepared(store: Store, made: Plan, role: str, labels: list[str]) -> None:
    out = store.root / role
    out.mkdir(parents=True)
    store.commit(made.sets[role], out, {"notes": {"labels": labels}})


def test_rows_without_the_labels_they_take_are_not_run(tmp_path: Path) -> None:
    store = Store(tmp_path)
    made = plan("gaze-table3")
    assert settle(made, store).not_run == {}, "nothing is known before the sets are prepared"
    prepared(store, made, "test", ["gaze"])
    settled = settle(made, store)
    assert settled.not_run == {("lenet/real", "error"): "simulator:test has no 'head_pose' labels"}
    assert {cell.row.key for cell in made.cells} - {cell.row.key for cell in settled.cells} == {"lenet/real"}
    assert not set(settled.missing(())) & {cell.key for cell in made.cells if cell.row.key == "lenet/real"}


def test_measures_without_the_labels_they_take_are_not_run(tmp_path: Path) -> None:
    store = Store(tmp_path)
    made = plan("label-preservation")
    prepared(store, made, "synthetic", ["gaze"])
    settled = settle(made, store)
    assert {column for _, column in settled.not_run} == {"residual", "residual-bias"}
    assert not any(
        "pupil" in settled.recipes[key].label for key in settled.missing(()) if "train" in settled.recipes[key].label
    )
