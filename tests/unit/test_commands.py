"""The command line's own parts: a light start, options said once for several commands, how a command ends."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass, fields
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from bench.commands.command import command
from bench.commands.options import Asked
from bench.core.errors import DataError, Undecided, Worse
from bench.engine.asked import FIELDS, as_words
from bench.engine.plan import Request

Size = Annotated[int, typer.Option("--size", help="How large.")]


@dataclass(frozen=True)
class Wanted:
    size: Size = 3
    name: Annotated[list[str] | None, typer.Option("--name")] = None


@pytest.fixture
def app() -> typer.Typer:
    app = typer.Typer(add_completion=False, rich_markup_mode=None)

    def show(
        first: Annotated[str, typer.Argument(metavar="FIRST")],
        wanted: Wanted,
        last: Annotated[bool, typer.Option("--last")] = False,
    ) -> None:
        typer.echo(f"{first} {wanted} {last}")

    def fail() -> None:
        raise DataError("a file is missing")

    def judge(worse: Annotated[bool, typer.Option("--worse")] = False) -> None:
        raise Worse("1 worse") if worse else Undecided("1 inconclusive")

    command(app, "show")(show)
    command(app, "judge")(judge)
    command(app, "fail")(fail)
    return app


def test_a_dataclass_stands_for_its_options(app: typer.Typer) -> None:
    done = CliRunner().invoke(app, ["show", "x", "--name", "a", "--name", "b", "--last"])
    assert done.stdout == "x Wanted(size=3, name=['a', 'b']) True\n"
    shown = CliRunner().invoke(app, ["show", "--help"]).stdout
    places = [shown.index(word) for word in ("FIRST", "--size", "--name", "--last")]
    assert places == sorted(places)
    assert "How large.  [default: 3]" in shown


def test_an_expected_error_is_one_line_and_its_exit_code(app: typer.Typer) -> None:
    done = CliRunner().invoke(app, ["fail"])
    assert (done.exit_code, done.stdout, done.stderr) == (3, "", "error: a file is missing\n")


@pytest.mark.parametrize(("words", "code", "told"), [(["--worse"], 5, "1 worse\n"), ([], 6, "1 inconclusive\n")])
def test_a_verdict_is_no_error(app: typer.Typer, words: list[str], code: int, told: str) -> None:
    done = CliRunner().invoke(app, ["judge", *words])
    assert (done.exit_code, done.stdout, done.stderr) == (code, "", told)


def test_fields_and_options_have_the_same_names_everywhere() -> None:
    assert Asked().given() == {}
    assert as_words(Asked(profile="", refiners=[]).given()) == ["--profile", ""], "refused, not ignored"
    asked = Asked(profile="smoke", seeds=2, settings=["a.b=1"], allow_person_overlap=True)
    assert asked.given() == {"profile": "smoke", "seeds": 2, "settings": ["a.b=1"], "allow_person_overlap": True}
    assert as_words(asked.given()) == ["--profile", "smoke", "--seeds", "2", "--set", "a.b=1", "--allow-person-overlap"]
    known = CliRunner().invoke(_bench(), ["run", "--help"]).stdout
    assert [field.name for field in fields(Asked)] == list(FIELDS)
    assert ["experiment", *FIELDS] == [field.name for field in fields(Request)]
    assert all(f"  {option} " in known for option in FIELDS.values())


def _bench() -> typer.Typer:
    from bench.cli import app

    return app


def test_help_imports_nothing_that_takes_long() -> None:
    program = (
        "import sys, typer\nof_typer = set(sys.modules)\nfrom bench.cli import app\n"
        "try: app(['--help'])\nexcept SystemExit as end: assert not end.code\n"
        "more = {name: getattr(sys.modules[name], '__file__', None) or '' for name in set(sys.modules) - of_typer}\n"
        "print({name for name, file in more.items() if 'site-packages' in file and not name.startswith('typer')})\n"
        "print({name for name in more if name.startswith(('reports', 'bench.engine', 'bench.data', 'bench.console'))})"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-2:] == ["set()", "set()"]
