"""What differs between two images of one eye: gaze, head, framing, light. Only the light's prior is the domain's.

Gaze, head and framing have one distribution in all domains, as if synthetic patches were cut with the landmark errors
of real ones: a refiner that moved the eye to match another distribution would lose its labels by construction.
"""

from dataclasses import dataclass, fields
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.data.simulator.eye_population import Array

# Camera-space gaze in degrees, as laptop users look: mostly below the camera. Symmetric beta over [low, high].
GAZE_PITCH_DEG = (-30.0, 8.0)
GAZE_YAW_DEG = (-27.0, 27.0)
GAZE_BETA = 2.2


class Lighting(NamedTuple):
    """The prior of a domain's light. Degrees; azimuth + = from the image's right, elevation + = from above."""

    azimuth_sd: float
    elevation: tuple[float, float]
    key: tuple[float, float]  # strength of the directional light, low to high
    ambient: tuple[float, float]
    sky: tuple[float, float]  # share of the ambient light that comes from above
    exposure_sd: float  # natural log
    hard_shadow: float  # probability of a shadow edge across the patch
    glints: float  # mean number of highlights on the cornea
    glare: float  # probability of a reflection on a glasses lens


class Framing(NamedTuple):
    """How the patch is cut: landmark error in mm, distance error (ratio), head rotation and squinting in degrees."""

    shift_sd: float
    scale_sd: float
    head_sd: float
    squint_sd: float


LIGHTING: dict[str, Lighting] = {
    "synthetic": Lighting(55.0, (38.0, 20.0), (0.50, 1.55), (0.12, 0.42), (0.1, 0.7), 0.26, 0.0, 1.0, 0.0),
    "near": Lighting(45.0, (42.0, 18.0), (0.40, 1.40), (0.20, 0.50), (0.4, 1.0), 0.18, 0.12, 1.1, 0.35),
    "noisy": Lighting(60.0, (32.0, 22.0), (0.50, 1.60), (0.15, 0.40), (0.2, 0.8), 0.22, 0.15, 0.9, 0.35),
    "distant": Lighting(40.0, (52.0, 15.0), (0.40, 1.30), (0.22, 0.50), (0.5, 1.0), 0.18, 0.10, 0.7, 0.30),
}
FRAMING = Framing(shift_sd=0.9, scale_sd=0.04, head_sd=7.0, squint_sd=3.0)


@dataclass(frozen=True)
class Scene:
    """One image's own draw: (N, 1) float32 columns; angles in radians, lengths in mm, light in relative units."""

    gaze_pitch: Array
    gaze_yaw: Array
    head_pitch: Array
    head_yaw: Array
    shift_right: Array
    shift_down: Array
    scale: Array
    squint: Array  # added to the upper lid's angle, degrees
    dilation: Array  # factor on the pupil's radius
    light_azimuth: Array
    light_elevation: Array
    key: Array
    ambient: Array
    sky: Array
    exposure: Array
    shadow: Array  # 0: none, else the share of light that is lost behind the edge
    shadow_angle: Array
    shadow_offset: Array
    glints: Array  # 0, 1, 2, ...
    glint_size: Array  # px
    glint_turn: Array  # where the second light stands, radians
    reflection: Array  # broad reflection of the surroundings on the cornea
    lash_lift: Array
    glasses_lift: Array  # mm
    glare: Array
    glare_x: Array
    glare_y: Array
    sheet_x: Array  # texture offset of this image, px
    sheet_y: Array


def draw_scene(rng: np.random.Generator, domain: str, count: int) -> Scene:
    """`count` scenes of a domain; every domain draws the same numbers in the same order and differs in their scale."""
    light, framing = LIGHTING[domain], FRAMING

    def uniform(bounds: tuple[float, float]) -> NDArray[np.float64]:
        return rng.uniform(bounds[0], bounds[1], count)

    def normal(mean: float, spread: float) -> NDArray[np.float64]:
        return np.clip(rng.normal(mean, spread, count), mean - 3.0 * spread, mean + 3.0 * spread)

    def beta(bounds: tuple[float, float]) -> NDArray[np.float64]:
        return np.radians(bounds[0] + (bounds[1] - bounds[0]) * rng.beta(GAZE_BETA, GAZE_BETA, count))

    pitch, yaw = beta(GAZE_PITCH_DEG), beta(GAZE_YAW_DEG)
    columns = {
        "gaze_pitch": pitch,
        "gaze_yaw": yaw,
        # the head turns part of the way to what is looked at
        "head_pitch": 0.35 * pitch + np.radians(normal(0.0, framing.head_sd)),
        "head_yaw": 0.40 * yaw + np.radians(normal(0.0, framing.head_sd)),
        "shift_right": normal(0.0, framing.shift_sd),
        "shift_down": normal(0.0, framing.shift_sd),
        "scale": np.exp(normal(0.0, framing.scale_sd)),
        "squint": normal(0.0, framing.squint_sd),
        "dilation": np.exp(normal(0.0, 0.12)),
        "light_azimuth": np.radians(normal(0.0, light.azimuth_sd).clip(-100.0, 100.0)),
        "light_elevation": np.radians(normal(*light.elevation).clip(-10.0, 80.0)),
        "key": uniform(light.key),
        "ambient": uniform(light.ambient),
        "sky": uniform(light.sky),
        "exposure": np.exp(normal(0.0, light.exposure_sd)),
        "shadow": (rng.random(count) < light.hard_shadow) * rng.uniform(0.3, 0.7, count),
        "shadow_angle": rng.uniform(-np.pi, np.pi, count),
        "shadow_offset": rng.normal(0.0, 6.0, count),
        "glints": rng.poisson(light.glints, count).astype(np.float64),
        "glint_size": rng.uniform(0.4, 0.85, count),
        "glint_turn": rng.uniform(-np.pi, np.pi, count),
        "reflection": rng.uniform(0.0, 1.0, count) ** 2,
        "lash_lift": normal(0.0, 0.15),
        "glasses_lift": normal(0.0, 1.2),
        "glare": (rng.random(count) < light.glare) * rng.uniform(0.2, 1.2, count),
        "glare_x": rng.normal(0.0, 8.0, count),
        "glare_y": rng.normal(0.0, 5.0, count),
        "sheet_x": rng.normal(0.0, 1.0, count),
        "sheet_y": rng.normal(0.0, 1.0, count),
    }
    return Scene(**{name: value.astype(np.float32)[:, None] for name, value in columns.items()})


def take(columns: Scene, rows: slice) -> Scene:
    """Some rows of a set of scenes."""
    return Scene(**{field.name: getattr(columns, field.name)[rows] for field in fields(columns)})
