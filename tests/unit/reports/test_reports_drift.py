"""Figures of drift: every point where it belongs, what lies outside is counted, slopes are those of the data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import matplotlib
import numpy as np
import pytest
from matplotlib.patches import Circle

from bench.engine.results import CellResults, Results
from reports.drift import MOST_POINTS, drift_scatter
from reports.sketch import NothingToDraw, Sketch
from reports.style import RC
from tests.unit.reports.made_up import only, with_cell


@pytest.fixture(autouse=True)
def look() -> Iterator[None]:
    with matplotlib.rc_context(RC):
        yield


def sketches(results: Results) -> dict[str, Sketch]:
    return {sketch.name: sketch for sketch in drift_scatter(results)}


def with_vectors(results: Results, dx: np.ndarray, dy: np.ndarray) -> Results:
    """The run with other displacements in the row of the refiner."""
    per_image = {"dx": dx, "dy": dy}
    return with_cell(results, "simgan", "ellipse", values={0: 1.0}, per_image={0: per_image})


def test_a_figure_per_measure_ellipses_first(preservation: Results) -> None:
    assert list(sketches(preservation)) == [
        "drift-scatter-pupil-ellipse", "drift-scatter-pupil-residual", "drift-scatter-phase-shift", "drift-slope",
    ]  # fmt: skip
    backwards = replace(preservation, columns=preservation.columns[::-1])
    assert next(iter(sketches(backwards))) == "drift-scatter-pupil-ellipse"
    alone = only(preservation.experiment, ("ellipse",))
    one = replace(preservation, experiment=alone, columns=tuple(c for c in preservation.columns if c.key == "ellipse"))
    assert list(sketches(one)) == ["drift-scatter", "drift-slope"]


def test_a_panel_shows_points_mean_vector_and_mean_distance(preservation: Results) -> None:
    figure = sketches(preservation)["drift-scatter-pupil-ellipse"].figure
    assert len(figure.axes) == len(preservation.rows) > 1
    assert len({axes.get_xlim() for axes in figure.axes}) == 1
    for found, axes in zip(preservation.rows, figure.axes, strict=True):
        values = found.cells["ellipse"].per_image[0]
        vectors = np.stack([values["dx"], values["dy"]], axis=1)
        points = np.concatenate(
            [np.stack(line.get_data(), axis=1) for line in axes.lines if line.get_marker() in (".", "x")]
        )
        assert len(points) == MOST_POINTS < len(vectors)
        limit = axes.get_xlim()[1]
        inside = points[(np.abs(points) < limit).all(axis=1)]
        assert {tuple(point) for point in inside} <= {tuple(vector) for vector in vectors}
        plus = [np.concatenate(line.get_data()) for line in axes.lines if line.get_marker() == "+"]
        assert np.allclose(plus, vectors.mean(axis=0))
        (circle,) = [patch for patch in axes.patches if isinstance(patch, Circle)]
        distance = np.linalg.norm(vectors, axis=1).mean()
        assert circle.radius == pytest.approx(distance) and circle.center == (0, 0)
        assert f"mean {distance:.2f}" in axes.get_title(loc="left")
        # As in the image, y points down; a pixel is as tall as it is wide.
        assert axes.get_ylim() == (limit, -limit) and axes.get_aspect() == 1


def test_points_far_out_are_put_on_the_border_and_counted(preservation: Results) -> None:
    rng = np.random.default_rng(0)
    dx, dy = rng.normal(0, 0.2, (2, 400))
    dx[:5], dy[:5] = 50.0, -40.0
    sketch = sketches(with_vectors(preservation, dx, dy))["drift-scatter-pupil-ellipse"]
    axes = sketch.figure.axes[-1]
    limit = axes.get_xlim()[1]
    assert limit < 5
    (crosses,) = [line for line in axes.lines if line.get_marker() == "x"]
    assert np.allclose(np.stack(crosses.get_data()), np.repeat([[limit], [-limit]], 5, axis=1))
    total = (len(preservation.rows) - 1) * MOST_POINTS + 400
    outside = sum(len(np.ravel(line.get_xdata())) for each in sketch.figure.axes for line in each.lines
                  if line.get_marker() == "x")  # fmt: skip
    assert f"Beyond the axes, at their border: {outside} of {total:,} points." in sketch.caption


def test_images_in_which_nothing_was_found_are_left_out(preservation: Results) -> None:
    dx = np.where(np.arange(100) < 40, np.nan, 1.0)
    axes = sketches(with_vectors(preservation, dx, np.zeros(100)))["drift-scatter-pupil-ellipse"].figure.axes[-1]
    points = [line for line in axes.lines if line.get_marker() in (".", "x")]
    assert sum(len(np.ravel(line.get_xdata())) for line in points) == 60
    assert "mean 1.00, bias 1.00" in axes.get_title(loc="left")
    nothing = with_vectors(preservation, np.full(100, np.nan), np.zeros(100))
    for column in preservation.columns:
        if column.name == "pupil-ellipse" and column.key != "ellipse":
            nothing = with_cell(nothing, "simgan", column.key, failures={0: "no"})
    assert len(sketches(nothing)["drift-scatter-pupil-ellipse"].figure.axes) == len(preservation.rows) - 1


def test_slopes_are_those_of_the_lines(preservation: Results) -> None:
    sketch = sketches(preservation)["drift-slope"]
    axes = sketch.figure.axes[0]
    lines = {str(line.get_label()): line for line in axes.lines if not str(line.get_label()).startswith("_")}
    px = [column for column in preservation.columns if column.unit == "px" and column.of == "images"]
    assert set(lines) == {column.label for column in px if column.quantity in ("mean", "bias")} > {"Ellipse", "Shift"}
    for label, line in lines.items():
        x, y = (np.asarray(values, float) for values in line.get_data())
        assert list(x) == [0.5, 1.0, 2.0]
        assert f"{label} {np.polyfit(x, y, 1)[0]:.2f}" in sketch.caption
    assert "Ellipse 0.9" in sketch.caption
    cells = [found.cells["phase-bias"] for found in preservation.rows if found.row.key.startswith("shift-")]
    means = [np.mean(list(cell.values.values())) for cell in cells]
    assert np.allclose(lines["Shift, bias"].get_ydata(), means)


def test_px_are_named_by_task(preservation: Results) -> None:
    assert all("px of a 55 px wide image" in sketch.caption for name, sketch in sketches(preservation).items()
               if name != "drift-slope")  # fmt: skip
    names = {"pupil-ellipse": "silhouette", "pupil-residual": "joint-drift"}
    columns = tuple(replace(column, name=names.get(column.name, column.name)) for column in preservation.columns)
    hands = replace(preservation, experiment=replace(preservation.experiment, task="hand"), columns=columns)
    found = sketches(hands)
    assert list(found) == [
        "drift-scatter-joint-drift", "drift-scatter-silhouette", "drift-scatter-phase-shift", "drift-slope",
    ]  # fmt: skip
    for name in list(found)[:3]:
        assert "px of the 64x64 grid" in found[name].caption and "55 px" not in found[name].caption
        assert "px of the 64x64 grid" in found[name].alt
    assert "the mean over each image's joints" in found["drift-scatter-joint-drift"].caption
    assert "joints" not in found["drift-scatter-silhouette"].caption


def test_one_planted_shift_has_no_slope(preservation: Results) -> None:
    rows = tuple(found for found in preservation.rows if found.row.key not in ("shift-0.5", "shift-1"))
    assert "drift-slope" not in sketches(replace(preservation, rows=rows))


def test_without_displacements_there_is_nothing_to_draw(results: Results, preservation: Results) -> None:
    with pytest.raises(NothingToDraw, match="no measure of drift"):
        list(drift_scatter(results))
    failed = {column.key: CellResults(failures={0: "broken"}) for column in preservation.columns}
    rows = tuple(replace(found, cells=failed) for found in preservation.rows)
    with pytest.raises(NothingToDraw):
        list(drift_scatter(replace(preservation, rows=rows)))
