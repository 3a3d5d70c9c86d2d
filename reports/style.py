"""The look of every figure: two widths, embedded fonts, colours that colour-blind readers tell apart."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable
from dataclasses import dataclass
from typing import Any, Literal

from seaborn import color_palette

Preset = Literal["column", "page"]

WIDTHS: dict[Preset, float] = {"column": 3.25, "page": 6.875}  # inches: one column, and the page, of CVPR
DPI = 300

# Seaborn's palette for the common kinds of colour blindness, in an order that puts red, blue and green first.
COLOURS = tuple(color_palette("colorblind").as_hex()[index] for index in (3, 0, 2, 4, 1, 9))
GREYS = ("#8c8c8c", "#5e5e5e", "#b3b3b3")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "*")
DASHES: tuple[Any, ...] = ("-", (0, (3.5, 1.5)), (0, (1, 1.2)), (0, (5, 1.2, 1, 1.2)))
INK, SOFT_INK, HAIRLINE = "#222222", "#666666", "#d9d9d9"

RC: dict[Any, Any] = {
    # Type 42 keeps text selectable and is what conferences ask for; matplotlib's own fonts are everywhere the same.
    "pdf.fonttype": 42,
    "ps.fonttype": 42,
    "pdf.compression": 6,
    "svg.fonttype": "none",
    "text.usetex": False,
    "font.family": "STIXGeneral",
    "mathtext.fontset": "stix",
    "font.size": 8.0,
    "axes.labelsize": 8.0,
    "axes.titlesize": 8.0,
    "axes.titleweight": "normal",
    "axes.titlelocation": "left",
    "axes.titlepad": 4.0,
    "axes.labelpad": 2.5,
    "axes.labelcolor": INK,
    "axes.edgecolor": SOFT_INK,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": HAIRLINE,
    "grid.linewidth": 0.4,
    "text.color": INK,
    "xtick.color": SOFT_INK,
    "ytick.color": SOFT_INK,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "lines.linewidth": 1.1,
    "lines.markersize": 3.2,
    "lines.markeredgewidth": 0.0,
    "legend.fontsize": 7.5,
    "legend.frameon": False,
    "legend.handlelength": 2.4,
    "legend.labelspacing": 0.3,
    "legend.borderaxespad": 0.3,
    "figure.dpi": 100,
    "savefig.dpi": DPI,
    "figure.constrained_layout.h_pad": 0.02,
    "figure.constrained_layout.w_pad": 0.02,
}


@dataclass(frozen=True)
class LineStyle:
    """Colour, marker and dashes of one curve: it can be told from its neighbours without colour too."""

    color: str
    marker: str
    dashes: Any


def line_styles(curves: Iterable[tuple[str, Hashable, Hashable]], minor: Collection[Hashable] = ()) -> list[LineStyle]:
    """Styles of curves given as (train, refiner, estimator and size).

    Colour and marker say what a row is trained on, dashes say with which estimator. Synthetic is red and the first
    refiner blue, as in the paper; the refiners in `minor` are grey, so that the others stand out.
    """
    wanted = list(curves)
    refined = list(dict.fromkeys(refiner for train, refiner, _ in wanted if train == "refined"))
    grey = [refiner for refiner in refined if refiner in minor]
    main = [refiner for refiner in refined if refiner not in minor]
    kinds: list[tuple[str, Hashable]] = [
        ("synthetic", None),
        *(("refined", refiner) for refiner in main[:1] or [None]),
        ("real", None),
        *(("refined", refiner) for refiner in (*main[1:], *grey)),
    ]
    # Solid for the estimator listed last: the tables go from simple to strong.
    estimators = list(dict.fromkeys(estimator for _, _, estimator in reversed(wanted)))
    found = []
    for train, refiner, estimator in wanted:
        kind = kinds.index((train, refiner if train == "refined" else None))
        dash = estimators.index(estimator)
        color = COLOURS[kind % len(COLOURS)]
        if train == "refined" and refiner in minor:
            color = GREYS[grey.index(refiner) % len(GREYS)]
        found.append(LineStyle(color, MARKERS[kind % len(MARKERS)], DASHES[dash % len(DASHES)]))
    return found


def width_of(preset: Preset) -> float:
    """Width in inches."""
    return WIDTHS[preset]
