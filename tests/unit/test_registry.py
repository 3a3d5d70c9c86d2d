"""Components that are not ours: files of the user's own, and packages with entry points."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.core import entry_points, registry
from bench.core.errors import UsageError
from bench.engine.step import step_closure, step_code
from bench.listing import listing

REFINER = '''"""Brighter: one gain for all."""
from bench.core.refiner import Refiner

class {name}(Refiner):
    """Brighter."""
    def fit(self, synthetic, real, run): ...
    def refine(self, images, run): return images.copy()
'''


@pytest.fixture(autouse=True)
def _forget(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What a test registers and imports is gone after it."""
    monkeypatch.setattr(registry, "_OWN", {})
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)
    entry_points.offers.cache_clear()
    yield
    for name in set(sys.modules) - before:
        del sys.modules[name]
    entry_points.offers.cache_clear()


def write(path: Path, text: str = REFINER.format(name="Mine")) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_a_file_is_found_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "my_gain.py")
    monkeypatch.chdir(tmp_path)
    for text in ("./my_gain.py:Mine", "my_gain.py:Mine", f"{tmp_path}/my_gain.py:Mine"):
        registry._OWN.clear()
        assert registry.named("refiners", text) == "my-gain"
        assert registry.load("refiners", "my-gain").__name__ == "Mine"
    assert "my-gain" in registry.names("refiners")
    assert registry.summary("refiners", "my-gain") == "Brighter: one gain for all."
    assert registry.place("refiners", "my-gain") == {"component": f"{tmp_path}/my_gain.py:Mine"}
    assert registry.place("refiners", "simgan") == {}


def test_a_file_in_a_package_imports_its_neighbours(tmp_path: Path) -> None:
    write(tmp_path / "lab" / "__init__.py", "")
    write(tmp_path / "lab" / "gains.py", "GAIN = 2\n")
    path = write(tmp_path / "lab" / "mine_in_lab.py", REFINER.format(name="Mine") + "\nfrom .gains import GAIN\n")
    assert registry.named("refiners", f"{path}:Mine") == "mine-in-lab"
    assert registry.load("refiners", "mine-in-lab").__module__ == "lab.mine_in_lab"
    modules = step_closure("fit_refiner", ("refiners", "mine-in-lab"))
    assert {"lab", "lab.gains", "lab.mine_in_lab", "bench.core.refiner"} <= set(modules)


@pytest.mark.parametrize(
    ("file", "written", "message"),
    [
        ("mine.py", "nowhere.py:Mine", r"nowhere\.py is not a file; .* \./mine\.py:MyRefiner"),
        ("mine.py", "./mine.py", r"\./mine\.py: name the class as well, as in \./mine\.py:MyRefiner"),
        ("simgan.py", "simgan.py:Mine", "'simgan' is already among the refiners; rename the file"),
        ("cnn.py", "cnn.py:Mine", "'cnn' is already among the estimators"),
        ("images.py", "images.py:Mine", "'images' is what --set calls the image sets"),
        ("json.py", "json.py:Mine", "'json' is a module of Python itself; rename yours"),
        ("bench.py", "bench.py:Mine", "'bench' is a module of simgan-bench itself"),
        ("2nd.py", "2nd.py:Mine", "'2nd' is no name for a Python module"),
    ],
)
def test_files_that_cannot_be_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, written: str, message: str
) -> None:
    write(tmp_path / file)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=message) as told:
        registry.named("refiners", written)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("import nothing_of_that_name", r"bad_\w+\.py cannot be imported: ModuleNotFoundError: No module"),
        ("def f(:", r"bad_\w+\.py cannot be imported: SyntaxError"),
        (REFINER.format(name="Mind"), r"has no 'Mine' \(did you mean 'Mind'\?\)"),
        ("class Mine: ...", r"is no Refiner: derive it from bench\.core\.refiner\.Refiner"),
        (REFINER.format(name="Mine").replace("def refine", "def refin"), r"lacks refine; see"),
    ],
)
def test_files_that_hold_no_refiner(tmp_path: Path, text: str, message: str) -> None:
    path = write(tmp_path / f"bad_{abs(hash(text))}.py", text)
    name = registry.named("refiners", f"{path}:Mine")
    with pytest.raises(UsageError, match=message) as told:
        registry.load("refiners", name)
    assert "\n" not in str(told.value)


def test_two_classes_of_a_file_have_keys_of_their_own(tmp_path: Path) -> None:
    path = write(tmp_path / "two.py", REFINER.format(name="Mine") + REFINER.format(name="Other"))
    codes = set()
    for name in ("Mine", "Other"):
        registry._OWN.clear()
        codes.add(step_code("fit_refiner", ("refiners", registry.named("refiners", f"{path}:{name}"))))
    assert len(codes) == 2


