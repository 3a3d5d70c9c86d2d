"""Where everything lies in the patch: MPIIGaze's normalised camera, the eyeball, the lid margins, the labels.

The camera has a focal length of 960 px and sees the midpoint of the eye corners from 600 mm (1.6 px per mm) in a
60x36 patch (Zhang et al. 2015), which the paper's networks take at 55x35. Camera axes: x image right, y down, z away
from the camera. The eye is the person's left one (right eyes are mirrored to match): the nose is on the image's left.
"""

from dataclasses import dataclass
from typing import cast

import numpy as np

from bench.data.simulator.eye_population import Array, Traits
from bench.data.simulator.eye_scene import Scene

HEIGHT, WIDTH = 35, 55
DISTANCE = 600.0  # mm
FOCAL_X = 960.0 * WIDTH / 60.0  # px
FOCAL_Y = 960.0 * HEIGHT / 36.0
CENTRE_X = (WIDTH - 1) / 2.0  # pixel centres at integers
CENTRE_Y = (HEIGHT - 1) / 2.0
PX_PER_MM = 0.5 * (FOCAL_X + FOCAL_Y) / DISTANCE
LID_THICKNESS = 0.6  # mm, of the lid margin over the eyeball


@dataclass(frozen=True)
class Geometry:
    """Projected shape of N eyes; columns are (N, 1) float32, vectors (N, 3), margins (N, WIDTH) in px."""

    centre: Array  # eyeball centre, mm, camera space
    gaze: Array
    light: Array  # unit vector towards the key light
    iris_plane: Array  # mm from the eyeball centre to the plane of iris and pupil
    pupil: Array  # (N, 2) px
    inner: Array  # (N, 2) px, the corner at the nose
    outer: Array
    upper: Array  # row of the upper lid margin in each pixel column
    upper_slope: Array
    lower: Array
    lower_slope: Array
    crease: Array
    pupil_margin: Array
    lid_pitch: Array  # gaze pitch relative to the head, radians


def direction(pitch: Array, yaw: Array) -> Array:
    """Unit vectors (..., 3) of a pitch (+ up) and yaw (+ image left): (-cos p sin y, -sin p, -cos p cos y)."""
    cos_pitch = np.cos(pitch)
    return np.stack([-cos_pitch * np.sin(yaw), -np.sin(pitch), -cos_pitch * np.cos(yaw)], axis=-1)


def project(points: Array) -> Array:
    """Pixel positions (..., 2) of camera-space points (..., 3) in mm."""
    x = CENTRE_X + FOCAL_X * points[..., 0] / points[..., 2]
    y = CENTRE_Y + FOCAL_Y * points[..., 1] / points[..., 2]
    return np.stack([x, y], axis=-1)


@dataclass(frozen=True)
class _Face:
    """The head's place: corner midpoint (N, 3) in mm and the head's axes (N, 3), each along its own direction."""

    origin: Array
    right: Array
    down: Array
    back: Array

    def point(self, x: Array, y: Array, z: Array) -> Array:
        """Camera-space points of head coordinates (N, 1)."""
        return cast(Array, self.origin + x * self.right + y * self.down + z * self.back)


def _face(scene: Scene) -> _Face:
    """The head of a scene; normalisation has removed the roll, so the head's x axis has no vertical part."""
    sin_p, cos_p = np.sin(scene.head_pitch[:, 0]), np.cos(scene.head_pitch[:, 0])
    sin_y, cos_y = np.sin(scene.head_yaw[:, 0]), np.cos(scene.head_yaw[:, 0])
    distance = DISTANCE / scene.scale[:, 0]
    return _Face(
        origin=np.stack([scene.shift_right[:, 0], scene.shift_down[:, 0], distance], axis=-1),
        right=np.stack([cos_y, np.zeros_like(cos_y), -sin_y], axis=-1),
        down=np.stack([-sin_p * sin_y, cos_p, -sin_p * cos_y], axis=-1),
        back=np.stack([cos_p * sin_y, sin_p, cos_p * cos_y], axis=-1),
    )


