"""Figures: widths, embedded fonts, provenance, equal bytes, and what happens without material."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from bench.engine.results import Results
from reports.curves import error_curves, training_curves
from reports.figures import FIGURES, Drawing, draw_figures
from reports.frame import Table, build_table
from reports.pictures import picture_grid, training_strips
from reports.sketch import file_name
from reports.style import COLOURS, WIDTHS, line_styles

WIDTH = {"error-curves": "column", "pictures": "page", "training-curves": "page", "training-strip": "page"}


@pytest.fixture(scope="module")
def table(results: Results) -> Table:
    return build_table(results)


@pytest.fixture(scope="module")
def drawings(results: Results, table: Table) -> list[Drawing]:
    found, missing = draw_figures(results, table)
    assert missing == {}
    return found


def test_every_figure_is_there_in_its_width(drawings: list[Drawing]) -> None:
    assert [drawing.name for drawing in drawings] == list(FIGURES)
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


def test_equal_results_give_equal_bytes(results: Results, table: Table, drawings: list[Drawing]) -> None:
    again, _ = draw_figures(results, table)
    assert [drawing.files for drawing in again] == [drawing.files for drawing in drawings]
    assert not any(b"CreationDate" in drawing.files[f"{drawing.name}.pdf"] for drawing in drawings)


def test_the_other_preset_only_changes_the_width(results: Results) -> None:
    for name, draw in FIGURES.items():
        for preset, inches in WIDTHS.items():
            for sketch in draw(results, preset):
                assert sketch.figure.get_size_inches()[0] == pytest.approx(inches), name


def test_missing_material_is_told_not_raised(results: Results, table: Table) -> None:
    bare = replace(
        results, pictures={}, training=(), rows=tuple(replace(each, values={}, not_run="no") for each in results.rows)
    )
    found, missing = draw_figures(bare, table)
    assert found == []
    assert set(missing) == set(FIGURES)
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
    values = results.rows[5].values
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


def test_depth_images_are_drawn_as_grey(results: Results) -> None:
    depth = np.zeros((3, 24, 24), dtype=np.uint16)
    depth[:, 6:18, 6:18] = np.arange(700, 700 + 144).reshape(12, 12)
    (sketch,) = picture_grid(replace(results, pictures={"synthetic": depth, "real": np.zeros_like(depth)}))
    shown = np.asarray(sketch.figure.axes[0].images[0].get_array())
    assert tuple(shown[0, 0]) == (255, 255, 255, 255)
    assert shown[6, 6, 0] > shown[17, 17, 0]


def test_fewer_pictures_than_columns(results: Results) -> None:
    pictures = {name: images[:2] for name, images in results.pictures.items()} | {
        "refined: other": np.empty((0, 35, 55), np.uint8)
    }
    (sketch,) = picture_grid(replace(results, pictures=pictures))
    assert len(sketch.figure.axes) == 3
