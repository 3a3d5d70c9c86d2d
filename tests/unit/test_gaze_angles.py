"""Conventions of gaze: signs, mirroring, y up and y down, Rodrigues vectors."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.spatial.transform import Rotation

from bench.data.gaze_angles import (
    head_pitch_yaw,
    head_pose_from_unity,
    mirror_vectors,
    pitch_yaw_from_vectors,
    unit_vectors,
    vectors_from_pitch_yaw,
    vectors_from_unity,
)
from bench.data.mirror import mirror

angle = st.floats(-1.5, 1.5)


@given(angle, angle)
def test_pitch_and_yaw_come_back(pitch: float, yaw: float) -> None:
    vectors = vectors_from_pitch_yaw([[pitch, yaw]])
    assert_allclose(np.linalg.norm(vectors, axis=1), 1)
    assert_allclose(pitch_yaw_from_vectors(vectors), [[pitch, yaw]], atol=1e-12)


@given(angle, angle)
def test_mirroring_negates_yaw_only(pitch: float, yaw: float) -> None:
    mirrored = pitch_yaw_from_vectors(mirror_vectors(vectors_from_pitch_yaw([[pitch, yaw]])))
    assert_allclose(mirrored, [[pitch, -yaw]], atol=1e-12)


def test_signs_in_camera_space() -> None:
    ahead, up, left = vectors_from_pitch_yaw([[0.0, 0.0], [0.5, 0.0], [0.0, 0.5]])
    assert_allclose(ahead, [0, 0, -1], atol=1e-15)  # at the camera
    assert up[1] < 0  # y points down in an image
    assert left[0] < 0  # x points right in an image


def test_the_documented_formula_of_mpiigaze() -> None:
    """theta = asin(-y), phi = atan2(-x, -z)."""
    x, y, z = vector = np.array([0.3, -0.2, -np.sqrt(1 - 0.13)])
    assert_allclose(pitch_yaw_from_vectors([vector])[0], [np.arcsin(-y), np.arctan2(-x, -z)])


def test_a_genuine_unityeyes_look_vector() -> None:
    """A published label file: x right, y up; pitch +22.8 deg, yaw -21.7 deg."""
    vectors = vectors_from_unity([[0.3404, 0.3879, -0.8566, 0.0]])
    assert_allclose(vectors, [[0.3404, -0.3879, -0.8566]])
    assert_allclose(np.rad2deg(pitch_yaw_from_vectors(vectors)), [[22.8, -21.7]], atol=0.1)


@given(st.floats(-60, 60), st.floats(100, 260), st.floats(-30, 30))
def test_unitys_head_pose_is_a_turned_camera_before_a_fixed_face(x: float, y: float, z: float) -> None:
    """Against scipy: the world's z, where the face points, in the axes of a camera turned about z, x and then y."""
    right, up, away = Rotation.from_euler("YXZ", [y, x, z], degrees=True).as_matrix()[2]
    expected = pitch_yaw_from_vectors([[right, -up, away]])
    assert_allclose(head_pose_from_unity([[x, y, z]]), expected, atol=1e-12)


def test_signs_of_unitys_head_pose() -> None:
    euler = np.array([[0, 180, 0], [340, 180, 0], [0, 200, 0], [355.0770, 203.8451, 0]])
    frontal, below, side, file = np.degrees(head_pose_from_unity(euler))
    assert_allclose(frontal, 0, atol=1e-12)
    assert_allclose(below, [20, 0], atol=1e-9)  # the camera looks up at the face, so the face looks over it
    assert_allclose(side, [0, -20], atol=1e-9)
    assert_allclose(file, [4.5, -23.9], atol=0.05)


def test_unity_vectors_with_two_columns_look_at_the_camera() -> None:
    assert_allclose(vectors_from_unity([[0.6, 0.0]]), [[0.6, 0, -0.8]])


def test_a_zero_vector_has_no_direction() -> None:
    assert np.isnan(unit_vectors([[0.0, 0, 0]])).all()
    assert_allclose(unit_vectors([[0.0, 0, -2]]), [[0, 0, -1]])


@settings(deadline=None)
@given(st.lists(st.floats(-2, 2), min_size=3, max_size=3))
def test_head_pose_agrees_with_scipys_rotation(rotation: list[float]) -> None:
    from scipy.spatial.transform import Rotation

    forward = Rotation.from_rotvec(rotation).as_matrix()[:, 2]
    pitch, yaw = head_pitch_yaw([rotation])[0]
    assert_allclose(np.sin(pitch), forward[1], atol=1e-9)
    assert_allclose(np.cos(pitch) * np.exp(1j * yaw), forward[2] + 1j * forward[0], atol=1e-7)


@pytest.mark.parametrize("which", [[True, False], [False, False]])
def test_mirror_moves_labels_with_the_pixels_and_leaves_its_input(which: list[bool]) -> None:
    images = np.zeros((2, 5, 7), dtype=np.uint8)
    images[:, 2, 1] = 255  # the pupil
    labels = {
        "gaze": vectors_from_pitch_yaw([[0.1, 0.2], [0.1, 0.2]]),
        "pupil": np.array([[1.0, 2.0], [1.0, 2.0]]),
        "head_pose": np.array([[0.3, 0.4], [0.3, 0.4]]),
        "eye_width": np.array([5.0, 5.0]),
    }
    before = images.copy()
    out, moved = mirror(images, labels, np.array(which))
    assert (images == before).all()
    for row, mirrored in enumerate(which):
        y, x = np.argwhere(out[row] == 255)[0]
        assert_allclose(moved["pupil"][row], [x, y])
        sign = -1 if mirrored else 1
        assert_allclose(pitch_yaw_from_vectors(moved["gaze"])[row], [0.1, sign * 0.2])
        assert_allclose(moved["head_pose"][row], [0.3, sign * 0.4])
    assert_allclose(moved["eye_width"], 5)
