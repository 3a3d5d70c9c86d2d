"""UT Multiview's layout: a zip and a table per person, target and eye; pairing, mirroring, head pose, damaged files."""

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from numpy.typing import NDArray
from PIL import Image
from scipy.spatial.transform import Rotation

from bench.core.errors import DataError
from bench.core.images import ImageSet, LabelConvention
from bench.data.gaze_angles import pitch_yaw_from_vectors, vectors_from_pitch_yaw
from bench.data.manifests import find_source
from bench.data.picture_files import decode_grey
from bench.data.readers.ut_multiview import UTMultiview

VIEWS = {"synth": 12, "test": 8}
# a row of s00/test/000_left.csv that a user published (GazeML, issue 20)
PUBLISHED = [0.657246, 0.0937712, -0.74782, -0.0511348, -0.548227, -0.0143822, -7.6967e-06, 1.92417e-06, 600]


def picture(number: int) -> bytes:
    """A 60x36 picture that tells its number: the grey level of its left half; the right half is black."""
    grey = np.zeros((36, 60), dtype=np.uint8)
    grey[:, :30] = number
    stream = io.BytesIO()
    Image.fromarray(grey).save(stream, "BMP")
    return stream.getvalue()


def first_number(person: int, target: int, side: str) -> int:
    return 20 + 100 * person + 30 * target + (15 if side == "right" else 0)


def rows(person: int, target: int, side: str, count: int) -> NDArray[np.float64]:
    """Labels that a picture's number gives, so that wrong pairs show: yaw is a hundredth of it."""
    numbers = first_number(person, target, side) + np.arange(count)
    gaze = vectors_from_pitch_yaw(np.column_stack([-numbers / 500, numbers / 1000]))
    head = np.column_stack([0 * numbers, numbers / 2000, 0 * numbers])
    return np.column_stack([gaze, head, np.tile([0.0, 0.0, 600.0], (count, 1)), np.zeros(count)])


