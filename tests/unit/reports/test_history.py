"""A metric over commits: order, intervals, verdicts on the steps, table and figure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from bench.core.errors import DataError, UsageError
from bench.engine.snapshot import Snapshot
from bench.stats import t_interval
from reports.history import History, draw_history, history, history_sketches, to_json, to_markdown
from tests.unit.reports.made_up_snapshots import (
    DRIFT,
    ERROR,
    MARGIN,
    SHARE,
    base_scores,
    cells,
    effect,
    numbers,
    snapshot,
    with_columns,
)


def commits(levels: Sequence[float], row: str = "cnn/refined") -> list[Snapshot]:
    """A snapshot per level of the error; equal neighbours differ by a little noise of their seeds."""
    return [
        snapshot(cells(row, "error", base_scores(5) + level + effect(0, 0.02) * (-1) ** number, f"c{number}"), number)
        for number, level in enumerate(levels, start=1)
    ]


def steps(found: History) -> list[str | None]:
    (track,) = found.tracks
    return [point.step for point in track.points]


class TestHistory:
    def test_in_the_order_committed(self) -> None:
        one, two, three = commits([0, 0, 0])
        found = history([three, one, two], MARGIN)
        assert [revision.name for revision in found.revisions] == ["1111111", "2222222", "3333333"]

    def test_means_and_intervals_over_seeds(self) -> None:
        snapshots = commits([0, -1])
        (track,) = history(snapshots, MARGIN).tracks
        for point, each in zip(track.points, snapshots, strict=True):
            mean, low, high = t_interval([cell.value for cell in each.cells.values()])
            assert point.mean == pytest.approx(mean)
            assert point.seeds == 5
            assert point.ci95 == pytest.approx((low, high))

    def test_steps_are_judged(self) -> None:
        found = history(commits([0, -1, -1, 0.5]), MARGIN)
        assert steps(found) == [None, "better", "equivalent", "worse"]
        assert found.tracks[0].overall == "worse"
        assert [text.partition(" (")[0] for text in found.sentences] == ["3333333 to 4444444", "1111111 to 2222222"]
        assert found.sentences[0].endswith(": worse")

    def test_small_steps_add_up(self) -> None:
        found = history(commits([0, 0.2, 0.4, 0.6]), MARGIN)
        assert steps(found) == [None, *["equivalent"] * 3]
        assert found.tracks[0].overall == "worse"

    def test_gaps_and_breaks(self) -> None:
        one, two, three, four = commits([0, 0, 0, 0])
        two = replace(two, cells={})
        four = replace(four, test="0")
        (track,) = history([one, two, three, four], MARGIN).tracks
        assert [point.mean is None for point in track.points] == [False, True, False, False]
        assert [point.step for point in track.points] == [None, *["not comparable"] * 3]

    def test_one_snapshot_per_commit_and_one_profile(self) -> None:
        one, two = commits([0, 0])
        fewer = replace(one, cells=dict(list(one.cells.items())[:2]))
        other = replace(one, profile="smoke")
        dirty = replace(one, revision=replace(one.revision, dirty=True))
        found = history([two, fewer, one, other, dirty], MARGIN)
        assert [revision.name for revision in found.revisions] == [
            "1111111", "1111111 (with uncommitted changes)", "2222222",
        ]  # fmt: skip
        assert found.tracks[0].points[0].seeds == 5
        assert "Not shown: results of profile smoke; these are standard." in found.notes
        assert "4 results of 3 commits: of each the most complete one." in found.notes

    def test_outside_a_repository(self) -> None:
        one, two = commits([0, 0])
        wheel = replace(one, revision=replace(one.revision, commit=None, committed=None))
        assert [each.name for each in history([wheel, two], MARGIN).revisions] == ["2222222", "version 0.1.0"]

    def test_chosen_columns(self) -> None:
        snapshots = [
            with_columns(each, (ERROR, SHARE, DRIFT), numbers("cnn/refined", "drift", [1.0, 2.0]))
            for each in commits([0, -1])
        ]
        assert [facts.key for facts in history(snapshots, MARGIN).columns] == ["error"]
        found = history(snapshots, MARGIN, ["drift"])
        assert steps(found) == [None, None]  # measures have no verdict
        assert found.tracks[0].points[0].mean == 1.5
        with pytest.raises(UsageError, match=r"no column 'drifd' \(did you mean 'drift'\?\)"):
            history(snapshots, MARGIN, ["drifd"])
        with pytest.raises(DataError, match="no commit has a finished cell of within-7"):
            history(snapshots, MARGIN, ["within-7"])

    def test_nothing_or_several_experiments(self) -> None:
        with pytest.raises(DataError, match="no results of any commit"):
            history([], MARGIN)
        one, two = commits([0, 0])
        with pytest.raises(UsageError, match="several experiments: gaze-table2, gaze-table3"):
            history([one, replace(two, experiment="gaze-table2")], MARGIN)

    def test_a_single_commit(self) -> None:
        found = history(commits([0]), MARGIN)
        assert (steps(found), found.tracks[0].overall, found.sentences) == ([None], None, ())
        assert draw_history(found)


class TestRenderings:
    def test_table(self) -> None:
        lines = to_markdown(history(commits([0, -1, -1]), MARGIN)).splitlines()
        assert lines[:4] == [
            "**gaze-table3, standard: Error (deg)**",
            "",
            "| Commit | CNN, refined |",
            "| --- | ---: |",
        ]
        assert lines[4].startswith("| 1111111 | 7.12 ± 0.1")
        assert lines[5].startswith("| 2222222 | 6.12 ± 0.1") and lines[5].endswith(" + better |")
        assert lines[6].startswith("| 3333333 |") and "equivalent" not in lines[6]
        assert lines[7] == "| first to last | better |"
        assert lines[9].startswith("- 1111111 to 2222222 (Change number 2): cnn/refined: −1.0")

    def test_json(self) -> None:
        found = history(commits([0, -1]), MARGIN)
        content = json.loads(to_json(found))
        assert content["tracks"][0]["points"][1]["step"] == "better"
        assert content["revisions"][0]["commit"] == "1" * 40

    def test_figure(self) -> None:
        found = history(commits([0, -1, -1, 0.5]), MARGIN)
        (sketch,) = history_sketches(found)
        axes = sketch.figure.axes[0]
        assert [text.get_text() for text in axes.texts] == ["2222222", "4444444"]
        markers = [line.get_marker() for line in axes.lines]
        assert (markers.count("P"), markers.count("X"), markers.count("o")) == (1, 1, 2)
        assert "better at 2222222, worse at 4444444" in sketch.alt
        (drawing,) = draw_history(found)
        assert set(drawing.files) == {"history.pdf", "history.png", "history.json"}

    def test_the_line_breaks_where_steps_are_not_comparable(self) -> None:
        one, two, three = commits([0, 0, 0])
        (sketch,) = history_sketches(history([one, replace(two, test="0"), replace(three, test="0")], MARGIN))
        lines = [
            np.ravel(line.get_xdata()).tolist() for line in sketch.figure.axes[0].lines if line.get_linewidth() == 0.7
        ]
        assert [0] in lines and [1, 2] in lines
