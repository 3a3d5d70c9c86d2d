"""UnityEyes and UnityEyes2: y up, crops, labels in px of the crop, locales, damaged files."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from PIL import Image

from bench.core.errors import DataError
from bench.core.images import ImageSet, LabelConvention
from bench.data.gaze_angles import pitch_yaw_from_vectors
from bench.data.readers.unityeyes import UnityEyes
from bench.data.readers.unityeyes2 import UnityEyes2

WIDTH, HEIGHT = 640, 480
PUPIL = (330, 210)  # px in the picture, y down
LOOK = "(0.0998, 0.1987, -0.9750, 0.0000)"  # right of and above the camera


def text(x: float, y: float) -> str:
    """A point as UnityEyes writes it: y up, pixel centres at halves."""
    return f"({x + 0.5:.4f}, {HEIGHT - y - 0.5:.4f}, 9.1000)"


def lids(centre: tuple[float, float] = (320, 220)) -> list[str]:
    """16 points: the first at the inner corner's side (left), number 8 the outer corner."""
    turn = np.pi - np.arange(16) * 2 * np.pi / 16
    return [text(centre[0] + 60 * np.cos(one), centre[1] + 30 * np.sin(one)) for one in turn]


def label(shift: int = 0) -> dict[str, Any]:
    circle = np.arange(32) * 2 * np.pi / 32
    return {
        "interior_margin_2d": lids((320 + shift, 220)),
        "caruncle_2d": [text(255 + shift, 220)] * 7,
        "iris_2d": [text(PUPIL[0] + shift + 20 * np.cos(one), PUPIL[1] + 20 * np.sin(one)) for one in circle],
        "eye_details": {"look_vec": LOOK, "pupil_size": "0.1"},
        "head_pose": "(355.0770, 203.8451, 0.0000)",
    }


def picture(dot: tuple[int, int] = PUPIL) -> Image.Image:
    grey = np.full((HEIGHT, WIDTH), 200, dtype=np.uint8)
    rows, columns = np.indices(grey.shape)
    grey[np.hypot(columns - dot[0], rows - dot[1]) <= 12] = 0
    return Image.fromarray(grey).convert("RGB")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "imgs"
    place.mkdir()
    for number in (1, 2, 10):
        picture().save(place / f"{number}.jpg", quality=95)
        (place / f"{number}.json").write_text(json.dumps(label()), encoding="utf-8")
    return tmp_path


def read(root: Path, reader: Any = UnityEyes, **options: Any) -> ImageSet:
    configured = reader.configured(settings={"folder": "imgs", **options})
    found = configured.read(root, name="unityeyes:synthetic", convention=LabelConvention(), count=None)
    assert isinstance(found, ImageSet)
    return found


def dark_centre(image: np.ndarray) -> np.ndarray:
    weight = np.clip(150 - image.astype(float), 0, None)
    rows, columns = np.indices(image.shape)
    return np.array([(columns * weight).sum() / weight.sum(), (rows * weight).sum() / weight.sum()])


@pytest.mark.parametrize("options", [{}, {"crop": "window"}, {"eye_scale": 2.0}, {"size": (36, 60)}])
def test_the_pupil_label_is_where_the_pupil_is(folder: Path, options: dict[str, Any]) -> None:
    found = read(folder, **options)
    assert found.ids.tolist() == ["unityeyes-1", "unityeyes-2", "unityeyes-10"]
    assert found.size == options.get("size", (35, 55))
    assert_allclose(found.labels["pupil"][0], dark_centre(np.asarray(found.images)[0]), atol=0.15)


def test_gaze_up_and_right_of_the_camera(folder: Path) -> None:
    found = read(folder)
    assert_allclose(found.gaze[0], [0.0998, -0.1987, -0.9750], atol=1e-4)
    pitch, yaw = pitch_yaw_from_vectors(found.gaze)[0]
    assert pitch > 0  # up
    assert yaw < 0  # image right


def test_head_pose_is_of_the_face_seen_by_the_camera(folder: Path) -> None:
    found = read(folder)
    assert_allclose(np.degrees(found.labels["head_pose"]), [[4.5, -23.9]] * 3, atol=0.05)
    turned = {**label(), "head_pose": "(0.0, 190.0, 0.0)"}
    (folder / "imgs" / "2.json").write_text(json.dumps(turned))
    assert_allclose(np.degrees(read(folder).labels["head_pose"][1]), [0, -10], atol=1e-6)


def test_eye_width_and_margin_in_px_of_the_crop(folder: Path) -> None:
    found = read(folder)
    scale = 55 / round(1.5 * 125)  # the corners are 125 px apart, the crop is 1.5 times as wide
    assert_allclose(found.labels["eye_width"], 125 * scale, rtol=0.01)
    assert (found.labels["pupil_margin"] > 0).all()
    hidden = label()
    hidden["interior_margin_2d"] = lids((320, 300))  # the lid opening lies below the pupil
    (folder / "imgs" / "1.json").write_text(json.dumps(hidden))
    assert read(folder).labels["pupil_margin"][0] < 0


def test_the_crop_may_reach_beyond_the_picture(folder: Path) -> None:
    (folder / "imgs" / "1.json").write_text(json.dumps(label(shift=-300)))
    picture((PUPIL[0] - 300, PUPIL[1])).save(folder / "imgs" / "1.jpg", quality=95)
    found = read(folder)
    assert_allclose(found.labels["pupil"][0], dark_centre(np.asarray(found.images)[0]), atol=0.15)


