"""Errors that a user can act on: one line that says what happened, why, and the next step."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class BenchError(Exception):
    """Base of all expected errors; the command line prints the message and exits with `exit_code`."""

    exit_code = 1


class UsageError(BenchError):
    """A command, setting or configuration is wrong."""

    exit_code = 2


class DataError(BenchError):
    """Data are missing, damaged or not what they should be."""

    exit_code = 3


class CellsFailed(BenchError):
    """Some cells of an experiment failed; the others are stored."""

    exit_code = 4


class TrainingFailed(BenchError):
    """A training run broke down (NaN, divergence): the step fails and its reason is kept."""

    exit_code = 4


class Answer(BenchError):
    """What was asked for, with an exit code of its own: nothing went wrong."""


class Worse(Answer):
    """A comparison found something worse."""

    exit_code = 5


class Undecided(Answer):
    """A comparison is inconclusive, not possible, or of nothing."""

    exit_code = 6


class Interrupted(BenchError):
    """The user stopped the run; finished steps and checkpoints are kept."""

    exit_code = 130


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """` (did you mean 'x'?)` for the closest known name, or an empty string."""
    close = difflib.get_close_matches(name, list(known), n=1)
    return f" (did you mean '{close[0]}'?)" if close else ""
