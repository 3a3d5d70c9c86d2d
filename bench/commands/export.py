"""`bench export` and `bench import`: results as one file, and back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.commands.options import (
    Asked,
    Device,
    Executor,
    ExperimentName,
    NoRun,
    ProgressKind,
    StoreRoot,
    open_store,
    planned,
)
from bench.core.errors import CellsFailed

NewFile = Annotated[Path, typer.Argument(metavar="FILE", help="The zip file to write.")]
ResultsFile = Annotated[Path, typer.Argument(metavar="FILE", help="A file of 'bench export'.")]


def export(
    experiment: ExperimentName, file: NewFile, asked: Asked, no_run: NoRun = False, device: Device = "auto",
    executor: Executor = "auto", store: StoreRoot = None, progress: ProgressKind = "auto",
) -> None:  # fmt: skip
    """Write results into one file.

    Scores, records and predictions of every cell, without images and weights. What is missing is run first.
    """
    from bench.console import choose_watch
    from bench.engine.export import export, snapshot_for

    plan, steps = planned(experiment, asked, store)
    with choose_watch(progress) as watch:
        found = snapshot_for(plan, steps, run=not no_run, executor=executor, device=device, watch=watch)
    export(found, steps, file)
    typer.echo(f"{len(found.cells)} cells of {found.experiment} ({found.profile}) at {found.revision.name}: {file}")
    if found.failed:
        where = min(found.failed)
        raise CellsFailed(f"{len(found.failed)} rows failed, first {', '.join(where)}: {found.missing[where]}")


def import_(file: ResultsFile, store: StoreRoot = None) -> None:
    """Put exported results into the store.

    Everything in the file is checked by its hash first; steps that are stored already stay as they are.
    """
    from bench.engine.export import import_file

    found, new = import_file(file, open_store(store))
    typer.echo(
        f"{len(found.cells)} cells of {found.experiment} ({found.profile}) at {found.revision.name}: {new} new steps"
    )
