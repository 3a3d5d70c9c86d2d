"""What a component is given to run with: named random streams, device, checkpoints, log, progress."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Progress = Callable[[int, int, str], None]
CHECKPOINT_SECONDS = 5.0
CHECKPOINT_OVERHEAD = 0.02


class RunContext:
    """The surroundings of one step.

    seed: the cell's seed. Streams are named, so adding one does not shift another, and nothing touches
    a global generator. checkpoint: the file for the training state, or None to keep none.
    progress: called with (done, total, unit).
    """

    def __init__(
        self,
        seed: int,
        *,
        device: str = "cpu",
        checkpoint: Path | None = None,
        progress: Progress | None = None,
        checkpoint_seconds: float = CHECKPOINT_SECONDS,
    ) -> None:
        self.seed = seed
        self.device = device
        self.checkpoint = checkpoint
        self.scalars: list[dict[str, float]] = []
        self.images: list[tuple[int, str, NDArray[Any]]] = []
        self.warnings: list[str] = []
        self.notes: dict[str, Any] = {}
        self._progress = progress
        self._checkpoint_seconds = checkpoint_seconds
        self._next_checkpoint = time.monotonic() + checkpoint_seconds
        self._started = time.monotonic()
        self.earlier_seconds = 0.0
        """What processes before this one spent, when it goes on from a checkpoint."""

    def _sequence(self, name: str) -> np.random.SeedSequence:
        words = np.frombuffer(hashlib.sha256(name.encode()).digest()[:16], dtype=np.uint32)
        return np.random.SeedSequence(self.seed, spawn_key=tuple(int(word) for word in words))

    def rng(self, name: str) -> np.random.Generator:
        """A fresh NumPy generator at the start of the stream `name` ('init', 'order', 'noise', ...)."""
        return np.random.default_rng(self._sequence(name))

    def stream_seed(self, name: str) -> int:
        """A 63-bit seed for another library's generator, e.g. `torch.Generator`."""
        return int(self._sequence(name).generate_state(1, np.uint64)[0] >> np.uint64(1))

    @property
    def seconds(self) -> float:
        """Time spent so far, that before an interruption included as far as a checkpoint kept it."""
        return self.earlier_seconds + time.monotonic() - self._started

    def log(self, step: int, **values: float) -> None:
        """Keep scalars of one training step; they become the step's training curves."""
        self.scalars.append({"step": float(step), **{name: float(value) for name, value in values.items()}})

    def log_images(self, step: int, name: str, images: NDArray[Any]) -> None:
        """Keep a few images, (n, H, W), of one training step (the strip of refined images)."""
        self.images.append((step, name, np.array(images)))

    def warn(self, message: str) -> None:
        """Say under the table that a result needs care (a refiner that did nothing, collapse)."""
        if message not in self.warnings:
            self.warnings.append(message)

    def note(self, **values: Any) -> None:
        """Keep facts about the run in its record (JSON values)."""
        self.notes.update(values)

    def progress(self, done: int, total: int, unit: str) -> None:
        """Tell whoever watches how far the step is."""
        if self._progress is not None:
            self._progress(done, total, unit)

    def checkpoint_due(self) -> bool:
        """Whether enough time has passed to write a checkpoint."""
        return self.checkpoint is not None and time.monotonic() >= self._next_checkpoint

    def checkpoint_written(self, seconds: float) -> None:
        """Plan the next checkpoint so that writing them costs at most 2 % of the time."""
        wait = max(self._checkpoint_seconds, seconds / CHECKPOINT_OVERHEAD)
        self._next_checkpoint = time.monotonic() + wait
