"""The command line: parse, call, print, exit code. Everything else is imported when a command needs it."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, NoReturn, ParamSpec

import typer

import bench
from bench.core.errors import BenchError, CellsFailed, DataError, Interrupted, UsageError

app = typer.Typer(
    name="bench",
    help="Does a refiner make synthetic images more useful? SimGAN's tables and curves, with honest statistics.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # rich help costs more time than the rest of a start
)
data_app = typer.Typer(
    rich_markup_mode=None,
    help="Data sets: list, get, prepare, check.",
    no_args_is_help=True,
)
app.add_typer(data_app, name="data")

P = ParamSpec("P")


def command(owner: typer.Typer, name: str) -> Callable[[Callable[P, None]], Callable[P, None]]:
    """Register a command whose expected errors end in one line and their exit code."""

    def register(function: Callable[P, None]) -> Callable[P, None]:
        @functools.wraps(function)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> None:
            try:
                function(*args, **kwargs)
            except BenchError as error:
                _fail(error)
            except KeyboardInterrupt:
                _fail(Interrupted("interrupted; finished steps are stored. Run the same command to go on."))

        return owner.command(name)(guarded)

    return register


def _fail(error: BenchError) -> NoReturn:
    typer.echo(f"error: {error}", err=True)
    raise typer.Exit(error.exit_code)


def _print_json(value: Any) -> None:
    typer.echo(json.dumps(value, indent=1, allow_nan=False))


ExperimentName = Annotated[str, typer.Argument(metavar="EXPERIMENT", help="One of 'bench list experiments'.")]
ProfileName = Annotated[str, typer.Option("--profile", help="Size of the run: smoke, quick, standard or paper.")]
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
Refiners = Annotated[list[str] | None, typer.Option("--refiner", help="Refiner to use; repeat for several.")]
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


def _plan_and_store(
    experiment: str, profile: str, data: str | None, synthetic: str | None, real: str | None, test: str | None,
    labelled: str | None, seeds: int | None, refiner: list[str] | None, settings: list[str] | None, overlap: bool,
    store: Path | None,
) -> tuple[Any, Any]:  # fmt: skip
    from bench.engine.plan import Request, make_plan
    from bench.engine.settle import settle
    from bench.engine.store import Store

    request = Request(
        experiment,
        profile,
        data,
        synthetic,
        real,
        test,
        labelled,
        seeds,
        tuple(refiner or ()),
        tuple(settings or ()),
        overlap,
    )
    steps = Store(store or Store.default_root())
    return settle(make_plan(request), steps), steps


@command(app, "run")
def run(
    experiment: ExperimentName, profile: ProfileName = "quick", data: Data = None, synthetic: Synthetic = None,
    real: Real = None, test: Test = None, labelled: Labelled = None, seeds: Seeds = None, refiner: Refiners = None,
    settings: Settings = None, overlap: Overlap = False, device: Device = "auto", executor: Executor = "auto",
    store: StoreRoot = None, out: Out = Path("out"), as_json: Json = False, progress: ProgressKind = "auto",
) -> None:  # fmt: skip
    """Run an experiment: table, figures, page.

    Finished steps are taken from the store; what is missing is run. The table goes to stdout, the rest below --out.
    """
    from bench.console import choose_watch
    from reports.regenerate import fresh_table, regenerate

    plan, steps = _plan_and_store(
        experiment, profile, data, synthetic, real, test, labelled, seeds, refiner, settings, overlap, store
    )
    with choose_watch(progress) as watch:
        table = fresh_table(plan, steps, out)
        if table is None:
            from bench.engine.run import execute
            from bench.engine.settle import settle

            failures = execute(plan, steps, executor=executor, device=device, watch=watch)
            table = regenerate(settle(plan, steps), steps, out, failures)
    _show(table, out, as_json)


@command(app, "report")
def report(
    experiment: ExperimentName, profile: ProfileName = "quick", data: Data = None, synthetic: Synthetic = None,
    real: Real = None, test: Test = None, labelled: Labelled = None, seeds: Seeds = None, refiner: Refiners = None,
    settings: Settings = None, overlap: Overlap = False, store: StoreRoot = None, out: Out = Path("out"),
    as_json: Json = False,
) -> None:  # fmt: skip
    """Rebuild a report from the store.

    Trains nothing and needs no GPU.
    """
    from reports.regenerate import regenerate

    plan, steps = _plan_and_store(
        experiment, profile, data, synthetic, real, test, labelled, seeds, refiner, settings, overlap, store
    )
    _show(regenerate(plan, steps, out, {}), out, as_json)


def _show(table: Any, out: Path, as_json: bool) -> None:
    if as_json:
        _print_json(table.to_json())
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


@command(app, "plan")
def plan(
    experiment: ExperimentName, profile: ProfileName = "quick", data: Data = None, synthetic: Synthetic = None,
    real: Real = None, test: Test = None, labelled: Labelled = None, seeds: Seeds = None, refiner: Refiners = None,
    settings: Settings = None, overlap: Overlap = False, store: StoreRoot = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Tell what 'run' would do, and why."""
    from bench.console import print_plan
    from bench.engine.explain import explain

    made, steps = _plan_and_store(
        experiment, profile, data, synthetic, real, test, labelled, seeds, refiner, settings, overlap, store
    )
    found = explain(made, steps)
    if as_json:
        _print_json(found.to_json())
    else:
        print_plan(found)


