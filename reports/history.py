"""A metric over commits: mean with its interval over seeds at each, and what each step was judged to be."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import matplotlib
import numpy as np

from bench.core.canonical import digest
from bench.core.errors import DataError, UsageError, did_you_mean
from bench.engine.columns import ColumnFacts
from bench.engine.snapshot import Revision, Snapshot
from reports.compare import Cell, Comparison, Outcome, compare
from reports.compare_text import MARKS, cell_sentence
from reports.differences import Interval
from reports.figures import Drawing, save
from reports.margin import Margin
from reports.sketch import Sketch, file_name
from reports.style import COLOURS, INK, RC, SOFT_INK, Preset
from reports.tables import escape_markdown
from reports.wording import number, plural

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SHOWN: tuple[Outcome, ...] = ("worse", "better", "not comparable")  # verdicts of a step that the table and figure mark
MOST_TICKS = 3  # commits named below a panel; steps up and down are named where they are
EXPLAINED = (
    "Mean and 95 % t-interval over seeds. Marks: the step from the commit before, judged as by 'bench compare', Holm "
    "within each step; many steps, each too small to be seen, can add up: see 'first to last'."
)


@dataclass(frozen=True)
class Point:
    """A cell at one commit. step: the verdict on the step from the commit before; None for the first, or no cell."""

    mean: float | None
    ci95: Interval | None
    seeds: int
    step: Outcome | None


@dataclass(frozen=True)
class Track:
    """One row and column over all commits, in their order. overall: the step from the first commit to the last."""

    row: str
    label: str
    column: str
    points: tuple[Point, ...]
    overall: Outcome | None


@dataclass(frozen=True)
class History:
    """revisions: in the order committed. sentences: the steps that were better or worse, the latest first."""

    experiment: str
    profile: str
    revisions: tuple[Revision, ...]
    columns: tuple[ColumnFacts, ...]
    tracks: tuple[Track, ...]
    sentences: tuple[str, ...]
    notes: tuple[str, ...]


def history(snapshots: Sequence[Snapshot], margin: Margin, columns: Sequence[str] = ()) -> History:
    """The snapshots of one experiment in the order committed, with a verdict on each step.

    Those of another profile than the latest one's are left out, of several of one commit all but the one with the
    most cells (the later of equals), and a note says so. columns: keys; all columns of predictions unless given.
    DataError without snapshots or cells, UsageError for several experiments and for a column that none has.
    """
    if not snapshots:
        raise DataError("no results of any commit are stored; 'bench run' leaves them")
    if len(names := {snapshot.experiment for snapshot in snapshots}) > 1:
        raise UsageError(f"results of several experiments: {', '.join(sorted(names))}; ask for one")
    kept, notes = _one_per_commit(sorted(snapshots, key=_when))
    facts = {each.key: each for snapshot in kept for each in snapshot.columns}
    wanted = list(columns) or [key for key, each in facts.items() if each.of == "predictions"]
    for key in wanted:
        if key not in facts:
            raise UsageError(f"{kept[-1].experiment} has no column '{key}'{did_you_mean(key, facts)}")
    have = {(row, column) for snapshot in kept for row, column, _ in snapshot.cells if column in wanted}
    if not have:
        raise DataError(f"no commit has a finished cell of {', '.join(wanted)}; 'bench run' makes them")
    steps = [compare(one, two, margin) for one, two in pairwise(kept)]
    overall = compare(kept[0], kept[-1], margin) if len(kept) > 1 else None
    labels = {row: label for snapshot in kept for row, label in snapshot.rows.items()}
    return History(
        experiment=kept[-1].experiment,
        profile=kept[-1].profile,
        revisions=tuple(snapshot.revision for snapshot in kept),
        columns=tuple(facts[key] for key in wanted if key in {column for _, column in have}),
        tracks=tuple(
            _track(kept, steps, overall, (row, key), label)
            for key in wanted
            for row, label in labels.items()
            if (row, key) in have
        ),
        sentences=tuple(text for step in reversed(steps) for text in _step_sentences(step, wanted)),
        notes=(EXPLAINED, *notes),
    )


def _when(snapshot: Snapshot) -> tuple[float, bool]:
    """Results outside a repository come last, a dirty tree after its commit."""
    when = snapshot.revision.committed
    return math.inf if when is None else when, snapshot.revision.dirty


def _one_per_commit(ordered: Sequence[Snapshot]) -> tuple[list[Snapshot], list[str]]:
    profile = ordered[-1].profile
    others = sorted({snapshot.profile for snapshot in ordered} - {profile})
    best: dict[str, Snapshot] = {}
    same = [snapshot for snapshot in ordered if snapshot.profile == profile]
    for snapshot in same:
        name = snapshot.revision.name
        if name not in best or len(snapshot.cells) >= len(best[name].cells):
            best[name] = snapshot
    notes = [f"Not shown: results of profile {', '.join(others)}; these are {profile}."] if others else []
    if len(best) < len(same):
        notes.append(f"{plural(len(same), 'result')} of {plural(len(best), 'commit')}: of each the most complete one.")
    return list(best.values()), notes


def _track(
    kept: Sequence[Snapshot],
    steps: Sequence[Comparison],
    overall: Comparison | None,
    place: tuple[str, str],
    label: str,
) -> Track:
    verdicts = [None, *(_verdict(step, place) for step in steps)]
    points = tuple(_point(snapshot, place, verdict) for snapshot, verdict in zip(kept, verdicts, strict=True))
    return Track(place[0], label, place[1], points, _verdict(overall, place) if overall else None)


def _verdict(step: Comparison, place: tuple[str, str]) -> Outcome | None:
    return next((cell.verdict for cell in step.cells if (cell.row, cell.column) == place), None)


def _point(snapshot: Snapshot, place: tuple[str, str], step: Outcome | None) -> Point:
    from bench.stats import t_interval

    values = [cell.value for cell in snapshot.seeds(place).values()]
    if not values or not np.isfinite(values).all():
        return Point(None, None, len(values), step)
    mean, low, high = t_interval(values)
    return Point(mean, None if low is None or high is None else (low, high), len(values), step)


def _step_sentences(step: Comparison, columns: Sequence[str]) -> list[str]:
    told: list[Cell] = [cell for cell in step.cells if cell.verdict in ("worse", "better") and cell.column in columns]
    about = f"{step.base.name} to {step.head.name}"
    subject = f" ({step.head.subject})" if step.head.subject else ""
    return [f"{about}{subject}: {cell_sentence(step, cell)}" for cell in told]


def to_markdown(found: History) -> str:
    """A table per column: a line per commit, a column per row of the experiment; steps and notes below."""
    lines = []
    for facts in found.columns:
        tracks = [track for track in found.tracks if track.column == facts.key]
        lines += [f"**{escape_markdown(f'{found.experiment}, {found.profile}: {facts.head}')}**", ""]
        heads = ["Commit", *(track.label for track in tracks)]
        rows = [[name.name, *texts] for name, texts in zip(found.revisions, _texts(tracks, facts), strict=True)]
        rows.append(["first to last", *(track.overall or "–" for track in tracks)])
        rules = ["---", *("---:" for _ in tracks)]
        escaped = [[escape_markdown(text) for text in cells] for cells in (heads, *rows)]
        lines += [f"| {' | '.join(cells)} |" for cells in (escaped[0], rules, *escaped[1:])]
        lines.append("")
    return "\n".join([*lines, *(f"- {escape_markdown(text)}" for text in (*found.sentences, *found.notes))]) + "\n"


def _texts(tracks: Sequence[Track], facts: ColumnFacts) -> Iterator[list[str]]:
    """`7.82 ± 0.11 + better` of every track, commit by commit."""
    for points in zip(*(track.points for track in tracks), strict=True):
        yield [_point_words(point, facts) for point in points]


def _point_words(point: Point, facts: ColumnFacts) -> str:
    text = number(point.mean, facts.unit)
    if point.mean is not None and point.ci95 is not None:
        text += f" ± {number(point.ci95[1] - point.mean, facts.unit)}"
    return f"{text} {MARKS[point.step]} {point.step}" if point.step in SHOWN else text


def to_json(found: History) -> str:
    """One JSON document with every point; floats in full."""
    return json.dumps(asdict(found), indent=1, allow_nan=False, ensure_ascii=False) + "\n"


def draw_history(found: History) -> list[Drawing]:
    """A figure per column as PDF, PNG and a neighbour, with a panel per row."""
    about: dict[str, Any] = {
        "experiment": found.experiment,
        "profile": found.profile,
        "commits": [revision.name for revision in found.revisions],
        "digest": digest([asdict(track) for track in found.tracks]),
    }
    with matplotlib.rc_context(RC):
        return [save(sketch, about) for sketch in history_sketches(found)]


def history_sketches(found: History, preset: Preset = "page") -> Iterator[Sketch]:
    """Per column: a panel per row, commits from left to right."""
    from reports.panels import panel_grid

    for facts in found.columns:
        tracks = [track for track in found.tracks if track.column == facts.key]
        figure, grid = panel_grid([track.label for track in tracks], "Commit", preset)
        for axes, track in zip(grid, tracks, strict=True):
            _draw(axes, track, found.revisions)
        grid[0].set_ylabel(facts.head)
        marked = [f"{track.label}: {_marked(track, found.revisions) or 'no step marked'}" for track in tracks]
        yield Sketch(
            file_name("history", facts.key, len(found.columns) == 1),
            f"{facts.label} of {found.experiment}, {found.profile}, over {plural(len(found.revisions), 'commit')}: "
            f"means with 95 % t-intervals over seeds; {facts.better} is better. Plus: better than the commit before; "
            "cross: worse; a gap: not comparable with it.",
            f"{facts.label} over commits. {'; '.join(marked)}.",
            figure,
        )


def _marked(track: Track, revisions: Sequence[Revision]) -> str:
    found = zip(track.points, revisions, strict=True)
    return ", ".join(f"{point.step} at {revision.name}" for point, revision in found if point.step in SHOWN)


def _draw(axes: Axes, track: Track, revisions: Sequence[Revision]) -> None:
    """Means joined where the step between them is comparable, bars for intervals, marks for steps up and down."""
    from reports.compare_figure import LOOKS

    joined: list[list[tuple[int, float]]] = [[]]
    for at, point in enumerate(track.points):
        if point.step == "not comparable" or point.mean is None:
            joined.append([])
        if point.mean is None:
            continue
        joined[-1].append((at, point.mean))
        if point.ci95 is not None:
            axes.plot((at, at), point.ci95, color=SOFT_INK, linewidth=0.8, zorder=2)
        if point.step not in ("worse", "better"):
            axes.plot(at, point.mean, "o", color=COLOURS[1], markersize=2.6, zorder=4)
            continue
        marker, face, _ = LOOKS[point.step]
        axes.plot(at, point.mean, marker, markersize=7, color=face, mec="white", mew=0.4, zorder=4)
        before = track.points[at - 1].mean
        fell = before is not None and point.mean < before  # the name goes where the line does not come from
        around = [bound for near in track.points[max(0, at - 2) : at + 3] for bound in _bounds(near)]
        axes.annotate(
            _short(revisions[at]), (at, min(around) if fell else max(around)), (0, -2 if fell else 2),
            textcoords="offset points", ha="center", va="top" if fell else "bottom", fontsize=6,
        )  # fmt: skip
    for part in joined:
        axes.plot([at for at, _ in part], [mean for _, mean in part], color=INK, linewidth=0.7, zorder=3)
    last = len(revisions) - 1
    shown = sorted({round(last * part / (MOST_TICKS - 1)) for part in range(MOST_TICKS)})
    axes.set_xticks(shown, [_short(revisions[at]) for at in shown])
    axes.set(xlim=(-0.06 * last - 0.5, 1.06 * last + 0.5), ymargin=0.15)


def _bounds(point: Point) -> list[float]:
    """The ends of a point's interval, or its mean alone."""
    if point.mean is None:
        return []
    return [point.mean] if point.ci95 is None else list(point.ci95)


def _short(revision: Revision) -> str:
    """`a1b2c3d`, with a plus for a tree with uncommitted changes."""
    return f"{revision.commit[:7] if revision.commit else revision.version}{'+' if revision.dirty else ''}"
