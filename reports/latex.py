r"""The table as a LaTeX fragment for `\input`: booktabs and siunitx, every character escaped."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from bench.engine.columns import ColumnFacts
from reports.frame import Table, TableCell, TableRow
from reports.tables import footnotes
from reports.wording import (
    against_paper,
    measured,
    number,
    paper_heads,
    paper_value,
    says_reproduced,
    trained_on,
    trains,
)

SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", '"': "''", "`": "{`}", "[": "{[}", "]": "{]}", "*": "{*}",
    "±": r"$\pm$", "°": r"$^\circ$", "×": r"$\times$", "·": r"$\cdot$", "µ": r"$\mu$",
    "≤": r"$\leq$", "≥": r"$\geq$", "≠": r"$\neq$", "≈": r"$\approx$", "→": r"$\rightarrow$", "∞": r"$\infty$",
    "–": "--", "—": "---", "“": "``", "”": "''", "‘": "`", "’": "'", "…": r"\dots{}", "\u00a0": "~",
}  # fmt: skip
GREEK = {
    "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "varepsilon", "ζ": "zeta", "η": "eta",
    "θ": "theta", "κ": "kappa", "λ": "lambda", "μ": "mu", "ν": "nu", "ξ": "xi", "π": "pi", "ρ": "rho",
    "σ": "sigma", "τ": "tau", "φ": "varphi", "χ": "chi", "ψ": "psi", "ω": "omega", "Γ": "Gamma", "Δ": "Delta",
    "Θ": "Theta", "Λ": "Lambda", "Σ": "Sigma", "Φ": "Phi", "Ψ": "Psi", "Ω": "Omega",
}  # fmt: skip


def escape_latex(text: str) -> str:
    """Text that LaTeX prints as it is, on one line. What no standard font has is named as [U+XXXX]."""
    flat = " ".join(text.split())
    # "--" would become a dash, so the second hyphen is set apart.
    return "".join(
        "{-}" if character == "-" and before == "-" else _escape(character)
        for before, character in zip(" " + flat, flat, strict=False)
    )


def _escape(character: str) -> str:
    if character in SPECIAL:
        return SPECIAL[character]
    if character in GREEK:
        return rf"$\{GREEK[character]}$"
    if " " <= character <= "~":
        return character
    # pdflatex knows accented Latin letters by itself; anything else would stop it.
    if "À" <= character <= "ž" and unicodedata.category(character) in ("Ll", "Lu"):
        return character
    return f"{{[}}U+{ord(character):04X}{{]}}"


def to_latex(table: Table) -> str:
    r"""A `table` float. Needs `\usepackage{booktabs}` and `\usepackage{siunitx}`."""
    verdicts = says_reproduced(table)
    float_ = "table*" if verdicts or len(table.columns) > 1 else "table"  # wider than a column of text
    formats = ["l", "l"] if trains(table) else ["l"]
    for column in table.columns:
        cells = [row.cells[column.key] for row in table.rows if column.key in row.cells]
        formats += [_column(number(cell.value, column.unit) for cell in cells)]
        formats += [r"@{\,}l"] if _has_intervals(table, column) else []
    formats += [_column(paper_value(row, column) for row in table.rows) for column in table.published]
    lines = [
        r"% Needs \usepackage{booktabs} and \usepackage{siunitx}. Written by simgan-bench; do not edit.",
        f"% {escape_latex(table.experiment)}, profile {escape_latex(table.profile)}, digest {table.digest[:16]}",
        rf"\begin{{{float_}}}[t]",
        r"  \centering\small",
        rf"  \caption{{{escape_latex(table.caption)}}}",
        rf"  \label{{tab:{_label(table.experiment)}}}",
        r"  \smallskip",
        r"  \setlength{\tabcolsep}{4pt}",
        rf"  \begin{{tabular}}{{@{{}}{' '.join([*formats, *(['l'] if verdicts else [])])}@{{}}}}",
        r"  \toprule",
        _heads(table, verdicts),
        r"  \midrule",
        *(_line(table, row, verdicts) for row in table.measured),
        *([r"  \midrule"] if table.measured and table.quoted else []),
        *(_line(table, row, verdicts) for row in table.quoted),
        r"  \bottomrule",
        r"  \end{tabular}",
        r"  \par\smallskip",
        r"  \begin{minipage}{\linewidth}\footnotesize",
        *(f"  {escape_latex(sentence)}" for sentence in footnotes(table)),
        r"  \end{minipage}",
        rf"\end{{{float_}}}",
    ]
    return "\n".join(lines) + "\n"


def _has_intervals(table: Table, column: ColumnFacts) -> bool:
    """Whether a column needs a second one for its intervals."""
    cells = [row.cells[column.key] for row in table.rows if column.key in row.cells]
    return column is table.columns[0] or any(cell.half_width is not None for cell in cells)


def _heads(table: Table, verdicts: bool) -> str:
    heads = ["Method", "Trained on"] if trains(table) else ["Method"]
    for column in table.columns:
        unit = {"deg": r"\si{\degree}"}.get(column.unit, escape_latex(column.unit))
        text = escape_latex(column.label) + (f" ({unit})" if unit else "")
        heads.append(rf"\multicolumn{{2}}{{c}}{{{text}}}" if _has_intervals(table, column) else f"{{{text}}}")
    heads += [f"{{{escape_latex(text)}}}" for text in paper_heads(table)]
    return f"  {' & '.join([*heads, 'Against the paper'] if verdicts else heads)} \\\\"


def _column(numbers: Iterable[str]) -> str:
    """An siunitx column wide enough for its numbers, aligned at the decimal point; bold stays bold."""
    found = [text.partition(".") for text in numbers if text != "–"]
    whole = max((len(before) for before, _, _ in found), default=1)
    decimals = max((len(after) for _, _, after in found), default=0)
    return f"S[detect-weight, mode=text, table-format={whole}.{decimals}]"


def _label(experiment: str) -> str:
    return "".join(character if character.isalnum() else "-" for character in experiment)


def _line(table: Table, row: TableRow, verdicts: bool) -> str:
    """One row. A mean aligns in its own column; its interval follows in the next."""
    label, train = escape_latex(row.label), escape_latex(trained_on(row))
    if row.status == "quoted":
        label, train = rf"\textit{{{label}}}", rf"\textit{{{train}}}"
    cells = [label, train] if trains(table) else [label]
    for column in table.columns:
        value, spread = _number(row.cells.get(column.key), column.unit)
        cells += [value, spread] if _has_intervals(table, column) else [value]
    papers = [paper_value(row, column) for column in table.published]
    cells += ["{--}" if text == "–" else text for text in papers]
    if verdicts:
        cells.append(escape_latex(against_paper(row)))
    return f"  {' & '.join(cells)} \\\\"


def _number(cell: TableCell | None, unit: str) -> tuple[str, str]:
    """A cell's mean and interval as LaTeX; what is not a number in braces, as siunitx wants."""
    if cell is None or cell.value is None:
        return f"{{{escape_latex(measured(cell, unit))}}}", ""
    value, width = number(cell.value, unit), cell.half_width
    spread = "" if width is None else rf"$\pm$ {number(width, unit)}"
    if not cell.bold:
        return value, spread
    return rf"\bfseries {value}", rf"\textbf{{{spread}}}" if spread else ""
