"""The hand as spheres and the round cones between them, and its forward kinematics: where its joints are for a pose.

A right hand in its own axes, mm, from the wrist: x to the thumb's side, y along the fingers, z out of the palm.
Proportions are anatomical averages of an adult hand of 190 mm; NYU's joints are the centres of some of the spheres.
"""

from __future__ import annotations

import numpy as np

from bench.core.pinhole import Floats
from bench.data.simulator.hand_population import Traits
from bench.data.simulator.hand_pose import Pose

FINGERS = 4  # little (F1) to index (F4), as NYU counts

# One row per finger: where its knuckle (MCP joint) is, and which way the straight finger points, degrees to the thumb.
KNUCKLES: Floats = np.array([[-34.0, 74.0, 2.0], [-15.5, 84.0, 0.0], [4.5, 88.0, -1.0], [25.0, 85.0, 0.0]])
REST_DEG: Floats = np.array([-7.0, -2.5, 1.0, 4.5])
SPREAD_DEG: Floats = np.array([-15.0, -6.0, 2.0, 10.0])  # added when the hand is spread
PHALANGES: Floats = np.array([[34.0, 20.0, 17.0], [42.0, 26.0, 19.0], [45.0, 28.0, 20.0], [41.0, 24.0, 18.0]])
# radii at knuckle, middle (PIP), end joint (DIP) and tip
FINGER_RADII: Floats = np.array(
    [[10.5, 8.3, 7.2, 6.3], [11.5, 9.2, 8.0, 7.0], [12.0, 9.6, 8.4, 7.3], [12.0, 9.4, 8.2, 7.1]]
)

THUMB_BASE: Floats = np.array([18.0, 19.0, 7.0])  # CMC joint
THUMB_BONES: Floats = np.array([42.0, 32.0, 21.0])
THUMB_RADII: Floats = np.array([15.0, 13.0, 10.5, 8.6])
THUMB_BENDS_TO: Floats = np.array([-1.0, 0.35, 0.45])  # across the palm

# the spheres of wrist and palm: ulnar and radial side of the wrist, palm's centre, heel of the little finger's side
PALM: Floats = np.array([[-16.0, -4.0, 0.0], [15.0, -2.0, 0.0], [1.0, 50.0, 0.0], [-24.0, 32.0, 3.0]])
PALM_RADII: Floats = np.array([16.5, 16.5, 14.0, 15.0])
FOREARM: Floats = np.array([[-13.0, -58.0, 0.0], [13.0, -58.0, 0.0], [0.0, -60.0, 0.0]])
FOREARM_RADII: Floats = np.array([19.0, 19.0, 20.0])

NODES = 4 * FINGERS + 4 + len(PALM) + len(FOREARM)
_THUMB = 4 * FINGERS
_WRIST_ULNAR, _WRIST_RADIAL, _CENTRE, _HEEL, _ARM_ULNAR, _ARM_RADIAL, _ARM = range(_THUMB + 4, NODES)
_KNUCKLE = [4 * finger for finger in range(FINGERS)]

CONES = np.array(
    [(4 * finger + bone, 4 * finger + bone + 1) for finger in range(FINGERS) for bone in range(3)]
    + [(_THUMB + bone, _THUMB + bone + 1) for bone in range(3)]
    + [(_WRIST_ULNAR, _KNUCKLE[1]), (_CENTRE, _KNUCKLE[1]), (_CENTRE, _KNUCKLE[2]), (_WRIST_RADIAL, _KNUCKLE[3])]
    + [(_WRIST_ULNAR, _HEEL), (_HEEL, _KNUCKLE[0]), (_HEEL, _CENTRE), (_WRIST_RADIAL, _CENTRE)]
    + [(_KNUCKLE[0], _KNUCKLE[1]), (_KNUCKLE[1], _KNUCKLE[2]), (_KNUCKLE[2], _KNUCKLE[3])]
    + [(_WRIST_RADIAL, _THUMB), (_THUMB, _CENTRE), (_THUMB + 1, _CENTRE)]  # ball and web of the thumb
    + [(_WRIST_ULNAR, _WRIST_RADIAL), (_WRIST_ULNAR, _ARM_ULNAR), (_WRIST_RADIAL, _ARM_RADIAL)]
    + [(_CENTRE, _ARM)]
)
"""(E, 2) the pairs of spheres that a round cone joins."""

