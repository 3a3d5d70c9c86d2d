"""A fingerprint moves with what runs, and only with that."""

from __future__ import annotations

import importlib
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.core.errors import UsageError
from bench.engine import fingerprint as module
from bench.engine.fingerprint import closure, fingerprint, require_loaded

SOURCES = {
    "__init__.py": '"""A toy package."""\n',
    "loss.py": 'SCALE = 2.0\n\n\ndef loss(x: float) -> float:\n    """Twice x."""\n    return SCALE * x\n',
    "refiner.py": "from __future__ import annotations\n\nfrom toy import loss\n\nRATE = loss.loss(1.0)\n",
    "lazy.py": "def run() -> float:\n    from .loss import loss\n\n    return loss(2.0)\n",
    "estimator.py": "RATE = 3.0\n",
    "typed.py": "from typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n    from toy.loss import loss\n",
}


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package 'toy' that counts as ours."""
    folder = tmp_path / "toy"
    folder.mkdir()
    for name, text in SOURCES.items():
        (folder / name).write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(module, "OWN_PACKAGES", ("toy",))
    _forget()
    yield folder
    sys.modules.pop("toy", None)
    _forget()


def _forget() -> None:
    for cached in (module.module_path, module._read, module._normal):
        cached.cache_clear()


def _after(path: Path, old: str, new: str, *modules: str) -> tuple[str, str]:
    before = fingerprint(*modules)
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    _forget()
    return before, fingerprint(*modules)


def test_closure_follows_imports_at_module_level_and_inside_functions(toy: Path) -> None:
    assert set(closure("toy.refiner")) == {"toy", "toy.refiner", "toy.loss"}
    assert set(closure("toy.lazy")) == {"toy", "toy.lazy", "toy.loss"}


def test_imports_for_type_checking_only_do_not_count(toy: Path) -> None:
    assert set(closure("toy.typed")) == {"toy", "toy.typed"}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("return SCALE", "# doubled, as in the paper\n    return SCALE"),
        ('"""Twice x."""', '"""Two times x."""'),
        ("SCALE * x", "(SCALE *\n            x)"),
    ],
)
def test_comments_docstrings_and_layout_change_nothing(toy: Path, old: str, new: str) -> None:
    before, after = _after(toy / "loss.py", old, new, "toy.refiner")
    assert before == after


@pytest.mark.parametrize(("old", "new"), [("2.0", "2.5"), ("SCALE * x", "SCALE + x")])
def test_an_edit_in_a_shared_module_counts_for_what_imports_it_only(toy: Path, old: str, new: str) -> None:
    untouched = fingerprint("toy.estimator")
    before, after = _after(toy / "loss.py", old, new, "toy.refiner")
    assert before != after
    assert fingerprint("toy.estimator") == untouched


def test_a_string_that_is_no_docstring_counts(toy: Path) -> None:
    (toy / "estimator.py").write_text('NAME = "a"\n')
    _forget()
    before, after = _after(toy / "estimator.py", '"a"', '"b"', "toy.estimator")
    assert before != after


def test_an_unknown_module_is_an_error(toy: Path) -> None:
    with pytest.raises(ModuleNotFoundError, match="nowhere"):
        fingerprint("toy.nowhere")


def test_code_that_is_no_python_is_told_in_one_line(toy: Path) -> None:
    (toy / "estimator.py").write_text("RATE = 3.0\nRATE = (\n")
    _forget()
    with pytest.raises(UsageError, match=r"estimator\.py is no Python code: line 2: '\(' was never closed"):
        fingerprint("toy.estimator")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("SCALE * x", "scaled(x)\n\n\ndef scaled(y: float) -> float:\n    return SCALE * y"),
        ("SCALE", "FACTOR"),
        ("(x: float)", "(y: float)"),
    ],
)
def test_moving_code_and_renaming_what_others_see_counts(toy: Path, old: str, new: str) -> None:
    before, after = _after(toy / "loss.py", old, new, "toy.refiner")
    assert before != after


def test_a_function_moved_into_another_file_counts(toy: Path) -> None:
    before = fingerprint("toy.refiner")
    (toy / "squares.py").write_text((toy / "loss.py").read_text())
    (toy / "loss.py").write_text("from toy.squares import loss\n")
    _forget()
    assert fingerprint("toy.refiner") != before


def test_a_type_hint_and_an_import_for_it_change_nothing(toy: Path) -> None:
    before, after = _after(toy / "loss.py", "x: float) -> float", "x: int) -> int", "toy.refiner")
    assert before == after
    before, after = _after(toy / "typed.py", "from toy.loss import loss", "from toy.estimator import RATE", "toy.typed")
    assert before == after


def test_a_renamed_local_changes_nothing(toy: Path) -> None:
    before, after = _after(toy / "loss.py", "return SCALE * x", "y = SCALE * x\n    return y", "toy.refiner")
    assert before != after
    before, after = _after(toy / "loss.py", "y = SCALE * x\n    return y", "z = SCALE * x\n    return z", "toy.refiner")
    assert before == after


def test_a_users_own_file_brings_what_lies_beside_it_and_ours(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("import torch, random, light\nfrom bench.core.errors import UsageError\n")
    (tmp_path / "light.py").write_text("GAIN = 2\n")
    (tmp_path / "random.py").write_text("NOT_IMPORTED = 'Python has a module of that name'\n")
    (tmp_path / "unused.py").write_text("")
    found = closure("mine", folder=tmp_path)
    assert set(found) == {"bench", "bench.core", "bench.core.errors", "light", "mine"}
    assert closure("mine", folder=_copy(tmp_path, "elsewhere")) == found, "the place must not count"


def test_a_users_package_counts_as_far_as_it_is_imported(tmp_path: Path) -> None:
    package = tmp_path / "ours"
    package.mkdir()
    for name, text in {"__init__": "", "mine": "from . import net\n", "net": "from ours.loss import x\n"}.items():
        (package / f"{name}.py").write_text(text)
    (package / "loss.py").write_text("x = 1\n")
    (package / "other.py").write_text("")
    assert set(closure("ours.mine", folder=tmp_path)) == {"ours", "ours.mine", "ours.net", "ours.loss"}


def test_an_installed_package_counts_and_what_it_imports_of_others_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "guest_refiners"
    package.mkdir()
    (package / "__init__.py").write_text("raise RuntimeError('imported for its fingerprint')\n")
    (package / "blur.py").write_text("import numpy\nfrom guest_refiners import kernels\n")
    (package / "kernels.py").write_text("WIDTH = 3\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert set(closure("guest_refiners.blur")) == {"guest_refiners", "guest_refiners.blur", "guest_refiners.kernels"}


def test_a_module_of_another_place_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two refiners may bring a `net.py` each; Python keeps one of them."""
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "net_of_two.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path / "a"))
    importlib.import_module("net_of_two")
    require_loaded(["net_of_two", "not_imported"], tmp_path / "a")
    with pytest.raises(UsageError, match=r"b/net_of_two\.py: another module 'net_of_two' was imported"):
        require_loaded(["net_of_two"], tmp_path / "b")
    del sys.modules["net_of_two"]


def test_estimators_do_not_hang_on_refiners() -> None:
    _forget()
    reached = closure("bench.engine.steps.fit_estimator", "estimators.cnn")
    assert not [name for name in reached if name.startswith(("refiners", "reports", "bench.metrics"))]


def _copy(folder: Path, name: str) -> Path:
    copied = folder.parent / f"{folder.name}-{name}"
    shutil.copytree(folder, copied)
    return copied
