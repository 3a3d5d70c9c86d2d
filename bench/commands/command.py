"""How a command begins and ends: options said once, and an expected error as one line on stderr with its exit code."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from typing import Any, NoReturn, get_type_hints

import typer

from bench.core.errors import Answer, BenchError, Interrupted


def command(owner: typer.Typer, name: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Register a command that ends in one line and its exit code for an expected error, or for an answer that has one.

    A parameter that is a dataclass stands for its fields: each is an option of the command.
    """

    def register(function: Callable[..., None]) -> Callable[..., None]:
        unfolded = _unfolded(function)

        @functools.wraps(unfolded)
        def guarded(**given: Any) -> None:
            try:
                unfolded(**given)
            except BenchError as error:
                _fail(error)
            except KeyboardInterrupt:
                _fail(Interrupted("interrupted; finished steps are stored. Run the same command to go on."))

        owner.command(name)(guarded)
        return function

    return register


def _fail(error: BenchError) -> NoReturn:
    typer.echo(str(error) if isinstance(error, Answer) else f"error: {error}", err=True)
    raise typer.Exit(error.exit_code)


def _unfolded(function: Callable[..., None]) -> Callable[..., None]:
    """The function as typer has to see it: with the fields of a dataclass in place of the parameter that is one."""
    signature = inspect.signature(function, eval_str=True)
    groups: dict[str, Any] = {
        name: each.annotation for name, each in signature.parameters.items() if is_dataclass(each.annotation)
    }

    @functools.wraps(function)
    def unfolded(**given: Any) -> None:
        for name, group in groups.items():
            given[name] = group(**{field.name: given.pop(field.name) for field in fields(group)})
        function(**given)

    shown = [
        parameter.replace(kind=parameter.KEYWORD_ONLY)
        for name, own in signature.parameters.items()
        for parameter in (_parameters(groups[name]) if name in groups else [own])
    ]
    unfolded.__signature__ = signature.replace(parameters=shown)  # type: ignore[attr-defined]
    return unfolded


def _parameters(group: Any) -> list[inspect.Parameter]:
    """A dataclass's fields, which all have a default, as a function would declare them."""
    hints = get_type_hints(group, include_extras=True)
    return [
        inspect.Parameter(
            field.name, inspect.Parameter.KEYWORD_ONLY, default=field.default, annotation=hints[field.name]
        )
        for field in fields(group)
    ]