JOINT_NODES = np.array(
    [node for finger in range(FINGERS) for node in (4 * finger + 3, 4 * finger + 1)]
    + [_THUMB + 3, _THUMB + 2, _THUMB + 1, _WRIST_ULNAR, _WRIST_RADIAL, _CENTRE]
)
"""The sphere of each of the 14 JOINTS: finger tips and middle joints; thumb tip, end and middle joint; palm.

Which anatomical points NYU's names mean is UNCONFIRMED; this is what they look like in its frames.
"""

HAND_NODES = np.arange(_ARM_ULNAR)  # all but the forearm


def place(traits: Traits, pose: Pose) -> tuple[Floats, Floats]:
    """(N, K, 3) centres in the hand's axes and (N, K) radii of the spheres, mm."""
    count = len(traits.size)
    nodes = np.empty((count, NODES, 3))
    widths = np.stack([traits.width, np.ones(count), np.ones(count)], axis=1)[:, None]
    nodes[:, : 4 * FINGERS] = _fingers(traits, pose, KNUCKLES * widths).reshape(count, -1, 3)
    nodes[:, _THUMB : _THUMB + 4] = _thumb(traits, pose, THUMB_BASE * widths[:, 0])
    nodes[:, _WRIST_ULNAR : _HEEL + 1] = PALM * widths
    nodes[:, _ARM_ULNAR:] = _forearm(pose, FOREARM * widths)
    radii = np.concatenate([FINGER_RADII.ravel(), THUMB_RADII, PALM_RADII, FOREARM_RADII])
    thickness = np.repeat(
        np.stack([traits.fingers_thick, traits.fingers_thick, traits.palm_thick], axis=1),
        [4 * FINGERS, 4, NODES - _THUMB - 4],
        axis=1,
    )
    thickness[:, _KNUCKLE] = traits.palm_thick[:, None]
    return nodes * traits.size[:, None, None], radii * thickness * traits.size[:, None]


def _fingers(traits: Traits, pose: Pose, knuckles: Floats) -> Floats:
    """(N, 4, 4, 3): a finger stays in the plane that its sideways angle and the palm's normal span."""
    sideways = np.radians(REST_DEG + SPREAD_DEG * pose.spread + pose.sideways)
    along = np.stack([np.sin(sideways), np.cos(sideways), np.zeros_like(sideways)], axis=-1)
    bend = np.cumsum(np.radians(pose.flexion), axis=-1)  # (N, 4, 3) of each bone against the palm
    directions = np.cos(bend)[..., None] * along[:, :, None] + np.sin(bend)[..., None] * np.array([0.0, 0.0, 1.0])
    bones = directions * (PHALANGES * traits.finger_lengths[..., None])[..., None]
    return np.asarray(knuckles[:, :, None] + _chain(bones))


def _chain(bones: Floats) -> Floats:
    """(..., B, 3) bones end to end -> (..., B + 1, 3) where they begin and end, from the origin."""
    return np.concatenate([np.zeros_like(bones[..., :1, :]), np.cumsum(bones, axis=-2)], axis=-2)


def _thumb(traits: Traits, pose: Pose, base: Floats) -> Floats:
    """(N, 4, 3): the first bone points away from palm and fingers, the others bend across the palm from there."""
    side, out = np.radians(pose.thumb_side), np.radians(pose.thumb_out)
    first = np.stack([np.cos(out) * np.sin(side), np.cos(out) * np.cos(side), np.sin(out)], axis=-1)
    across = THUMB_BENDS_TO - np.sum(first * THUMB_BENDS_TO, axis=-1, keepdims=True) * first
    across /= np.linalg.norm(across, axis=-1, keepdims=True)
    bend = np.concatenate([np.zeros((len(side), 1)), np.cumsum(np.radians(pose.thumb_flexion), axis=-1)], axis=1)
    directions = np.cos(bend)[..., None] * first[:, None] + np.sin(bend)[..., None] * across[:, None]
    bones = directions * (THUMB_BONES * traits.thumb_length[:, None])[..., None]
    return np.asarray(base[:, None] + _chain(bones))


def _forearm(pose: Pose, ends: Floats) -> Floats:
    """(N, 3, 3): the forearm's end turned about the wrist."""
    bend, deviate = np.radians(pose.wrist_bend)[:, None], np.radians(pose.wrist_deviation)[:, None]
    x, y = ends[..., 0], ends[..., 1]
    turned_x = x * np.cos(deviate) - y * np.sin(deviate)
    turned_y = x * np.sin(deviate) + y * np.cos(deviate)
    return np.stack([turned_x, turned_y * np.cos(bend), turned_y * np.sin(bend)], axis=-1)
