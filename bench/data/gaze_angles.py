"""Gaze angles and gaze vectors, in the convention of MPIIGaze's normalised camera space.

Camera space has x to the image's right, y down and z away from the camera, so a person who looks at the
camera has a gaze of (0, 0, -1). Pitch is positive upwards and yaw is positive towards the image's left:

    vector = (-cos(pitch) sin(yaw), -sin(pitch), -cos(pitch) cos(yaw))

as in Zhang et al., "Appearance-Based Gaze Estimation in the Wild", CVPR 2015, where theta = asin(-y) and
phi = atan2(-x, -z). Everything is float64 and in radians unless a name says otherwise.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def vectors_from_pitch_yaw(pitch_yaw: ArrayLike) -> Floats:
    """(N, 3) unit gaze vectors of (N, 2) pitch and yaw in radians."""
    pitch, yaw = np.asarray(pitch_yaw, dtype=np.float64).T
    return np.stack([-np.cos(pitch) * np.sin(yaw), -np.sin(pitch), -np.cos(pitch) * np.cos(yaw)], axis=1)


def pitch_yaw_from_vectors(vectors: ArrayLike) -> Floats:
    """(N, 2) pitch and yaw in radians of (N, 3) gaze vectors of any length but zero."""
    x, y, z = np.asarray(vectors, dtype=np.float64).T
    # atan2 instead of asin: it needs no unit length and has no NaN for a rounding error above 1
    return np.stack([np.arctan2(-y, np.hypot(x, z)), np.arctan2(-x, -z)], axis=1)


def mirror_vectors(vectors: ArrayLike) -> Floats:
    """(N, 3) gaze vectors of the left-right mirrored images: yaw changes its sign."""
    mirrored: Floats = np.asarray(vectors, dtype=np.float64) * np.array([-1.0, 1.0, 1.0])
    return mirrored


def vectors_from_unity(look: ArrayLike) -> Floats:
    """(N, 3) camera-space gaze vectors of Unity's `look_vec` or `gaze_vec`, whose y points up.

    look: (N, 2), (N, 3) or (N, 4): x right, y up, z away from the camera (negative when the eye looks at it);
    a fourth component, always 0 in UnityEyes' files, is ignored. With two columns z is -sqrt(1 - x^2 - y^2),
    the half space that looks at the camera; where x^2 + y^2 exceeds 1, z is 0 and the length is not 1.
    The y is negated because images and MPIIGaze's camera have y down. The length is left as it is.
    """
    values = np.asarray(look, dtype=np.float64)
    if values.shape[1] == 2:
        z = -np.sqrt(np.clip(1 - (values**2).sum(axis=1), 0, None))
        values = np.column_stack([values, z])
    turned: Floats = values[:, :3] * np.array([1.0, -1.0, 1.0])
    return turned


def head_pose_from_unity(camera_euler_deg: ArrayLike) -> Floats:
    """(N, 2) head pitch and yaw in radians, signs as the gaze's, of UnityEyes' `head_pose` (N, 3) in degrees.

    What UnityEyes writes under that name is its camera's Euler angles (x, y, z; turned about z first, then x, then
    y, in Unity's left-handed world), while the face always looks along the world's z. So the face's direction seen
    by the camera is the third row of the camera's rotation matrix; the angles (0, 180, 0) are a frontal head. See
    `head_pose` in the source of UnityEyes2, which is UnityEyes' successor.
    """
    x, y, z = np.radians(np.asarray(camera_euler_deg, dtype=np.float64)).T
    level, up, away = -np.sin(y), np.cos(y) * np.sin(x), np.cos(y) * np.cos(x)
    right = level * np.cos(z) + up * np.sin(z)
    up = -level * np.sin(z) + up * np.cos(z)
    return pitch_yaw_from_vectors(np.stack([right, -up, away], axis=1))


def unit_vectors(vectors: ArrayLike) -> Floats:
    """(N, 3) vectors divided by their lengths; for sources that round. A zero vector gives NaN."""
    values = np.asarray(vectors, dtype=np.float64)
    lengths = np.linalg.norm(values, axis=1, keepdims=True)
    units: Floats = np.divide(values, lengths, out=np.full_like(values, np.nan), where=lengths > 0)
    return units


def head_pitch_yaw(rotations: ArrayLike) -> Floats:
    """(N, 2) head pitch and yaw in radians of (N, 3) Rodrigues vectors, as MPIIGaze's `pose`.

    The head's forward axis is the third column of the rotation matrix, pitch = asin(z_y) and
    yaw = atan2(z_x, z_z), as in the data set's documentation. A rotation vector's length is its angle.
    """
    values = np.asarray(rotations, dtype=np.float64)
    angle = np.linalg.norm(values, axis=1)
    axis = np.divide(values, angle[:, None], out=np.zeros_like(values), where=angle[:, None] > 0)
    sine, versine = np.sin(angle), 1 - np.cos(angle)
    forward_x = versine * axis[:, 0] * axis[:, 2] + sine * axis[:, 1]
    forward_y = versine * axis[:, 1] * axis[:, 2] - sine * axis[:, 0]
    forward_z = np.cos(angle) + versine * axis[:, 2] ** 2
    return np.stack([np.arcsin(np.clip(forward_y, -1, 1)), np.arctan2(forward_x, forward_z)], axis=1)