def test_a_link_is_named_after_itself(tmp_path: Path) -> None:
    write(tmp_path / "version_3.py")
    (tmp_path / "linked.py").symlink_to("version_3.py")
    assert registry.named("refiners", f"{tmp_path}/linked.py:Mine") == "linked"
    assert registry.load("refiners", "linked").__module__ == "linked"


def test_two_files_of_one_name_are_refused(tmp_path: Path) -> None:
    first, second = write(tmp_path / "a" / "mine.py"), write(tmp_path / "b" / "mine.py")
    registry.named("refiners", f"{first}:Mine")
    assert registry.named("refiners", f"{first}:Mine") == "mine"
    with pytest.raises(UsageError, match="are both named 'mine'; rename one"):
        registry.named("refiners", f"{second}:Mine")


def test_a_module_that_stands_in_the_way_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "a" / "taken_name.py")
    path = write(tmp_path / "b" / "taken_name.py")
    monkeypatch.syspath_prepend(str(tmp_path / "a"))
    name = registry.named("refiners", f"{path}:Mine")
    with pytest.raises(UsageError, match=r"there is another module 'taken_name', .*a/taken_name\.py; rename yours"):
        registry.load("refiners", name)


def install(site: Path, distribution: str, offered: str, module: str = "") -> None:
    """A package as pip leaves it, with one module and its entry points."""
    package = distribution.replace("-", "_")
    info = site / f"{package}-1.2.dist-info"
    write(info / "METADATA", f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.2\n")
    write(info / "entry_points.txt", offered)
    write(site / package / "__init__.py", "")
    write(site / package / "parts.py", module or REFINER.format(name="Guest"))


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def test_an_installed_package_offers_a_refiner(site: Path) -> None:
    install(site, "guest-lab", "[simgan_bench.refiners]\nguest = guest_lab.parts:Guest\n")
    assert "guest" in registry.names("refiners")
    assert registry.named("refiners", "guest") == "guest"
    entries = {entry["name"]: entry for entry in listing("refiners")["refiners"]}
    assert entries["guest"]["summary"] == "Brighter: one gain for all. (package guest-lab)"
    assert (entries["guest"]["distribution"], entries["simgan"]["distribution"]) == ("guest-lab", "simgan-bench")
    assert "guest_lab" not in sys.modules, "a list imports nothing"
    assert {"guest_lab", "guest_lab.parts", "bench.core.refiner"} <= set(
        step_closure("fit_refiner", ("refiners", "guest"))
    )
    assert "guest_lab" not in sys.modules, "a fingerprint imports nothing"
    assert registry.load("refiners", "guest").__name__ == "Guest"


def test_an_installed_package_offers_an_experiment(site: Path) -> None:
    text = (
        '"""A question of theirs."""\nfrom dataclasses import replace\n'
        "from bench.experiments.gaze_table2 import EXPERIMENT as OURS\nTHEIRS = replace(OURS, name='{}')\n"
    )
    install(
        site, "guest-lab", "[simgan_bench.experiments]\nguest-question = guest_lab.parts:THEIRS\n", text.format("x")
    )
    with pytest.raises(UsageError, match="with the name 'guest-question'"):
        registry.load("experiments", "guest-question")
    write(site / "guest_lab" / "parts.py", text.format("guest-question"))
    for name in ("guest_lab.parts", "guest_lab"):
        del sys.modules[name]
    found: Any = registry.load("experiments", "guest-question")
    assert found.name == "guest-question"


def test_a_name_that_is_taken_names_both(site: Path) -> None:
    install(site, "guest-lab", "[simgan_bench.refiners]\nsimgan = guest_lab.parts:Guest\n")
    for ask in (lambda: registry.names("refiners"), lambda: registry.named("refiners", "simgan")):
        with pytest.raises(
            UsageError, match=r"guest-lab offers 'simgan' .* simgan-bench has 'simgan' \(refiners\.simgan\)"
        ):
            ask()


def test_two_packages_with_one_name_are_both_named(site: Path) -> None:
    for distribution in ("guest-lab", "other-lab"):
        package = distribution.replace("-", "_")
        install(site, distribution, f"[simgan_bench.refiners]\nguest = {package}.parts:Guest\n")
    with pytest.raises(UsageError, match=r"guest-lab and other-lab both offer|other-lab and guest-lab both offer"):
        registry.names("refiners")


def test_a_package_that_cannot_be_imported_is_named(site: Path) -> None:
    install(site, "guest-lab", "[simgan_bench.refiners]\nguest = guest_lab.parts:Guest\n", "import no_such_thing\n")
    with pytest.raises(UsageError, match=r"guest_lab\.parts of the package guest-lab cannot be imported"):
        registry.load("refiners", "guest")


def test_an_unknown_name_is_compared_with_all(site: Path) -> None:
    install(site, "guest-lab", "[simgan_bench.refiners]\nguest = guest_lab.parts:Guest\n")
    with pytest.raises(UsageError, match=r"unknown refiner 'geust' \(did you mean 'guest'\?\)"):
        registry.named("refiners", "geust")
