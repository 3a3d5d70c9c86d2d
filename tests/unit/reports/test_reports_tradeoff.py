"""The figure of error over drift: points, bars, colours, the line of real images, labels that can be read."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace

import matplotlib
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from matplotlib.text import Annotation

from bench.engine.results import CellResults, Results
from bench.stats import t_interval
from reports.point_labels import label_points
from reports.sketch import NothingToDraw
from reports.style import RC, Preset
from reports.tradeoff import realism_drift_error
from tests.unit.reports.made_up import with_cell

DRAWN = ("synthetic", "histogram-matching", "mean-std", "simgan", "simgan-no-history", "simgan-global")


@pytest.fixture(autouse=True)
def look() -> Iterator[None]:
    with matplotlib.rc_context(RC):
        yield


def mean(cell: CellResults) -> float:
    return float(np.mean(list(cell.values.values())))


def draw(results: Results, preset: Preset | None = None) -> tuple[Axes, str]:
    (sketch,) = realism_drift_error(results, preset)
    return sketch.figure.axes[0], sketch.caption


def written(axes: Axes) -> list[Annotation]:
    return [text for text in axes.texts if isinstance(text, Annotation) and text.get_text()]


def test_points_are_the_means_and_colours_the_realism(comparison: Results) -> None:
    axes, _ = draw(comparison)
    scatters = [each for each in axes.collections if isinstance(each, PathCollection)]
    rows = {found.row.key: found.cells for found in comparison.rows}
    expected = [[mean(rows[key]["drift-bias"]), mean(rows[key]["error-cnn"])] for key in DRAWN]
    assert np.allclose([np.ravel(each.get_offsets()) for each in scatters], expected)
    shades = [float(np.asarray(each.get_array())[0]) for each in scatters]
    assert np.allclose(shades, [mean(rows[key]["auc"]) for key in DRAWN])
    assert len({each.get_clim() for each in scatters}) == 1  # one scale for all
    assert axes.get_figure().axes[1].get_ylabel() == "Real or not, AUC"  # type: ignore[union-attr]
    assert axes.get_xlabel() == "Drift, bias (px)" and axes.get_ylabel() == "CNN error (deg)"


def test_bars_are_the_intervals(comparison: Results) -> None:
    axes, caption = draw(comparison)
    cell = next(found for found in comparison.rows if found.row.key == "simgan").cells["error-cnn"]
    _, low, high = t_interval(list(cell.values.values()))
    assert low is not None and high is not None
    ends = [segment[:, 1] for bars in axes.containers for child in bars.lines[2] for segment in child.get_segments()]  # type: ignore[attr-defined]
    assert any(np.allclose(each, [low, high]) for each in ends)
    assert "Bars: 95 %" in caption


def test_real_images_are_a_line(comparison: Results) -> None:
    axes, caption = draw(comparison)
    cell = next(found for found in comparison.rows if found.row.key == "real").cells["error-cnn"]
    assert any(np.allclose(line.get_ydata(), mean(cell)) for line in axes.lines if len(np.ravel(line.get_ydata())) == 2)
    assert "Dashed: trained on real images, which have no drift." in caption
    without, caption = draw(with_cell(comparison, "real", "error-cnn", failures={0: "broken"}))
    assert "Dashed" not in caption
    assert len(without.lines) < len(axes.lines)


def test_rows_that_cannot_be_drawn_are_named(comparison: Results) -> None:
    assert draw(comparison)[1].endswith("Not drawn, for want of a number: batch norm, AdaBN.")
    failed = with_cell(comparison, "simgan", "drift-bias", failures={1: "broken"})
    axes, caption = draw(failed)
    assert caption.endswith("Not drawn, for want of a number: batch norm, AdaBN; simgan.")
    assert "simgan" not in [text.get_text() for text in written(axes)]


def test_a_row_without_realism_is_white(comparison: Results) -> None:
    axes, caption = draw(with_cell(comparison, "simgan", "auc", failures={1: "broken"}))
    assert "White: not measured." in caption
    assert sum(isinstance(each, PathCollection) for each in axes.collections) == len(DRAWN) - 1
    columns = tuple(column for column in comparison.columns if column.key not in ("auc", "swd"))
    axes, caption = draw(replace(comparison, columns=columns))
    assert "Colour" not in caption and len(axes.get_figure().axes) == 1  # type: ignore[union-attr]


def test_the_mean_stands_in_for_the_bias(comparison: Results) -> None:
    columns = tuple(column for column in comparison.columns if column.key != "drift-bias")
    assert draw(replace(comparison, columns=columns))[0].get_xlabel() == "Drift (px)"


def test_without_error_or_drift_there_is_nothing_to_draw(comparison: Results, results: Results) -> None:
    with pytest.raises(NothingToDraw, match="no error or no drift"):
        list(realism_drift_error(results))
    rows = tuple(found for found in comparison.rows if found.row.key in ("adabn", "real"))
    with pytest.raises(NothingToDraw, match="no row has both CNN error and Drift, bias"):
        list(realism_drift_error(replace(comparison, rows=rows)))


@pytest.mark.parametrize("preset", ["column", "page"])
def test_labels_overlap_neither_each_other_nor_the_frame(comparison: Results, preset: Preset) -> None:
    axes, _ = draw(comparison, preset)
    labels = written(axes)
    assert [label.get_text() for label in labels].count("simgan, global loss") == 1
    assert len(labels) == len(DRAWN)
    boxes = [label.get_window_extent() for label in labels]
    assert not any(one.overlaps(two) for one, two in itertools.combinations(boxes, 2))
    frame = axes.get_window_extent()
    assert all(frame.x0 <= box.x0 and box.x1 <= frame.x1 for box in boxes)


def test_labels_of_points_in_one_place_are_spread() -> None:
    figure = Figure(figsize=(3.25, 3.0))
    axes = figure.add_axes((0.1, 0.1, 0.8, 0.8))
    points = [(0.5, 0.5 + 0.001 * index) for index in range(8)]
    labels = label_points(axes, points, [f"method {index}" for index in range(8)])
    boxes = [label.get_window_extent() for label in labels]
    assert not any(one.overlaps(two) for one, two in itertools.combinations(boxes, 2))
    assert len([text for text in axes.texts if text.get_text()]) == 8
