"""Manifests: references, roles, identity, bad input."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bench.core.canonical import digest
from bench.core.errors import DataError, UsageError
from bench.data import manifests
from bench.data.manifests import DataSource, find_manifest, find_source, list_manifests, resolve_roles


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CACHE", "CONFIG", "DATA"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / "xdg" / name.lower()))
    for name in ("SIMGAN_BENCH_DATA", "SIMGAN_BENCH_MANIFESTS"):
        monkeypatch.delenv(name, raising=False)


def write_arrays(folder: Path, count: int = 20, name: str = "eyes.npz", seed: int = 0) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    np.savez(
        folder / name,
        images=rng.integers(0, 256, (count, 36, 60), dtype=np.uint8),
        angles=rng.uniform(-0.3, 0.3, (count, 2)),
    )
    return folder / name


MINE = """
title = "mine"
format = "arrays"
licence = "mine"
[options]
file = "eyes.npz"
pitch_yaw = "angles"
person = "me"
[parts.synthetic]
use = "simulator:synthetic"
[parts.real]
rows = "::2"
labelled = false
[parts.test]
rows = "1::2"
"""


def write_mine(folder: Path, text: str = MINE, name: str = "mine.toml") -> str:
    write_arrays(folder)
    (folder / name).write_text(text)
    return str(folder / name)


def test_every_builtin_manifest_is_valid() -> None:
    found = {manifest.name: manifest for manifest in list_manifests()}
    assert {"simulator", "simulator-near", "simulator-noisy", "paper", "mpiigaze", "unityeyes"} <= set(found)
    for manifest in found.values():
        assert manifest.title
        assert manifest.licence != "unknown"
        assert manifest.obtain
        for part in manifest.parts:
            source = find_source(f"{manifest.name}:{part}", part)
            source.reader()  # the options are the reader's
            json.dumps(source.spec())


def test_the_default_roles_of_the_simulator() -> None:
    roles = resolve_roles("simulator", None, None, None)
    assert list(roles) == ["synthetic", "real", "test"]
    assert {source.simulator for source in roles.values()} == {True}
    assert {source.paper_data for source in roles.values()} == {False}
    assert [source.options["domain"] for source in roles.values()] == ["synthetic", "distant", "distant"]
    assert set(roles["real"].options["persons"]).isdisjoint(roles["test"].options["persons"])
    assert len({source.options["seed"] for source in roles.values()}) == 3


def test_the_papers_data() -> None:
    roles = resolve_roles("paper", None, None, None)
    assert {role: source.name for role, source in roles.items()} == {
        "synthetic": "unityeyes:synthetic",
        "real": "paper:real",
        "test": "mpiigaze:evaluation",
        "labelled": "ut-multiview:synth",
    }
    assert all(source.paper_data for source in roles.values())
    assert not roles["real"].labelled
    assert not find_source("mpiigaze:test", "test").paper_data  # five persons are not the paper's test


def test_overrides_replace_a_role() -> None:
    roles = resolve_roles("simulator", None, "simulator-near", "simulator-noisy:real")
    assert [source.name for source in roles.values()] == [
        "simulator:synthetic",
        "simulator-near:real",
        "simulator-noisy:real",
    ]


def test_a_users_manifest(tmp_path: Path) -> None:
    roles = resolve_roles(write_mine(tmp_path), None, None, None)
    assert [source.name for source in roles.values()] == ["simulator:synthetic", "mine:real", "mine:test"]
    test = roles["test"].read(None)
    assert test.name == "mine:test"
    assert test.size == (35, 55)
    assert test.ids.tolist() == [f"eyes-{row:06d}" for row in range(1, 20, 2)]
    assert set(test.persons.tolist()) == {"me"}
    assert roles["real"].read(None).labels == {}


def test_a_path_may_name_a_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_mine(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert find_source("./mine.toml:real", "test").name == "mine:real"
    assert find_source("mine.toml", "test").name == "mine:test"


def test_manifest_folders_of_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_mine(tmp_path / "one", name="first.toml")
    write_mine(tmp_path / "xdg" / "config" / "simgan-bench" / "manifests", name="second.toml")
    monkeypatch.setenv("SIMGAN_BENCH_MANIFESTS", str(tmp_path / "one"))
    assert {"first", "second"} <= {manifest.name for manifest in list_manifests()}
    assert find_source("first", "test").read(3).images.shape == (3, 35, 55)
    monkeypatch.setenv("SIMGAN_BENCH_MANIFESTS", str(tmp_path / "nowhere"))
    with pytest.raises(UsageError, match="SIMGAN_BENCH_MANIFESTS"):
        list_manifests()


def test_a_name_that_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_mine(tmp_path, name="simulator.toml")
    monkeypatch.setenv("SIMGAN_BENCH_MANIFESTS", str(tmp_path))
    with pytest.raises(UsageError, match="defined twice"):
        find_source("simulator", "test")
    assert find_source("simulator-near", "test").simulator


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        ("simulatr", ["unknown data set", "did you mean 'simulator'"]),
        ("simulator:tset", ["no part 'tset'", "did you mean 'test'"]),
        ("./nothing.toml", ["no manifest"]),
        ("simulator:", ["NAME:PART"]),
        ("", ["unknown data set"]),
    ],
)
def test_wrong_references(reference: str, words: list[str]) -> None:
    with pytest.raises(UsageError) as caught:
        find_source(reference, "test")
    assert "\n" not in str(caught.value)
    for word in words:
        assert word in str(caught.value)


def test_data_takes_no_part_and_names_the_missing_role() -> None:
    with pytest.raises(UsageError, match="whole data set"):
        resolve_roles("simulator:test", None, None, None)
    with pytest.raises(UsageError, match=r"no part 'real'.*--real"):
        resolve_roles("unityeyes", None, None, None)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("title = ", "not valid TOML"),
        ("title = 'x'\n[parts.a]\ntitle='y'", "needs a 'format'"),
        ("format = 'arrays'\n[parts.a]", "title"),
        ("title = 'x'\nformat = 'arrays'", "parts"),
        ("title = 'x'\nformat = 'arrays'\nlicense = 'MIT'\n[parts.a]", "did you mean 'licence'"),
        ("name = 'other'\ntitle = 'x'\nformat = 'arrays'\n[parts.a]", "name must be the file's"),
        ("title = 'x'\n[convention]\nspaces = 'x'\n[parts.a]", "spaces"),
        ("title = 'x'\n[parts.a]\nuse = './mine.toml:b'\n[parts.b]\nuse = './mine.toml:a'", "uses itself"),
        ("title = 'x'\n[parts.a]\nuse = 'nowhere:a'", "unknown data set 'nowhere'"),
    ],
)
def test_wrong_manifests(tmp_path: Path, text: str, word: str) -> None:
    path = write_mine(tmp_path, text)
    with pytest.raises(UsageError, match=word) as caught:
        find_source(path, "a")
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("format_name", "options", "word"),
    [
        ("arays", "", "did you mean 'arrays'"),
        ("arrays", "fil = 'x.npz'", "did you mean 'file'"),
        ("arrays", "file = 'x.npz'\nfit = 'squeeze'", "fit="),
        ("arrays", "file = 'x.npz'\nrows = 'first'", "rows="),
        ("arrays", "", "needs the option file"),
    ],
)
def test_wrong_formats_and_options(tmp_path: Path, format_name: str, options: str, word: str) -> None:
    path = write_mine(tmp_path, f"title = 'x'\nformat = '{format_name}'\n[parts.a]\n{options}")
    with pytest.raises(UsageError, match=word) as caught:
        find_source(path, "a").identity()
    assert "mine:a" in str(caught.value)


def test_missing_files_are_a_data_error(tmp_path: Path) -> None:
    path = write_mine(tmp_path)
    (tmp_path / "eyes.npz").unlink()
    source = find_source(path, "test")
    for call in (source.identity, lambda: source.read(None), source.files):
        with pytest.raises(DataError, match=r"eyes\.npz.*bench data status"):
            call()
    with pytest.raises(DataError, match="bench data status"):
        find_source("mpiigaze", "test").identity()


def test_builtin_files_lie_below_the_data_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIMGAN_BENCH_DATA", str(tmp_path / "data"))
    assert find_source("mpiigaze", "test").root == tmp_path / "data"
    monkeypatch.delenv("SIMGAN_BENCH_DATA")
    assert find_manifest("mpiigaze").root == tmp_path / "xdg" / "data" / "simgan-bench" / "data"


def test_use_with_own_options(tmp_path: Path) -> None:
    text = MINE + "[parts.small]\nuse = './mine.toml:test'\nids = ['eyes-000003']\ntitle = 'one eye'\n"
    source = find_source(write_mine(tmp_path, text), "small")
    assert (source.name, source.title) == ("mine:small", "one eye")
    assert source.options["rows"] == "1::2"
    assert source.read(None).ids.tolist() == ["eyes-000003"]


def test_identity_depends_on_content_options_and_convention_but_not_on_the_place(tmp_path: Path) -> None:
    def identity(folder: str, text: str = MINE, seed: int = 0, part: str = "test") -> str:
        path = write_mine(tmp_path / folder, text)
        write_arrays(tmp_path / folder, seed=seed)
        return digest(find_source(path, part).identity())

    first = identity("a")
    assert identity("b/c") == first
    assert str(tmp_path) not in json.dumps(find_source(str(tmp_path / "a" / "mine.toml"), "test").identity())
    assert identity("a", part="real") != first
    assert identity("a", seed=1) != first  # same size, perhaps the same second: the content decides
    assert identity("a", MINE.replace("1::2", "2::2")) != first
    assert identity("a", MINE + "[convention]\nspace = 'other'\n") != first
    absolute = MINE.replace('"eyes.npz"', f'"{tmp_path}/a/eyes.npz"')
    assert identity("a", absolute) == first


def test_file_hashes_are_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_mine(tmp_path)
    before = find_source(path, "test").identity()
    monkeypatch.setattr("bench.data.file_hashes.file_digest", lambda path: pytest.fail("read again"))
    assert find_source(path, "test").identity() == before


def test_a_cache_that_cannot_be_written_does_not_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert find_source(write_mine(tmp_path), "test").identity()["files"]["count"] == 1


def test_a_source_comes_back_from_its_spec(tmp_path: Path) -> None:
    for reference in (write_mine(tmp_path), "simulator"):
        source = find_source(reference, "test")
        again = DataSource.from_spec(json.loads(json.dumps(source.spec())))
        assert again.identity() == source.identity()
        assert (again.read(4).images[:] == source.read(4).images[:]).all()


def test_a_smaller_count_is_a_subset_of_a_larger_one(tmp_path: Path) -> None:
    for reference in (write_mine(tmp_path), "simulator"):
        source = find_source(reference, "test")
        three, six = source.read(3), source.read(6)
        assert len(three) == 3
        assert set(three.ids.tolist()) < set(six.ids.tolist())
        assert three.ids.tolist() == sorted(three.ids.tolist())
        assert (source.read(3).images[:] == three.images[:]).all()
        with pytest.raises(UsageError, match="at least 1"):
            source.read(0)
    assert len(find_source(write_mine(tmp_path), "test").read(1000)) == 10


def test_simulator_images() -> None:
    eyes = find_source("simulator", "test").read(3)
    assert eyes.images.shape == (3, 35, 55)
    assert set(eyes.labels) == {"gaze", "pupil", "pupil_margin", "eye_width", "head_pose"}
    assert eyes.ids[0] == "simulator-distant-000000"
    assert {person.partition("-")[0] for person in eyes.persons.tolist()} == {"simulated"}
    assert {int(person[-2:]) for person in eyes.persons.tolist()} <= set(range(12, 18))


def test_the_same_simulated_person_has_one_name_before_every_webcam() -> None:
    persons = {
        name: set(find_source(f"simulator{name}:test", "test").read(200).persons.tolist()) for name in ("", "-near")
    }
    assert persons[""] == persons["-near"]
    faces = set(find_source("simulator", "synthetic").read(200).persons.tolist())
    assert faces.isdisjoint(persons[""])  # a face model of the engine is nobody


def test_importing_and_identifying_the_simulator_is_light() -> None:
    code = (
        "import sys; from bench.data.manifests import resolve_roles\n"
        "for source in resolve_roles('simulator', None, None, None).values(): source.identity()\n"
        "heavy = {'torch', 'scipy', 'pandas', 'cv2', 'h5py', 'bench.data.simulator.eyes'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(manifests.__file__).parents[2])
