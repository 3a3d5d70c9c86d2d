"""`bench list`."""

from __future__ import annotations

from typing import Annotated

import typer

from bench.commands.options import Json

Kind = Annotated[
    str | None,
    typer.Argument(
        metavar="KIND",
        help="experiments, refiners, estimators, metrics, measures, readers or datasets; all when left out.",
    ),
]


def list_(kind: Kind = None, as_json: Json = False) -> None:
    """List components and data sets."""
    from bench.console import print_json, print_lists
    from bench.listing import listing

    found = listing(kind)
    if as_json:
        print_json(found)
    else:
        print_lists(found)
