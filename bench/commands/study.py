"""`bench study`: build, serve, analyse, simulate, export, delete."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from bench.commands.command import command
from bench.commands.options import Json, Out
from bench.core.errors import UsageError

study_app = typer.Typer(
    rich_markup_mode=None,
    help="The visual Turing study: can people tell refined images from real ones?",
    no_args_is_help=True,
)

StudyFolder = Annotated[Path, typer.Argument(metavar="STUDY", help="A folder of 'bench study build'.")]
Images = typer.Option(metavar="FOLDER|FILE.h5|DATASET:PART", help="Images of this class.")
ARM_HELP = "Real against refined, synthetic or real, N images of each per subject; repeat. [refined:50, synthetic:10]"
PAPER_ARMS = {"refined": 50, "synthetic": 10}
"""Images per class and subject (paper, section 3.1)."""


@command(study_app, "build")
def build(
    out: Annotated[Path, typer.Option("--out", help="The study's folder, a new one.")],
    refined: Annotated[str | None, Images] = None,
    real: Annotated[str | None, Images] = None,
    synthetic: Annotated[str | None, Images] = None,
    experiment: Annotated[
        str | None, typer.Option("--experiment", help="Take what is not named from this experiment's finished run.")
    ] = None,
    profile: Annotated[str, typer.Option("--profile", help="The run's size.")] = "quick",
    refiner: Annotated[str | None, typer.Option("--refiner", help="The run's refiner.")] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Which seed's refined images.")] = 0,
    data: Annotated[str | None, typer.Option("--data", help="The run's data set.")] = None,
    settings: Annotated[list[str] | None, typer.Option("--set", help="The run's settings.")] = None,
    store: Annotated[Path | None, typer.Option("--store", help="Where the run is stored.")] = None,
    arm: Annotated[list[str] | None, typer.Option("--arm", metavar="CLASS[:N]", help=ARM_HELP)] = None,
    mode: Annotated[str, typer.Option("--mode", help="yes-no, or two-alternative.")] = "yes-no",
    images: Annotated[int, typer.Option("--images", min=1, help="At most so many of a class, a fixed choice.")] = 500,
    examples: Annotated[int | None, typer.Option("--examples", min=0, help="Labelled examples of each class.")] = None,
    practice: Annotated[int | None, typer.Option("--practice", min=0, help="Trials for practice.")] = None,
    attention: Annotated[int | None, typer.Option("--attention", min=0, help="Attention checks.")] = None,
    title: Annotated[str | None, typer.Option("--title", help="Heading of the page.")] = None,
    allocation_seed: Annotated[
        int | None, typer.Option("--allocation-seed", min=0, help="Who sees what in which order.  [default: random]")
    ] = None,
) -> None:
    """Make a study's folder: images and design.

    The rest of the design, such as the consent text, is in its study.toml; change it before the first subject.
    """
    from bench.engine.plan import Request
    from bench.engine.store import Store
    from bench.study.build import Source, build_study, design_of, from_experiment

    sources: dict[Any, Source] = {}
    if experiment is not None:
        refiners = (refiner,) if refiner else ()
        request = Request(experiment, profile, data, seeds=seed + 1, refiners=refiners, settings=tuple(settings or ()))
        sources = from_experiment(request, seed, Store(store or Store.default_root()))
    own = {"refined": refined, "real": real, "synthetic": synthetic}
    sources |= {name: Source(text) for name, text in own.items() if text is not None}
    arms = _arms(arm or [f"{name}:{count}" for name, count in PAPER_ARMS.items() if name in sources])
    chosen = {
        "mode": mode, "seed": allocation_seed, "examples_per_class": examples, "practice": practice,
        "attention_checks": attention, "title": title,
    }  # fmt: skip
    design = build_study(design_of(arms, chosen), sources, images, out)
    typer.echo(f"{out}: {', '.join(each.name for each in design.arms)}; design {design.digest[:12]}")
    typer.echo(f"Look at {out / 'study.toml'}, then: bench study serve {out}", err=True)


def _arms(texts: list[str]) -> list[dict[str, Any]]:
    """'refined:50' -> an arm; UsageError for what is no number."""
    arms = []
    for text in texts:
        name, _, count = text.partition(":")
        if count and not count.isdecimal():
            raise UsageError(f"--arm {text}: '{count}' is no number of images; write --arm refined:50")
        arms.append({"name": name, "second": name, "images_per_class": int(count or PAPER_ARMS.get(name, 10))})
    return arms


@command(study_app, "serve")
def serve_(
    study: StudyFolder,
    host: Annotated[str, typer.Option("--host", help="Address to serve on; another one than this machine's own"
                                                     " needs --access-code.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0 = any free one.")] = 8000,
    access_code: Annotated[str | None, typer.Option("--access-code", help="What subjects must know to begin.")] = None,
) -> None:  # fmt: skip
    """Serve the page to subjects until interrupted.

    Answers are stored one by one; serve the same folder again to go on.
    """
    from bench.study.serve import Place, serve

    serve(study, Place(host, port, access_code), lambda link: typer.echo(f"{link}  (stop with Ctrl-C)"))


Answers = Annotated[Path | None, typer.Option("--answers", help="A file of 'export' or 'simulate', not the folder's.")]


@command(study_app, "analyse")
def analyse_(
    study: StudyFolder,
    answers: Answers = None,
    machine: Annotated[bool, typer.Option("--machine", help="Add a classifier's result on the same images.")] = False,
    out: Out = Path("out"),
    as_json: Json = False,
) -> None:
    """Analyse the answers: Table 1, subjects, equivalence, images."""
    from bench.study.answers import read_answers
    from bench.study.design import load_design

    design = load_design(study)
    found = _machine(study, design) if machine else ()
    _report(read_answers(answers or study), design, found, out, as_json)


def _machine(study: Path, design: Any) -> list[Any]:
    import numpy as np

    from bench.study.machine import machine_result
    from bench.study.pictures import load_sets

    sets = load_sets(study, design)
    return [
        machine_result(arm.name, sets["real"], sets[arm.second], np.random.default_rng(design.seed))
        for arm in design.arms
        if arm.second != "real"
    ]


def _report(answers: Any, design: Any, machine: Any, out: Path, as_json: bool) -> None:
    from bench.console import print_json
    from bench.study.analysis import analyse
    from bench.study.report import analysis_report, write_report
    from bench.study.table1 import provenance

    report = analysis_report(analyse(answers, design, machine), provenance())
    write_report(report, out / report.name)
    if as_json:
        print_json(report.content)
    else:
        _print(report.grids, report.notes)
        typer.echo(f"report: {out / report.name / 'report.html'}", err=True)


def _print(grids: Any, notes: Any) -> None:
    from rich.console import Console

    from bench.study.grids import terminal

    Console(highlight=False).print(terminal(grids, notes))


@command(study_app, "simulate")
def simulate_(
    study: StudyFolder,
    subjects: Annotated[int, typer.Option("--subjects", min=1, help="How many people take part.")] = 10,
    accuracy: Annotated[float, typer.Option("--accuracy", help="Mean share right, real against refined.")] = 0.517,
    control: Annotated[float, typer.Option("--control", help="Mean share right, real against synthetic.")] = 0.81,
    accuracy_sd: Annotated[float, typer.Option("--accuracy-sd", help="Its standard deviation over people.")] = 0.05,
    bias: Annotated[float, typer.Option("--bias", help="Mean criterion c; above 0 = says 'fake' too often.")] = 0.0,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the people and their answers.")] = 0,
    power: Annotated[bool, typer.Option("--power", help="Only: how many subjects show equivalence?")] = False,
    answers: Annotated[Path | None, typer.Option("--answers", help="CSV file for the simulated answers.")] = None,
    out: Out = Path("out"),
    as_json: Json = False,
) -> None:
    """Rehearse a study with simulated people, or ask how many subjects it needs.

    The study's own answers are not touched.
    """
    from bench.console import print_json
    from bench.study.design import load_design
    from bench.study.pictures import image_ids, load_sets
    from bench.study.power import power_table
    from bench.study.simulate import People, simulate
    from bench.study.summary import power_grid

    design = load_design(study)
    if power:
        table = power_table(design.trials(design.arms[0]), design.margin, seed=seed)
        if as_json:
            print_json(table.to_json())
        else:
            _print([power_grid(table)], [])
        return
    people = People(subjects, {"refined": accuracy, "synthetic": control}, accuracy_sd, bias)
    found = simulate(design, people, seed, image_ids(load_sets(study, design)))
    if answers is not None:
        found.to_csv(answers, index=False, lineterminator="\n")
        typer.echo(f"{len(found)} simulated answers: {answers}", err=True)
    _report(found, design, (), out / "simulated", as_json)


@command(study_app, "export")
def export_(
    study: StudyFolder,
    out: Annotated[Path, typer.Option("--out", help="Folder for the files.")] = Path("export"),
) -> None:
    """Write answers and subjects as CSV and Parquet, with a codebook."""
    from bench.study.export import export_study

    answers, subjects = export_study(study, out)
    typer.echo(f"{answers} answers of {subjects} subjects: {out}")


@command(study_app, "delete")
def delete_(
    study: StudyFolder,
    session: Annotated[str, typer.Argument(metavar="SESSION", help="The subject's random name.")],
) -> None:
    """Delete everything about one subject, for good."""
    from bench.study.storage import delete_subject

    typer.echo(f"{session}: {delete_subject(study, session)} answers deleted")
