"""A fingerprint moves with what runs, and only with that."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.engine import fingerprint as module
from bench.engine.fingerprint import closure, fingerprint

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
    for cached in (module.module_path, module._read):
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
    assert set(closure("toy.typed")) == {"toy.typed"}


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


def test_estimators_do_not_hang_on_refiners() -> None:
    _forget()
    reached = closure("bench.engine.steps.fit_estimator", "estimators.cnn")
    assert not [name for name in reached if name.startswith(("refiners", "reports", "bench.metrics"))]