def write_set(place: Path, stem: str, table: NDArray[np.float64], first: int) -> None:
    place.mkdir(parents=True, exist_ok=True)
    np.savetxt(place / f"{stem}.csv", table, delimiter=",", fmt="%.8g")
    with zipfile.ZipFile(place / f"{stem}.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        # not in order: the reader goes by the numbers
        for number in np.random.default_rng(0).permutation(len(table)):
            archive.writestr(f"{number:08d}.bmp", picture(first + int(number)))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for person in (0, 1):
        for part, views in VIEWS.items():
            for target in (0, 1):
                for side in ("left", "right"):
                    table = rows(person, target, side, views)
                    place = tmp_path / f"UTMultiview/s{person:02d}/{part}"
                    write_set(place, f"{target:03d}_{side}", table, first_number(person, target, side))
    return tmp_path


def read(root: Path, count: int | None = None, **options: Any) -> ImageSet:
    reader = UTMultiview.configured(settings={"size": (36, 60), **options})
    return reader.read(root, name="ut-multiview:synth", convention=LabelConvention(), count=count)


def numbers(found: ImageSet) -> NDArray[np.int64]:
    """What the pictures say: the brighter half's level."""
    images = np.asarray(found.images)
    brighter: NDArray[np.int64] = np.maximum(images[:, 18, 5], images[:, 18, 55]).astype(np.int64)
    return brighter


def test_every_patch_has_its_own_row(root: Path) -> None:
    found = read(root, mirror="none")
    assert len(found) == 2 * 2 * 2 * 12
    assert found.ids[:2].tolist() == ["s00/synth/000_left/0000", "s00/synth/000_left/0001"]
    assert found.ids[12] == "s00/synth/000_right/0000"
    assert found.persons.tolist() == ["s00"] * 48 + ["s01"] * 48
    angles = pitch_yaw_from_vectors(found.gaze)
    assert_allclose(angles[:, 1], numbers(found) / 1000, atol=1e-6)
    assert_allclose(angles[:, 0], -numbers(found) / 500, atol=1e-6)
    assert_allclose(found.labels["head_pose"][:, 1], numbers(found) / 2000, atol=1e-6)


def test_right_eyes_are_mirrored_with_their_labels(root: Path) -> None:
    plain, mirrored = read(root, mirror="none"), read(root)
    right = np.array(["right" in one for one in found_ids(plain)])
    assert (np.asarray(mirrored.images)[right] == np.asarray(plain.images)[right][:, :, ::-1]).all()
    assert (np.asarray(mirrored.images)[~right] == np.asarray(plain.images)[~right]).all()
    sign = np.where(right, -1, 1)
    for found, before in (
        (pitch_yaw_from_vectors(mirrored.gaze), pitch_yaw_from_vectors(plain.gaze)),
        (mirrored.labels["head_pose"], plain.labels["head_pose"]),
    ):
        assert_allclose(found[:, 1], sign * before[:, 1])
        assert_allclose(found[:, 0], before[:, 0])


def found_ids(found: ImageSet) -> list[str]:
    return [str(one) for one in found.ids]


def test_the_published_row(tmp_path: Path) -> None:
    """Gaze and head look to the image's right and the same side, which settles the direction of the head's z axis."""
    write_set(tmp_path / "UTMultiview/s00/test", "000_left", np.array([PUBLISHED]), 7)
    found = read(tmp_path, part="test")
    pitch, yaw = np.degrees(pitch_yaw_from_vectors(found.gaze))[0]
    assert (round(pitch, 1), round(yaw, 1)) == (-5.4, -41.3)
    forward = Rotation.from_rotvec(PUBLISHED[3:6]).as_matrix()[:, 2]
    assert_allclose(found.labels["head_pose"][0], [np.arcsin(forward[1]), np.arctan2(forward[0], forward[2])])
    assert -35 < np.degrees(found.labels["head_pose"][0, 1]) < -28


def test_parts_eyes_persons_and_size(root: Path) -> None:
    found = read(root, part="test", eyes="right", persons=["s01"], size=(35, 55), mirror="none")
    assert found.images.shape == (16, 35, 55)
    assert set(found.persons.tolist()) == {"s01"}
    assert found.ids[0] == "s01/test/000_right/0000"
    assert read(root, size=(30, 50), fit="crop").images.shape[1:] == (30, 50)
    names = {path.name for path in UTMultiview.configured(settings={"persons": ["s01"]}).files(root)}
    assert names == {
        f"{target:03d}_{side}.{end}" for target in (0, 1) for side in ("left", "right") for end in ("csv", "zip")
    }
    with pytest.raises(DataError, match=r"no person 's77' in the data \(has: s00, s01\)"):
        read(root, persons=["s77"])
    with pytest.raises(DataError, match="cannot give"):
        read(root, size=(40, 60), fit="crop")


def test_only_the_wanted_pictures_are_decoded(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    decoded: list[Path] = []

    def counted(content: bytes, path: Path) -> NDArray[np.uint8]:
        decoded.append(path)
        return decode_grey(content, path)

    monkeypatch.setattr("bench.data.readers.ut_multiview.decode_grey", counted)
    found = read(root, count=5, mirror="none")
    assert len(decoded) == len(found) == 5
    whole = read(root, mirror="none")
    where = [found_ids(whole).index(one) for one in found_ids(found)]
    assert where == sorted(where)
    assert (np.asarray(whole.images)[where] == np.asarray(found.images)).all()
    assert_allclose(whole.gaze[where], found.gaze)
    assert not list(root.rglob("*.bmp"))  # nothing is unpacked


def test_folders_of_pictures_in_place_of_zips(root: Path) -> None:
    expected = read(root, part="test")
    for archive in list(root.rglob("test/*.zip")):
        with zipfile.ZipFile(archive) as content:
            content.extractall(archive.with_suffix(""))
        archive.unlink()
    found = read(root, part="test")
    assert found.ids.tolist() == expected.ids.tolist()
    assert (np.asarray(found.images) == np.asarray(expected.images)).all()
    files = UTMultiview.configured(settings={"part": "test"}).files(root)
    assert len(files) == 8 * (1 + 8)


def test_pictures_in_a_folder_of_the_zip(root: Path) -> None:
    path = root / "UTMultiview/s00/synth/000_left.zip"
    expected = read(root)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("000_left/", b"")
        for number in range(12):
            archive.writestr(f"000_left/{number:08d}.bmp", picture(first_number(0, 0, "left") + number))
    assert (np.asarray(read(root).images) == np.asarray(expected.images)).all()


def damage(root: Path, kind: str) -> None:
    place = root / "UTMultiview/s00/synth"
    table, archive = place / "000_left.csv", place / "000_left.zip"
    lines = table.read_text().splitlines()
    if kind == "no zip":
        archive.unlink()
    elif kind == "no table":
        table.unlink()
    elif kind == "row missing":
        table.write_text("\n".join(lines[:-1]))
    elif kind == "too many rows":
        table.write_text("\n".join([*lines, lines[0]]))
    elif kind == "truncated zip":
        archive.write_bytes(archive.read_bytes()[:-200])
    elif kind == "damaged picture":
        content = bytearray(archive.read_bytes())
        content[60:90] = bytes(30)
        archive.write_bytes(bytes(content))
    elif kind == "text":
        archive.write_text("no zip")
    elif kind == "empty zip":
        archive.write_bytes(b"")
    elif kind == "few columns":
        table.write_text("\n".join(",".join(line.split(",")[:5]) for line in lines))
    elif kind == "words":
        table.write_text("\n".join(["gx,gy,gz,rx,ry,rz,tx,ty,tz", *lines[1:]]))
    elif kind == "nan":
        table.write_text("\n".join(["nan" + line[line.index(",") :] for line in lines]))
    elif kind == "zero gaze":
        table.write_text("\n".join(["0,0,0,0,0,0,0,0,600"] * len(lines)))
    elif kind in ("foreign name", "same number", "no picture"):
        with zipfile.ZipFile(archive, "w") as content_of:
            for number in range(11):
                content_of.writestr(f"{number:08d}.bmp", picture(1))
            name = {"foreign name": "../evil.bmp", "same number": "3.bmp", "no picture": "00000011.bmp"}[kind]
            content_of.writestr(name, b"no picture" if kind == "no picture" else picture(1))
    elif kind == "no persons":
        (root / "UTMultiview").rename(root / "elsewhere")
        (root / "UTMultiview").mkdir()
    elif kind == "no part":
        place.rename(place.parent / "other")
    elif kind == "nothing in part":
        for one in (root / "UTMultiview").rglob("synth/*"):
            one.unlink()


@pytest.mark.parametrize(
    ("kind", "word"),
    [
        ("no zip", "'000_left' has no 000_left"),
        ("no table", "'000_left' has no 000_left.csv"),
        ("row missing", "11 rows for 12 pictures in 000_left.zip"),
        ("too many rows", "13 rows for 12 pictures"),
        ("truncated zip", "000_left.zip cannot be read"),
        ("damaged picture", "000_left.zip cannot be read"),
        ("text", "000_left.zip cannot be read"),
        ("empty zip", "000_left.zip cannot be read"),
        ("few columns", "000_left.csv does not hold 9 numbers"),
        ("words", "000_left.csv does not hold 9 numbers"),
        ("nan", "NaN"),
        ("zero gaze", "NaN"),
        ("foreign name", "holds '../evil.bmp'"),
        ("same number", "two pictures with one number"),
        ("no picture", "00000011.bmp"),
        ("no persons", "no person's folder"),
        ("no part", "bench data status"),
        ("nothing in part", "no NNN_left.csv"),
    ],
)
def test_bad_input_is_one_line(root: Path, kind: str, word: str) -> None:
    damage(root, kind)
    with pytest.raises(DataError, match=word) as caught:
        read(root)
    assert "\n" not in str(caught.value)


def test_the_manifest(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIMGAN_BENCH_DATA", str(root))
    synth = find_source("ut-multiview:synth")
    assert synth.paper_data and not synth.simulator
    assert len(synth.files()) == 16
    assert synth.read(10).images.shape == (10, 35, 55)
    assert len(find_source("ut-multiview:test").read(None)) == 64
    assert find_source("paper:labelled").name == "ut-multiview:synth"
    monkeypatch.setenv("SIMGAN_BENCH_DATA", str(root / "nowhere"))
    with pytest.raises(DataError, match="no folder"):
        find_source("ut-multiview:synth").files()
