"""A small repository of this project's own packages, whose commits are compared; and `bench` called inside it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from tests.e2e.conftest import CHECKOUT, Bench

PACKAGES = ("bench", "refiners", "estimators", "reports", "data_manifests")
SMALLEST = (
    "images.synthetic=40", "images.real=80", "images.test=40", "simgan.iterations=4", "simgan.pretrain_discriminator=2",
    "simgan.pretrain_refiner=4", "simgan.refiner_maps=4", "cnn.preset=tiny",
)  # fmt: skip
NAMES = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")


def git(folder: Path, *words: str) -> str:
    done = subprocess.run(["git", *NAMES, *words], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def commit(toy: Path, path: str, old: str, new: str, subject: str) -> None:
    """Replace a text in a file, commit it under this subject, and tag the commit with it."""
    file = toy / path
    text = file.read_text()
    assert old in text, f"{old!r} is not in {path}"
    file.write_text(text.replace(old, new))
    git(toy, "commit", "-q", "-a", "-m", subject)
    git(toy, "tag", subject)


def make_repository(top: Path) -> Path:
    """A repository with the commits base, comment, weaker and broken; `main` is at 'weaker'."""
    for package in PACKAGES:
        shutil.copytree(CHECKOUT / package, top / package, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", ".gitignore"):
        shutil.copy(CHECKOUT / name, top / name)
    git(top, "init", "-q", "-b", "main")
    git(top, "add", "-A")
    git(top, "commit", "-q", "-m", "base")
    git(top, "tag", "base")
    commit(top, "refiners/simgan.py", "\nfrom __future__", "\n# A remark.\nfrom __future__", "comment")
    git(top, "checkout", "-q", "-b", "side")
    commit(top, "bench/engine/snapshot_file.py", "def write_snapshot(", "def write_snapshot((", "broken")
    git(top, "checkout", "-q", "main")
    commit(top, "refiners/nn/adversarial.py", "* regularisation", "* 100 * regularisation", "weaker")
    return top


def in_toy(bench: Bench, toy: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """`bench` called inside the toy repository; its output goes to the test's own folder."""
    out = () if words[0] in ("export", "import", "plan") else ("--out", str(bench.out))
    return subprocess.run(
        bench.command(*words, *out), cwd=toy, env=environment(bench), capture_output=True, text=True, timeout=600
    )


def environment(bench: Bench) -> dict[str, str]:
    """Compiled modules are kept, as they are for everybody: many short processes here import the same ones."""
    kept = {name: value for name, value in bench.environment().items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONSAFEPATH": "1"}
