"""Names become commits, and commits worktrees, in toy repositories of every kind that people have."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import bench
from bench.core.errors import BenchError, CellsFailed, DataError, UsageError
from bench.engine import compare_run, revisions
from bench.engine.compare_run import Order, snapshots_of
from bench.engine.export import export
from bench.engine.found_results import made_with
from bench.engine.snapshot_file import read_snapshot
from bench.engine.store import Store
from tests.unit.stored_results import snapshot, store_with

NAMES = ("user.name=A", "user.email=a@example.org", "commit.gpgsign=false", "init.defaultBranch=main")


def git(folder: Path, *words: str) -> str:
    options = [word for name in NAMES for word in ("-c", name)]
    done = subprocess.run(["git", *options, *words], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def commit(repository: Path, text: str) -> str:
    (repository / "bench" / "__init__.py").write_text(text)
    git(repository, "add", "-A")
    git(repository, "commit", "-q", "-m", f"subject of {text}")
    return git(repository, "rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A checkout with two commits, the first one tagged."""
    top = tmp_path / "checkout"
    (top / "bench").mkdir(parents=True)
    git(top, "init", "-q")
    commit(top, "# one")
    git(top, "tag", "before")
    commit(top, "# two")
    return top


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def test_names_become_commits(repository: Path) -> None:
    head = git(repository, "rev-parse", "HEAD")
    for name in ("main", "HEAD", "@", head[:9], "refs/heads/main"):
        assert revisions.resolve(repository, name) == head
    assert revisions.resolve(repository, "before") == revisions.resolve(repository, "HEAD~1") != head


def test_an_unknown_name_is_guessed(repository: Path) -> None:
    with pytest.raises(UsageError, match=r"unknown revision 'mian' \(did you mean 'main'\?\)"):
        revisions.resolve(repository, "mian")


def test_a_name_is_never_an_option(repository: Path) -> None:
    with pytest.raises(UsageError, match="unknown revision '--all'"):
        revisions.resolve(repository, "--all")


def test_a_shallow_clone_says_how_to_get_the_rest(repository: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", "--depth", "1", repository.as_uri(), "shallow")
    with pytest.raises(DataError, match=r"shallow clone; .*git fetch --unshallow.*fetch-depth: 0"):
        revisions.resolve(tmp_path / "shallow", "before")


def test_a_commit_is_described(repository: Path) -> None:
    found = revisions.describe(repository, "before", dirty=True)
    assert found.subject == "subject of # one"
    assert found.committed is not None and found.committed > 1e9
    assert not found.dirty
    (repository / "bench" / "new.py").write_text("")
    assert revisions.describe(repository, "HEAD", dirty=True).dirty
    assert not revisions.describe(repository, "HEAD").dirty


@pytest.mark.parametrize("kind", ["plain", "detached", "worktree", "bare environment"])
def test_a_worktree_holds_the_commits_files(
    repository: Path, store: Store, tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkout = repository
    if kind == "detached":
        git(repository, "checkout", "-q", "--detach", "HEAD")
    if kind == "worktree":
        checkout = tmp_path / "second"
        git(repository, "worktree", "add", "-q", str(checkout))
    if kind == "bare environment":  # as in a hook of another repository
        monkeypatch.setenv("GIT_DIR", str(tmp_path / "nowhere"))
        monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "nowhere" / "index"))
    first = revisions.resolve(checkout, "before")
    with revisions.worktree(checkout, first, store) as folder:
        assert (folder / "bench" / "__init__.py").read_text() == "# one"
        assert not revisions.is_dirty(folder)
    assert not folder.exists()
    monkeypatch.undo()
    assert first not in git(repository, "worktree", "list", "--porcelain")


