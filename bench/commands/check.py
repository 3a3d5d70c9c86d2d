"""`bench check`."""

from __future__ import annotations

from typing import Annotated

import typer

from bench.commands.options import Json, Settings

Checked = Annotated[
    str,
    typer.Argument(metavar="REFINER", help="Your own, ./mine.py:MyRefiner, or a name of 'bench list refiners'."),
]


def check(refiner: Checked, settings: Settings = None, as_json: Json = False) -> None:
    """Check a refiner's contract on small simulated images.

    Shape, batches, saving, seeds, resuming and more, a line each; exit code 4 when a check fails.
    """
    from bench.console import print_json
    from bench.contract.refiner import check_named, require_kept

    found = []
    for promise in check_named(refiner, settings or ()):
        found.append(promise)
        if not as_json:
            typer.echo(promise.line())
    if as_json:
        print_json([promise.to_json() for promise in found])
    require_kept(found)
