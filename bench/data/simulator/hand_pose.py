"""What differs between two frames of one hand: fingers, wrist, and how the cameras see it. The same in all domains.

A refiner that had to bend fingers, turn hands or shift crops to match another distribution would lose its labels by
construction. Angles are in degrees; the limits are those of healthy joints, the distributions were chosen by eye.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.core.pinhole import NYU_CAMERA, Floats, to_millimetres

FLEXION_DEG = ((-8.0, 80.0), (2.0, 100.0))  # knuckle and middle joint, straight to curled
END_JOINT_FOLLOWS = 0.6  # of the middle joint: one tendon bends both
GESTURES = 0.4  # share of frames in which every finger is straight or curled on its own: pointing, counting
ROLL_DEG, PITCH_DEG, YAW_DEG = 50.0, 45.0, 55.0  # largest turns of the hand from upright with the palm to the camera
TURN_BETA = 1.6  # shape of their symmetric beta distributions
VIEWS = (1, 2, 3)  # frontal camera, and one to either side
SIDE_DEG = (35.0, 60.0)  # how far the side cameras stand around the hand
HAND_DEPTH_MM = (500.0, 1000.0)
OFF_AXIS_PX = (110.0, 55.0)  # how far from the middle of the 640x480 image the hand is, at most
FRAMING_SD_MM, FRAMING_MOST_MM = 5.0, 12.0


@dataclass(frozen=True)
class Pose:
    """The hand's own joints, degrees, (N,) unless said otherwise."""

    flexion: Floats  # (N, 4, 3) of knuckle, middle and end joint; little finger to index finger
    spread: Floats  # (N, 4) 0 fingers together, 1 spread
    sideways: Floats  # (N, 4) degrees on top of that, to the thumb's side
    thumb_side: Floats  # first bone of the thumb against the fingers' direction
    thumb_out: Floats  # and out of the palm
    thumb_flexion: Floats  # (N, 2) of its other two joints
    wrist_bend: Floats  # of the forearm, to the back of the hand
    wrist_deviation: Floats


@dataclass(frozen=True)
class Shot:
    """How one camera sees the hands: where they are, and where the crop's middle is taken to be."""

    rotation: Floats  # (N, 3, 3) from the frame's axes (x right, y down, z away from the frontal camera)
    hand: Floats  # (N, 3) mm, in the camera's axes: where the hand's middle is
    centre: Floats  # (N, 3) mm, the same with the error of whoever cut the crop


def draw_pose(rng: np.random.Generator, count: int) -> Pose:
    """`count` poses: fingers that curl together, or each on its own, with bent joints in proportion."""
    together = rng.beta(0.8, 1.2, (count, 1)) + rng.normal(0.0, 0.13, (count, 4))
    alone = rng.beta(0.25, 0.3, (count, 4))
    gesture = rng.random((count, 1)) < GESTURES
    curl = np.clip(np.where(gesture, alone, together), 0.0, 1.0)
    joints = np.clip(curl[..., None] + rng.normal(0.0, 0.10, (count, 4, 2)), 0.0, 1.0)
    low, high = np.array(FLEXION_DEG).T
    bent = low + (high - low) * joints
    end = END_JOINT_FOLLOWS * bent[..., 1:] + rng.uniform(-3.0, 6.0, (count, 4, 1))
    # the thumb comes over the palm as the fingers close
    closed = np.clip(0.6 * curl[:, 2:].mean(axis=1) + 0.4 * rng.random(count) + rng.normal(0.0, 0.15, count), 0.0, 1.0)
    thumb = np.clip(closed[:, None] + rng.normal(0.0, 0.2, (count, 2)), 0.0, 1.0)
    return Pose(
        flexion=np.concatenate([bent, end], axis=-1),
        spread=np.repeat(rng.beta(1.2, 1.6, (count, 1)), 4, axis=1) * (1.0 - joints[..., 0]),
        sideways=np.clip(rng.normal(0.0, 1.5, (count, 4)), -4.0, 4.0),
        thumb_side=np.clip(52.0 - 32.0 * closed + rng.normal(0.0, 6.0, count), 8.0, 65.0),
        thumb_out=np.clip(10.0 + 35.0 * closed + rng.normal(0.0, 8.0, count), 0.0, 60.0),
        thumb_flexion=np.array([0.0, -5.0]) + np.array([45.0, 60.0]) * thumb,
        wrist_bend=_symmetric(rng, 30.0, count),
        wrist_deviation=_symmetric(rng, 18.0, count),
    )


def draw_turn(rng: np.random.Generator, count: int) -> Floats:
    """(N, 3, 3) from the hand's axes to the frame's: fingers up and the palm to the frontal camera, then turned."""
    upright = np.diag([1.0, -1.0, -1.0])
    roll, pitch, yaw = (_symmetric(rng, most, count) for most in (ROLL_DEG, PITCH_DEG, YAW_DEG))
    return about(2, roll) @ about(0, pitch) @ about(1, yaw) @ upright


def draw_shot(rng: np.random.Generator, view: int, count: int) -> Shot:
    """`count` shots by one of the VIEWS."""
    around = rng.uniform(*SIDE_DEG, count) * {1: 0.0, 2: 1.0, 3: -1.0}[view]
    above = np.clip(rng.normal(0.0, 6.0, count), -12.0, 12.0) * (view != 1)
    depth = HAND_DEPTH_MM[0] + (HAND_DEPTH_MM[1] - HAND_DEPTH_MM[0]) * rng.beta(1.5, 1.5, count)
    pixel = NYU_CAMERA[2:] + np.stack([_symmetric(rng, most, count) for most in OFF_AXIS_PX], axis=1)
    hand = to_millimetres(np.concatenate([pixel, depth[:, None]], axis=1)[:, None], NYU_CAMERA)[:, 0]
    error = rng.normal(0.0, FRAMING_SD_MM, (count, 3)).clip(-FRAMING_MOST_MM, FRAMING_MOST_MM)
    return Shot(rotation=about(0, above) @ about(1, around), hand=hand, centre=hand + error)


def about(axis: int, degrees: Floats) -> Floats:
    """(N, 3, 3) rotations about one axis."""
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    one, other = (axis + 1) % 3, (axis + 2) % 3
    rotation = np.zeros((len(degrees), 3, 3))
    rotation[:, axis, axis] = 1.0
    rotation[:, one, one] = rotation[:, other, other] = cosine
    rotation[:, other, one], rotation[:, one, other] = sine, -sine
    return rotation


def _symmetric(rng: np.random.Generator, most: float, count: int) -> Floats:
    """Bell-shaped in [-most, most]."""
    return most * (2.0 * rng.beta(TURN_BETA, TURN_BETA, count) - 1.0)