@command(app, "list")
def list_(
    kind: Annotated[
        str | None,
        typer.Argument(
            metavar="KIND",
            help="experiments, refiners, estimators, metrics, measures, readers or datasets; all when left out.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """List components and data sets."""
    from bench.console import print_lists
    from bench.listing import listing

    found = listing(kind)
    if as_json:
        _print_json(found)
    else:
        print_lists(found)


InputFolder = Annotated[
    Path, typer.Argument(metavar="FOLDER", help="Folder of grey PNG, JPEG, BMP or TIFF images of any size.")
]
OutputFolder = Annotated[Path, typer.Argument(metavar="INTO", help="Folder for the refined PNG images.")]
WhichExperiment = Annotated[str, typer.Option("--experiment", help="Experiment whose trained refiner is used.")]
WhichSeed = Annotated[int, typer.Option("--seed", min=0, help="Which seed's refiner.")]


@command(app, "refine")
def refine(
    images: InputFolder, into: OutputFolder, experiment: WhichExperiment = "gaze-table3", seed: WhichSeed = 0,
    profile: ProfileName = "quick", data: Data = None, synthetic: Synthetic = None, real: Real = None,
    test: Test = None, refiner: Refiners = None, settings: Settings = None, device: Device = "auto",
    store: StoreRoot = None,
) -> None:  # fmt: skip
    """Refine a folder of your own images."""
    from bench.engine.refine_folder import refine_folder
    from bench.training.device import choose_device

    made, steps = _plan_and_store(
        experiment, profile, data, synthetic, real, test, None, seed + 1, refiner, settings, False, store
    )
    count = refine_folder(made, steps, seed=seed, source=images, into=into, device=choose_device(device))
    typer.echo(f"{count} images refined into {into}")


@command(data_app, "list")
def data_list(as_json: Json = False) -> None:
    """List the data sets."""
    from bench.console import print_records
    from bench.data.manifests import list_manifests

    found = [{"name": each.name, "title": each.title, "licence": each.licence} for each in list_manifests()]
    print_records(found, as_json)


DataSet = Annotated[
    str,
    typer.Argument(
        metavar="NAME[:PART]", help="A data set of 'bench data list', or a manifest file; all its parts, or one."
    ),
]


@command(data_app, "status")
def data_status(
    data_set: Annotated[str | None, typer.Argument(metavar="NAME", help="One data set; all when left out.")] = None,
    as_json: Json = False,
) -> None:
    """Tell which data sets are here, and how to get the others."""
    from bench.console import print_records
    from bench.data.verify import status

    print_records([asdict(each) for each in status(data_set)], as_json, once="obtain")


@command(data_app, "prepare")
def data_prepare(
    data_set: DataSet,
    into: Annotated[Path, typer.Option("--into", help="Folder for the HDF5 files.")] = Path("prepared"),
    count: Annotated[int | None, typer.Option("--count", min=1, help="At most so many images, a fixed choice.")] = None,
    as_json: Json = False,
) -> None:
    """Convert a data set once, into HDF5 that reads fast."""
    from bench.console import print_records
    from bench.data.verify import parts_of, prepare

    made = [prepare(part, into / f"{file}.h5", count) for part, file in parts_of(data_set).items()]
    print_records([{**asdict(each), "path": str(each.path)} for each in made], as_json)


@command(data_app, "verify")
def data_verify(
    data_set: DataSet,
    count: Annotated[int | None, typer.Option("--count", min=1, help="Look at so many images only.")] = None,
    figure: Annotated[
        Path | None,
        typer.Option(
            "--figure", metavar="FILE", help="Draw yaw and pitch against the pupil; PNG, PDF or SVG; one part."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Check files, images and labels; exit code 3 when one is wrong."""
    from bench.console import print_records
    from bench.data.verify import examine, parts_of

    parts = list(parts_of(data_set))
    if figure is not None and len(parts) > 1:
        raise UsageError(f"--figure draws one part; name it, e.g. {parts[0]}")
    found = {part: examine(part, count) for part in parts}
    checks = [{"part": part, **asdict(check)} for part, each in found.items() for check in each.checks]
    if figure is not None:
        from reports.label_evidence import draw_label_evidence

        evidence = found[parts[0]].evidence
        if evidence is None:
            raise DataError(f"{parts[0]} has no gaze labels to draw")
        draw_label_evidence(evidence, figure)
    print_records(checks, as_json)
    bad = [check for check in checks if check["verdict"] == "bad"]
    if bad:
        first = f"{bad[0]['part']}: {bad[0]['name']}: {bad[0]['detail']}"
        raise DataError(f"{len(bad)} of {len(checks)} checks failed: {first}")


@command(app, "doctor")
def doctor(store: StoreRoot = None, as_json: Json = False) -> None:
    """Examine this machine, for a bug report."""
    from bench.console import print_facts
    from bench.doctor import examine
    from bench.engine.store import Store

    found = examine(Store(store or Store.default_root()))
    if as_json:
        _print_json(found)
    else:
        print_facts(found)


@app.callback(invoke_without_command=True)
def version(
    show: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Say the version when asked."""
    if show:
        typer.echo(f"simgan-bench {bench.__version__}")
        raise typer.Exit(0)


def main() -> None:
    """Entry point of the `bench` script."""
    app()


if __name__ == "__main__":
    main()
