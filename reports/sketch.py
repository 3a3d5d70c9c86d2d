"""A drawn figure before it is saved, and the reason why one cannot be drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Sketch:
    """A figure with what is said about it. alt: what is to be seen, for those who do not see it."""

    name: str
    caption: str
    alt: str
    figure: Figure


class NothingToDraw(Exception):
    """The results hold no material for a figure; the message is the reason."""


def file_name(figure: str, part: str, alone: bool) -> str:
    """`training-strip`, or `training-strip-simgan` when there are several; safe as a file name."""
    if alone:
        return figure
    safe = "".join(character if character.isalnum() else "-" for character in part.lower()).strip("-")
    return f"{figure}-{safe}"
