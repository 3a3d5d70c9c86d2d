"""Figure of a data set's labels against its images: pitch and yaw over where the pupils are seen."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from bench.core.errors import DataError, UsageError
from bench.data.label_evidence import correlation
from reports.style import COLOURS, MARKERS, RC, width_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from bench.data.label_evidence import Evidence

SUFFIXES = (".png", ".pdf", ".svg")
# panel: angle, its column, the image axis that it moves the pupil along, and where the convention sends it
PANELS = (("Yaw", 1, 0, "x", "left"), ("Pitch", 0, 1, "y", "up"))
METADATA = {".png": {"Software": "simgan-bench"}, ".pdf": {"CreationDate": None}, ".svg": {"Date": None}}


def draw_label_evidence(evidence: Evidence, path: Path) -> None:
    """Draw yaw against the pupil's x and pitch against its y, with each one's r, into a PNG, PDF or SVG file.

    Right labels fall in both panels. Equal evidence gives equal bytes. UsageError for another ending, DataError
    when the file cannot be written.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise UsageError(f"figures are {', '.join(SUFFIXES)}; '{path.name}' is none of them, change the ending")
    with matplotlib.rc_context({**RC, "svg.hashsalt": "simgan-bench"}):
        width = width_of("page")
        figure = Figure(figsize=(width, 0.42 * width), layout="constrained")
        for axes, panel in zip(figure.subplots(1, 2), PANELS, strict=True):
            _draw(axes, evidence, *panel)
        figure.suptitle(f"{evidence.name}: {len(evidence)} images", fontsize=8.0)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            figure.savefig(path, metadata=METADATA[path.suffix.lower()])
        except OSError as error:
            raise DataError(f"cannot write {path}: {error.strerror}; check the folder and the free space") from error


def _draw(axes: Axes, evidence: Evidence, angle: str, column: int, axis: int, name: str, towards: str) -> None:
    """One panel: points and a least-squares line for each source of pupils."""
    degrees = evidence.angles_deg[:, column]
    for number, (source, at) in enumerate(evidence.pupils.items()):
        r = correlation(degrees, at[:, axis])
        colour = COLOURS[number]
        axes.plot(
            degrees, at[:, axis], MARKERS[number], color=colour, alpha=0.35, ms=2.2, label=f"{source}, r = {r:+.2f}"
        )
        if np.ptp(degrees) > 0:
            slope, start = np.polyfit(degrees, at[:, axis], 1)
            ends = np.array([degrees.min(), degrees.max()])
            axes.plot(ends, start + slope * ends, color=colour)
    axes.set(
        xlabel=f"{angle} of the label (degrees, + {towards})",
        ylabel=f"Pupil's {name} in the image (px)",
        title=f"{angle}: falls when the sign is right",
    )
    legend = axes.legend(loc="best", markerscale=1.8)
    for handle in legend.legend_handles:
        if handle is not None:
            handle.set_alpha(1.0)
