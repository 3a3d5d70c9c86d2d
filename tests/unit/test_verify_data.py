"""bench data list, status, prepare, verify: what they find out, and every way in which labels can be wrong."""

import hashlib
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
from numpy.typing import NDArray

from bench.core.errors import DataError
from bench.core.images import ImageSet
from bench.data import label_evidence
from bench.data.check import Check
from bench.data.gaze_angles import pitch_yaw_from_vectors, vectors_from_pitch_yaw
from bench.data.label_checks import judge
from bench.data.label_evidence import evidence
from bench.data.manifests import find_source
from bench.data.verify import examine, prepare, status, verify

Floats = NDArray[np.float64]
TEXT = """
title = "mine"
format = "{format}"
licence = "mine"
obtain = "ask me"
[parts.test]
{options}
"""


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CACHE", "CONFIG", "DATA"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / "xdg" / name.lower()))
    for name in ("SIMGAN_BENCH_DATA", "SIMGAN_BENCH_MANIFESTS"):
        monkeypatch.delenv(name, raising=False)


def manifest(folder: Path, options: str, format_name: str = "arrays", name: str = "mine.toml") -> str:
    (folder / name).write_text(TEXT.format(format=format_name, options=options))
    return str(folder / name)


@pytest.fixture
def eyes(tmp_path: Path) -> Path:
    """Simulated eyes as somebody else's arrays."""
    found = find_source("simulator", "synthetic").read(400)
    np.savez(
        tmp_path / "eyes.npz",
        images=np.asarray(found.images),
        gaze=found.gaze,
        upside_down=found.gaze * [1, -1, 1],
        shuffled=np.random.default_rng(0).permutation(found.gaze),
        pupil=found.labels["pupil"],
        wrong_pupil=found.labels["pupil"][::-1],
    )
    return tmp_path


@pytest.fixture(scope="module")
def good() -> ImageSet:
    """A thousand eyes before a webcam, of twelve persons."""
    return find_source("simulator", "real").read(1000)


def changed(images: ImageSet, gaze: Floats | None = None, mirrored: NDArray[np.bool_] | None = None) -> ImageSet:
    """The same set with other gaze labels, or with some images mirrored and their labels not."""
    pictures = np.asarray(images.images).copy()
    if mirrored is not None:
        pictures[mirrored] = pictures[mirrored][:, :, ::-1]
    return replace(images, images=pictures, labels={"gaze": images.gaze if gaze is None else gaze})


def verdicts(images: ImageSet) -> dict[str, str]:
    return {check.name: check.verdict for check in judge(evidence(images))}


def bad(images: ImageSet) -> list[Check]:
    return [check for check in judge(evidence(images)) if check.verdict == "bad"]


def by_name(checks: list[Check], start: str) -> Check:
    return next(check for check in checks if check.name.startswith(start))


def test_good_labels_have_evidence(eyes: Path) -> None:
    checks = verify(manifest(eyes, "file = 'eyes.npz'\ngaze = 'gaze'") + ":test")
    assert by_name(checks, "yaw").verdict == "ok"
    assert by_name(checks, "pitch").verdict == "ok"
    assert "400 images of 35x55" in by_name(checks, "contents").detail
    assert by_name(checks, "hashes").verdict == "unknown"


def test_wrong_signs_and_other_images_labels_are_found(eyes: Path) -> None:
    turned = verify(manifest(eyes, "file = 'eyes.npz'\ngaze = 'upside_down'") + ":test")
    assert by_name(turned, "pitch").verdict == "bad"
    assert by_name(turned, "yaw").verdict == "ok"
    shuffled = verify(manifest(eyes, "file = 'eyes.npz'\ngaze = 'shuffled'") + ":test")
    assert by_name(shuffled, "yaw").verdict == "unknown"
    assert by_name(shuffled, "label rows").verdict == "bad"
    assert "belong to other images" in by_name(shuffled, "label rows").detail


@pytest.mark.parametrize(
    "reference",
    [
        "simulator:synthetic",
        "simulator:real",
        "simulator-near:test",
        "simulator-noisy:real",
        "simulator-equalised:real",
    ],
)
@pytest.mark.parametrize("count", [1000, 100, 35])
def test_right_labels_raise_no_alarm(reference: str, count: int) -> None:
    assert bad(find_source(reference).read(count)) == []


def test_a_thousand_right_labels_are_ok(good: ImageSet) -> None:
    assert set(verdicts(good).values()) == {"ok"}


def test_one_person_with_glasses_is_no_alarm() -> None:
    for person in range(0, 20, 3):
        source = find_source("simulator", "real")
        alone = replace(source, options={**source.options, "persons": [person]})
        assert bad(alone.read(300)) == []


def test_permuted_rows(good: ImageSet) -> None:
    (check,) = bad(changed(good, np.random.default_rng(1).permutation(good.gaze)))
    assert check.name == "label rows"
    assert "order of rows and files" in check.detail
    few = good.select(slice(0, 60))
    assert bad(changed(few, np.random.default_rng(1).permutation(few.gaze))) == []  # too few to say so


