"""`bench report`, and how a table is shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

from bench.commands.options import Asked, ExperimentName, Json, Out, StoreRoot, planned
from bench.core.errors import CellsFailed


def report(
    experiment: ExperimentName, asked: Asked, store: StoreRoot = None, out: Out = Path("out"), as_json: Json = False
) -> None:
    """Rebuild a report from the store.

    Trains nothing and needs no GPU.
    """
    from reports.regenerate import regenerate

    plan, steps = planned(experiment, asked, store)
    show(regenerate(plan, steps, out, {}), out, as_json)


def show(table: Any, out: Path, as_json: bool) -> None:
    """Print a table that was written below `out`; CellsFailed when it has rows that failed."""
    if as_json:
        from bench.console import print_json

        print_json(table.to_json())
    else:
        from reports.tables import print_table

        print_table(table)
        typer.echo(f"report: {out / table.experiment / 'report.html'}", err=True)
    failed = [row for row in table.rows if row.status == "failed"]
    if failed:
        raise CellsFailed(
            f"{len(failed)} of {len(table.rows)} rows have failed cells: {failed[0].key}: {failed[0].failure}."
            " Finished steps are stored; run the same command to try again."
        )
