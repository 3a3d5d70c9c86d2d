"""The command line: parse, call, print, exit code. Everything else is imported when a command needs it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

import bench
from bench.command import command
from bench.core.errors import CellsFailed, DataError, Undecided, UsageError, Worse
from bench.study_cli import study_app

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
app.add_typer(study_app, name="study")


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
    if experiment == "turing-table1":  # people's answers, counted: no cells, nothing to train or to store
        from bench.study.table1 import run_table1

        given = {
            "--data": data, "--synthetic": synthetic, "--real": real, "--test": test, "--labelled": labelled,
            "--seeds": seeds, "--refiner": refiner, "--set": settings, "--allow-person-overlap": overlap,
        }  # fmt: skip
        typer.echo(run_table1(profile, [name for name, value in given.items() if value], out, as_json), nl=False)
        return
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


ResultsFile = Annotated[Path, typer.Argument(metavar="FILE", help="A file of 'bench export'.")]
NoRun = Annotated[bool, typer.Option("--no-run", help="Run nothing; what is not stored is an error.")]


@command(app, "export")
def export_(
    experiment: ExperimentName, file: Annotated[Path, typer.Argument(metavar="FILE", help="The zip file to write.")],
    profile: ProfileName = "quick", data: Data = None, synthetic: Synthetic = None, real: Real = None,
    test: Test = None, labelled: Labelled = None, seeds: Seeds = None, refiner: Refiners = None,
    settings: Settings = None, overlap: Overlap = False, no_run: NoRun = False, device: Device = "auto",
    executor: Executor = "auto", store: StoreRoot = None, progress: ProgressKind = "auto",
) -> None:  # fmt: skip
    """Write results into one file.

    Scores, records and predictions of every cell, without images and weights. What is missing is run first.
    """
    from bench.console import choose_watch
    from bench.engine.export import export, snapshot_for

    plan, steps = _plan_and_store(
        experiment, profile, data, synthetic, real, test, labelled, seeds, refiner, settings, overlap, store
    )
    with choose_watch(progress) as watch:
        found = snapshot_for(plan, steps, run=not no_run, executor=executor, device=device, watch=watch)
    export(found, steps, file)
    typer.echo(f"{len(found.cells)} cells of {found.experiment} ({found.profile}) at {found.revision.name}: {file}")
    if found.failed:
        where = min(found.failed)
        raise CellsFailed(f"{len(found.failed)} rows failed, first {', '.join(where)}: {found.missing[where]}")


@command(app, "import")
def import_(file: ResultsFile, store: StoreRoot = None) -> None:
    """Put exported results into the store.

    Everything in the file is checked by its hash first; steps that are stored already stay as they are.
    """
    from bench.engine.export import import_file
    from bench.engine.store import Store

    found, new = import_file(file, Store(store or Store.default_root()))
    typer.echo(
        f"{len(found.cells)} cells of {found.experiment} ({found.profile}) at {found.revision.name}: {new} new steps"
    )


Margins = Annotated[
    list[str] | None,
    typer.Option(
        "--margin",
        metavar="NUMBER[UNIT]",
        help="Differences within it do not matter, e.g. 0.3deg; for the experiment's own. Repeat for more units.",
    ),
]


@command(app, "compare")
def compare_(
    base: Annotated[str | None, typer.Argument(metavar="BASE", help="Revision, '.', exported file or store.")] = None,
    head: Annotated[str | None, typer.Argument(metavar="HEAD", help="The same; HEAD when left out.")] = None,
    experiment: Annotated[str | None, typer.Option("--experiment", help="One of 'bench list experiments'.")] = None,
    margin: Margins = None, profile: ProfileName = "quick", data: Data = None, synthetic: Synthetic = None,
    real: Real = None, test: Test = None, labelled: Labelled = None, seeds: Seeds = None, refiner: Refiners = None,
    settings: Settings = None, overlap: Overlap = False, no_run: NoRun = False,
    self_test: Annotated[bool, typer.Option("--self-test", help="Compare BASE with itself, seed by seed.")] = False,
    device: Device = "auto", executor: Executor = "auto", store: StoreRoot = None, out: Out = Path("out"),
    as_json: Json = False, progress: ProgressKind = "auto",
) -> None:  # fmt: skip
    """Compare two revisions: better, worse, equivalent or inconclusive.

    Each revision's own code runs what its results lack, in a git worktree; the store is shared, so what a change does
    not touch is not run again. Exit code 0: better, equivalent or the same code; 5: worse; 6: no answer.
    """
    from bench.engine.compare_run import Order, snapshots_of
    from bench.engine.store import Store

    if base is None and not self_test:
        raise UsageError("say what to compare: bench compare BASE [HEAD], e.g. 'bench compare main HEAD'")
    if self_test and head is not None:
        raise UsageError("--self-test compares one revision with itself; leave the second one out")
    given = {
        "--profile": profile, "--data": data, "--synthetic": synthetic, "--real": real, "--test": test,
        "--labelled": labelled, "--seeds": seeds, "--refiner": refiner, "--set": settings, "--device": device,
        "--executor": executor,
    }  # fmt: skip
    order = Order(
        experiment=experiment,
        profile=profile,
        store=Store(store or Store.default_root()),
        options=_words(given, overlap),
        run=not no_run,
        tell=lambda line: None if progress == "none" and not line.startswith("warning") else typer.echo(line, err=True),
    )
    names = [base or "HEAD"] if self_test else [str(base), head or "HEAD"]
    snapshots = snapshots_of(names, order)
    margins = _margin(margin or [], snapshots[-1])
    if self_test:
        _show_self_test(snapshots[0], margins, as_json)
    else:
        _show_comparison(snapshots, margins, out, as_json)


def _margin(texts: Sequence[str], snapshot: Any) -> Any:
    from bench.core import registry
    from reports.margin import margin_of

    declared = registry.load("experiments", snapshot.experiment).columns
    known = {column.key: column.margin for column in declared if column.margin is not None}
    return margin_of(texts, known, snapshot.columns)


def _show_self_test(snapshot: Any, margins: Any, as_json: bool) -> None:
    from reports.self_test import self_test

    found = self_test(snapshot, margins)
    if as_json:
        _print_json({**asdict(found), "rate": found.rate, "exit_code": found.exit_code})
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


@command(app, "history")
def history_(
    experiment: ExperimentName,
    column: Annotated[list[str] | None, typer.Option("--column", help="A column's key; repeat for several.")] = None,
    profile: Annotated[str | None, typer.Option("--profile", help="Its size; the newest results' if left out.")] = None,
    margin: Margins = None, store: StoreRoot = None, out: Out = Path("out"), as_json: Json = False,
) -> None:  # fmt: skip
    """Show an experiment's numbers over the commits in the store.

    A table and a figure, with a mark at each commit that made something better or worse.
    """
    from bench.engine.history import over_commits
    from bench.engine.store import Store
    from reports.compare_write import write_history
    from reports.history import history, to_json, to_markdown

    found, others = over_commits(Store(store or Store.default_root()), experiment, profile)
    made = history(found, _margin(margin or [], found[-1]), column or ())
    folder = write_history(made, out)
    typer.echo(to_json(made) if as_json else to_markdown(made), nl=False)
    if others:
        typer.echo(f"{others} results with another profile, other data or other settings are not shown", err=True)
    typer.echo(f"report: {folder / 'history.md'}", err=True)


def _words(given: Mapping[str, Any], overlap: bool) -> tuple[str, ...]:
    """Options as they stood on the command line, those left out or 'auto' left out: an older revision may lack them."""
    words = [
        word
        for name, value in given.items()
        if value not in (None, "auto")
        for each in (value if isinstance(value, list) else [value])
        for word in (name, str(each))
    ]
    return (*words, *(["--allow-person-overlap"] if overlap else []))


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
    Path,
    typer.Argument(
        metavar="FOLDER", help="Folder of grey PNG, JPEG, BMP or TIFF images, or of 16-bit depth PNGs in mm."
    ),
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


@command(app, "check")
def check(
    refiner: Annotated[
        str,
        typer.Argument(metavar="REFINER", help="Your own, ./mine.py:MyRefiner, or a name of 'bench list refiners'."),
    ],
    settings: Settings = None,
    as_json: Json = False,
) -> None:
    """Check a refiner's contract on small simulated images.

    Shape, batches, saving, seeds, resuming and more, a line each; exit code 4 when a check fails.
    """
    from bench.contract.refiner import check_named, require_kept

    found = []
    for promise in check_named(refiner, settings or ()):
        found.append(promise)
        if not as_json:
            typer.echo(promise.line())
    if as_json:
        _print_json([promise.to_json() for promise in found])
    require_kept(found)


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
