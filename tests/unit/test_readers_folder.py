"""A folder of pictures with a CSV of labels."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from PIL import Image

from bench.core.errors import DataError, UsageError
from bench.core.images import ImageSet, LabelConvention
from bench.data.gaze_angles import vectors_from_pitch_yaw
from bench.data.readers.folder import Folder

HEADER = "file,x,y,z,pitch,yaw,px,py,who"
ROWS = [
    "1.png,0,0,-1,0.0,0.0,10,20,anna",
    "2.png,0,0,-1,5.0,-10.0,11,21,anna",
    "10.png,0,0,-1,0.1,0.2,12,22,bert",
]


def read(root: Path, **options: Any) -> ImageSet:
    reader = Folder.configured(settings=options)
    return reader.read(root, name="mine:test", convention=LabelConvention(), count=None)


@pytest.fixture
def eyes(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    (tmp_path / "eyes").mkdir()
    for name in ("1.png", "2.png", "10.png"):
        Image.fromarray(rng.integers(0, 256, (35, 55), dtype=np.uint8)).save(tmp_path / "eyes" / name)
    (tmp_path / "labels.csv").write_text("\n".join([HEADER, *ROWS]) + "\n")
    return tmp_path


LABELLED: dict[str, Any] = {"folder": "eyes", "labels": "labels.csv"}


def test_labels_and_persons(eyes: Path) -> None:
    found = read(eyes, **LABELLED, pitch="pitch", yaw="yaw", angles="degrees", person_column="who", pupil=["px", "py"])
    assert found.ids.tolist() == ["1.png", "2.png", "10.png"]
    assert found.persons.tolist() == ["anna", "anna", "bert"]
    assert_allclose(found.gaze[1], vectors_from_pitch_yaw([np.deg2rad([5, -10])])[0])
    assert_allclose(found.labels["pupil"][2], [12, 22])
    assert (np.asarray(found.images)[0] == np.asarray(Image.open(eyes / "eyes" / "1.png"))).all()
    assert_allclose(read(eyes, **LABELLED, gaze=["x", "y", "z"]).gaze, np.tile([0.0, 0, -1], (3, 1)))


def test_without_a_csv_pictures_are_unlabelled_and_sorted_by_number(eyes: Path) -> None:
    found = read(eyes, folder="eyes")
    assert found.ids.tolist() == ["1.png", "2.png", "10.png"]
    assert found.labels == {}
    assert set(found.persons.tolist()) == {"eyes"}


def test_the_identity_covers_table_and_pictures(eyes: Path) -> None:
    names = [path.name for path in Folder.configured(settings=LABELLED).files(eyes)]
    assert names == ["labels.csv", "1.png", "2.png", "10.png"]


def test_other_sizes_and_colour_and_their_pupils(eyes: Path) -> None:
    Image.fromarray(np.full((70, 110, 3), (200, 100, 50), dtype=np.uint8)).save(eyes / "eyes" / "2.png")
    Image.fromarray(np.full((35, 55, 4), 90, dtype=np.uint8)).save(eyes / "eyes" / "10.png")
    found = read(eyes, **LABELLED, pupil=["px", "py"])
    assert found.images.shape == (3, 35, 55)
    assert (np.asarray(found.images)[1] == 124).all()
    assert (np.asarray(found.images)[2] == 90).all()
    assert_allclose(found.labels["pupil"], np.array([[10, 20], [11.5 / 2 - 0.5, 21.5 / 2 - 0.5], [12, 22]]))


def test_excel_writes_a_byte_order_mark_and_semicolons(eyes: Path) -> None:
    text = "\n".join([HEADER, *ROWS]).replace(",", ";")
    (eyes / "labels.csv").write_text(text, encoding="utf-8-sig")
    assert len(read(eyes, **LABELLED, delimiter=";", pitch="pitch", yaw="yaw", angles="degrees")) == 3


def damage(folder: Path, kind: str) -> None:
    picture = folder / "eyes" / "2.png"
    table = folder / "labels.csv"
    if kind == "truncated picture":
        picture.write_bytes(picture.read_bytes()[:200])
    elif kind == "no picture":
        picture.write_text("this is text")
    elif kind == "16 bit":
        Image.fromarray(np.full((35, 55), 4000, dtype=np.uint16)).save(picture)
    elif kind == "picture missing":
        picture.unlink()
    elif kind == "row missing":
        table.write_text("\n".join([HEADER, *ROWS[:2]]))
    elif kind == "no number":
        table.write_text(table.read_text().replace("-10.0", "left"))
    elif kind == "empty cell":
        table.write_text(table.read_text().replace("-10.0", ""))
    elif kind == "nan":
        table.write_text(table.read_text().replace("-10.0", "nan"))
    elif kind == "short row":
        table.write_text(table.read_text().replace(",21,anna", ""))
    elif kind == "long row":
        table.write_text(table.read_text().replace("21,anna", "21,anna,more"))
    elif kind == "header only":
        table.write_text(HEADER)
    elif kind == "empty table":
        table.write_text("")
    elif kind == "column":
        table.write_text(table.read_text().replace("yaw", "yawn"))
    elif kind == "binary table":
        table.write_bytes(b"\xff\xfe\x00\x01" * 20)
    elif kind == "duplicate":
        table.write_text("\n".join([HEADER, *ROWS, ROWS[0]]))
    elif kind == "table missing":
        table.unlink()
    elif kind == "folder missing":
        (folder / "eyes").rename(folder / "other")


@pytest.mark.parametrize(
    ("kind", "word"),
    [
        ("truncated picture", "2.png"),
        ("no picture", "2.png"),
        ("16 bit", "8-bit"),
        ("picture missing", "line 3.*2.png"),
        ("row missing", "1 pictures have no row.*10.png"),
        ("no number", "'left'"),
        ("empty cell", "expected a number"),
        ("nan", "NaN"),
        ("short row", "line 3"),
        ("long row", "line 3"),
        ("header only", "no row"),
        ("empty table", "no column 'file'"),
        ("column", "did you mean 'yawn'"),
        ("binary table", "cannot be read as CSV"),
        ("duplicate", "not unique"),
        ("table missing", "labels.csv"),
        ("folder missing", "no folder"),
    ],
)
def test_bad_input_is_one_line(eyes: Path, kind: str, word: str) -> None:
    damage(eyes, kind)
    with pytest.raises(DataError, match=word) as caught:
        read(eyes, **LABELLED, pitch="pitch", yaw="yaw", angles="degrees", person_column="who")
    assert "\n" not in str(caught.value)


def test_empty_folder_and_half_an_angle(eyes: Path) -> None:
    (eyes / "empty").mkdir()
    with pytest.raises(DataError, match="holds no pictures"):
        read(eyes, folder="empty")
    with pytest.raises(UsageError, match="together"):
        read(eyes, **LABELLED, pitch="pitch")


def test_head_pose_columns(eyes: Path) -> None:
    found = read(eyes, **LABELLED, head_pose=["pitch", "yaw"], angles="degrees", yaw_positive="right")
    assert_allclose(found.labels["head_pose"], np.deg2rad(np.array([[0, 0], [5, 10], [0.1, -0.2]])))
    with pytest.raises(DataError, match="no column 'pich'"):
        read(eyes, **LABELLED, head_pose=["pich", "yaw"])


def test_colour_is_kept_when_asked_for(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    pixels = rng.integers(0, 256, (35, 55, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "colour.png")
    Image.fromarray(pixels[..., 0]).save(tmp_path / "grey.png")
    found = read(tmp_path, colour=True)
    np.testing.assert_array_equal(found.images[0], pixels)
    np.testing.assert_array_equal(found.images[1], np.repeat(pixels[..., :1], 3, axis=2))
    smaller = read(tmp_path, colour=True, size=[20, 30])
    assert smaller.images.shape == (2, 20, 30, 3)
    np.testing.assert_array_equal(smaller.images[1][..., 0], read(tmp_path, size=[20, 30]).images[1])
    assert read(tmp_path).images.shape == (2, 35, 55)
