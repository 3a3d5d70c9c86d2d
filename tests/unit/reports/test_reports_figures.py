"""Figures: widths, embedded fonts, provenance, equal bytes, and what happens without material."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import get_args

import matplotlib
import numpy as np
import pytest
from PIL import Image

from bench.core.experiment import Figure
from bench.engine.results import CellResults, Results
from bench.experiments import gaze_figure7, gaze_table2
from reports.build import build_table
from reports.curves import error_curves
from reports.figures import FIGURES, Drawing, draw_figures
from reports.frame import Table
from reports.html import FIGURE_TITLES
from reports.pictures import picture_grid, training_strips
from reports.sketch import file_name
from reports.style import COLOURS, DASHES, GREYS, RC, WIDTHS, Preset, line_styles
from reports.training import training_curves
from tests.unit.reports import made_up

WIDTH = {
    "error-curves": "column", "pictures": "page", "training-curves": "page", "training-strip": "page",
    "drift-scatter-pupil-ellipse": "page", "drift-scatter-pupil-residual": "page", "drift-scatter-phase-shift": "page",
    "drift-slope": "column", "realism-drift-error": "column", "progress": "page", "sweep": "page",
}  # fmt: skip


@pytest.fixture(autouse=True)
def look() -> Iterator[None]:
    with matplotlib.rc_context(RC):
        yield


@pytest.fixture(scope="module")
def table(results: Results) -> Table:
    return build_table(results)


@pytest.fixture(scope="module")
def drawings(material: dict[str, Results], table: Table) -> list[Drawing]:
    return draw_all(material, table)


def draw_all(material: dict[str, Results], table: Table) -> list[Drawing]:
    drawn = []
    for name, run in material.items():
        only = replace(run, experiment=replace(run.experiment, figures=(name,)))  # type: ignore[arg-type]
        found, missing = draw_figures(only, table)
        assert missing == {}
        drawn += found
    return drawn


def test_every_figure_is_there_in_its_width(drawings: list[Drawing]) -> None:
    assert [drawing.name for drawing in drawings] == list(WIDTH)
    for drawing in drawings:
        inches = WIDTHS[WIDTH[drawing.name]]  # type: ignore[index]
        box = re.search(rb"/MediaBox \[ ?0 0 ([\d.]+) ([\d.]+) ?\]", drawing.files[f"{drawing.name}.pdf"])
        assert box is not None
        assert float(box[1]) == pytest.approx(72 * inches)
        assert Image.open(io.BytesIO(drawing.png)).width == int(300 * inches)


def test_fonts_are_embedded_as_type_42(drawings: list[Drawing]) -> None:
    for drawing in drawings:
        pdf = drawing.files[f"{drawing.name}.pdf"]
        fonts = set(re.findall(rb"/Subtype /(Type0|Type1|Type3|TrueType|CIDFontType\d)", pdf))
        assert fonts <= {b"Type0", b"CIDFontType2", b"TrueType"}
        assert b"/FontFile2" in pdf


def test_provenance_is_embedded_three_times(drawings: list[Drawing], table: Table) -> None:
    for drawing in drawings:
        beside = json.loads(drawing.files[f"{drawing.name}.json"])
        assert beside["provenance"]["digest"] == table.digest
        assert beside["provenance"]["commit"] == table.provenance["commit"]
        assert beside["caption"] == drawing.caption
        assert json.loads(Image.open(io.BytesIO(drawing.png)).text["Comment"]) == beside["provenance"]  # type: ignore[attr-defined]
        assert table.digest.encode() in drawing.files[f"{drawing.name}.pdf"]


def test_equal_results_give_equal_bytes(material: dict[str, Results], table: Table, drawings: list[Drawing]) -> None:
    again = draw_all(material, table)
    assert [drawing.files for drawing in again] == [drawing.files for drawing in drawings]
    assert not any(b"CreationDate" in drawing.files[f"{drawing.name}.pdf"] for drawing in drawings)


def test_every_figure_of_an_experiment_has_material_title_and_drawing(material: dict[str, Results]) -> None:
    assert set(material) == set(FIGURES) == set(get_args(Figure))
    assert set(FIGURES) <= set(FIGURE_TITLES)


def test_the_other_preset_only_changes_the_width(material: dict[str, Results]) -> None:
    for name, draw in FIGURES.items():
        for preset, inches in WIDTHS.items():
            for sketch in draw(material[name], preset):
                assert sketch.figure.get_size_inches()[0] == pytest.approx(inches), name


@pytest.mark.parametrize("preset", ["column", "page"])
def test_nothing_is_cut_off(material: dict[str, Results], preset: Preset) -> None:
    for name, draw in FIGURES.items():
        for sketch in draw(material[name], preset):
            sketch.figure.draw_without_rendering()
            width, height = sketch.figure.get_size_inches()
            box = sketch.figure.get_tightbbox()
            assert box is not None
            assert min(box.x0, box.y0) > -0.02, sketch.name
            assert box.x1 < width + 0.02 and box.y1 < height + 0.02, sketch.name


def test_missing_material_is_told_not_raised(results: Results, table: Table) -> None:
    rows = tuple(replace(each, cells={"error": CellResults(not_run="no")}) for each in results.rows)
    every = replace(results.experiment, figures=get_args(Figure))
    found, missing = draw_figures(replace(results, experiment=every, pictures={}, training=(), rows=rows), table)
    assert found == []
    assert set(missing) == set(FIGURES)
    assert all(reason and "\n" not in reason for reason in missing.values())
    assert missing["training-curves"] == "no refiner of this run kept a training log"


def test_a_refiner_with_pictures_but_no_scalars(results: Results, table: Table) -> None:
    logs = tuple(replace(log, scalars=log.scalars[["step"]]) for log in results.training)
    found, missing = draw_figures(replace(results, training=logs), table)
    assert "training-strip" in [drawing.name for drawing in found]
    assert set(missing) == {"training-curves"}


def test_several_refiners_have_a_figure_each(results: Results) -> None:
    logs = (*results.training, replace(results.training[0], refiner="./mine.py:My Refiner"))
    both = replace(results, training=logs)
    assert [sketch.name for sketch in training_curves(both)] == [
        "training-curves-simgan",
        "training-curves-mine-py-My-Refiner".lower(),
    ]
    assert len(list(training_strips(both))) == 2
    assert file_name("a", "x", alone=True) == "a"


def test_error_curves_are_the_means_over_seeds(results: Results) -> None:
    (sketch,) = error_curves(results)
    axes = sketch.figure.axes[0]
    line = next(line for line in axes.lines if line.get_label() == "CNN, real")
    values = {seed: found["value"] for seed, found in results.rows[5].cells["error"].per_image.items()}
    x = np.asarray(line.get_xdata())
    at = int(np.searchsorted(x, 5.0))
    expected = 100 * np.mean([np.mean(values[seed] <= 5.0) for seed in values])
    assert np.asarray(line.get_ydata())[at] == pytest.approx(expected)
    assert axes.get_xlim() == (0.0, 25.0)


def test_the_papers_curves_are_drawn_on_its_data_only(results: Results, on_paper_data: Results) -> None:
    def labels(run: Results) -> set[str]:
        (sketch,) = error_curves(run)
        return {str(line.get_label()) for line in sketch.figure.axes[0].lines}

    papers = {"paper: Refined 4x", "paper: Synthetic 4x"}
    assert papers <= labels(on_paper_data)
    assert not papers & labels(results)
    assert not papers & labels(replace(results, simulator=False))
    assert not papers & labels(replace(on_paper_data, simulator=True))


def test_one_person_has_no_band(results: Results) -> None:
    (sketch,) = error_curves(replace(results, persons=np.full(1000, "p00")))
    assert "No bands: 1 person." in sketch.caption
    assert not sketch.figure.axes[0].collections


def test_curves_can_be_told_apart_without_colour() -> None:
    kinds = (("synthetic", None), ("refined", "simgan"), ("refined", "identity"), ("real", None))
    rows = [(train, refiner, estimator) for estimator in ("knn", "cnn") for train, refiner in kinds]
    styles = line_styles(rows)
    assert len({(style.marker, str(style.dashes)) for style in styles}) == len(rows)
    assert len({(style.color, str(style.dashes)) for style in styles}) == len(rows)
    assert styles[0].color == COLOURS[0]  # synthetic is red and refined blue, as in the paper
    assert styles[1].color == COLOURS[1]


def test_baselines_are_grey_and_the_first_other_refiner_is_blue() -> None:
    rows = [("synthetic", None), ("refined", "matching"), ("refined", "noise"), ("refined", "simgan"), ("real", None)]
    styles = line_styles([(train, refiner, "cnn") for train, refiner in rows], minor=("matching", "noise"))
    assert [style.color for style in styles] == [COLOURS[0], GREYS[0], GREYS[1], COLOURS[1], COLOURS[2]]
    assert len({style.marker for style in styles}) == 5


def test_many_rows_have_a_panel_per_estimator(results: Results) -> None:
    run = made_up.crowded(results)
    (sketch,) = error_curves(run)
    assert sketch.figure.get_size_inches()[0] == pytest.approx(WIDTHS["page"])
    titles = [axes.get_title(loc="left") for axes in sketch.figure.axes]
    assert titles == ["k-NN", "CNN", "Other estimators"]
    drawn = [len(axes.lines) for axes in sketch.figure.axes]
    assert sum(drawn) == len(run.rows) and max(drawn) <= 8
    cnn = {str(line.get_label()): line for line in sketch.figure.axes[1].lines}
    assert cnn["synthetic"].get_color() == COLOURS[0]
    assert cnn["refined (simgan)"].get_color() == COLOURS[1]
    grey = {label for label, line in cnn.items() if line.get_color() in GREYS}
    assert len(grey) == 5 and "refined (histogram matching)" in grey
    assert all(cnn[label].get_linewidth() < cnn["synthetic"].get_linewidth() for label in grey)
    assert "Grey with markers: baselines" in sketch.caption
    assert len({line.get_marker() for line in sketch.figure.axes[2].lines}) == drawn[2]


def test_the_curves_of_figure_7_look_like_the_papers(results: Results) -> None:
    experiment = made_up.only(gaze_figure7.EXPERIMENT, ("error",))
    rows = gaze_table2.rows(("simgan",))
    (sketch,) = error_curves(made_up.run(results, experiment, rows, lambda row, _: (10.0 - row.size, 0.0)))
    looks = {str(line.get_label()): line for line in sketch.figure.axes[0].lines}
    expected = {
        "refined 4x (simgan)": (COLOURS[1], "-"), "refined (simgan)": (COLOURS[1], "--"),
        "synthetic 4x": (COLOURS[0], "-"), "synthetic": (COLOURS[0], "--"),
    }  # fmt: skip
    assert {label: (line.get_color(), line.get_linestyle()) for label, line in looks.items()} == expected
    assert DASHES[0] == "-"


def test_colour_images_are_drawn_in_colour(results: Results) -> None:
    grey = results.pictures["synthetic"]
    colour = np.stack([grey, grey // 2, grey // 4], axis=-1)
    (sketch,) = picture_grid(replace(results, pictures={"synthetic": colour, "real": colour}))
    shown = np.asarray(sketch.figure.axes[0].images[0].get_array())
    assert np.array_equal(shown[:, :55, :3], colour[0])
    assert (shown[:, :55, 3] == 255).all() and (shown[:, 55:57, 3] == 0).all()


def test_long_names_of_refiners_are_broken_at_hyphens(results: Results) -> None:
    names = ("histogram-equalisation", "simgan-without-any-history", "mean-std")
    refined = {f"refined: {name}": results.pictures["synthetic"] for name in names}
    (sketch,) = picture_grid(replace(results, pictures={"synthetic": results.pictures["synthetic"], **refined}))
    labels = [text.get_text() for text in sketch.figure.texts]
    assert labels[1] == "refined\n(histogram-\nequalisation)"
    assert max(len(line) for label in labels for line in label.split("\n")) <= 15
    assert "refined by histogram-equalisation, simgan-without-any-history and mean-std" in sketch.caption


def test_depth_images_are_drawn_as_grey(results: Results) -> None:
    depth = np.zeros((3, 24, 24), dtype=np.uint16)
    depth[:, 6:18, 6:18] = np.arange(700, 700 + 144).reshape(12, 12)
    (sketch,) = picture_grid(replace(results, pictures={"synthetic": depth, "real": np.zeros_like(depth)}))
    shown = np.asarray(sketch.figure.axes[0].images[0].get_array())
    assert tuple(shown[0, 0]) == (0, 0, 0, 255)
    assert shown[6, 6, 0] > shown[17, 17, 0]


def test_fewer_pictures_than_columns(results: Results) -> None:
    pictures = {name: images[:2] for name, images in results.pictures.items()} | {
        "refined: other": np.empty((0, 35, 55), np.uint8)
    }
    (sketch,) = picture_grid(replace(results, pictures=pictures))
    assert len(sketch.figure.axes) == 3
