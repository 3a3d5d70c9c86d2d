"""The page and the files of a report: self-contained, escaped, whole or not there."""

from __future__ import annotations

import errno
import json
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from bench.core.errors import BenchError, UsageError
from bench.engine.results import CellResults, Results
from reports.build import build_table
from reports.frame import load_table
from reports.html import to_html
from reports.write import write_report

FILES = {"table.md", "table.tex", "table.csv", "table.json", "report.html", "provenance.json"}
VOID = {"meta", "img", "br", "link", "hr", "input", "line", "circle"}


class Page(HTMLParser):
    """What the page refers to, its images' alternative texts, its text, and whether its elements nest."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.references: list[str] = []
        self.alts: list[str | None] = []
        self.tags: list[str] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.tags.append(tag)
        self.references += [found[name] or "" for name in ("src", "href", "srcset", "data", "action") if name in found]
        if tag == "img":
            self.alts.append(found.get("alt"))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module")
def undrawn(results: Results) -> Results:
    """The same run with one quick figure, for tests that look at files only."""
    return replace(results, experiment=replace(results.experiment, figures=("pictures",)))


@pytest.fixture(scope="module")
def written(results: Results, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("out")
    write_report(results, out)
    return out / "gaze-table3"


def test_everything_is_written(written: Path) -> None:
    assert {path.name for path in written.iterdir()} == FILES | {"figures"}
    figures = ("error-curves", "pictures", "training-curves", "training-strip")
    expected = {f"{name}.{kind}" for name in figures for kind in ("pdf", "png", "json")}
    assert {path.name for path in (written / "figures").iterdir()} == expected


def test_the_page_needs_nothing_from_outside(written: Path) -> None:
    text = (written / "report.html").read_text()
    page = Page(text)
    assert page.references
    assert all(reference.startswith("data:image/png;base64,") for reference in page.references)
    assert "@import" not in text
    assert "url(" not in text
    assert "script" not in page.tags
    assert page.open == []
    assert len(page.alts) == 4
    assert all(page.alts)


def test_the_page_shows_table_notes_and_provenance(written: Path) -> None:
    page = Page((written / "report.html").read_text())
    for wanted in (
        "CNN, refined (simgan)", "16.5", "simulator", "1,000 test images of 6 persons", "Labels: camera",
        "0123456789abcdef0123456789abcdef01234567", "computing time", "5 min 02 s", "Bands: 95 %", "ab" * 32,
    ):  # fmt: skip
        assert wanted in page.text
    assert {"main", "table", "figure", "figcaption", "details", "h1", "h2"} <= set(page.tags)


def test_the_papers_numbers_are_drawn_only_where_they_are_comparable(results: Results, on_paper_data: Results) -> None:
    assert 'class="rival"' not in to_html(build_table(results), [])
    assert 'class="rival"' in to_html(build_table(on_paper_data), [])


def test_labels_are_escaped(results: Results) -> None:
    label = "<script>alert('x')</script> & \"q\""
    rows = tuple(replace(each, row=replace(each.row, label=label), warnings=(label,)) for each in results.rows)
    page = Page(to_html(build_table(replace(results, rows=rows)), []))
    assert "script" not in page.tags
    assert page.text.count(label) >= 7


def test_failed_rows_and_missing_figures_are_on_the_page(results: Results, tmp_path: Path) -> None:
    failed = {"error": CellResults(failures={0: "the loss became NaN"})}
    rows = (replace(results.rows[0], cells=failed), *results.rows[1:])
    write_report(replace(results, rows=rows, training=(), pictures={}), tmp_path)
    page = Page((tmp_path / "gaze-table3" / "report.html").read_text())
    assert "the loss became NaN" in page.text
    assert "No figure 'training-strip': no refiner of this run kept pictures of its training." in page.text


def test_the_stored_table_is_the_returned_one(undrawn: Results, tmp_path: Path) -> None:
    table = write_report(undrawn, tmp_path)
    assert load_table(tmp_path / "gaze-table3" / "table.json") == table
    provenance = json.loads((tmp_path / "gaze-table3" / "provenance.json").read_text())
    assert provenance["digest"] == table.digest
    assert provenance["command"] == "bench run gaze-table3"


def test_figures_of_an_earlier_run_do_not_stay(results: Results, tmp_path: Path) -> None:
    brief = replace(results, experiment=replace(results.experiment, figures=("pictures", "training-strip")))
    write_report(brief, tmp_path)
    figures = tmp_path / "gaze-table3" / "figures"
    (figures / "my-own.png").write_bytes(b"mine")
    table = write_report(replace(brief, training=()), tmp_path)
    assert table.figures == ("pictures",)
    assert {path.stem for path in figures.iterdir()} == {"pictures", "my-own"}


@pytest.mark.parametrize("code", [errno.EROFS, errno.ENOSPC, errno.EACCES])
def test_a_folder_that_cannot_be_written(
    undrawn: Results, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    write_report(undrawn, tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}

    def refuse(self: Path, content: bytes) -> int:
        with self.open("wb") as stream:
            stream.write(content[:10])
        raise OSError(code, "refused")

    monkeypatch.setattr(Path, "write_bytes", refuse)
    with pytest.raises(BenchError) as caught:
        write_report(replace(undrawn, profile="smoke"), tmp_path)
    assert "\n" not in str(caught.value)
    assert str(tmp_path) in str(caught.value)
    # What was there is whole, and nothing half-written lies about.
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_a_file_in_the_folders_place(undrawn: Results, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    with pytest.raises(UsageError, match=r"a part of its path is a file|a file is in its place"):
        write_report(undrawn, tmp_path / "out")
