"""The command line, put together; each command is a file of `bench.commands` and imports what it needs when called."""

from __future__ import annotations

from typing import Annotated

import typer

import bench
from bench.commands.check import check
from bench.commands.command import command
from bench.commands.compare import compare
from bench.commands.data import data_app
from bench.commands.doctor import doctor
from bench.commands.export import export, import_
from bench.commands.history import history
from bench.commands.list import list_
from bench.commands.plan import plan
from bench.commands.refine import refine
from bench.commands.report import report
from bench.commands.run import run
from bench.commands.study import study_app

app = typer.Typer(
    name="bench",
    help="Does a refiner make synthetic images more useful? SimGAN's tables and curves, with honest statistics.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # rich help costs more time than the rest of a start
)
command(app, "run")(run)
command(app, "report")(report)
command(app, "plan")(plan)
command(app, "export")(export)
command(app, "import")(import_)
command(app, "compare")(compare)
command(app, "history")(history)
command(app, "list")(list_)
command(app, "refine")(refine)
command(app, "check")(check)
command(app, "doctor")(doctor)
app.add_typer(data_app, name="data")
app.add_typer(study_app, name="study")


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
