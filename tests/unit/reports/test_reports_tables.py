"""The renderings: whatever a label holds, it is shown as it is and breaks nothing."""

from __future__ import annotations

import csv
import io
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from rich.console import Console

from bench.engine.results import Results
from reports.build import build_table
from reports.frame import Table
from reports.latex import escape_latex, to_latex
from reports.tables import escape_markdown, footnotes, print_table, to_csv, to_json, to_markdown

NASTY = r"50 % of $x_1^2$ & {a} #3 ~ \input{x} <b>|é ß λ ≤ 目 'q' `c` *s* [l](u) -- " + '"'
MARKDOWN = MarkdownIt("commonmark").enable("table")


def relabelled(results: Results, label: str, warning: str = "") -> Table:
    rows = tuple(
        replace(each, row=replace(each.row, label=label), warnings=(warning,) if warning else ())
        for each in results.rows
    )
    return build_table(replace(results, rows=rows))


def flat(text: str) -> str:
    return " ".join(text.split())


def cells(markdown: str) -> list[str]:
    """The text of the table cells, as a Markdown reader shows it."""
    shown, inside = [], False
    for token in MARKDOWN.parse(markdown):
        inside = token.type in ("td_open", "th_open") or (inside and token.type == "inline")
        if token.type == "inline" and inside:
            shown.append("".join(child.content for child in token.children or []))
    return shown


@given(st.text(max_size=40))
@settings(max_examples=150, deadline=None)
def test_markdown_shows_any_text_as_it_is(text: str) -> None:
    # NUL and unpaired surrogates are replaced by every Markdown reader.
    text = re.sub(r"[\x00\ud800-\udfff]", "", text)
    shown = cells(f"| a | b |\n| --- | --- |\n| x{escape_markdown(text)}x | end |\n")
    assert [flat(cell) for cell in shown] == ["a", "b", f"x{flat(text)}x", "end"]


@given(st.text(max_size=60))
@settings(max_examples=300, deadline=None)
def test_latex_leaves_no_special_character_alone(text: str) -> None:
    escaped = escape_latex(text)
    assert "\n" not in escaped
    bare = re.sub(r"\$(\\[A-Za-z]+|\^\\circ)\$", "", escaped)  # the mathematics that we write ourselves
    bare = re.sub(r"\\[A-Za-z]+\{\}|\\[{}$&#%_]", "", bare)  # macros and escaped characters
    assert not re.search(r"[\\$&#%_^]", bare)
    assert re.sub(r"[^{}]", "", bare).replace("{}", "") == ""
    assert all(ord(character) < 0x180 for character in escaped)


@given(st.text(min_size=1, max_size=40))
@settings(max_examples=100, deadline=None)
def test_csv_comes_back(results: Results, text: str) -> None:
    table = build_table(results)
    cells = {"error": replace(table.rows[0].head, reason=text)}
    first = replace(table.rows[0], label=text, cells=cells)
    rows = list(csv.DictReader(io.StringIO(to_csv(replace(table, rows=(first, *table.rows[1:]))), newline="")))
    assert (rows[0]["label"], rows[0]["reason"]) == (flat(text), flat(text))
    assert float(rows[0]["value"]) == table.rows[0].head.value
    assert [float(each) for each in rows[0]["per_seed"].split(";")] == list(table.rows[0].head.per_seed)
    assert len(rows) == len(table.rows)


def test_markdown_of_a_nasty_label(results: Results) -> None:
    shown = cells(to_markdown(relabelled(results, NASTY)))
    assert shown[5] == flat(NASTY)
    assert len(shown) == 5 * (1 + 11)


def test_bold_and_quoted_are_told_apart(results: Results) -> None:
    table = build_table(results)
    markdown = to_markdown(table)
    assert re.search(r"\| CNN, real \| real \| \*\*5\.\d\d ± 0\.\d\d\*\* \| 3 \| – \|", markdown)
    assert "| *SVR (quoted)* | real | – | – | 16.5 |" in markdown
    latex = to_latex(table)
    assert r"\textit{SVR} & \textit{real} & {--} &  & 16.5 \\" in latex
    assert re.search(r"CNN, real & real & \\bfseries 5\.\d\d & \\textbf\{\$\\pm\$ 0\.\d\d\} & \{--\}", latex)


def test_verdicts_have_a_column_on_the_papers_data_only(results: Results, on_paper_data: Results) -> None:
    assert "Against the paper" not in to_markdown(build_table(results))
    assert "not reproduced" in to_markdown(build_table(on_paper_data))
    assert r"\begin{table*}" in to_latex(build_table(on_paper_data))


def test_warnings_and_marks_are_under_every_rendering(results: Results) -> None:
    table = relabelled(results, "CNN", warning="collapse: all outputs are alike")
    for text in (to_markdown(table), to_latex(table), to_json(table), shown(table)):
        assert "collapse: all outputs are alike" in flat(text)
        assert "6 persons of the test set" in flat(text)
        assert "(simulator)" in flat(text)
    assert footnotes(table)[0].startswith("Warning: ")


def shown(table: Table, width: int = 100) -> str:
    stream = io.StringIO()
    print_table(table, Console(file=stream, width=width))
    return stream.getvalue()


@pytest.mark.parametrize("width", [60, 80, 100])
def test_the_terminal_table_fits(on_paper_data: Results, width: int) -> None:
    text = shown(build_table(on_paper_data), width)
    assert max(map(len, text.splitlines())) <= width
    assert "11.2" in text
    assert "…" not in text


def test_terminal_markup_in_a_label_is_text(results: Results) -> None:
    assert "[red]x[/red]" in shown(relabelled(results, "[red]x[/red]"))


def test_no_colour_is_honoured(results: Results, monkeypatch: pytest.MonkeyPatch) -> None:
    table = relabelled(results, "CNN", warning="collapse")
    stream = io.StringIO()
    print_table(table, Console(file=stream, width=100, force_terminal=True, color_system="standard"))
    assert "\x1b[33m" in stream.getvalue()
    monkeypatch.setenv("NO_COLOR", "1")
    stream = io.StringIO()
    print_table(table, Console(file=stream, width=100, force_terminal=True, color_system="standard"))
    assert not re.search(r"\x1b\[[0-9;]*3\dm", stream.getvalue())


def has_latex() -> bool:
    if not shutil.which("pdflatex") or not shutil.which("kpsewhich"):
        return False
    found = subprocess.run(["kpsewhich", "booktabs.sty", "siunitx.sty"], capture_output=True, text=True, check=False)
    return len(found.stdout.split()) == 2


@pytest.mark.skipif(not has_latex(), reason="no pdflatex with booktabs and siunitx")
def test_the_latex_fragment_compiles(results: Results, on_paper_data: Results, tmp_path: Path) -> None:
    printable = "".join(map(chr, range(32, 127)))
    (tmp_path / "one.tex").write_text(to_latex(relabelled(results, NASTY, warning=printable)), encoding="utf-8")
    (tmp_path / "two.tex").write_text(to_latex(build_table(on_paper_data)), encoding="utf-8")
    (tmp_path / "paper.tex").write_text(
        "\\documentclass[twocolumn]{article}\\usepackage{booktabs}\\usepackage{siunitx}\n"
        "\\begin{document}\\input{one.tex}\\input{two}\\end{document}\n"
    )
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"],
        cwd=tmp_path, capture_output=True, text=True, errors="replace", check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:]
    assert (tmp_path / "paper.pdf").stat().st_size > 0
