"""How a training says what it consists of, so that its time can be measured without running it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

MOST_ON_CPU = 64
"""Images per mini-batch of a trial on a CPU, where the time of a convolution grows in proportion to them."""


@dataclass(frozen=True)
class Part:
    """Iterations of one kind. Those of all parts, each part's taken `times` times, last as long as the training.

    settings: changes that leave a training of such iterations alone. times: may be negative, where iterations can be
    had together only and are told apart by a difference.
    """

    times: float
    settings: Mapping[str, Any]


@runtime_checkable
class InParts(Protocol):
    """What a trainer's `Config` offers when its iterations are not all alike, or when it can be shortened.

    Without it, every iteration that the training reports by `run.progress` counts as equally long, and how long its
    results take to be used is known only once it was trained.
    """

    def parts(self, iterations: int | None, device: str) -> Sequence[Part]:
        """The parts for 'cpu', 'cuda:0', ..., each as a training of `iterations` iterations.

        None = as many as the training has of them: how the first are run may depend on it (compiled or not).
        """


def trial_batch(batch: int, device: str) -> int:
    """Images per mini-batch of a trial: those of the training on a GPU, which fewer would not fill."""
    return min(batch, MOST_ON_CPU) if device == "cpu" else batch


@runtime_checkable
class Draws(Protocol):
    """What a `Config` offers when no more than so many images are learnt from, however many there are."""

    @property
    def most_images(self) -> int:
        """Training images that are drawn at most."""
