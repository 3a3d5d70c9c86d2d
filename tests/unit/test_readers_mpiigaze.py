"""MPIIGaze's .mat files as the data set nests them, the Evaluation Subset's lists, mirroring, damaged files."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.io import savemat

from bench.core.errors import DataError
from bench.core.images import ImageSet, LabelConvention
from bench.data.gaze_angles import pitch_yaw_from_vectors, vectors_from_pitch_yaw
from bench.data.readers.mpiigaze import LISTS, NORMALIZED, MpiiGaze

Side = dict[str, np.ndarray]


def side(count: int, seed: int) -> Side:
    rng = np.random.default_rng(seed)
    return {
        "gaze": vectors_from_pitch_yaw(rng.uniform(-0.4, 0.4, (count, 2))),
        "image": rng.integers(0, 256, (count, 36, 60), dtype=np.uint8),
        "pose": rng.uniform(-0.3, 0.3, (count, 3)),
    }


def write_day(root: Path, person: str, day: str, count: int, seed: int) -> tuple[Side, Side]:
    """A file with MPIIGaze's nesting: data.left and data.right with gaze, image, pose; a cell of file names."""
    left, right = side(count, seed), side(count, seed + 100)
    names = np.empty((count, 1), dtype=object)
    names[:, 0] = [f"{number:04d}.jpg" for number in range(1, count + 1)]
    folder = root / "MPIIGaze" / NORMALIZED / person
    folder.mkdir(parents=True, exist_ok=True)
    savemat(folder / f"{day}.mat", {"data": {"left": left, "right": right}, "filenames": names}, do_compression=True)
    return left, right


@pytest.fixture
def data(tmp_path: Path) -> tuple[Path, dict[str, tuple[Side, Side]]]:
    sets = {
        "p00/day01": write_day(tmp_path, "p00", "day01", 3, 0),
        "p00/day02": write_day(tmp_path, "p00", "day02", 1, 1),  # one picture: MATLAB files lose an axis
        "p01/day01": write_day(tmp_path, "p01", "day01", 2, 2),
    }
    lists = tmp_path / "MPIIGaze" / LISTS
    lists.mkdir(parents=True)
    (lists / "p00.txt").write_text("day01/0003.jpg left\r\nday02/0001.jpg right\n\nday01/0001.jpg left\n")
    (lists / "p01.txt").write_text("day01/0002.jpg right\n")
    return tmp_path, sets


def read(root: Path, count: int | None = None, **options: Any) -> ImageSet:
    settings = {"size": (36, 60), **options}
    reader = MpiiGaze.configured(settings=settings)
    return reader.read(root, name="mpiigaze:test", convention=LabelConvention(), count=count)


def test_every_patch(data: tuple[Path, dict[str, tuple[Side, Side]]]) -> None:
    root, sets = data
    found = read(root, subset="all", mirror="none")
    assert len(found) == 12
    assert found.ids[:2].tolist() == ["p00/day01/0001/left", "p00/day01/0002/left"]
    assert found.persons.tolist() == ["p00"] * 8 + ["p01"] * 4
    row = found.ids.tolist().index("p00/day02/0001/right")
    assert (found.images[row] == sets["p00/day02"][1]["image"][0]).all()
    assert_allclose(found.gaze[row], sets["p00/day02"][1]["gaze"][0])


def test_the_evaluation_subset(data: tuple[Path, dict[str, tuple[Side, Side]]]) -> None:
    root, sets = data
    found = read(root)
    assert found.ids.tolist() == [
        "p00/day01/0003/left",
        "p00/day02/0001/right",
        "p00/day01/0001/left",
        "p01/day01/0002/right",
    ]
    assert (found.images[0] == sets["p00/day01"][0]["image"][2]).all()
    assert read(root, eyes="left").ids.tolist() == ["p00/day01/0003/left", "p00/day01/0001/left"]


def test_right_eyes_are_mirrored_and_left_ones_are_not(data: tuple[Path, dict[str, tuple[Side, Side]]]) -> None:
    root, _ = data
    plain, mirrored = read(root, mirror="none"), read(root)
    right = np.array([False, True, False, True])
    assert (mirrored.images[~right] == np.asarray(plain.images)[~right]).all()
    assert (mirrored.images[right] == np.asarray(plain.images)[right][:, :, ::-1]).all()
    plain_angles, angles = pitch_yaw_from_vectors(plain.gaze), pitch_yaw_from_vectors(mirrored.gaze)
    assert_allclose(angles[~right], plain_angles[~right])
    assert_allclose(angles[right], plain_angles[right] * [1, -1])
    assert_allclose(mirrored.labels["head_pose"][right], plain.labels["head_pose"][right] * [1, -1])