def test_what_a_killed_run_left_is_no_obstacle(repository: Path, store: Store) -> None:
    first = revisions.resolve(repository, "before")
    left = store.root / "worktrees" / first
    git(repository, "worktree", "add", "-q", "--detach", str(left), first)
    (left / "bench" / "__init__.py").write_text("# half")
    with revisions.worktree(repository, first, store) as folder:
        assert (folder / "bench" / "__init__.py").read_text() == "# one"
    assert len(git(repository, "worktree", "list").splitlines()) == 1


def test_hooks_of_the_repository_are_not_run(repository: Path, store: Store, tmp_path: Path) -> None:
    hook = repository / ".git" / "hooks" / "post-checkout"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/hooked\n")
    hook.chmod(0o755)
    with revisions.worktree(repository, revisions.resolve(repository, "before"), store):
        pass
    assert not (tmp_path / "hooked").exists()


def test_the_current_folders_checkout_goes_first(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(repository / "bench")
    assert revisions.own_checkout() == repository


def test_without_a_repository_there_is_a_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bench").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(bench, "__file__", str(tmp_path / "bench" / "__init__.py"))
    with pytest.raises(UsageError, match=r"no repository of simgan-bench here.*files of 'bench export'"):
        revisions.own_checkout()


def test_a_strangers_repository_is_not_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git(tmp_path, "init", "-q")
    assert revisions.find_checkout(tmp_path) is None
    (tmp_path / "bench").mkdir()
    (tmp_path / "bench" / "__init__.py").write_text("")  # there, but not tracked: an installed copy
    assert revisions.find_checkout(tmp_path) is None


def test_without_git_there_is_a_way(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert revisions.find_checkout(repository) is None
    with pytest.raises(UsageError, match=r"git is not installed.*exported files can"):
        revisions.own_checkout()


PROJECT = '[project]\nname = "simgan-bench"\nrequires-python = ">=3.11"\ndependencies = ["numpy>=2.0", "torch>=2.9"]\n'


@pytest.fixture
def running(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The checkout whose code runs now."""
    top = tmp_path / "running"
    (top / "bench").mkdir(parents=True)
    (top / "pyproject.toml").write_text(PROJECT)
    monkeypatch.setattr(bench, "__file__", str(top / "bench" / "__init__.py"))
    return top


@pytest.mark.parametrize(
    ("old", "new", "own"),
    [
        ("numpy>=2.0", "numpy>=2.1", True),
        (">=3.11", ">=3.12", True),
        ('"simgan-bench"', '"simgan-bench"\nversion = "9"', False),
        (
            '["numpy>=2.0", "torch>=2.9"]',
            '["torch>=2.9", "numpy>=2.0"]\n[tool.uv]\nconstraint-dependencies = []',
            False,
        ),
    ],
)
def test_only_other_dependencies_need_another_environment(
    running: Path, tmp_path: Path, old: str, new: str, own: bool
) -> None:
    assert old in PROJECT
    (tmp_path / "pyproject.toml").write_text(PROJECT.replace(old, new))
    assert revisions.code_in(tmp_path).own_environment is own


def test_an_environment_of_its_own_comes_from_uv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIRTUAL_ENV", "/some/where")
    monkeypatch.setenv("PYTHONPATH", "/some/where/else")
    code = revisions.Code(tmp_path, own_environment=True)
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(UsageError, match=r"dependencies in .*pyproject\.toml differ.*uv.*is missing; install uv"):
        code.command()
    monkeypatch.setattr("shutil.which", lambda name: f"/bin/{name}")
    assert code.command()[:4] == ["uv", "run", "--project", str(tmp_path)]
    assert "VIRTUAL_ENV" not in code.environment()
    assert code.environment()["PYTHONPATH"] == str(tmp_path)


def order(store: Store, **changes: object) -> Order:
    usual = {"experiment": "gaze-table2", "asked": {}, "how": (), "run": True, "tell": lambda line: None}
    return Order(store=store, **{**usual, **changes})  # type: ignore[arg-type]


@pytest.fixture
def fake(repository: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The repository with a `bench export` whose last commit fails as the file `how` says; other commits work."""
    results = tmp_path / "results.zip"
    export(snapshot(), store_with(tmp_path / "fake store", snapshot()), results)
    (repository / "bench" / "engine").mkdir()
    (repository / "bench" / "engine" / "export.py").write_text("")
    script = (
        "import os, shutil, sys, time\n"
        f"open({str(tmp_path / 'calls')!r}, 'a').write(os.path.basename(os.environ['PYTHONPATH']) + ' ' + ' '.join(sys.argv[1:]) + '\\n')\n"  # noqa: E501
        f"how = open({str(tmp_path / 'how')!r}).read()\n"
        "if how == 'stored' or '--no-run' not in sys.argv and how == 'runs':\n"
        f"    shutil.copy({str(results)!r}, sys.argv[3]); sys.exit(0)\n"
        "if '--no-run' in sys.argv: sys.stderr.write('error: nothing is stored'); sys.exit(3)\n"
        "print('training', file=sys.stderr)\n"
        "exec(how)\n"
    )
    (repository / "bench" / "cli.py").write_text(script)
    git(repository, "add", "-A")
    git(repository, "commit", "-q", "-m", "with export")
    monkeypatch.chdir(repository)
    monkeypatch.setattr(revisions.Code, "command", lambda code: [sys.executable, str(code.folder / "bench" / "cli.py")])
    return tmp_path


def calls(folder: Path) -> list[str]:
    return (folder / "calls").read_text().splitlines()


def test_what_is_stored_is_only_read(fake: Path, store: Store) -> None:
    (fake / "how").write_text("stored")
    base, head = snapshots_of(["HEAD", "."], order(store, asked={"seeds": 2}))
    assert base.cells.keys() == head.cells.keys()
    assert all("--no-run" in call and "--seeds 2" in call for call in calls(fake))
    assert len(calls(fake)) == 2


def test_one_commit_by_two_names_is_run_once(fake: Path, store: Store) -> None:
    (fake / "how").write_text("runs")
    snapshots_of(["HEAD", "main"], order(store))
    assert ["--no-run" in call for call in calls(fake)] == [True, False]


class TestBesideAResult:
    """A revision is run with what the file was made with that it is compared with, and that is said."""

    LIKE = "--profile quick --test simulator:test --seeds 2 --refiner identity --set simgan.lambda_reg=0.5"

    @pytest.fixture
    def base(self, fake: Path) -> str:
        (fake / "how").write_text("stored")
        made = replace(snapshot(), asked={"seeds": 2, "refiners": ["identity"], "test": "simulator:test"})
        export(made, store_with(fake / "exporting", made), fake / "base.zip")
        return str(fake / "base.zip")

    def test_is_run_alike(self, fake: Path, store: Store, base: str) -> None:
        told: list[str] = []
        snapshots_of([base, "HEAD"], order(store, experiment=None, how=["--device", "cpu"], tell=told.append))
        (call,) = calls(fake)
        assert re.search(rf" export gaze-table2 \S+\.zip {self.LIKE} --device cpu --store ", call)
        assert told == [f"HEAD as {base} was made: gaze-table2 {self.LIKE}"]

    def test_other_seeds_may_be_asked_for(self, fake: Path, store: Store, base: str) -> None:
        told: list[str] = []
        snapshots_of(["main", base], order(store, asked={"seeds": 1}, tell=told.append))
        assert " --seeds 1 " in calls(fake)[0]
        assert told == [f"main as {base} was made: gaze-table2 {self.LIKE.replace('seeds 2', 'seeds 1')}"]

    def test_nothing_is_said_where_all_is_asked_for(self, store: Store, base: str) -> None:
        told: list[str] = []
        asked = made_with(read_snapshot(Path(base)))
        snapshots_of([base, "HEAD"], order(store, asked=asked, tell=told.append))
        assert told == []

    def test_without_any_result_a_revision_chooses_its_profile(self, fake: Path, store: Store, base: str) -> None:
        told: list[str] = []
        snapshots_of(["HEAD"], order(store, tell=told.append))
        assert "--profile" not in calls(fake)[0]
        assert told == []


@pytest.mark.parametrize(
    ("how", "exit_code", "told"),
    [
        ("sys.exit(3)", 3, "ended with exit code 3|training"),
        ("print('error: no data', file=sys.stderr); sys.exit(3)", 3, "main .*: no data"),
        ("print('error: no such option', file=sys.stderr); sys.exit(2)", 4, "main .*: no such option"),
        ("raise RuntimeError('broken')", 4, "main .*: RuntimeError: broken"),
        ("print('error: 2 rows failed', file=sys.stderr); sys.exit(4)", 4, "main .*: 2 rows failed"),
        ("sys.exit(130)", 130, "main"),
    ],
)
def test_a_revision_that_cannot_run_is_named(fake: Path, store: Store, how: str, exit_code: int, told: str) -> None:
    (fake / "how").write_text(how)
    lines: list[str] = []
    with pytest.raises(BenchError, match=told) as error:
        snapshots_of(["main"], order(store, tell=lines.append))
    assert error.value.exit_code == exit_code
    assert "\n" not in str(error.value)
    title = f"main ({git(Path.cwd(), 'rev-parse', '--short=7', 'HEAD')})"
    assert lines[0] == f"{title}: training"
    assert not any("error: " in line for line in lines)


def test_options_that_no_revision_accepts_are_a_usage_error(fake: Path, store: Store) -> None:
    cli = Path.cwd() / "bench" / "cli.py"
    cli.write_text("import sys; sys.exit(sys.stderr.write('error: unknown experiment\\n') and 2)")
    git(Path.cwd(), "commit", "-q", "-am", "refuses")
    with pytest.raises(UsageError, match=r"^unknown experiment$"):
        snapshots_of(["main"], order(store))
    (fake / "how").write_text("stored")
    with pytest.raises(CellsFailed, match=r"^main \(\w{7}\): unknown experiment$"):
        snapshots_of(["main", "HEAD~1"], order(store))


def test_an_older_revision_is_told_at_once(fake: Path, store: Store) -> None:
    (fake / "how").write_text("runs")
    with pytest.raises(BenchError, match=r"before \(\w{7}\) has no 'bench export'") as error:
        snapshots_of(["main", "before"], order(store))
    assert error.value.exit_code == 4
    assert not (fake / "calls").exists()


def test_uncommitted_changes_are_told(fake: Path, store: Store) -> None:
    (fake / "how").write_text("stored")
    lines: list[str] = []
    snapshots_of(["HEAD"], order(store, tell=lines.append))
    assert lines == []
    (Path.cwd() / "notes.txt").write_text("")  # no code of ours
    snapshots_of(["HEAD"], order(store, tell=lines.append))
    assert lines == []
    (Path.cwd() / "bench" / "new.py").write_text("")
    snapshots_of(["HEAD"], order(store, tell=lines.append))
    assert lines == ["warning: uncommitted changes are not part of HEAD; '.' compares the working tree as it is"]


def test_an_interrupt_reaches_the_revision(fake: Path, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    said = fake / "said"
    (fake / "how").write_text(
        # started from a job in the background, it would ignore interrupts
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "try:\n    print('going', file=sys.stderr); time.sleep(60)\n"
        f"except KeyboardInterrupt:\n    open({str(said)!r}, 'w').write('goodbye'); sys.exit(130)\n"
    )
    monkeypatch.setattr(compare_run, "GOODBYE_SECONDS", 0.1)

    def interrupt(line: str) -> None:
        if line.endswith("going"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        snapshots_of(["HEAD"], order(store, tell=interrupt))
    assert said.read_text() == "goodbye"
    assert len(git(Path.cwd(), "worktree", "list").splitlines()) == 1
    assert not any(path.is_dir() for path in (store.root / "worktrees").iterdir())
