"""`bench compare`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from bench.commands.options import (
    Asked,
    Device,
    Executor,
    Json,
    Margins,
    NoRun,
    Out,
    ProgressKind,
    StoreRoot,
    open_store,
)
from bench.core.errors import CellsFailed, Undecided, UsageError, Worse

Base = Annotated[str | None, typer.Argument(metavar="BASE", help="Revision, '.', exported file or store.")]
Head = Annotated[str | None, typer.Argument(metavar="HEAD", help="The same; HEAD when left out.")]
WhichExperiment = Annotated[str | None, typer.Option("--experiment", help="One of 'bench list experiments'.")]
SelfTest = Annotated[bool, typer.Option("--self-test", help="Compare BASE with itself, seed by seed.")]


def compare(
    base: Base = None, head: Head = None, experiment: WhichExperiment = None, margin: Margins = None, *, asked: Asked,
    no_run: NoRun = False, self_test: SelfTest = False, device: Device = "auto", executor: Executor = "auto",
    store: StoreRoot = None, out: Out = Path("out"), as_json: Json = False, progress: ProgressKind = "auto",
) -> None:  # fmt: skip
    """Compare two revisions: better, worse, equivalent or inconclusive.

    Each revision's own code runs what its results lack, in a git worktree; the store is shared, so what a change does
    not touch is not run again. Beside a file or a store, a revision is run with what that was made with.
    Exit code 0: better, equivalent or the same code; 5: worse; 6: no answer.
    """
    from bench.engine.compare_run import Order, snapshots_of
    from reports.margin import margin_for

    if base is None and not self_test:
        raise UsageError("say what to compare: bench compare BASE [HEAD], e.g. 'bench compare main HEAD'")
    if self_test and head is not None:
        raise UsageError("--self-test compares one revision with itself; leave the second one out")
    how = {"--device": device, "--executor": executor}
    order = Order(
        experiment=experiment,
        store=open_store(store),
        asked=asked.given(),
        how=[word for pair in how.items() if pair[1] != "auto" for word in pair],  # an older revision may lack them
        run=not no_run,
        tell=lambda line: None if progress == "none" and not line.startswith("warning") else typer.echo(line, err=True),
    )
    names = [base or "HEAD"] if self_test else [str(base), head or "HEAD"]
    snapshots = snapshots_of(names, order)
    margins = margin_for(snapshots[-1], margin or ())
    if self_test:
        _show_self_test(snapshots[0], margins, as_json)
    else:
        _show_comparison(snapshots, margins, out, as_json)


def _show_self_test(snapshot: Any, margins: Any, as_json: bool) -> None:
    from bench.console import print_json
    from reports.self_test import self_test

    found = self_test(snapshot, margins)
    if as_json:
        print_json({**asdict(found), "rate": found.rate, "exit_code": found.exit_code})
    else:
        typer.echo(found.sentence)
    _end(found.exit_code, found.sentence)


def _show_comparison(snapshots: Sequence[Any], margins: Any, out: Path, as_json: bool) -> None:
    from reports.compare import compare
    from reports.compare_text import print_comparison, to_json
    from reports.compare_write import write_comparison

    base, head = snapshots
    found = compare(base, head, margins)
    folder = write_comparison(found, out)
    if as_json:
        typer.echo(to_json(found), nl=False)
    else:
        from rich.console import Console

        print_comparison(found, Console(highlight=False))
        typer.echo(f"report: {folder / 'compare.md'}", err=True)
    failed = [f"{each.revision.name}: {', '.join(at)}: {each.missing[at]}" for each in snapshots for at in each.failed]
    if failed and found.exit_code != Worse.exit_code:
        raise CellsFailed(f"{len(failed)} rows failed and were not compared, first {min(failed)}")
    _end(found.exit_code, f"{found.experiment}: {found.summary}")


def _end(exit_code: int, sentence: str) -> None:
    """Raise what ends the command with a verdict's exit code."""
    for error in (Worse, Undecided):
        if exit_code == error.exit_code:
            raise error(sentence)
