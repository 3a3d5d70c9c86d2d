"""`bench run`."""

from __future__ import annotations

from pathlib import Path

import typer

from bench.commands.options import (
    DEFAULT_PROFILE,
    Asked,
    Device,
    Executor,
    ExperimentName,
    Json,
    Out,
    ProgressKind,
    StoreRoot,
    planned,
)
from bench.commands.report import show


def run(
    experiment: ExperimentName, asked: Asked, device: Device = "auto", executor: Executor = "auto",
    store: StoreRoot = None, out: Out = Path("out"), as_json: Json = False, progress: ProgressKind = "auto",
) -> None:  # fmt: skip
    """Run an experiment: table, figures, page.

    Finished steps are taken from the store; what is missing is run. The table goes to stdout, the rest below --out.
    """
    if experiment == "turing-table1":  # people's answers, counted: no cells, nothing to train or to store
        from bench.engine.asked import FIELDS
        from bench.study.table1 import run_table1

        ignored = [FIELDS[field] for field in asked.given() if field != "profile"]
        typer.echo(run_table1(asked.profile or DEFAULT_PROFILE, ignored, out, as_json), nl=False)
        return
    from bench.console import choose_watch
    from reports.regenerate import fresh_table, regenerate

    plan, steps = planned(experiment, asked, store)
    with choose_watch(progress) as watch:
        table = fresh_table(plan, steps, out)
        if table is None:
            from bench.engine.run import execute
            from bench.engine.settle import settle

            failures = execute(plan, steps, executor=executor, device=device, watch=watch)
            table = regenerate(settle(plan, steps), steps, out, failures)
    show(table, out, as_json)