def test_full_width_dots_of_some_locales(folder: Path) -> None:
    expected = read(folder)
    written = json.dumps(label(), ensure_ascii=False).replace(".", "．")
    (folder / "imgs" / "1.json").write_text(written, encoding="utf-8")
    found = read(folder)
    assert (found.gaze == expected.gaze).all()
    assert (found.images[:] == expected.images[:]).all()


def damage(place: Path, kind: str) -> None:
    content = label()
    json_path, jpg = place / "2.json", place / "2.jpg"
    if kind == "truncated json":
        json_path.write_text(json_path.read_text()[:200])
    elif kind == "a list":
        json_path.write_text("[]")
    elif kind == "no look":
        del content["eye_details"]
        json_path.write_text(json.dumps(content))
    elif kind == "bad numbers":
        content["iris_2d"][3] = "(1.0, x, 2.0)"
        json_path.write_text(json.dumps(content))
    elif kind == "code":
        content["eye_details"]["look_vec"] = "__import__('os').getcwd()"
        json_path.write_text(json.dumps(content))
    elif kind == "no points":
        content["iris_2d"] = []
        json_path.write_text(json.dumps(content))
    elif kind == "no head":
        del content["head_pose"]
        json_path.write_text(json.dumps(content))
    elif kind == "flat head":
        content["head_pose"] = "(355.0, 203.0)"
        json_path.write_text(json.dumps(content))
    elif kind == "zero look":
        content["eye_details"]["look_vec"] = "(0.0, 0.0, 0.0, 0.0)"
        json_path.write_text(json.dumps(content))
    elif kind == "far iris":
        content["iris_2d"] = [text(90000, 0)] * 32
        json_path.write_text(json.dumps(content))
    elif kind == "no eye":
        content["interior_margin_2d"] = [text(255, 220)] * 16
        json_path.write_text(json.dumps(content))
    elif kind == "labels missing":
        json_path.unlink()
    elif kind == "picture missing":
        jpg.unlink()
    elif kind == "truncated jpg":
        jpg.write_bytes(jpg.read_bytes()[:1500])
    elif kind == "empty":
        for path in place.iterdir():
            path.unlink()


@pytest.mark.parametrize(
    ("kind", "word"),
    [
        ("truncated json", "2.json"),
        ("a list", "2.json"),
        ("no look", "eye_details.look_vec"),
        ("bad numbers", "iris_2d"),
        ("code", "look_vec"),
        ("no points", "iris_2d"),
        ("no head", "has no 'head_pose'"),
        ("flat head", "'head_pose' has 2 numbers"),
        ("zero look", "NaN"),
        ("far iris", "2.jpg"),
        ("no eye", "2.json"),
        ("labels missing", "no .json beside them, first '2.jpg'"),
        ("picture missing", "no .jpg beside them, first '2.json'"),
        ("truncated jpg", "2.jpg"),
        ("empty", "holds no"),
    ],
)
def test_bad_input_is_one_line(folder: Path, kind: str, word: str) -> None:
    damage(folder / "imgs", kind)
    with pytest.raises(DataError, match=word) as caught:
        read(folder)
    assert "\n" not in str(caught.value)


def test_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="bench data status"):
        read(tmp_path)


def test_unityeyes2_crops_where_it_is_told(tmp_path: Path) -> None:
    (tmp_path / "imgs").mkdir()
    picture((320, 240)).save(tmp_path / "imgs" / "7.jpg", quality=95)
    content = {"ground_truth": {"iris_center": "(0.0, 0.6, 9.9)", "gaze_vec": LOOK}}
    (tmp_path / "imgs" / "7.json").write_text(json.dumps(content))
    found = read(tmp_path, UnityEyes2)
    assert found.images.shape == (1, 35, 55)
    assert_allclose(found.gaze[0], [0.0998, -0.1987, -0.9750], atol=1e-4)
    assert_allclose(dark_centre(np.asarray(found.images)[0]), [27, 17], atol=0.6)
    right = dark_centre(np.asarray(read(tmp_path, UnityEyes2, centre=(0.4, 0.5), width=0.3).images)[0])
    assert right[0] > 40
    with pytest.raises(DataError, match="leaves the picture"):
        read(tmp_path, UnityEyes2, centre=(0.1, 0.5))
    assert "head_pose" not in found.labels
    (tmp_path / "imgs" / "7.json").write_text(json.dumps({**content, "head_pose": "(0.0, 170.0, 0.0)"}))
    assert_allclose(np.degrees(read(tmp_path, UnityEyes2).labels["head_pose"]), [[0, 10]], atol=1e-9)
    picture((320, 240)).save(tmp_path / "imgs" / "8.jpg")
    (tmp_path / "imgs" / "8.json").write_text(json.dumps(content))
    with pytest.raises(DataError, match="only 1 of 2 files have a 'head_pose'"):
        read(tmp_path, UnityEyes2)
    for kind in ("jpg", "json"):
        (tmp_path / "imgs" / f"8.{kind}").unlink()
    (tmp_path / "imgs" / "7.json").write_text("{}")
    with pytest.raises(DataError, match=r"ground_truth\.gaze_vec"):
        read(tmp_path, UnityEyes2)
