"""`bench history`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.commands.options import ExperimentName, Json, Margins, Out, StoreRoot, open_store

Columns = Annotated[list[str] | None, typer.Option("--column", help="A column's key; repeat for several.")]
NewestProfile = Annotated[str | None, typer.Option("--profile", help="Its size; the newest results' if left out.")]


def history(
    experiment: ExperimentName, column: Columns = None, profile: NewestProfile = None, margin: Margins = None,
    store: StoreRoot = None, out: Out = Path("out"), as_json: Json = False,
) -> None:  # fmt: skip
    """Show an experiment's numbers over the commits in the store.

    A table and a figure, with a mark at each commit that made something better or worse.
    """
    from bench.engine.history import over_commits
    from reports.compare_write import write_history
    from reports.history import history, to_json, to_markdown
    from reports.margin import margin_for

    found, others = over_commits(open_store(store), experiment, profile)
    made = history(found, margin_for(found[-1], margin or ()), column or ())
    folder = write_history(made, out)
    typer.echo(to_json(made) if as_json else to_markdown(made), nl=False)
    if others:
        typer.echo(f"{others} results with another profile, other data or other settings are not shown", err=True)
    typer.echo(f"report: {folder / 'history.md'}", err=True)
