"""Arrays in .npz, .npy and .h5: keys, angles, selections, mirroring, bad input."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from numpy.testing import assert_allclose

from bench.core.errors import DataError, UsageError
from bench.core.images import ImageSet, LabelConvention
from bench.data.gaze_angles import vectors_from_pitch_yaw
from bench.data.readers.arrays import Arrays

COUNT = 12
rng = np.random.default_rng(0)
IMAGES = rng.integers(0, 256, (COUNT, 35, 55), dtype=np.uint8)
ANGLES = rng.uniform(-0.5, 0.5, (COUNT, 2))
GAZE = vectors_from_pitch_yaw(ANGLES)


def read(folder: Path, count: int | None = None, file: str = "eyes.npz", **options: Any) -> ImageSet:
    reader = Arrays.configured(settings={"file": file, **options})
    return reader.read(folder, name="mine:test", convention=LabelConvention(), count=count)


def save(folder: Path, **arrays: Any) -> None:
    np.savez(folder / "eyes.npz", **{"images": IMAGES, **arrays})


@pytest.mark.parametrize("suffix", [".npz", ".h5"])
def test_images_vectors_ids_and_persons(tmp_path: Path, suffix: str) -> None:
    arrays = {
        "images": IMAGES,
        "deep/gaze" if suffix == ".h5" else "gaze": GAZE.astype(np.float32),
        "names": np.array([f"n{row}".encode() for row in range(COUNT)]),
        "who": np.arange(COUNT) % 3,
        "pupil": np.full((COUNT, 2), 20),
    }
    if suffix == ".npz":
        np.savez(tmp_path / "eyes.npz", **arrays)  # type: ignore[arg-type]
    else:
        with h5py.File(tmp_path / "eyes.h5", "w") as file:
            for key, values in arrays.items():
                file[key] = values
    found = read(
        tmp_path,
        file=f"eyes{suffix}",
        gaze="deep/gaze" if suffix == ".h5" else "gaze",
        id_key="names",
        person_key="who",
        pupil="pupil",
    )
    assert np.array_equal(found.images[:], IMAGES)
    assert_allclose(found.gaze, GAZE, atol=1e-6)
    assert found.gaze.dtype == np.float64
    assert found.ids.tolist() == [f"n{row}" for row in range(COUNT)]
    assert found.persons.tolist() == [str(row % 3) for row in range(COUNT)]
    assert_allclose(found.labels["pupil"], 20)


def test_npy_holds_images_only(tmp_path: Path) -> None:
    np.save(tmp_path / "eyes.npy", IMAGES)
    found = read(tmp_path, file="eyes.npy")
    assert np.array_equal(found.images[:], IMAGES)
    assert found.labels == {}
    assert set(found.persons.tolist()) == {"eyes"}  # one file is one person, unless it says otherwise
    with pytest.raises(DataError, match="one array"):
        read(tmp_path, file="eyes.npy", gaze="gaze")


@pytest.mark.parametrize("angles", ["radians", "degrees"])
@pytest.mark.parametrize(("pitch", "yaw"), [("up", "left"), ("down", "left"), ("up", "right")])
def test_units_and_signs_of_angles(tmp_path: Path, angles: str, pitch: str, yaw: str) -> None:
    written = ANGLES * [1 if pitch == "up" else -1, 1 if yaw == "left" else -1]
    written = np.rad2deg(written) if angles == "degrees" else written
    save(tmp_path, both=written, p=written[:, 0], y=written[:, 1])
    common: dict[str, Any] = {"angles": angles, "pitch_positive": pitch, "yaw_positive": yaw}
    assert_allclose(read(tmp_path, pitch_yaw="both", **common).gaze, GAZE, atol=1e-12)
    assert_allclose(read(tmp_path, pitch="p", yaw="y", **common).gaze, GAZE, atol=1e-12)


def test_vectors_with_y_up_and_of_any_length(tmp_path: Path) -> None:
    save(tmp_path, gaze=GAZE * [1, -1, 1] * 3)
    assert_allclose(read(tmp_path, gaze="gaze", vector_y="up", normalise=True).gaze, GAZE, atol=1e-12)


def test_right_eyes_are_mirrored_by_rows(tmp_path: Path) -> None:
    save(tmp_path, angles=ANGLES)
    found = read(tmp_path, pitch_yaw="angles", mirror_rows="6:", rows="::2")
    plain = read(tmp_path, pitch_yaw="angles", rows="::2")
    assert (found.images[:3] == plain.images[:3]).all()
    assert (found.images[3:] == np.asarray(plain.images)[3:, :, ::-1]).all()
    assert_allclose(found.gaze[:3], plain.gaze[:3])
    assert_allclose(found.gaze[3:], plain.gaze[3:] * [-1, 1, 1])


@pytest.mark.parametrize(
    ("options", "rows"),
    [
        ({"rows": "2:5"}, [2, 3, 4]),
        ({"rows": "::5"}, [0, 5, 10]),
        ({"rows": "-2:"}, [10, 11]),
        ({"persons": ["b*"]}, [1, 4, 7, 10]),
        ({"persons": ["a", "c"], "rows": ":4"}, [0, 2, 3]),
        ({"ids": ["eyes-000003", "eyes-000001"]}, [1, 3]),
    ],
)
def test_selections(tmp_path: Path, options: dict[str, Any], rows: list[int]) -> None:
    save(tmp_path, who=np.array(["a", "b", "c"] * 4), angles=ANGLES)
    found = read(tmp_path, person_key="who", pitch_yaw="angles", **options)
    assert np.array_equal(found.images[:], IMAGES[rows])
    assert_allclose(found.gaze, GAZE[rows])


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"rows": "100:"}, "leaves none of 12"),
        ({"persons": ["z"]}, "no person 'z'"),
        ({"ids": ["nobody"]}, "'nobody'"),
    ],
)
def test_selections_that_find_nothing(tmp_path: Path, options: dict[str, Any], word: str) -> None:
    save(tmp_path)
    with pytest.raises(DataError, match=word):
        read(tmp_path, **options)


def test_one_image(tmp_path: Path) -> None:
    np.savez(tmp_path / "eyes.npz", images=IMAGES[:1], angles=ANGLES[:1])
    assert read(tmp_path, pitch_yaw="angles").gaze.shape == (1, 3)


def test_unlabelled_reads_no_label(tmp_path: Path) -> None:
    save(tmp_path)
    assert read(tmp_path, gaze="not there", labelled=False).labels == {}


def test_colour_and_other_sizes(tmp_path: Path) -> None:
    np.savez(tmp_path / "eyes.npz", images=np.full((2, 36, 60, 3), 90, dtype=np.uint8))
    found = read(tmp_path)
    assert found.images.shape == (2, 35, 55)
    assert (np.asarray(found.images) == 90).all()
    with pytest.raises(DataError, match="36x60"):
        read(tmp_path, fit="exact")
    assert read(tmp_path, size=(18, 30)).images.shape == (2, 18, 30)


BAD: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({"gaze": GAZE * 1.1}, {"gaze": "gaze"}, "unit length"),
    ({"gaze": np.where(np.arange(COUNT)[:, None] == 3, np.nan, GAZE)}, {"gaze": "gaze"}, "NaN or infinite for 1 of 12"),
    ({"gaze": np.zeros((COUNT, 3))}, {"gaze": "gaze", "normalise": True}, "NaN"),
    ({"gaze": GAZE[:-1]}, {"gaze": "gaze"}, r"\(11, 3\) for 12 images"),
    ({"gaze": GAZE[:, :2]}, {"gaze": "gaze"}, r"expected \(12, 3\)"),
    ({"gaze": np.array(["x"] * COUNT)}, {"gaze": "gaze"}, "expected"),
    ({"gaze": np.float64(1)}, {"gaze": "gaze"}, "single value"),
    ({}, {"gaze": "gaze"}, "no array 'gaze'"),
    ({"angles": np.rad2deg(ANGLES)}, {"pitch_yaw": "angles"}, "angles = 'degrees'"),
    ({"images": IMAGES.astype(np.float32) / 255}, {}, "float32"),
    ({"images": IMAGES[0]}, {}, "shape"),
    ({"images": IMAGES[:0]}, {}, "no image"),
    ({"images": IMAGES[:, :0]}, {}, "no pixels"),
    ({"imagse": IMAGES}, {"images": "imags"}, "did you mean"),
    ({"ids": np.zeros(COUNT, int)}, {"id_key": "ids"}, "not unique"),
    ({"ids": np.arange(3)}, {"id_key": "ids"}, "one for each of 12"),
    ({"who": np.array([{}] * COUNT)}, {"person_key": "who"}, "pickle"),
]


@pytest.mark.parametrize(("arrays", "options", "word"), BAD)
def test_bad_arrays_are_one_line(tmp_path: Path, arrays: dict[str, Any], options: dict[str, Any], word: str) -> None:
    save(tmp_path, **arrays)
    with pytest.raises(DataError, match=word) as caught:
        read(tmp_path, **options)
    assert "\n" not in str(caught.value)
    assert "mine:test" in str(caught.value) or "eyes.npz" in str(caught.value)


def test_pitch_needs_yaw(tmp_path: Path) -> None:
    save(tmp_path, p=ANGLES[:, 0])
    with pytest.raises(UsageError, match="together"):
        read(tmp_path, pitch="p")


@pytest.mark.parametrize("name", ["eyes.npz", "eyes.npy", "eyes.h5", "eyes.txt"])
@pytest.mark.parametrize("damage", ["truncated", "other", "missing"])
def test_damaged_files(tmp_path: Path, name: str, damage: str) -> None:
    path = tmp_path / name
    if name.endswith(".npz"):
        np.savez(path, images=IMAGES)
    elif name.endswith(".npy"):
        np.save(path, IMAGES)
    else:
        with h5py.File(path, "w") as file:
            file["images"] = IMAGES
    if damage == "truncated":
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    elif damage == "other":
        path.write_text("something else")
    else:
        path.unlink()
    with pytest.raises(DataError, match="eyes") as caught:
        read(tmp_path, file=name)
    assert "\n" not in str(caught.value)


def test_head_pose_has_the_unit_and_signs_of_the_gaze(tmp_path: Path) -> None:
    head = np.degrees(np.random.default_rng(4).uniform(-0.5, 0.5, (COUNT, 2)))
    save(tmp_path, angles=np.degrees(ANGLES) * [-1, 1], head=head * [-1, 1])
    options: dict[str, Any] = {
        "pitch_yaw": "angles",
        "head_pose": "head",
        "angles": "degrees",
        "pitch_positive": "down",
    }
    found = read(tmp_path, **options)
    assert_allclose(found.gaze, GAZE)
    assert_allclose(found.labels["head_pose"], np.radians(head))
    mirrored = read(tmp_path, **options, mirror_rows="3:")
    assert_allclose(mirrored.labels["head_pose"][:3], np.radians(head[:3]))
    assert_allclose(mirrored.labels["head_pose"][3:], np.radians(head[3:]) * [1, -1])
    with pytest.raises(DataError, match="set angles = 'degrees'"):
        read(tmp_path, head_pose="head")
    save(tmp_path, head=head[:, 0])
    with pytest.raises(DataError, match="'head' has shape"):
        read(tmp_path, head_pose="head")


def test_colour_is_kept_when_asked_for(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (4, 30, 40, 3), dtype=np.uint8)
    np.savez(tmp_path / "eyes.npz", image=pixels, grey=pixels[..., 0])

    def read_colour(key: str, **options: Any) -> ImageSet:
        reader = Arrays.configured(settings={"file": "eyes.npz", "images": key, "colour": True, **options})
        return reader.read(tmp_path, name="mine:test", convention=LabelConvention(), count=None)

    np.testing.assert_array_equal(read_colour("image", size=[30, 40]).images[:], pixels)
    np.testing.assert_array_equal(read_colour("image", size=[30, 40], mirror_rows="0:1").images[0], pixels[0, :, ::-1])
    padded = read_colour("image", size=[32, 40], fit="pad").images[:]
    np.testing.assert_array_equal(padded[:, 1:31], pixels)
    with pytest.raises(DataError, match="colour images must be uint8"):
        read_colour("grey")
