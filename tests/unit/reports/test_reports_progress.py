"""The suggested checkpoint, and the figures over a training and over a setting."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace

import matplotlib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.core.experiment import Variant
from bench.engine.results import CellResults, Results
from reports.progress import progress as draw_progress
from reports.sketch import NothingToDraw
from reports.stopping import suggest_checkpoint, suggestion
from reports.style import RC
from reports.sweep import sweep
from tests.unit.reports import made_up
from tests.unit.reports.made_up import with_cell

MOMENTS = (0.0, 0.25, 0.5, 0.75, 1.0)


@pytest.fixture(autouse=True)
def look() -> Iterator[None]:
    with matplotlib.rc_context(RC):
        yield


def one_seed(*values: float) -> list[tuple[float]]:
    return [(value,) for value in values]


def test_the_earliest_of_the_equally_realistic_moments() -> None:
    chosen = suggest_checkpoint(MOMENTS, one_seed(1.0, 0.5, 0.211, 0.2, 0.25), one_seed(0, 0.1, 0.2, 0.3, 0.4))
    assert chosen.moment == 0.5  # within 2 % of the range 0.8 of the best, 0.2
    assert "within 0.016 (2 % of the range" in chosen.reason and "(0.2, at 75 %)" in chosen.reason
    chosen = suggest_checkpoint(MOMENTS, one_seed(1.0, 0.5, 0.217, 0.2, 0.25), one_seed(0, 0.1, 0.2, 0.3, 0.4))
    assert chosen.moment == 0.75
    assert chosen.reason.startswith("75 % of the training, the most realistic moment (0.2)")


def test_an_earlier_moment_that_drifts_further_is_not_taken() -> None:
    realism = one_seed(1.0, 0.21, 0.21, 0.2, 0.25)
    assert suggest_checkpoint(MOMENTS, realism, one_seed(0, 0.5, 0.3, 0.3, 0.4)).moment == 0.5
    assert suggest_checkpoint(MOMENTS, realism, one_seed(0, 0.5, 0.31, 0.3, 0.4)).moment == 0.75


def test_with_several_seeds_the_margin_is_a_standard_error() -> None:
    best = (0.17, 0.20, 0.23)  # mean 0.2, standard error 0.03 / sqrt(3) = 0.0173
    drift = [(0.1,) * 3] * 5
    for value, expected in ((0.217, 0.5), (0.218, 0.75)):
        realism = [(1.0,) * 3, (0.5,) * 3, (value,) * 3, best, (0.9,) * 3]
        chosen = suggest_checkpoint(MOMENTS, realism, drift)
        assert chosen.moment == expected
        assert "one standard error over 3 seeds" in chosen.reason


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=8))
@settings(max_examples=100, deadline=None)
def test_the_choice_is_never_worse_than_the_rule_allows(values: list[tuple[float, float, float, float]]) -> None:
    realism, drift = np.array(values)[:, :2], np.array(values)[:, 2:]
    moments = np.linspace(0, 1, len(values)).tolist()
    at = moments.index(suggest_checkpoint(moments, realism.tolist(), drift.tolist()).moment)
    best = int(realism.mean(axis=1).argmin())
    assert at <= best
    assert drift[at].mean() <= drift[best].mean() + 1e-12
    margin = realism[best].std(ddof=1) / np.sqrt(2)
    assert realism[at].mean() <= realism[best].mean() + margin + 1e-12


def test_moments_without_values_are_refused() -> None:
    with pytest.raises(ValueError, match="0 moments"):
        suggest_checkpoint((), (), ())
    with pytest.raises(ValueError, match="5 moments but 1 of realism"):
        suggest_checkpoint(MOMENTS, one_seed(1.0), one_seed(1.0))


def test_the_suggestion_of_a_run_uses_swd_and_the_bias_only(progress: Results) -> None:
    chosen = suggestion(progress)
    assert chosen is not None
    cells = [(found.row.variant, found.cells) for found in progress.rows]
    by_hand = suggest_checkpoint(
        [variant.moment for variant, _ in cells if variant is not None and variant.moment is not None],
        [list(found["swd"].values.values()) for _, found in cells],
        [list(found["drift-bias"].values.values()) for _, found in cells],
    )
    assert chosen.moment == by_hand.moment
    assert chosen.reason == (f"{by_hand.reason} (realism: SWD; drift: Drift, bias; no label of a real image is used)")
    # The error, which needs labels, has no say.
    errors = [replace(found, cells={**found.cells, "error-knn": CellResults({0: 99.0})}) for found in progress.rows]
    assert suggestion(replace(progress, rows=tuple(errors))) == chosen


def test_moments_that_failed_are_left_out(progress: Results) -> None:
    chosen = suggestion(progress)
    assert chosen is not None
    key = next(
        found.row.key for found in progress.rows if found.row.variant and found.row.variant.moment == chosen.moment
    )
    other = suggestion(with_cell(progress, key, "drift-bias", failures={0: "broken"}))
    assert other is not None and other.moment != chosen.moment


def test_other_runs_have_no_suggestion(results: Results, comparison: Results, progress: Results) -> None:
    assert suggestion(results) is None
    assert suggestion(comparison) is None
    assert suggestion(replace(progress, rows=progress.rows[:1])) is None


def test_the_suggestion_imports_nothing_heavy() -> None:
    code = (
        "import sys, reports.stopping\n"
        "heavy = {'torch', 'pandas', 'scipy', 'matplotlib', 'numpy'} & set(sys.modules)\nassert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_progress_has_a_panel_per_column_and_marks_the_suggestion(progress: Results) -> None:
    (sketch,) = draw_progress(progress)
    panels = sketch.figure.axes
    assert [axes.get_title(loc="left") for axes in panels][:2] == ["SWD (real SD)", "Real or not, AUC"]
    assert len(panels) == len(progress.columns) == 6
    chosen = suggestion(progress)
    assert chosen is not None
    assert f"Dashed: suggested checkpoint, {chosen.reason}." in sketch.caption
    for column, axes in zip(progress.columns, panels, strict=True):
        tracks = np.array([list(found.cells[column.key].values.values()) for found in progress.rows])
        (mean,) = [line for line in axes.lines if line.get_marker() == "s"]
        assert np.allclose(mean.get_xdata(), np.linspace(0, 100, 7))
        assert np.allclose(mean.get_ydata(), tracks.mean(axis=1))
        thin = [line for line in axes.lines if line.get_linewidth() < 0.5]
        assert np.allclose([np.asarray(line.get_ydata()) for line in thin], tracks.T)
        assert any(np.allclose(line.get_xdata(), 100 * chosen.moment) for line in axes.lines)


def test_progress_of_one_seed_has_no_thin_lines(results: Results) -> None:
    (sketch,) = draw_progress(made_up.progress(results, seeds=1))
    assert "Thin lines" not in sketch.caption
    assert all(line.get_linewidth() > 0.5 for axes in sketch.figure.axes for line in axes.lines)


def test_a_missing_moment_is_left_out_of_its_panel(progress: Results) -> None:
    key = progress.rows[2].row.key
    (sketch,) = draw_progress(with_cell(progress, key, "swd", failures={0: "broken"}))
    points = [
        next(len(np.ravel(line.get_xdata())) for line in axes.lines if line.get_marker() == "s")
        for axes in sketch.figure.axes
    ]
    assert points == [6, 7, 7, 7, 7, 7]


def test_progress_needs_two_moments(results: Results, progress: Results) -> None:
    for run in (results, replace(progress, rows=progress.rows[:1])):
        with pytest.raises(NothingToDraw, match="fewer than two moments"):
            list(draw_progress(run))


def test_sweep_is_over_the_setting_that_changes(swept: Results) -> None:
    (sketch,) = sweep(swept)
    assert "lambda_reg, at 0, 0.01, 0.1, 0.5, 2." in sketch.caption
    panels = sketch.figure.axes
    assert len(panels) == len(swept.columns)
    assert panels[0].get_xscale() == "symlog"
    assert [label.get_text() for label in panels[-1].get_xticklabels()] == ["0", "0.01", "0.1", "0.5", "2"]
    assert panels[-1].get_xlabel() == "lambda_reg"
    for column, axes in zip(swept.columns, panels, strict=True):
        cells = [found.cells[column.key] for found in swept.rows if found.row.variant]
        (mean,) = [line for line in axes.lines if line.get_marker() == "s"]
        assert np.allclose(mean.get_xdata(), [0, 0.01, 0.1, 0.5, 2])
        assert np.allclose(mean.get_ydata(), [np.mean(list(cell.values.values())) for cell in cells])
        levels = {str(line.get_label()): np.ravel(line.get_ydata())[0] for line in axes.lines}
        real = swept.rows[-1].cells.get(column.key)
        assert ("real" in levels) == (real is not None)
        assert levels["synthetic"] == pytest.approx(np.mean(list(swept.rows[0].cells[column.key].values.values())))


def test_sweep_of_other_scales(swept: Results) -> None:
    def scaled(*values: float) -> str:
        rows = tuple(
            replace(found, row=replace(found.row, variant=Variant(f"v{index}", "simgan", {"steps": value})))
            for index, (value, found) in enumerate(zip(values, swept.rows[1:], strict=False))
        )
        (sketch,) = sweep(replace(swept, rows=rows))
        assert "Horizontal" not in sketch.caption
        return sketch.figure.axes[0].get_xscale()

    assert scaled(1, 2, 3) == "linear"
    assert scaled(1, 10, 100) == "log"
    assert scaled(-1, 0, 100) == "linear"


def test_sweep_needs_numbers_that_change(results: Results, swept: Results) -> None:
    with pytest.raises(NothingToDraw, match="no setting"):
        list(sweep(results))
    switches = tuple(
        replace(found, row=replace(found.row, variant=Variant(found.row.key, "simgan", {"history": index % 2 == 0})))
        for index, found in enumerate(swept.rows)
    )
    with pytest.raises(NothingToDraw, match="no setting"):
        list(sweep(replace(swept, rows=switches)))
    failed = tuple(replace(found, cells={}) for found in swept.rows)
    with pytest.raises(NothingToDraw, match="fewer than two values of lambda_reg"):
        list(sweep(replace(swept, rows=failed)))