def test_labels_in_counted_order_of_images_in_text_order(good: ImageSet) -> None:
    """Names sort as 0, 1, 10, 100, 101, ...: the trap of HDF5 groups and of sorted file lists."""
    by_text = np.argsort([str(number) for number in range(len(good))])
    (check,) = bad(replace(good, images=np.asarray(good.images)[by_text], labels={"gaze": good.gaze}))
    assert check.name == "label rows"


def test_the_kaggle_file_read_in_both_orders(tmp_path: Path, good: ImageSet) -> None:
    with h5py.File(tmp_path / "gaze.h5", "w") as file:
        for number, image in enumerate(np.asarray(good.images)[:500]):
            file.create_dataset(f"image/{number}", data=image)
        file["look_vec"] = good.gaze[:500] * [1, -1, 1]
    options = "file = 'gaze.h5'\norder = '{}'"
    right = verify(manifest(tmp_path, options.format("numeric"), "kaggle-eye-gaze") + ":test")
    assert {check.verdict for check in right if check.name != "hashes"} == {"ok"}
    wrong = verify(manifest(tmp_path, options.format("lexicographic"), "kaggle-eye-gaze") + ":test")
    assert [check.name for check in wrong if check.verdict == "bad"] == ["label rows"]


@pytest.mark.parametrize(("angle", "flip"), [("pitch", [1, -1, 1]), ("yaw", [-1, 1, 1])])
def test_a_flipped_sign(good: ImageSet, angle: str, flip: list[int]) -> None:
    (check,) = bad(changed(good, good.gaze * flip))
    assert check.name.startswith(f"{angle} against")
    assert f"change {angle}_positive" in check.detail


@pytest.mark.parametrize("sign", [1, -1])
def test_swapped_angles(good: ImageSet, sign: int) -> None:
    (check,) = bad(changed(good, vectors_from_pitch_yaw(sign * pitch_yaw_from_vectors(good.gaze)[:, ::-1])))
    assert check.name == "label axes"
    assert "swapped" in check.detail


def test_half_of_the_images_mirrored_without_their_labels(good: ImageSet) -> None:
    (check,) = bad(changed(good, mirrored=np.random.default_rng(2).random(len(good)) < 0.5))
    assert check.name == "mirrored eyes"
    assert "opposite yaw" in check.detail


def test_left_and_right_eyes_mixed(good: ImageSet) -> None:
    right = np.random.default_rng(2).random(len(good)) < 0.4
    gaze = np.where(right[:, None], good.gaze * [-1, 1, 1], good.gaze)
    as_they_are = changed(good, gaze, right)
    (check,) = bad(as_they_are)
    assert check.name == "mirrored eyes"
    assert "left and right eyes are mixed" in check.detail
    # the yaw of right eyes negated, as for mirrored ones, but their images as they are
    (check,) = bad(replace(as_they_are, labels={"gaze": good.gaze}))
    assert check.name == "mirrored eyes"
    assert "opposite yaw" in check.detail


def test_some_persons_mirrored_without_their_labels(good: ImageSet) -> None:
    persons = np.unique(good.persons)[:3]
    (check,) = bad(changed(good, mirrored=np.isin(good.persons, persons)))
    assert check.name == "mirrored eyes"
    assert f"3 of {len(np.unique(good.persons))} persons ({', '.join(persons)})" in check.detail


def test_units_of_angles(good: ImageSet) -> None:
    angles = pitch_yaw_from_vectors(good.gaze)
    (check,) = judge(evidence(changed(good, vectors_from_pitch_yaw(np.degrees(angles)))))
    assert (check.name, check.verdict) == ("gaze range", "bad")
    assert "set angles = 'degrees'" in check.detail
    (check,) = judge(evidence(changed(good, vectors_from_pitch_yaw(np.radians(angles)))))
    assert "radians are taken for degrees" in check.detail
    (check,) = judge(evidence(changed(good, -good.gaze)))
    assert "away from the camera" in check.detail


def test_too_few_images_are_unknown(good: ImageSet) -> None:
    (check,) = judge(evidence(changed(good, -good.gaze).select(slice(0, 29))))
    assert (check.name, check.verdict) == ("gaze labels", "unknown")
    assert judge(evidence(good.select([3])))[0].verdict == "unknown"


def test_everybody_looks_into_the_camera(good: ImageSet) -> None:
    found = judge(evidence(changed(good, np.tile([0.0, 0.0, -1.0], (len(good), 1)))))
    assert {check.verdict for check in found} <= {"ok", "unknown"}
    assert by_name(found, "label rows").verdict == "unknown"


def test_pupil_labels(eyes: Path) -> None:
    options = "file = 'eyes.npz'\ngaze = 'gaze'\npupil = '{}'"
    right = verify(manifest(eyes, options.format("pupil")) + ":test")
    assert by_name(right, "pupil labels").verdict == "ok"
    assert by_name(right, "yaw against the pupil label").verdict == "ok"
    wrong = by_name(verify(manifest(eyes, options.format("wrong_pupil")) + ":test"), "pupil labels")
    assert wrong.verdict == "bad"
    assert "other images" in wrong.detail


