"""Figures of pictures: synthetic above refined and real, and what the refiner makes of an image as it trains."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from bench.core.depth import grey_levels
from reports.sketch import NothingToDraw, Sketch, file_name
from reports.style import Preset, width_of

if TYPE_CHECKING:
    from bench.engine.results import Results, TrainingLog

COLUMNS: dict[Preset, int] = {"column": 5, "page": 8}
MAX_STEPS = 8
GAP_PX = 2
ROW_GAP_IN, BLOCK_GAP_IN, LABEL_GAP_IN = 0.03, 0.12, 0.06
LABEL_IN_PER_CHARACTER = 0.058
LABEL_LINE_IN = 0.125
LABEL_CHARACTERS = 15


@dataclass(frozen=True)
class Band:
    """One line of pictures. apart: whether it starts a new group."""

    label: str
    images: NDArray[Any]
    apart: bool = False


def picture_grid(results: Results, preset: Preset | None = None) -> Iterator[Sketch]:
    """Synthetic images, what each refiner makes of the same ones, and real images."""
    preset = preset or "page"
    found = results.pictures
    if not any(len(images) for images in found.values()):
        raise NothingToDraw("no pictures were kept")
    refined = [name for name in found if name.startswith("refined")]
    order = [name for name in ("synthetic", *refined, "real") if name in found and len(found[name])]
    bands = [Band(_short(name), found[name], apart=name == "real") for name in order]
    names = [name.removeprefix("refined: ") for name in refined]
    each = " and ".join(text for text in (", ".join(names[:-1]), *names[-1:]) if text)
    pairs = f", the same images refined by {each}" if refined else ""
    real = " and real images, which are not paired with them" if "real" in found else ""
    simulated = " All are from the simulator." if results.simulator else ""
    yield Sketch(
        "pictures",
        f"Synthetic images{pairs}{real}.{simulated}",
        f"Rows of small images: {', '.join(order)}.",
        _grid(bands, preset),
    )


def training_strips(results: Results, preset: Preset | None = None) -> Iterator[Sketch]:
    """The same synthetic images through the refiner at several steps of its training, one figure per refiner."""
    preset = preset or "page"
    logs: dict[str, TrainingLog] = {}
    for log in results.training:
        if log.strip and (log.refiner not in logs or log.seed < logs[log.refiner].seed):
            logs[log.refiner] = log
    if not logs:
        raise NothingToDraw("no refiner of this run kept pictures of its training")
    for refiner, log in logs.items():
        steps = _spread(log.strip)
        inputs = [] if log.inputs is None else [Band("input", log.inputs)]
        bands = inputs + [
            Band(f"step {step:,}", images, apart=bool(inputs) and number == 0)
            for number, (step, images) in enumerate(steps)
        ]
        yield Sketch(
            file_name("training-strip", refiner, alone=len(logs) == 1),
            f"Synthetic images and what {refiner} makes of them as it trains (seed {log.seed}).",
            f"Rows of small images: inputs, then refined at steps {', '.join(str(step) for step, _ in steps)}.",
            _grid(bands, preset),
        )


def _short(name: str) -> str:
    """The name in lines that keep the margin narrow, a refiner's below `refined`; broken after hyphens too."""
    refined = name.startswith("refined: ")
    lines = textwrap.wrap(f"({name.removeprefix('refined: ')})" if refined else name, LABEL_CHARACTERS)
    return "\n".join(["refined", *lines] if refined else lines)


def _spread(strip: Sequence[tuple[int, NDArray[Any]]]) -> list[tuple[int, NDArray[Any]]]:
    """At most `MAX_STEPS` of the kept steps, the first and the last among them."""
    where = np.unique(np.linspace(0, len(strip) - 1, min(len(strip), MAX_STEPS)).round().astype(int))
    return [strip[index] for index in where]


def _grid(bands: Sequence[Band], preset: Preset) -> Figure:
    """Bands below each other, labels at the left, every picture of one size."""
    width = width_of(preset)
    columns = min(COLUMNS[preset], max(len(band.images) for band in bands))
    left = max(len(line) for band in bands for line in band.label.split("\n")) * LABEL_IN_PER_CHARACTER + LABEL_GAP_IN
    strips = [_montage(_rgb(band.images[:columns]), columns) for band in bands]
    heights = [(width - left) * strip.shape[0] / strip.shape[1] for strip in strips]
    rooms = [max(tall, LABEL_LINE_IN * (1 + band.label.count("\n"))) for band, tall in zip(bands, heights, strict=True)]
    gaps = [0.0 if index == 0 else BLOCK_GAP_IN if band.apart else ROW_GAP_IN for index, band in enumerate(bands)]
    height = sum(rooms) + sum(gaps)
    figure = Figure(figsize=(width, height))
    top = height
    for band, strip, tall, room, gap in zip(bands, strips, heights, rooms, gaps, strict=True):
        top -= gap + room
        middle = (top + room / 2) / height
        axes = figure.add_axes((left / width, middle - tall / height / 2, 1 - left / width, tall / height))
        axes.imshow(strip, aspect="auto", interpolation="none")
        axes.axis("off")
        figure.text((left - LABEL_GAP_IN) / width, middle, band.label, ha="right", va="center", linespacing=1.0)
    return figure


def _rgb(images: NDArray[Any]) -> NDArray[np.uint8]:
    """(n, H, W, 3), grey images as grey; depth around the middle of each hand, near is light, background black."""
    if images.dtype == np.uint16:
        return _repeated(grey_levels(images).round().astype(np.uint8))
    return images if images.ndim == 4 else _repeated(images)


def _repeated(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.repeat(images[..., None], 3, axis=-1)


def _montage(images: NDArray[np.uint8], columns: int) -> NDArray[np.uint8]:
    """(n, H, W, 3) side by side, RGBA, with a transparent gap; missing ones are left transparent."""
    count, height, width, _ = images.shape
    canvas = np.zeros((height, columns * (width + GAP_PX) - GAP_PX, 4), dtype=np.uint8)
    for index in range(min(count, columns)):
        left = index * (width + GAP_PX)
        canvas[:, left : left + width, :3] = images[index]
        canvas[:, left : left + width, 3] = 255
    return canvas
