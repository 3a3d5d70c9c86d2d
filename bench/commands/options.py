"""The options that several commands share."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from bench.engine.plan import Plan
    from bench.engine.store import Store

DEFAULT_PROFILE = "quick"

ExperimentName = Annotated[str, typer.Argument(metavar="EXPERIMENT", help="One of 'bench list experiments'.")]
ProfileName = Annotated[
    str | None,
    typer.Option("--profile", help=f"Size of the run: smoke, quick, standard or paper.  [default: {DEFAULT_PROFILE}]"),
]
Data = Annotated[
    str | None,
    typer.Option(
        "--data",
        metavar="NAME|FILE",
        help="Data set for all roles: a name of 'bench data list' or a manifest file.",
    ),
]
Synthetic = Annotated[
    str | None,
    typer.Option("--synthetic", metavar="NAME[:PART]", help="Synthetic set, in place of the data set's own."),
]
Real = Annotated[
    str | None,
    typer.Option(
        "--real",
        metavar="NAME[:PART]",
        help="Real set: unlabelled for the refiner; trains the 'real' rows when it has labels.",
    ),
]
Test = Annotated[str | None, typer.Option("--test", metavar="NAME[:PART]", help="Labelled real test set.")]
Labelled = Annotated[
    str | None,
    typer.Option("--labelled", metavar="NAME[:PART]", help="Labelled real set that the 'real' rows train on."),
]
Seeds = Annotated[int | None, typer.Option("--seeds", min=1, help="Number of seeds, in place of the profile's.")]
Refiners = Annotated[
    list[str] | None,
    typer.Option(
        "--refiner",
        metavar="NAME|FILE",
        help="Refiner to use: a name of 'bench list refiners', or your own, ./mine.py:MyRefiner; repeat for several.",
    ),
]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="OWNER.NAME=VALUE",
        help="A setting, e.g. simgan.refiner_maps=64, simgan.preset=blog, images.synthetic=8000; repeat for several.",
    ),
]
Overlap = Annotated[
    bool,
    typer.Option(
        "--allow-person-overlap",
        help="Train on labelled images of test persons all the same; the table is marked.",
    ),
]
Margins = Annotated[
    list[str] | None,
    typer.Option(
        "--margin",
        metavar="NUMBER[UNIT]",
        help="Differences within it do not matter, e.g. 0.3deg; for the experiment's own. Repeat for more units.",
    ),
]
StoreRoot = Annotated[
    Path | None,
    typer.Option("--store", help="Where finished steps live.  [default: $SIMGAN_BENCH_STORE or the user's cache]"),
]
Out = Annotated[Path, typer.Option("--out", help="Where tables, figures and the page go.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else on stdout.")]
Device = Annotated[str, typer.Option("--device", help="auto, cpu, cuda, cuda:N or mps.")]
Executor = Annotated[
    str, typer.Option("--executor", help="auto, serial or processes (single-thread workers, one per core).")
]
ProgressKind = Annotated[str, typer.Option("--progress", help="auto, bar, plain or none.")]
NoRun = Annotated[bool, typer.Option("--no-run", help="Run nothing; what is not stored is an error.")]


@dataclass(frozen=True)
class Asked:
    """What an experiment is run with. As the parameter of a command it stands for these options."""

    profile: ProfileName = None
    data: Data = None
    synthetic: Synthetic = None
    real: Real = None
    test: Test = None
    labelled: Labelled = None
    seeds: Seeds = None
    refiners: Refiners = None
    settings: Settings = None
    allow_person_overlap: Overlap = False

    def given(self) -> dict[str, Any]:
        """Those that were given, by the fields of a `Request`, which have the same names."""
        return {name: value for name, value in vars(self).items() if value not in (None, False, [])}


def open_store(root: Path | None) -> Store:
    """The store at `root`, or the user's own."""
    from bench.engine.store import Store

    return Store(root or Store.default_root())


def planned(experiment: str, asked: Asked, store: Path | None) -> tuple[Plan, Store]:
    """An experiment's plan, settled with what the store knows, and the store."""
    from bench.engine.plan import Request, make_plan
    from bench.engine.settle import settle

    given: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in asked.given().items()
    }
    steps = open_store(store)
    return settle(make_plan(Request(experiment, **given)), steps), steps