def test_colour_images_are_judged_by_their_luma() -> None:
    assert set(verdicts(find_source("simulator-colour:test").read(300)).values()) == {"ok"}


def test_evidence_is_of_the_images_in_their_order(good: ImageSet) -> None:
    found = evidence(good)
    assert len(found) == len(good)
    assert found.angles_deg == pytest.approx(np.degrees(pitch_yaw_from_vectors(good.gaze)))
    assert np.array_equal(found.pupils["pupil label"], good.labels["pupil"])
    assert np.abs(found.pupils["darkest region"] - good.labels["pupil"]).mean() < 3
    assert set(np.unique(found.side)) == {-1.0, 1.0}
    assert len(np.unique(found.groups)) >= 11
    # the fit never sees the image that it reads: against a plain solution without that image
    thumbs = np.random.default_rng(0).normal(size=(20, 9, 14))
    angles = np.random.default_rng(1).normal(size=(20, 2))
    flat = thumbs.reshape(20, -1)
    flat = (flat - flat.mean(axis=0)) / (flat.std(axis=0) + 1e-9)
    kernel, target = flat @ flat.T / 126, angles - angles.mean(axis=0)
    others = np.arange(20) != 4
    weights = np.linalg.solve(kernel[np.ix_(others, others)] + 0.01 * 20 * np.eye(19), target[others])
    expected = kernel[4, others] @ weights + angles.mean(axis=0)
    assert label_evidence._read(thumbs, angles)[4] == pytest.approx(expected)


def test_examine_gives_the_evidence_that_verify_judged(eyes: Path) -> None:
    path = manifest(eyes, "file = 'eyes.npz'\ngaze = 'gaze'") + ":test"
    found = examine(path)
    assert found.checks == verify(path)
    assert found.evidence is not None and len(found.evidence) == 400
    assert examine(manifest(eyes, "file = 'eyes.npz'") + ":test").evidence is None
    assert examine(manifest(eyes, "file = 'none.npz'") + ":test").evidence is None
    with pytest.raises(DataError, match="no 'gaze' labels"):
        evidence(find_source(manifest(eyes, "file = 'eyes.npz'"), "test").read(None))


def test_hashes(eyes: Path) -> None:
    content = hashlib.sha256((eyes / "eyes.npz").read_bytes()).hexdigest()
    options = "file = 'eyes.npz'\n[sha256]\n\"eyes.npz\" = '{}'"
    assert by_name(verify(manifest(eyes, options.format(content)) + ":test"), "hashes").verdict == "ok"
    wrong = by_name(verify(manifest(eyes, options.format("0" * 64)) + ":test"), "hashes")
    assert wrong.verdict == "bad"
    assert "eyes.npz" in wrong.detail


def test_a_damaged_file_is_one_bad_check(tmp_path: Path) -> None:
    (tmp_path / "eyes.npz").write_text("no")
    (check,) = verify(manifest(tmp_path, "file = 'eyes.npz'") + ":test")
    assert (check.name, check.verdict) == ("files", "bad")


def test_flat_images_are_bad(tmp_path: Path) -> None:
    np.savez(tmp_path / "eyes.npz", images=np.zeros((3, 35, 55), dtype=np.uint8))
    checks = verify(manifest(tmp_path, "file = 'eyes.npz'") + ":test")
    assert by_name(checks, "pixels").verdict == "bad"


def test_status_says_how_to_get_what_is_missing(eyes: Path) -> None:
    rows = {(row.data_set, row.part): row for row in status()}
    assert rows["simulator", "test"].state == "built in"
    missing = rows["mpiigaze", "test"]
    assert missing.state == "missing"
    assert "official page" in missing.obtain
    assert rows["paper", "test"].obtain == missing.obtain
    (mine,) = status(manifest(eyes, "file = 'eyes.npz'"))
    assert (mine.state, mine.detail, mine.obtain) == ("there", "1 files", "ask me")
    (wrong,) = status(manifest(eyes, "fil = 'eyes.npz'"))
    assert wrong.state == "wrong"


def test_prepare_and_read_back(eyes: Path) -> None:
    path = manifest(eyes, "file = 'eyes.npz'\ngaze = 'gaze'")
    report = prepare(f"{path}:test", eyes / "out" / "mine.h5", count=50)
    assert (report.images, report.size, report.persons, report.labels) == (50, (35, 55), 1, ("gaze",))
    original = find_source(path, "test").read(50)
    prepared = manifest(eyes, "file = 'out/mine.h5'", "prepared", "other.toml")
    again = find_source(prepared, "test").read(None)
    assert (again.images[:] == original.images[:]).all()
    assert (again.gaze == original.gaze).all()
    assert again.convention == original.convention
    assert again.name == "other:test"
    some = find_source(manifest(eyes, "file = 'out/mine.h5'\nrows = '::2'\nlabelled = false", "prepared"), "test")
    assert len(some.read(None)) == 25
    assert some.read(None).labels == {}
