"""Writes a study's report: tables, figures, a page, each file whole or not at all."""

from __future__ import annotations

import base64
import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench.engine.store import storage_errors
from bench.study import figures
from bench.study.analysis import Analysis, ArmResult
from bench.study.grids import to_latex, to_markdown
from bench.study.summary import Grid, counts_grid, notes, results_grid
from reports.figures import Drawing
from reports.whole_files import write_atomically

CSV_COLUMNS = ("arm", "subjects", "quantity", "value", "ci95_low", "ci95_high")


@dataclass(frozen=True)
class Report:
    """What is written. content: the JSON document. records: dictionaries with `CSV_COLUMNS`."""

    name: str
    title: str
    grids: Sequence[Grid]
    notes: Sequence[str]
    content: Mapping[str, Any]
    records: Sequence[Mapping[str, Any]]
    drawings: Sequence[Drawing]


def analysis_report(analysis: Analysis, provenance: Mapping[str, Any]) -> Report:
    """The report of `bench study analyse`."""
    about = {"experiment": "study", "title": analysis.title, "design": analysis.design, **provenance}
    return Report(
        name="study",
        title=analysis.title,
        grids=analysis_grids(analysis),
        notes=notes(analysis),
        content={**analysis.to_json(), "provenance": dict(provenance)},
        records=list(records(analysis)),
        drawings=figures.draw(figures.of_analysis(analysis), about),
    )


def analysis_grids(analysis: Analysis) -> list[Grid]:
    """The paper's table of each arm, then all statistics."""
    return [
        *(counts_grid(found.arm, found.pooled, found.second) for found in analysis.arms),
        results_grid(analysis),
    ]


def records(analysis: Analysis) -> Iterable[dict[str, Any]]:
    """Every number of an analysis as a line: subjects is 'kept' or 'everyone'."""
    for subjects, arms in (("kept", analysis.arms), ("everyone", analysis.everyone)):
        for found in arms:
            yield from ({"arm": found.arm, "subjects": subjects, **each} for each in _numbers(found))
    for machine in analysis.machine:
        for name in ("accuracy", "auc"):
            yield {"arm": machine.arm, "subjects": "", "quantity": f"machine.{name}", "value": getattr(machine, name)}


def _numbers(found: ArmResult) -> Iterable[dict[str, Any]]:
    for part, owner in (("over", found.over), ("pooled", found.pooled)):
        values = asdict(owner)
        interval = values.pop("ci95", None)
        for name, value in values.items():
            if name == "counts":
                for truth, row in value.items():
                    for answer, count in row.items():
                        yield {"quantity": f"{part}.counts.{truth}.{answer}", "value": count}
                continue
            pair = interval if (part, name) == ("pooled", "accuracy") else None
            if isinstance(value, dict):  # a mean with its interval
                value, pair = value["value"], value["ci95"]
            low, high = pair or (None, None)
            yield {"quantity": f"{part}.{name}", "value": value, "ci95_low": low, "ci95_high": high}


def write_report(report: Report, folder: Path) -> None:
    """Write table.{md,tex,csv,json}, figures/ and report.html; table.json last: where it is, the rest is.

    UsageError when the folder cannot be written.
    """
    with storage_errors(folder):
        (folder / "figures").mkdir(parents=True, exist_ok=True)
        for drawing in report.drawings:
            for name, content in drawing.files.items():
                write_atomically(folder / "figures" / name, content)
        texts = {
            "table.md": to_markdown(report.grids, report.notes),
            "table.tex": to_latex(report.grids, report.notes, report.name),
            "table.csv": to_csv(report.records),
            "report.html": to_html(report),
            "table.json": to_json(report.content),
        }
        for name, text in texts.items():
            write_atomically(folder / name, text.encode())


def to_json(content: Mapping[str, Any]) -> str:
    """One document; floats in full, NaN impossible (ValueError)."""
    return json.dumps(content, indent=1, allow_nan=False, ensure_ascii=False) + "\n"


def to_csv(lines: Iterable[Mapping[str, Any]]) -> str:
    """A line per number, floats in full."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, CSV_COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return stream.getvalue()


def to_html(report: Report) -> str:
    """One self-contained page: it can be mailed, archived and printed."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("bench.study"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pictures = [
        {
            "name": drawing.name.replace("-", " ").capitalize(),
            "caption": drawing.caption,
            "alt": drawing.alt,
            "width_in": drawing.width_in,
            "source": "data:image/png;base64," + base64.b64encode(drawing.png).decode(),
        }
        for drawing in report.drawings
    ]
    provenance = report.content.get("provenance", {})
    page = environment.get_template("report.html.j2").render(report=report, figures=pictures, provenance=provenance)
    return page.rstrip() + "\n"
