"""As much of a GitHub runner as our workflows use: expressions, steps with bash, caches and uploads in folders."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

from tests.e2e.conftest import CHECKOUT

WORKFLOWS = CHECKOUT / ".github" / "workflows"
BASH = ("bash", "--noprofile", "--norc", "-eo", "pipefail")  # what GitHub makes of `shell: bash`
INSERTED = re.compile(r"\$\{\{(.*?)\}\}", re.S)
TOKEN = re.compile(r"\s*('[^']*'|&&|\|\||[!=]=|[(),]|[A-Za-z][\w.-]*)\s*")
OPERATORS = {"&&": "and", "||": "or"}


def workflow(name: str) -> dict[str, Any]:
    """A workflow's YAML; its key `on` is there as 'on', which YAML 1.1 reads as true."""
    found = yaml.safe_load((WORKFLOWS / name).read_text())
    return {"on" if key is True else key: value for key, value in found.items()}


def evaluate(expression: str, context: Mapping[str, Any], **functions: Any) -> Any:
    """An expression's value; a name that is not in the context is '', as good as GitHub's null here."""
    words, end = [], 0
    while end < len(expression):
        match = TOKEN.match(expression, end)
        assert match, f"not understood: {expression[end:]}"
        word, end = match[1], match.end()
        is_name = word[0].isalpha() and word not in functions
        words.append(f"look({word!r})" if is_name else OPERATORS.get(word, word))
    return eval(" ".join(words), {"__builtins__": {}, "look": lambda name: _look(name, context), **functions})


def _look(name: str, context: Mapping[str, Any]) -> Any:
    found: Any = context
    for part in name.split("."):
        found = found.get(part, "") if isinstance(found, Mapping) else ""
    return found


def insert(text: str, context: Mapping[str, Any]) -> str:
    """A text with its ${{ }} replaced."""
    return INSERTED.sub(lambda match: str(evaluate(match[1], context)), text)


@dataclass
class Done:
    """What a job left. exit_code: of the first step that failed, else 0. steps: id -> outputs."""

    log: str = ""
    summary: str = ""
    exit_code: int = 0
    outputs: dict[str, str] = field(default_factory=dict)
    steps: dict[str, dict[str, dict[str, str]]] = field(default_factory=dict)


@dataclass(frozen=True)
class Runner:
    """A machine with a clone at `workspace`; what outlives it lies in `caches` and `uploads`."""

    workspace: Path
    caches: Path
    uploads: Path
    scratch: Path
    environment: Mapping[str, str]

    def run(self, job: Mapping[str, Any], context: Mapping[str, Any]) -> Done:
        """All steps in order; after a failure only those with `if: always()`."""
        done = Done()
        known = {**context, "steps": done.steps}
        known["env"] = {name: insert(value, known) for name, value in job["env"].items()}
        additions: list[str] = []
        for step in job["steps"]:
            functions = {"always": lambda: True, "success": lambda: not done.exit_code, "hashFiles": self._hash}
            if not evaluate(step.get("if", "success()"), known, **functions):
                continue
            if "run" in step:
                self._bash(step, known, additions, done)
            else:
                given = {name: insert(str(value), known) for name, value in step["with"].items()}
                self._action(step["uses"].partition("@")[0], given)
        done.outputs = {name: insert(value, known) for name, value in job["outputs"].items()}
        return done

    def _bash(self, step: Mapping[str, Any], known: Mapping[str, Any], additions: list[str], done: Done) -> None:
        files = {name: self.scratch / name for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY", "GITHUB_PATH")}
        for file in files.values():
            file.write_text("")
        own = {name: insert(value, known) for name, value in step.get("env", {}).items()}
        environment = {**os.environ, **self.environment, **known["env"], **own}
        environment |= {name: str(file) for name, file in files.items()}
        environment["PATH"] = os.pathsep.join([*additions, environment["PATH"]])
        script = self.scratch / "step.sh"
        script.write_text(step["run"])
        ended = subprocess.run(
            [*BASH, str(script)], cwd=self.workspace, env=environment, text=True, timeout=600,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        done.log += f"## {step['name']}\n{ended.stdout}"
        done.summary += files["GITHUB_STEP_SUMMARY"].read_text()
        done.exit_code = done.exit_code or ended.returncode
        additions[:0] = files["GITHUB_PATH"].read_text().split()
        lines = files["GITHUB_OUTPUT"].read_text().splitlines()
        done.steps[step.get("id", step["name"])] = {"outputs": dict(line.split("=", 1) for line in lines)}

    def _action(self, action: str, given: Mapping[str, str]) -> None:
        if action == "actions/checkout":
            assert given["fetch-depth"] == "0"
            command = ["git", "checkout", "--quiet", "--detach", given["ref"]]
            subprocess.run(command, cwd=self.workspace, check=True)
        elif action == "actions/cache/restore":
            kept = list(self.caches.glob(f"{given['key']}*"))
            if kept:
                newest = max(kept, key=lambda folder: folder.stat().st_mtime_ns)
                shutil.copytree(newest, self.workspace, dirs_exist_ok=True)
        elif action == "actions/cache/save":
            self._copy(given["path"], self.caches / given["key"])
        elif action == "actions/upload-artifact":
            self._copy(given["path"], self.uploads / given["name"])
        else:
            raise AssertionError(f"{action} is not rehearsed")

    def _copy(self, patterns: str, into: Path) -> None:
        for pattern in patterns.split():
            for found in self.workspace.glob(pattern.rstrip("/")):
                target = into / found.relative_to(self.workspace)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copytree(found, target) if found.is_dir() else shutil.copy(found, target)

    def _hash(self, pattern: str) -> str:
        return "hash" if list(self.workspace.glob(pattern)) else ""