def test_head_pose_is_the_documented_formula(data: tuple[Path, dict[str, tuple[Side, Side]]]) -> None:
    from scipy.spatial.transform import Rotation

    root, sets = data
    found = read(root, mirror="none")
    forward = Rotation.from_rotvec(sets["p00/day01"][0]["pose"][2]).as_matrix()[:, 2]
    assert_allclose(found.labels["head_pose"][0], [np.arcsin(forward[1]), np.arctan2(forward[0], forward[2])])


def test_persons_and_default_size(data: tuple[Path, dict[str, tuple[Side, Side]]]) -> None:
    root, _ = data
    found = read(root, persons=["p01"], size=(35, 55))
    assert found.images.shape == (1, 35, 55)
    assert [path.name for path in MpiiGaze.configured(settings={"persons": ["p01"]}).files(root)] == [
        "p01.txt",
        "day01.mat",
    ]
    with pytest.raises(DataError, match=r"no person 'p77' in the data \(has: p00, p01\)"):
        read(root, persons=["p77"])


def test_a_count_and_unlabelled(data: tuple[Path, dict[str, tuple[Side, Side]]]) -> None:
    root, _ = data
    assert len(read(root, count=2, subset="all")) == 2
    assert read(root, labelled=False).labels == {}


def damage(root: Path, kind: str) -> None:
    day = root / "MPIIGaze" / NORMALIZED / "p00" / "day01.mat"
    listed = root / "MPIIGaze" / LISTS / "p00.txt"
    left, right = side(3, 0), side(3, 1)
    names = np.array(["0001.jpg", "0002.jpg", "0003.jpg"], dtype=object)
    if kind == "truncated":
        day.write_bytes(day.read_bytes()[:-500])
    elif kind == "text":
        day.write_text("no matlab file")
    elif kind == "empty":
        day.write_bytes(b"")
    elif kind == "foreign":
        savemat(day, {"x": np.zeros(3)})
    elif kind == "no data":
        savemat(day, {"filenames": names})
    elif kind == "no gaze":
        del left["gaze"]
        savemat(day, {"data": {"left": left, "right": right}, "filenames": names})
    elif kind == "count":
        savemat(day, {"data": {"left": {**left, "gaze": left["gaze"][:2]}, "right": right}, "filenames": names})
    elif kind == "nan":
        left["gaze"][2, 0] = np.nan
        savemat(day, {"data": {"left": left, "right": right}, "filenames": names})
    elif kind == "missing day":
        day.unlink()
    elif kind == "unknown picture":
        listed.write_text("day01/0999.jpg left\n")
    elif kind == "bad line":
        listed.write_text("day01/0001.jpg\n")
    elif kind == "missing list":
        listed.unlink()
    elif kind == "duplicate":
        listed.write_text("day01/0001.jpg left\n" * 2)
    elif kind == "empty list":
        listed.write_text("")
        (listed.parent / "p01.txt").write_text("")


@pytest.mark.parametrize(
    ("kind", "word"),
    [
        ("truncated", "day01.mat"),
        ("text", "day01.mat"),
        ("empty", "day01.mat"),
        ("foreign", "no 'filenames'"),
        ("no data", "data.left"),
        ("no gaze", "data.left"),
        ("count", "data.left"),
        ("nan", "NaN"),
        ("missing day", "no file .*day01.mat"),
        ("unknown picture", "0999.jpg"),
        ("bad line", "p00.txt line 1"),
        ("missing list", "no file .*p00.txt"),
        ("duplicate", "not unique"),
        ("empty list", "no image"),
    ],
)
def test_bad_input_is_one_line(data: tuple[Path, dict[str, tuple[Side, Side]]], kind: str, word: str) -> None:
    root, _ = data
    damage(root, kind)
    with pytest.raises(DataError, match=word) as caught:
        read(root)
    assert "\n" not in str(caught.value)


def test_nothing_there(tmp_path: Path) -> None:
    for subset in ("all", "evaluation"):
        with pytest.raises(DataError, match="bench data status"):
            read(tmp_path, subset=subset)
