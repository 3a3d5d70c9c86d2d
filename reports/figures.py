"""Draws an experiment's figures and saves each as PDF, PNG and a JSON neighbour with its provenance.

A figure whose material is missing is left out, with the reason; equal results give equal bytes.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import matplotlib

from bench.core.canonical import canonical_json
from reports import curves, drift, pictures, progress, style, sweep, tradeoff, training
from reports.sketch import NothingToDraw, Sketch

if TYPE_CHECKING:
    from bench.core.experiment import Figure as FigureName
    from bench.engine.results import Results
    from reports.frame import Table

FIGURES: Mapping[FigureName, Callable[[Results, style.Preset | None], Iterable[Sketch]]] = {
    "error-curves": curves.error_curves,
    "pictures": pictures.picture_grid,
    "training-curves": training.training_curves,
    "training-strip": pictures.training_strips,
    "drift-scatter": drift.drift_scatter,
    "realism-drift-error": tradeoff.realism_drift_error,
    "progress": progress.progress,
    "sweep": sweep.sweep,
}
PROVENANCE = ("commit", "dirty", "version", "data")


@dataclass(frozen=True)
class Drawing:
    """A finished figure. files: name -> bytes, as they go into the report's folder of figures."""

    name: str
    caption: str
    alt: str
    width_in: float
    files: Mapping[str, bytes]

    @property
    def png(self) -> bytes:
        """The picture as PNG."""
        return self.files[f"{self.name}.png"]


def draw_figures(
    results: Results, table: Table, preset: style.Preset | None = None
) -> tuple[list[Drawing], dict[str, str]]:
    """All of the experiment's figures that there is material for, and why the others are left out.

    preset: the width, in place of each figure's own.
    """
    drawings: list[Drawing] = []
    missing: dict[str, str] = {}
    with matplotlib.rc_context(style.RC):
        for name in results.experiment.figures:
            try:
                drawings += [save(sketch, _provenance(table)) for sketch in FIGURES[name](results, preset)]
            except NothingToDraw as nothing:
                missing[name] = str(nothing)
    return drawings, missing


def save(sketch: Sketch, provenance: Mapping[str, Any]) -> Drawing:
    """Render a sketch; its provenance goes into the PDF's metadata, the PNG's text and the neighbour.

    provenance: JSON with the 'experiment' and whatever tells where the numbers are from.
    """
    about = _about(sketch, provenance)
    told = canonical_json(about["provenance"])
    title = f"{provenance['experiment']}: {sketch.name}"
    # No dates: the same results give the same bytes.
    pdf = {"Title": title, "Subject": sketch.caption, "Keywords": told, "Creator": "simgan-bench", "CreationDate": None}
    png = {"Title": title, "Description": sketch.caption, "Comment": told, "Software": "simgan-bench"}
    return Drawing(
        name=sketch.name,
        caption=sketch.caption,
        alt=sketch.alt,
        width_in=about["width_in"],
        files={
            f"{sketch.name}.pdf": _render(sketch, "pdf", pdf),
            f"{sketch.name}.png": _render(sketch, "png", png),
            f"{sketch.name}.json": (json.dumps(about, indent=1, allow_nan=False, ensure_ascii=False) + "\n").encode(),
        },
    )


def _render(sketch: Sketch, kind: str, metadata: Mapping[str, str | None]) -> bytes:
    stream = io.BytesIO()
    sketch.figure.savefig(stream, format=kind, metadata=metadata)
    return stream.getvalue()


def _about(sketch: Sketch, provenance: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "figure": sketch.name,
        "caption": sketch.caption,
        "alt": sketch.alt,
        "width_in": float(sketch.figure.get_size_inches()[0]),
        "provenance": dict(provenance),
    }


def _provenance(table: Table) -> dict[str, Any]:
    """What a table's figures tell of where they are from."""
    return {
        "experiment": table.experiment,
        "profile": table.profile,
        "simulator": table.simulator,
        "digest": table.digest,
        **{name: table.provenance[name] for name in PROVENANCE if name in table.provenance},
    }
