"""A comparison in words: sentences, summary, Markdown below its limit, JSON, and the figure."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

from bench.engine.snapshot import Snapshot
from reports.compare import OUTCOMES, Comparison, compare
from reports.compare_figure import LOOKS, TALLEST_IN, difference_sketches, draw_comparison
from reports.compare_text import (
    MARKS,
    SUMMARY_BYTES,
    cell_sentence,
    print_comparison,
    to_json,
    to_markdown,
    verdict_lines,
)
from reports.sketch import NothingToDraw
from tests.unit.reports.made_up_snapshots import (
    DRIFT,
    ERROR,
    MARGIN,
    SHARE,
    Cells,
    base_scores,
    cells,
    changed,
    effect,
    numbers,
    snapshot,
    with_columns,
)


@pytest.fixture(scope="module")
def every() -> Comparison:
    """One cell of each verdict, two columns of predictions and one of a measure."""
    effects = {"a/better": effect(-1), "b/worse": effect(1), "c/equal": effect(0), "d/open": effect(0.1, 0.5)}
    base, head = changed(effects)
    scores = base_scores(5)
    same = {**cells("e/same", "error", scores), **cells("f/same", "error", scores)}
    base = with_columns(base, (ERROR, SHARE, DRIFT), {**same, **cells("a/better", "within-7", 60 + scores)})
    head = with_columns(head, (ERROR, SHARE, DRIFT), {**same, **cells("a/better", "within-7", 62 + scores, "b", "gpu")})
    base = with_columns(base, base.columns, numbers("a/better", "drift", [0.8, 0.9, 1.0]))
    head = with_columns(head, head.columns, numbers("a/better", "drift", [0.9, 1.0, 1.2], "b"))
    return compare(base, head, MARGIN)


def _of(found: Snapshot, column: str) -> Cells:
    return {place: cell for place, cell in found.cells.items() if place[1] == column}


def printed(found: Comparison, width: int = 60) -> str:
    stream = io.StringIO()
    print_comparison(found, Console(file=stream, width=width))
    return stream.getvalue()


class TestSentences:
    def test_numbers_and_verdict(self) -> None:
        found = compare(*changed({"cnn/refined": effect(-0.62, 0.1, 0.2)}), MARGIN)
        assert re.fullmatch(
            r"cnn/refined: −0\.62 deg \[−0\.\d\d, −0\.\d\d\], 5 seeds, 6 persons, p = 0\.\d+: better",
            cell_sentence(found, found.cells[0]),
        )

    @pytest.mark.parametrize("mean", [-6.0, 0.0, 0.5])
    def test_percentages_differ_by_points(self, mean: float) -> None:
        base, head = changed({"a/x": effect(-1)})
        base = with_columns(base, (SHARE,), cells("a/x", "within-7", 60 + base_scores(5)))
        shares = 60 + base_scores(5) + effect(mean, 0.5, 0.5)
        head = with_columns(head, (SHARE,), cells("a/x", "within-7", shares, "b"))
        found = compare(replace(base, cells=_of(base, "within-7")), replace(head, cells=_of(head, "within-7")), MARGIN)
        words = cell_sentence(found, found.cells[0])
        assert re.match(r"a/x: [−+]\d\.\d\d points \[", words)
        assert "%" not in words
        row = next(line for line in to_markdown(found).splitlines() if "within" in line.lower() and "5 | 6 |" in line)
        assert re.search(r"\| [−+]\d\.\d\d pp \|.*\| 2 pp \|", row)
        sketch = next(difference_sketches(found))
        assert "head minus base (points)" in sketch.figure.axes[0].get_xlabel()
        assert "±2 points" in sketch.caption

    def test_one_seed_has_no_seeds_to_count_on(self) -> None:
        found = compare(*changed({"a/x": effect(-1, seeds=1)}), MARGIN)
        assert cell_sentence(found, found.cells[0]).endswith(": inconclusive, one seed")
        assert ", 1 seed, 6 persons, " in cell_sentence(found, found.cells[0])

    def test_open_ones_say_what_would_settle_them(self, every: Comparison) -> None:
        text = next(text for outcome, text in verdict_lines(every) if outcome == "inconclusive")
        assert re.search(r"inconclusive, [\d.]+ deg could be found; about \d+ seeds would show 0\.3 deg$", text)

    def test_regressions_first_and_reasons_shared(self, every: Comparison) -> None:
        lines = verdict_lines(every)
        order = [OUTCOMES.index(outcome) for outcome, _ in lines]
        assert order == sorted(order)
        assert {outcome for outcome, _ in lines} == set(OUTCOMES) == set(MARKS)
        texts = [text for _, text in lines]
        assert "e/same, Error; f/same, Error: same code" in texts
        assert "a/better, Within 7°: not comparable: measured on cpu, torch 2.15 and on gpu" in texts

    def test_marks_differ(self) -> None:
        assert len(set(MARKS.values())) == len(MARKS)
        assert len({marker for marker, _, _ in LOOKS.values()}) == len(LOOKS)


class TestTerminal:
    def test_summary_comes_first(self, every: Comparison) -> None:
        lines = printed(every).splitlines()
        assert lines[0] == every.summary
        assert every.summary.startswith(
            "1 worse, 1 not comparable, 1 inconclusive, 1 better, 1 equivalent, 2 same code"
        )
        assert lines[1] == "gaze-table3, standard: 2222222 against 1111111"

    @pytest.mark.parametrize("width", [20, 200])
    def test_sentences_are_whole_at_any_width(self, every: Comparison, width: int) -> None:
        lines = printed(every, width).splitlines()
        assert all(f"{MARKS[outcome]} {text}" in lines for outcome, text in verdict_lines(every))
        assert "  a/better, Drift (px): 0.90 to 1.03, +0.13 [−0.01, +0.28], 3 seeds" in lines

    def test_a_dirty_tree_is_named(self) -> None:
        base, head = changed({"a/x": effect(0)})
        dirty = replace(head, revision=replace(head.revision, dirty=True))
        assert "2222222 (with uncommitted changes) against 1111111" in printed(compare(base, dirty, MARGIN))

    def test_nothing(self) -> None:
        found = compare(snapshot({}), snapshot({}, 2), MARGIN)
        assert printed(found).startswith("nothing compared: ")


class TestMarkdown:
    def test_has_everything(self, every: Comparison) -> None:
        text = to_markdown(every)
        assert text.startswith(f"**{every.summary}**\n")
        plain = text.replace("\\", "")
        assert all(f"- **{MARKS[outcome]}** {sentence}" in plain for outcome, sentence in verdict_lines(every))
        tables = [line for line in text.splitlines() if line.startswith("| ")]
        assert len(tables) == 2 + 4 + 2 + 1
        assert {line.count(" | ") for line in tables[:6]} == {12}
        assert {line.count(" | ") for line in tables[6:]} == {6}
        assert "Cut:" not in text

    def test_labels_cannot_break_the_page(self) -> None:
        base, head = changed({"a/<b>|`x`\n# y": effect(-1)})
        text = to_markdown(compare(base, head, MARGIN))
        assert "\n# y" not in text
        assert "a/\\<b\\>\\|\\`x\\` \\# y" in text

    @pytest.mark.parametrize("share", [0.25, 0.5, 0.8, 0.999])
    def test_is_cut_after_a_line_and_says_so(self, every: Comparison, share: float) -> None:
        whole = to_markdown(every)
        most = int(share * len(whole.encode()))
        text = to_markdown(every, most)
        assert len(text.encode()) <= most
        kept, _, said = text.rpartition("\nCut: ")
        assert whole.startswith(kept)
        left, of = map(int, re.findall(r"\d+", said)[:2])
        assert of == len(whole.splitlines())
        assert kept.splitlines() == whole.splitlines()[: of - left]
        assert to_markdown(every, len(whole.encode())) == whole

    def test_many_cells_stay_below_the_limit(self, every: Comparison) -> None:
        many = replace(every, cells=every.cells * 1000)
        assert len(to_markdown(many).encode()) <= SUMMARY_BYTES < 2**20


class TestJson:
    def test_every_cell_with_its_sentence(self, every: Comparison) -> None:
        content = json.loads(to_json(every))
        assert (content["summary"], content["exit_code"]) == (every.summary, 5)
        assert content["base"]["commit"] == "1" * 40
        assert [each["sentence"] for each in content["cells"]] == [cell_sentence(every, cell) for cell in every.cells]
        first = content["cells"][0]
        assert first["difference"]["ci95"] == list(every.cells[0].difference.ci95)  # type: ignore[union-attr, arg-type]
        assert content["changes"][0]["difference"] == pytest.approx(0.4 / 3)

    def test_values_that_are_no_numbers_stay_out(self) -> None:
        base, head = changed({"a/x": effect(-1)})
        drift = numbers("a/x", "drift", [1.0, float("nan")])
        base, head = (with_columns(each, (ERROR, DRIFT), drift) for each in (base, head))
        found = compare(base, head, MARGIN)
        assert json.loads(to_json(found))["changes"][0]["reason"] == "a value is not a number"


class TestFigure:
    def test_files_and_provenance(self, every: Comparison) -> None:
        (drawing,) = draw_comparison(every)
        assert set(drawing.files) == {"differences.pdf", "differences.png", "differences.json"}
        told = json.loads(drawing.files["differences.json"])
        assert told["provenance"]["base"] == {"commit": "1" * 40, "dirty": False}
        assert every.summary in told["caption"]
        assert "Not drawn: 1 not comparable." in told["caption"]
        assert drawing.files == draw_comparison(every)[0].files

    def test_one_row_per_cell_with_its_mark_and_word(self, every: Comparison) -> None:
        (sketch,) = difference_sketches(every)
        axes = sketch.figure.axes[0]
        shown = [cell for cell in every.cells if cell.verdict != "not comparable"]
        assert [text.get_text() for text in axes.get_yticklabels()] == [cell.label for cell in shown]
        words = axes.child_axes[0].get_yticklabels()
        assert [text.get_text() for text in words] == [cell.verdict for cell in shown]
        for row, cell in enumerate(shown):
            marks = [line for line in axes.lines if line.get_marker() == LOOKS[cell.verdict][0]]
            found = cell.difference
            at = [(np.ravel(line.get_xdata())[0], np.ravel(line.get_ydata())[0]) for line in marks]
            assert (0 if found is None else found.mean, row) in at
            if found is not None and found.ci95 is not None:
                assert any(tuple(np.ravel(line.get_xdata())) == found.ci95 for line in axes.lines)
                low, high = axes.get_xlim()
                assert low < found.ci95[0] < found.ci95[1] < high

    def test_the_axis_says_which_side_is_better(self, every: Comparison) -> None:
        (sketch,) = difference_sketches(every)
        assert sketch.figure.axes[0].get_xlabel() == "better  ←  head minus base (deg)  →  worse"
        flipped = replace(every, columns={**every.columns, "error": replace(ERROR, better="higher")})
        (sketch,) = difference_sketches(flipped)
        assert sketch.figure.axes[0].get_xlabel().startswith("worse  ←")

    def test_many_cells_are_a_figure_per_column(self, every: Comparison) -> None:
        judged = [cell for cell in every.cells if cell.difference]
        more = [replace(cell, column="within-7") for cell in judged]
        many = replace(every, cells=(*judged * 5, *more * 5))
        sketches = list(difference_sketches(many))
        assert [sketch.name for sketch in sketches] == ["differences-error", "differences-within-7"]
        assert all(sketch.figure.get_size_inches()[1] <= TALLEST_IN for sketch in sketches)

    def test_one_seed_is_drawn_without_its_intervals(self) -> None:
        (drawing,) = draw_comparison(compare(*changed({"a/x": effect(-1, seeds=1)}), MARGIN))
        assert drawing.png.startswith(b"\x89PNG")

    def test_nothing_compared_is_not_drawn(self) -> None:
        base, _ = changed({"a/x": effect(0)})
        same = compare(base, base, MARGIN)
        assert draw_comparison(same) == []
        with pytest.raises(NothingToDraw, match="no cell was compared"):
            list(difference_sketches(same))
