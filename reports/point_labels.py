"""Labels beside points that overlap neither each other nor the points, as far as there is room."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.transforms import Bbox

from reports.style import SOFT_INK

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.text import Annotation

SIZE = 6.8
APART_PT = 5.0
STEPS = (0, 1, -1, 2, -2, 3, -3, 4, -4, 5, -5, 6, -6)
LINE_PT = 6.2
# What a place costs, beside its distance in lines.
OUTSIDE, OVERLAP, BAR, LEFT = 1000.0, 100.0, 3.0, 0.5


def label_points(
    axes: Axes,
    points: Sequence[tuple[float, float]],
    labels: Sequence[str],
    bars: Sequence[tuple[float, float, float, float]] = (),
) -> list[Annotation]:
    """Write each label to the right or left of its point, shifted up or down by lines until it is free.

    bars: x and y of the ends of lines that are better not written on. The figure's layout must be final.
    Greedy, from the top: the first place that costs least is taken.
    """
    figure = axes.get_figure(root=True)
    assert figure is not None
    renderer = FigureCanvasAgg(figure).get_renderer()  # type: ignore[no-untyped-call]
    scale = figure.dpi / 72
    centres = [tuple(axes.transData.transform(point)) for point in points]
    radius = 2.5 * scale
    taken = [Bbox.from_extents(x - radius, y - radius, x + radius, y + radius) for x, y in centres]
    ends = [axes.transData.transform(((x0, y0), (x1, y1))).ravel() for x0, y0, x1, y1 in bars]
    lines = [Bbox.from_extents(*each).padded(0.5) for each in ends]
    frame = axes.get_window_extent(renderer)
    written = []
    for index in sorted(range(len(points)), key=lambda each: (-centres[each][1], centres[each][0])):
        found: list[tuple[float, int, Annotation, Bbox, int, int]] = []
        for order, step in enumerate(STEPS):
            for side in (1, -1):
                label = axes.annotate(
                    labels[index], points[index], (side * APART_PT, step * LINE_PT), textcoords="offset points",
                    ha="left" if side > 0 else "right", va="center", size=SIZE, annotation_clip=False, zorder=2.5,
                    bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 0.4},
                )  # fmt: skip
                box = label.get_window_extent(renderer).padded(0.5 * scale)
                clashes = sum(box.overlaps(other) for number, other in enumerate(taken) if number != index)
                inside = frame.x0 <= box.x0 and box.x1 <= frame.x1 and frame.y0 <= box.y0 and box.y1 <= frame.y1
                crossed = sum(box.overlaps(line) for line in lines)
                cost = order + LEFT * (side < 0) + OVERLAP * clashes + BAR * crossed + OUTSIDE * (not inside)
                found.append((cost, len(found), label, box, step, side))
        _, kept, label, box, step, side = min(found, key=lambda each: each[:2])
        for _, number, other, _, _, _ in found:
            if number != kept:
                other.remove()
        if abs(step) > 1:
            _leader(axes, points[index], (side * APART_PT, step * LINE_PT))
        label.set_in_layout(False)
        taken.append(box)
        written.append(label)
    return written


def _leader(axes: Axes, point: tuple[float, float], offset: tuple[float, float]) -> None:
    """A hairline from a point to its label."""
    arrow = {"arrowstyle": "-", "color": SOFT_INK, "linewidth": 0.4, "shrinkA": 0, "shrinkB": 2}
    line = axes.annotate("", point, offset, textcoords="offset points", arrowprops=arrow, zorder=1)
    line.set_in_layout(False)
