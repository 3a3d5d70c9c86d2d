"""The workflows: who may start them, what they may do, and that nothing typed by a person becomes a command.

actionlint (`nox -s workflows`) reads them as GitHub does; here is what it leaves to us.
"""

from __future__ import annotations

import copy
import re
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.conftest import CHECKOUT
from tests.e2e.github_runner import WORKFLOWS, evaluate, workflow

PINNED = re.compile(r"uses: [a-z-]+/[a-z/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$")
LABELLED: dict[str, Any] = {
    "event_name": "pull_request",
    "repository": "we/simgan-bench",
    "event": {
        "action": "labeled",
        "label": {"name": "gpu-compare"},
        "pull_request": {"head": {"repo": {"full_name": "we/simgan-bench"}}},
    },
}


def jobs(name: str) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = workflow(name)["jobs"]
    return found


@pytest.fixture(params=sorted(path.name for path in WORKFLOWS.iterdir()))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_all_workflows_are_checked() -> None:
    assert {path.name for path in WORKFLOWS.iterdir()} == {"tests.yml", "gpu-compare.yml"}


def test_a_workflow_may_read_the_repository_and_nothing_else(name: str) -> None:
    assert workflow(name)["permissions"] == {"contents": "read"}
    assert not any("permissions" in job for job in jobs(name).values())
    assert "secrets." not in (WORKFLOWS / name).read_text()
    checkouts = [step for job in jobs(name).values() for step in job["steps"] if "checkout@" in step.get("uses", "")]
    assert checkouts
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


def test_actions_are_pinned_by_their_commit_and_named_by_their_version(name: str) -> None:
    lines = [line.strip(" -") for line in (WORKFLOWS / name).read_text().splitlines() if "uses:" in line]
    assert lines
    assert [line for line in lines if not PINNED.fullmatch(line)] == []


def test_every_job_ends_and_gives_way_to_a_newer_one(name: str) -> None:
    assert workflow(name)["concurrency"]["group"].startswith(name.removesuffix(".yml"))
    assert all(0 < job["timeout-minutes"] <= 720 for job in jobs(name).values())


def test_scripts_get_what_was_typed_as_variables_only(name: str) -> None:
    scripts = [step["run"] for job in jobs(name).values() for step in job["steps"] if "run" in step]
    assert scripts
    assert [script for script in scripts if "${{" in script] == []


def test_the_tests_run_on_every_python_that_is_declared() -> None:
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
    declared = [line.rpartition(" ")[2] for line in project["classifiers"] if "Python :: 3." in line]
    tests = jobs("tests.yml")["tests"]
    assert tests["strategy"]["matrix"]["python"] == declared == ["3.11", "3.12", "3.13"]
    assert [step["run"] for step in tests["steps"] if "run" in step] == [".ci/run"]
    assert set(workflow("tests.yml")["on"]) == {"push", "pull_request"}


class TestWhoMayUseTheGpu:
    def starts(self, github: dict[str, Any]) -> bool:
        return bool(evaluate(jobs("gpu-compare.yml")["compare"]["if"], {"github": github}))

    def test_only_by_hand_or_by_a_label(self) -> None:
        on = workflow("gpu-compare.yml")["on"]
        assert set(on) == {"workflow_dispatch", "pull_request"}
        assert on["pull_request"] == {"types": ["labeled"]}
        assert set(on["workflow_dispatch"]["inputs"]) == {
            "base", "experiment", "profile", "margin", "seeds", "settings",
        }  # fmt: skip
        assert jobs("gpu-compare.yml")["compare"]["runs-on"] == ["self-hosted", "gpu"]

    def test_the_label_and_a_person_start_it(self) -> None:
        assert self.starts(LABELLED)
        assert self.starts({"event_name": "workflow_dispatch", "repository": "we/simgan-bench", "event": {}})

    @pytest.mark.parametrize(
        ("place", "value"),
        [
            ("event.pull_request.head.repo.full_name", "somebody/simgan-bench"),
            ("event.pull_request.head.repo", None),  # a fork that was deleted
            ("event.label.name", "documentation"),
            ("event.action", "synchronize"),
            ("event_name", "pull_request_target"),
            ("event_name", "push"),
        ],
    )
    def test_nothing_else_does(self, place: str, value: str | None) -> None:
        github = copy.deepcopy(LABELLED)
        *way, last = place.split(".")
        inside = github
        for part in way:
            inside = inside[part]
        assert last in inside
        inside[last] = value
        assert not self.starts(github)


def test_only_one_job_knows_what_a_person_typed() -> None:
    """Names of branches and titles of pull requests are used nowhere else."""
    typed = re.compile(r"github\.event\.\S*(title|body|ref\b|message)|github\.(head_ref|ref_name)")
    found = [line for line in _lines("gpu-compare.yml") if typed.search(line)]
    assert found == []


def _lines(name: str) -> Iterator[str]:
    yield from (WORKFLOWS / name).read_text().splitlines()
