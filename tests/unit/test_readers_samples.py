"""Readers on real files, where somebody has put them: $SIMGAN_BENCH_SAMPLES, or shared/data beside the project."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.core.errors import DataError
from bench.core.images import ImageSet, LabelConvention
from bench.core.reader import Reader
from bench.data.gaze_angles import pitch_yaw_from_vectors
from bench.data.label_checks import judge
from bench.data.label_evidence import evidence
from bench.data.pupil_blob import darkest_blobs
from bench.data.readers.arrays import Arrays
from bench.data.readers.syntheseyes import SynthesEyes
from bench.data.readers.unityeyes import OUTER_CORNER, UnityEyes
from bench.data.readers.unityeyes2 import UnityEyes2
from bench.data.unity_files import points, read_labels, vector

BESIDE = Path(__file__).parents[3] / "shared" / "data"
SAMPLES = Path(os.environ.get("SIMGAN_BENCH_SAMPLES") or BESIDE)


def sample(name: str) -> Path:
    path = SAMPLES / name
    if not path.exists():
        pytest.skip(f"no sample {name}: set SIMGAN_BENCH_SAMPLES to a folder that holds it")
    return path


def read(reader: type[Reader], root: Path, **options: Any) -> ImageSet:
    return reader.configured(settings=options).read(root, name="sample", convention=LabelConvention(), count=None)


def correlations(found: ImageSet) -> tuple[float, float]:
    """r(yaw, pupil x) and r(pitch, pupil y); both are negative in the harness's convention."""
    angles = pitch_yaw_from_vectors(found.gaze)
    blobs = darkest_blobs(np.asarray(found.images))
    return float(np.corrcoef(angles[:, 1], blobs[:, 0])[0, 1]), float(np.corrcoef(angles[:, 0], blobs[:, 1])[0, 1])


P00 = {
    "file": "mpiigaze_p00.npz",
    "images": "image",
    "pitch_yaw": "gaze_pitch_yaw_rad",
    "person": "p00",
    "mirror_rows": "1010:",
}


def test_p00_has_the_conventions_signs_in_both_halves() -> None:
    root = sample("mpiigaze_p00")
    for rows in ("::2", "1::2"):
        yaw_x, pitch_y = correlations(read(Arrays, root, rows=rows, **P00))
        assert yaw_x < -0.6
        assert pitch_y < -0.3


def test_p00_right_eyes_need_mirroring() -> None:
    """Left and right eyes fit one relation of yaw and pupil only after mirroring the right ones."""
    root = sample("mpiigaze_p00")
    plain, _ = correlations(read(Arrays, root, **{**P00, "mirror_rows": None}))
    mirrored, _ = correlations(read(Arrays, root, **P00))
    assert mirrored < plain - 0.1


def test_verify_notices_unmirrored_right_eyes_and_nothing_else() -> None:
    root = sample("mpiigaze_p00")
    assert [check for check in judge(evidence(read(Arrays, root, **P00))) if check.verdict != "ok"] == []
    for rows in (":", "::2", "1::4"):
        plain = judge(evidence(read(Arrays, root, **{**P00, "mirror_rows": None, "rows": rows})))
        assert [check.name for check in plain if check.verdict == "bad"] == ["mirrored eyes"]
    for rows in (":1010", "1010:"):  # left eyes alone, right eyes alone
        alone = judge(evidence(read(Arrays, root, **{**P00, "mirror_rows": None, "rows": rows})))
        assert {check.verdict for check in alone} == {"ok"}


def test_verify_raises_no_alarm_on_small_samples() -> None:
    synthetic = judge(evidence(read(SynthesEyes, sample("syntheseyes_f01_52"), folder="png")))
    assert {check.verdict for check in synthetic} == {"ok"}
    ten = judge(evidence(read(UnityEyes2, sample("unityeyes2_10"), folder=".")))
    assert {check.verdict for check in ten} == {"unknown"}


def test_unlabelled_eyes() -> None:
    found = read(Arrays, sample("mpiigaze_unlabelled"), file="eyes_144_35x55.npy")
    assert found.images.shape == (144, 35, 55)
    assert found.labels == {}


def test_syntheseyes() -> None:
    found = read(SynthesEyes, sample("syntheseyes_f01_52"), folder="png")
    assert len(found) == 52
    yaw_x, pitch_y = correlations(found)
    assert yaw_x < -0.7
    assert pitch_y < -0.7


def test_unityeyes2() -> None:
    found = read(UnityEyes2, sample("unityeyes2_10"), folder=".")
    assert len(found) == 10
    yaw_x, pitch_y = correlations(found)
    assert yaw_x < -0.7
    assert pitch_y < -0.5


def test_a_genuine_unityeyes_label_file(tmp_path: Path) -> None:
    path = sample("unityeyes_json/1.json")
    content = read_labels(path)
    assert len(points(content, path, "interior_margin_2d")) == 16
    assert len(points(content, path, "iris_2d")) == 32
    assert vector(content, path, "eye_details", "look_vec").tolist() == [0.3404, 0.3879, -0.8566, 0.0]
    inner = points(content, path, "caruncle_2d").mean(axis=0)
    outer = points(content, path, "interior_margin_2d")[OUTER_CORNER]
    assert inner[0] < outer[0]  # a left eye: the inner corner is at the image's left
    with pytest.raises(DataError, match=r"no \*\.jpg"):  # its picture is not part of the sample
        read(UnityEyes, path.parent, folder=".")
    from PIL import Image

    (tmp_path / "1.json").write_bytes(path.read_bytes())
    Image.fromarray(np.full((600, 800), 128, dtype=np.uint8)).save(tmp_path / "1.jpg")
    found = read(UnityEyes, tmp_path, folder=".")
    assert 30 < found.labels["eye_width"][0] < 45
    # the head faces the camera from the image's right: the outer corner lies further away than any frontal face's,
    # and the gaze, which an eye turns little in its head, goes to the same side
    pitch, yaw = np.degrees(found.labels["head_pose"][0])
    assert (round(pitch, 1), round(yaw, 1)) == (4.5, -23.9)
    assert (
        points(content, path, "interior_margin_2d")[OUTER_CORNER, 2] > points(content, path, "caruncle_2d")[:, 2].max()
    )
    assert np.degrees(pitch_yaw_from_vectors(found.gaze))[0, 1] < 0
    x, y = found.labels["pupil"][0]
    assert 20 < x < 35
    assert 5 < y < 20  # it looks up
