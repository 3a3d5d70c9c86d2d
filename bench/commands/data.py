"""`bench data`: list, status, prepare, verify."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from bench.commands.command import command
from bench.commands.options import Json
from bench.core.errors import DataError, UsageError

data_app = typer.Typer(
    rich_markup_mode=None,
    help="Data sets: list, get, prepare, check.",
    no_args_is_help=True,
)


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
