"""`bench plan`."""

from __future__ import annotations

from typing import Annotated

import typer

from bench.commands.options import Asked, Device, Executor, ExperimentName, Json, StoreRoot, planned

Time = Annotated[bool, typer.Option("--time", help="Measure how long it would take, with --device and --executor.")]


def plan(
    experiment: ExperimentName, asked: Asked, time: Time = False, device: Device = "auto", executor: Executor = "auto",
    store: StoreRoot = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Tell what 'run' would do, and why."""
    from bench.console import print_json, print_plan
    from bench.engine.explain import explain

    made, steps = planned(experiment, asked, store)
    found = explain(made, steps)
    if not as_json:
        print_plan(found)
    timed = None
    if time:
        from bench.engine.estimate import estimate

        timed = estimate(made, steps, executor=executor, device=device)
    if as_json:
        print_json({**found.to_json(), **({} if timed is None else {"time": timed.to_json()})})
    elif timed is not None:
        from bench.plan_time import print_estimate

        print_estimate(timed)
