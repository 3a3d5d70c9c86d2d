"""Depth images of one's own: arrays with joints and cameras, and image sets that were prepared of them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from bench.core.errors import DataError, UsageError
from bench.core.images import ImageSet, LabelConvention
from bench.data.readers.depth_arrays import DepthArrays
from bench.data.verify import prepare, verify
from tests.unit.test_joint_checks import hands

COUNT = 20


@pytest.fixture(scope="module")
def mine() -> ImageSet:
    return hands(COUNT, 3)


@pytest.fixture
def folder(tmp_path: Path, mine: ImageSet, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    save(tmp_path, mine)
    return tmp_path


def save(folder: Path, mine: ImageSet, **arrays: Any) -> None:
    who = np.array(["anna", "bert"] * (COUNT // 2))
    np.savez(folder / "hands.npz", **{"images": mine.images, **mine.labels, "who": who, **arrays})


def read(folder: Path, count: int | None = None, **options: Any) -> ImageSet:
    given = {"file": "hands.npz", "joints": "joints", "camera": "camera", **options}
    reader = DepthArrays.configured(settings=given)
    return reader.read(folder, name="mine:test", convention=LabelConvention(), count=count)


def test_images_and_labels_as_they_are(folder: Path, mine: ImageSet) -> None:
    found = read(folder, person_key="who")
    assert_array_equal(found.images[:], mine.images[:])
    assert found.images.dtype == np.uint16
    for label in ("joints", "camera"):
        assert_array_equal(found.labels[label], mine.labels[label])
    anna = read(folder, person_key="who", persons=["anna"], labelled=False)
    assert_array_equal(anna.images[:], np.asarray(mine.images)[::2])
    assert anna.labels == {}
    assert set(read(folder, 5).persons) == {"hands"}


def test_prepared_hands(folder: Path, mine: ImageSet) -> None:
    text = "title = 'mine'\nformat = 'depth-arrays'\n[parts.test]\nfile = 'hands.npz'\njoints = 'joints'\n"
    (folder / "mine.toml").write_text(text + "camera = 'camera'\n")
    report = prepare(f"{folder}/mine.toml:test", folder / "out.h5")
    assert (report.images, report.size, report.labels) == (COUNT, (64, 64), ("camera", "joints"))
    again = "title = 'again'\nformat = 'prepared'\n[parts.test]\nfile = 'out.h5'\n"
    (folder / "again.toml").write_text(again)
    checks = {check.name: check.verdict for check in verify(f"{folder}/again.toml:test")}
    assert {verdict for name, verdict in checks.items() if name != "hashes"} == {"ok"}
    assert {"joint depth", "joint places", "joint rows", "bone lengths"} < set(checks)
    from bench.data.manifests import find_source

    found = find_source(f"{folder}/again.toml:test").read(None)
    assert found.images.dtype == np.uint16
    assert_array_equal(found.images[:], mine.images[:])
    assert_array_equal(found.labels["joints"], mine.labels["joints"])
    (folder / "again.toml").write_text(again + "equalise = true\n")
    with pytest.raises(DataError, match=r"uint16 images .* cannot be equalised"):
        find_source(f"{folder}/again.toml:test").read(None)


@pytest.mark.parametrize(
    ("arrays", "word"),
    [
        ({"images": np.ones((COUNT, 64, 64), dtype=np.uint8)}, "images are uint8"),
        ({"images": np.ones((COUNT, 64, 64), dtype=np.float32)}, "images are float32"),
        ({"images": np.ones((COUNT, 48, 64), dtype=np.uint16)}, "expected square"),
        ({"images": np.ones((COUNT, 64, 64, 3), dtype=np.uint16)}, "expected square"),
        ({"joints": np.ones((COUNT, 36, 3))}, r"'joints' must have shape \(20, 14, 3\)"),
        ({"joints": np.ones((COUNT - 1, 14, 3))}, r"\(19, 14, 3\) for 20 images"),
        ({"joints": np.full((COUNT, 14, 3), np.nan)}, "NaN or infinite for 20 of 20"),
        ({"joints": np.full((COUNT, 14, 3), 200.0)}, "100% of the joints lie outside the images of 64x64 px"),
        ({"camera": np.zeros((COUNT, 4))}, r"focal lengths must be above 0; those of image 0 are \[0.0, 0.0\]"),
        ({"camera": np.ones((COUNT, 3))}, r"'camera' must have shape \(20, 4\)"),
    ],
)
def test_bad_arrays_are_one_line(folder: Path, mine: ImageSet, arrays: dict[str, Any], word: str) -> None:
    save(folder, mine, **arrays)
    with pytest.raises(DataError, match=word) as caught:
        read(folder)
    assert "\n" not in str(caught.value)
    assert "hands.npz" in str(caught.value)


def test_missing(folder: Path) -> None:
    with pytest.raises(DataError, match="no array 'joint'"):
        read(folder, joints="joint")
    with pytest.raises(DataError, match="bench data status"):
        read(folder, file="other.npz")
    with pytest.raises(UsageError, match="needs the option file"):
        read(folder, file="")
    with pytest.raises(UsageError, match="no setting 'size'"):
        read(folder, size=64)