@dataclass(frozen=True)
class LidCurve:
    """One lid margin (or its crease): an arc between the corners, raised by `rise` mm and bulging by `bulge` mm."""

    rise: Array  # + up
    bulge: Array  # towards the camera
    roundness: Array
    skew: Array
    sag: Array  # mm that the outer third is pulled down
    overshoot: float  # -1 up, +1 down: where the curve goes beyond the corners, so that the opening stays closed

    def row(self, x: Array, traits: Traits, scene: Scene, inner: Array, outer: Array) -> Array:
        """The curve's image row at pixel columns x (N, K)."""
        span = outer[:, :1] - inner[:, :1]
        along = (x - inner[:, :1]) / span
        # Turning the head shifts the bulging middle of the lid: solve along = t + 4 a t (1 - t) for the lid's own t.
        lean = np.clip(-self.bulge * np.tan(scene.head_yaw) * np.cos(scene.head_pitch) / traits.fissure, -0.12, 0.12)
        inside = np.clip(along, 0.0, 1.0)
        root = np.sqrt(np.square(1.0 + 4.0 * lean) - 16.0 * lean * inside)
        t = np.clip(2.0 * inside / (1.0 + 4.0 * lean + root), 0.0, 1.0)
        arch = 4.0 * t * (1.0 - t)
        warped = np.power(t, self.skew)
        shape = np.power(np.maximum(4.0 * warped * (1.0 - warped), 1e-6), self.roundness)
        shape = shape * (1.0 - np.exp(-inside / 0.05))  # the tear duct's narrow notch
        # a broad bell around t = 0.71: the fold that hangs over the outer part
        sag = self.sag * np.square(np.sin(np.pi * np.square(t)))
        scale = FOCAL_Y / DISTANCE * scene.scale
        height = (self.rise * shape - sag) * np.cos(scene.head_pitch) + self.bulge * arch * np.sin(scene.head_pitch)
        line = inner[:, 1:] + (outer[:, 1:] - inner[:, 1:]) * along
        beyond = np.maximum(np.maximum(-along, along - 1.0), 0.0) * np.abs(span)
        return cast(Array, line - height * scale + self.overshoot * 0.45 * beyond)


def lid_curves(traits: Traits, scene: Scene) -> tuple[LidCurve, LidCurve, LidCurve]:
    """Upper margin, lower margin and crease: the margins are planes through the eyeball that follow its pitch."""
    pitch = np.degrees(scene.gaze_pitch - scene.head_pitch)
    upper = np.radians(traits.upper_rest + scene.squint + traits.upper_follow * pitch)
    lower = np.radians(traits.lower_rest - 0.4 * scene.squint + traits.lower_follow * pitch)
    rest = np.radians(traits.upper_rest)
    radius = traits.eyeball + LID_THICKNESS
    upper_rise = traits.eye_up + radius * np.sin(upper)
    lower_rise = traits.eye_up + radius * np.sin(lower)
    # a lid cannot pass the other one: at least 0.6 mm stay open
    upper_rise = np.maximum(upper_rise, lower_rise + 0.6)
    crease_rise = 0.45 * upper_rise + 0.55 * (traits.eye_up + radius * np.sin(rest)) + traits.crease_gap
    crease_rise = np.maximum(crease_rise, upper_rise + 0.8)
    upper_bulge = radius * np.cos(upper) - traits.eye_back
    lower_bulge = radius * np.cos(lower) - traits.eye_back
    none = np.zeros_like(upper_rise)
    return (
        LidCurve(upper_rise, upper_bulge, traits.upper_round, traits.upper_skew, traits.hood, 1.0),
        LidCurve(lower_rise, lower_bulge, traits.lower_round, traits.lower_skew, none, -1.0),
        LidCurve(crease_rise, upper_bulge, traits.upper_round * 0.8, traits.upper_skew, 0.8 * traits.hood, 1.0),
    )


def _slope(rows: Array) -> Array:
    return cast(Array, np.gradient(rows, axis=1))


def locate(traits: Traits, scene: Scene) -> Geometry:
    """Project N eyes: eyeball, pupil, corners, lid margins, and how far the pupil's centre lies inside the opening."""
    face = _face(scene)
    half = 0.5 * traits.fissure
    zero = np.zeros_like(half)
    inner = project(face.point(-half, 0.5 * traits.tilt, zero))
    outer = project(face.point(half, -0.5 * traits.tilt, zero))
    centre = face.point(traits.eye_right, -traits.eye_up, traits.eye_back)
    gaze = direction(scene.gaze_pitch[:, 0], scene.gaze_yaw[:, 0])
    iris_plane = np.sqrt(np.square(traits.eyeball) - np.square(traits.iris))
    pupil = project(centre + iris_plane * gaze)

    columns = np.arange(WIDTH, dtype=np.float32)[None, :]
    upper, lower, crease = lid_curves(traits, scene)
    near_pupil = pupil[:, :1] + np.array([[-0.5, 0.0, 0.5]], dtype=np.float32)
    upper_at = upper.row(near_pupil, traits, scene, inner, outer)
    lower_at = lower.row(near_pupil, traits, scene, inner, outer)
    below_upper = (pupil[:, 1] - upper_at[:, 1]) / np.hypot(1.0, upper_at[:, 2] - upper_at[:, 0])
    above_lower = (lower_at[:, 1] - pupil[:, 1]) / np.hypot(1.0, lower_at[:, 2] - lower_at[:, 0])

    upper_row = upper.row(columns, traits, scene, inner, outer)
    lower_row = lower.row(columns, traits, scene, inner, outer)
    return Geometry(
        centre=centre,
        gaze=gaze,
        light=direction(scene.light_elevation[:, 0], -scene.light_azimuth[:, 0]),
        iris_plane=iris_plane,
        pupil=pupil,
        inner=inner,
        outer=outer,
        upper=upper_row,
        upper_slope=_slope(upper_row),
        lower=lower_row,
        lower_slope=_slope(lower_row),
        crease=crease.row(columns, traits, scene, inner, outer),
        pupil_margin=np.minimum(below_upper, above_lower)[:, None],
        lid_pitch=scene.gaze_pitch - scene.head_pitch,
    )
