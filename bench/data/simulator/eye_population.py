"""Who is rendered: the priors of eye shape, skin, iris and lashes, one row per trait and one column per population.

The two populations are the graphics engine's own prior (`synthetic`) and the people in front of a webcam (`real`).
Every number is in mm unless its comment says otherwise; they come from anatomy, not from any image set's labels.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]  # float32 throughout


@dataclass(frozen=True)
class Traits:
    """What stays with an eye whatever it looks at: (N, 1) float32 columns, in mm unless TRAITS says otherwise."""

    fissure: Array
    eyeball: Array
    iris: Array
    pupil: Array
    eye_right: Array
    eye_up: Array
    eye_back: Array
    tilt: Array
    upper_rest: Array
    lower_rest: Array
    upper_follow: Array
    lower_follow: Array
    upper_round: Array
    lower_round: Array
    upper_skew: Array
    lower_skew: Array
    hood: Array
    crease_gap: Array
    crease_depth: Array
    bag_drop: Array
    bag_depth: Array
    brow_height: Array
    brow_thick: Array
    brow_dark: Array
    ridge: Array
    nose: Array
    cheek: Array
    skin: Array
    pores: Array
    blotch: Array
    wrinkle: Array
    lid_tone: Array
    socket_tone: Array
    lash_length: Array
    lash_dark: Array
    lash_clump: Array
    lower_lash: Array
    liner: Array
    sclera: Array
    veins: Array
    iris_tone: Array
    iris_pattern: Array
    limbus: Array
    waterline: Array
    glasses: Array
    texture_x: Array
    texture_y: Array


class Prior(NamedTuple):
    """A trait's normal distribution in each population, clipped to [low, high]."""

    synthetic: tuple[float, float]
    real: tuple[float, float]
    low: float
    high: float


TRAITS: dict[str, Prior] = {
    # eyeball and palpebral fissure: about 30 mm corner to corner in adults, a little less from the front
    "fissure": Prior((28.6, 1.2), (28.0, 1.5), 24.5, 32.0),
    "eyeball": Prior((12.0, 0.25), (12.0, 0.35), 11.2, 12.9),
    "iris": Prior((5.9, 0.15), (5.9, 0.22), 5.4, 6.5),
    "pupil": Prior((2.1, 0.50), (2.0, 0.35), 1.3, 3.2),
    # eyeball centre seen from the midpoint of the corners
    "eye_right": Prior((0.3, 0.4), (0.3, 0.6), -1.2, 1.8),
    "eye_up": Prior((2.2, 0.4), (2.2, 0.6), 0.6, 3.8),
    "eye_back": Prior((3.5, 0.6), (3.5, 0.9), 1.5, 5.5),
    "tilt": Prior((1.8, 0.9), (1.4, 1.2), -1.5, 4.5),  # how much higher the outer corner is
    # lid margins as angles on the eyeball, degrees above the optical axis at rest; the real ones are heavier
    "upper_rest": Prior((23.0, 2.2), (19.5, 2.6), 11.0, 28.0),
    "lower_rest": Prior((-27.0, 2.0), (-25.5, 2.2), -33.0, -20.0),
    "upper_follow": Prior((0.82, 0.06), (0.80, 0.08), 0.55, 1.0),  # lid degrees per gaze degree
    "lower_follow": Prior((0.38, 0.06), (0.36, 0.08), 0.15, 0.6),
    "upper_round": Prior((0.70, 0.06), (0.75, 0.08), 0.52, 0.95),  # exponent: 0.5 ellipse, 1 parabola
    "lower_round": Prior((0.88, 0.08), (0.95, 0.10), 0.60, 1.15),
    "upper_skew": Prior((0.92, 0.06), (0.94, 0.09), 0.75, 1.2),  # below 1: the peak sits towards the nose
    "lower_skew": Prior((1.15, 0.07), (1.12, 0.09), 0.90, 1.4),
    "hood": Prior((0.3, 0.3), (0.55, 0.5), 0.0, 1.8),  # how far the outer third of the upper lid is pulled down
    "crease_gap": Prior((2.6, 0.8), (2.3, 1.1), 0.5, 5.5),
    "crease_depth": Prior((0.60, 0.25), (0.55, 0.35), 0.0, 1.4),
    "bag_drop": Prior((5.5, 1.0), (5.0, 1.3), 3.0, 8.5),
    "bag_depth": Prior((0.25, 0.18), (0.32, 0.22), 0.0, 1.4),
    "brow_height": Prior((13.8, 2.0), (14.2, 2.6), 8.5, 21.0),
    "brow_thick": Prior((5.5, 1.2), (5.5, 1.8), 2.0, 9.0),
    "brow_dark": Prior((0.60, 0.12), (0.60, 0.18), 0.1, 0.9),  # share of the light that the hair takes
    # relief of the face, as slopes (mm per mm)
    "ridge": Prior((0.75, 0.20), (0.85, 0.25), 0.1, 1.4),
    "nose": Prior((0.90, 0.20), (0.95, 0.25), 0.2, 1.5),
    "cheek": Prior((0.28, 0.10), (0.36, 0.12), 0.0, 0.6),
    # tones are reflectances in [0, 1]; amplitudes are relative to them
    "skin": Prior((0.40, 0.08), (0.37, 0.085), 0.13, 0.62),
    "pores": Prior((0.032, 0.012), (0.022, 0.010), 0.0, 0.12),
    "blotch": Prior((0.05, 0.02), (0.03, 0.015), 0.0, 0.16),
    "wrinkle": Prior((0.05, 0.03), (0.032, 0.025), 0.0, 0.3),
    "lid_tone": Prior((0.94, 0.05), (0.86, 0.09), 0.6, 1.1),
    "socket_tone": Prior((0.22, 0.08), (0.32, 0.12), 0.0, 0.55),
    "lash_length": Prior((6.2, 0.9), (3.8, 1.1), 1.0, 8.5),
    "lash_dark": Prior((0.93, 0.04), (0.75, 0.12), 0.3, 0.97),
    "lash_clump": Prior((0.85, 0.10), (0.55, 0.18), 0.1, 1.0),
    "lower_lash": Prior((0.75, 0.12), (0.28, 0.15), 0.0, 0.9),
    "liner": Prior((0.82, 0.08), (0.62, 0.15), 0.15, 0.95),  # darkness of the lash roots along the margin
    "sclera": Prior((0.62, 0.05), (0.50, 0.05), 0.34, 0.82),
    "veins": Prior((0.07, 0.03), (0.06, 0.04), 0.0, 0.2),
    "iris_tone": Prior((0.085, 0.055), (0.055, 0.035), 0.02, 0.36),
    "iris_pattern": Prior((0.28, 0.10), (0.14, 0.08), 0.0, 0.6),
    "limbus": Prior((0.55, 0.15), (0.45, 0.20), 0.0, 0.95),
    "waterline": Prior((0.22, 0.07), (0.16, 0.09), 0.0, 0.45),
    "glasses": Prior((-9.0, 0.1), (0.0, 1.0), -9.0, 3.0),  # a score: above WEARS_GLASSES there are glasses
    # where on the texture sheets this skin lies, in standard normals, wrapped to the sheet
    "texture_x": Prior((0.0, 1.0), (0.0, 1.0), -4.0, 4.0),
    "texture_y": Prior((0.0, 1.0), (0.0, 1.0), -4.0, 4.0),
}
WEARS_GLASSES = 0.7  # about one real person in four

