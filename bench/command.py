"""How a command ends: an expected error is one line on stderr and its exit code."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import NoReturn, ParamSpec

import typer

from bench.core.errors import BenchError, Interrupted

P = ParamSpec("P")


def command(owner: typer.Typer, name: str) -> Callable[[Callable[P, None]], Callable[P, None]]:
    """Register a command whose expected errors end in one line and their exit code."""

    def register(function: Callable[P, None]) -> Callable[P, None]:
        @functools.wraps(function)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> None:
            try:
                function(*args, **kwargs)
            except BenchError as error:
                _fail(error)
            except KeyboardInterrupt:
                _fail(Interrupted("interrupted; finished steps are stored. Run the same command to go on."))

        return owner.command(name)(guarded)

    return register


def _fail(error: BenchError) -> NoReturn:
    typer.echo(f"error: {error}", err=True)
    raise typer.Exit(error.exit_code)
