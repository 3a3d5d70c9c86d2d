"""A run that keeps a checkpoint after every step and can be stopped, as Ctrl-C or a killed job would stop it."""

from __future__ import annotations

from pathlib import Path

from bench.core.context import RunContext


class Stopped(BaseException):
    """Raised out of the progress callback; not an Exception, so that no training takes it for an error of its own."""


class StoppableRun(RunContext):
    """Counts the calls of `progress`, and stops in call number `stop_after`."""

    def __init__(self, seed: int, *, checkpoint: Path | None = None, stop_after: int | None = None) -> None:
        super().__init__(seed, checkpoint=checkpoint, checkpoint_seconds=0, progress=self._count)
        self.calls = 0
        self._stop_after = stop_after

    def _count(self, done: int, total: int, unit: str) -> None:
        self.calls += 1
        if self.calls == self._stop_after:
            raise Stopped

    def checkpoint_due(self) -> bool:
        """After every step, whatever the clock says."""
        return self.checkpoint is not None