# What a face model of the engine fixes: its skin. Shape, iris, lashes and pupil are drawn anew for every image.
MODEL_TRAITS = frozenset(
    (
        *("skin", "pores", "blotch", "wrinkle", "lid_tone", "socket_tone", "brow_dark", "brow_thick"),
        *("nose", "ridge", "cheek", "texture_x", "texture_y"),
    )
)
_PERSON_KEY = {"synthetic": 101, "real": 102}


def person_scores(population: str, person: int) -> NDArray[np.float64]:
    """The standard normal score of every trait of one person or face model: a fixed draw, whatever the run's seed."""
    # any fixed number would do; under this one 4 of the first 20 persons wear glasses, close to the prior's share
    stream = np.random.SeedSequence(20170721, spawn_key=(_PERSON_KEY[population], person))
    return np.random.default_rng(stream).standard_normal(len(TRAITS))


def draw_traits(rng: np.random.Generator, population: str, persons: Sequence[int], chosen: NDArray[np.int64]) -> Traits:
    """The traits of the eyes of `chosen` (N,), which are positions in `persons`.

    A real person keeps every trait. A face model of the engine keeps MODEL_TRAITS and takes the others at random.
    """
    table = np.stack([person_scores(population, person) for person in persons])
    scores = table[chosen]
    fresh = rng.standard_normal(scores.shape)  # drawn in both populations, so that the stream has one layout
    if population == "synthetic":
        free = np.array([name not in MODEL_TRAITS for name in TRAITS])
        scores = np.where(free, fresh, scores)
    columns: dict[str, Array] = {}
    for position, (name, prior) in enumerate(TRAITS.items()):
        mean, spread = prior.synthetic if population == "synthetic" else prior.real
        value = np.clip(mean + spread * scores[:, position], prior.low, prior.high)
        columns[name] = value.astype(np.float32)[:, None]
    return Traits(**columns)


def take(columns: Traits, rows: slice) -> Traits:
    """Some rows of a set of traits."""
    return Traits(**{field.name: getattr(columns, field.name)[rows] for field in fields(columns)})
