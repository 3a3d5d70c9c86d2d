"""Colour of the rendered eyes: what each pixel's light comes from decides its hue, the grey image its brightness.

A colour image is the grey image times a tint whose luma (ITU-R BT.601) is one, so both show the same picture: the
luma of the colour image is the grey image up to rounding. Tones are plausible, not measured on anybody.
"""

from dataclasses import dataclass, fields
from typing import NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from bench.data.simulator.eye_population import Array, Traits

LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)


def _tint(red: float, green: float, blue: float) -> Array:
    """Linear RGB of a material, relative to its brightness."""
    colour = np.array([red, green, blue], dtype=np.float32)
    return cast(Array, colour / (colour @ LUMA))


NEUTRAL = _tint(1.0, 1.0, 1.0)
DARK_SKIN, LIGHT_SKIN = _tint(1.75, 0.74, 0.40), _tint(1.48, 0.84, 0.56)
BLOOD = _tint(1.85, 0.62, 0.55)  # shows where skin is darker than its base: creases, sockets, lids
SCLERA, VEINS, CARUNCLE = _tint(1.04, 1.0, 0.95), _tint(1.60, 0.75, 0.70), _tint(1.65, 0.74, 0.66)
BROWN, HAZEL, GREEN, BLUE = (
    _tint(1.75, 0.78, 0.30),
    _tint(1.35, 0.96, 0.42),
    _tint(0.88, 1.10, 0.72),
    _tint(0.70, 1.03, 1.45),
)
DARK_HAIR, FAIR_HAIR = _tint(1.12, 0.97, 0.86), _tint(1.40, 0.92, 0.55)


class Colouring(NamedTuple):
    """How a domain's light and camera change colours; pairs are (low, high), uniform per image."""

    saturation: tuple[float, float]  # 1 keeps the materials' own
    warmth: tuple[float, float]  # white balance: + makes red stronger and blue weaker, linear
    green: tuple[float, float]  # + greenish, - purplish
    noise: float  # of the tint per px before smoothing, at grey level 64
    smoothing: int  # binomial passes over the tint: chroma is stored at half the resolution, or less


COLOURING: dict[str, Colouring] = {
    "synthetic": Colouring((1.0, 1.0), (0.0, 0.0), (0.0, 0.0), 0.0, 0),
    "near": Colouring((0.70, 0.95), (-0.14, 0.10), (-0.04, 0.04), 0.05, 2),
    "noisy": Colouring((0.40, 0.70), (0.05, 0.45), (-0.06, 0.08), 0.20, 3),
    "distant": Colouring((0.50, 0.80), (-0.20, 0.12), (-0.05, 0.05), 0.08, 5),
}


@dataclass(frozen=True)
class Cast:
    """One image's colour cast: (N, 1, 1, 1) float32 columns, and noise in unit variance (N, H, W, 3)."""

    saturation: Array
    warmth: Array
    green: Array
    noise: Array


@dataclass(frozen=True)
class Matter:
    """What the light of each pixel comes from, (N, H, W) each; shares are in [0, 1]."""

    skin_tone: Array  # reflectance of the skin relative to its base
    eye: Array  # share of the eyeball; the rest is skin
    iris: Array  # shares of the eyeball's light
    veins: Array
    caruncle: Array
    shine: Array
    hair: Array  # share that brow and lashes took
    glasses: Array  # share of rim and glare


def draw_casts(rng: np.random.Generator, domain: str, count: int, height: int, width: int) -> Cast:
    """Colour casts of `count` images of a domain."""
    colouring = COLOURING[domain]

    def uniform(bounds: tuple[float, float]) -> Array:
        return rng.uniform(*bounds, (count, 1, 1, 1)).astype(np.float32)

    return Cast(
        saturation=uniform(colouring.saturation),
        warmth=uniform(colouring.warmth),
        green=uniform(colouring.green),
        noise=rng.standard_normal((count, height, width, 3), dtype=np.float32),
    )


def take(casts: Cast, rows: slice) -> Cast:
    """Some rows of a set of casts."""
    return Cast(**{field.name: getattr(casts, field.name)[rows] for field in fields(casts)})


def paint(grey: NDArray[np.uint8], matter: Matter, traits: Traits, cast_: Cast, domain: str) -> NDArray[np.uint8]:
    """(N, H, W, 3) RGB of grey images (N, H, W): luma within one grey level of them."""
    linear = _materials(matter, traits)
    linear = 1.0 + cast_.saturation * (linear - 1.0)
    light = np.concatenate([1.0 + cast_.warmth, 1.0 + cast_.green, 1.0 - cast_.warmth], axis=3)
    tint = np.sqrt(np.maximum(linear * light, 0.01))  # display gamma of about two, as in the grey image
    colouring = COLOURING[domain]
    if colouring.noise:
        tint += colouring.noise * cast_.noise / np.sqrt(grey[..., None] / np.float32(64.0) + 0.25)
    for _ in range(colouring.smoothing):
        tint = _smooth(tint)
    tint = np.maximum(tint, 0.05)
    tint /= (tint @ LUMA)[..., None]
    # a channel that would exceed 255 fades to white, as a saturated sensor does; the luma stays
    brightness = np.maximum(grey.astype(np.float32), 1.0)[..., None]
    room = (255.0 / brightness - 1.0) / np.maximum(tint.max(axis=3, keepdims=True) - 1.0, 1e-6)
    tint = 1.0 + np.minimum(room, 1.0) * (tint - 1.0)
    painted: NDArray[np.uint8] = np.rint(np.clip(tint * grey[..., None], 0.0, 255.0)).astype(np.uint8)
    return painted


def _materials(matter: Matter, traits: Traits) -> Array:
    """(N, H, W, 3) linear tint of what is seen, before light and camera."""
    skin = _mix(_skin(traits), BLOOD, np.clip(0.9 * (1.0 - matter.skin_tone), -0.25, 0.6))
    eye = _mix(SCLERA, VEINS, matter.veins)
    eye = _mix(eye, CARUNCLE, matter.caruncle)
    eye = _mix(eye, _iris(traits), matter.iris)
    eye = _mix(eye, NEUTRAL, matter.shine)
    seen = _mix(skin, eye, matter.eye)
    fair = np.clip((traits.skin - 0.36) * 4.0, 0.0, 1.0) * np.mod(traits.brow_thick * 3.7, 1.0)
    seen = _mix(seen, _mix(DARK_HAIR, FAIR_HAIR, fair[:, :, None]), matter.hair)
    return _mix(seen, NEUTRAL, matter.glasses)


def _skin(traits: Traits) -> Array:
    """(N, 1, 1, 3): paler skin is less saturated; the undertone is a person's own."""
    pale = np.clip((traits.skin - 0.15) / 0.35, 0.0, 1.0)[:, :, None]
    undertone = 0.10 * (np.mod(traits.texture_y * 3.3, 1.0)[:, :, None, None] - 0.5)
    return _mix(DARK_SKIN, LIGHT_SKIN, pale) * (1.0 + undertone * np.array([1.0, -0.2, -1.6], dtype=np.float32))


def _iris(traits: Traits) -> Array:
    """(N, 1, 1, 3): dark irises are brown; light ones hazel, green or blue, by one number of the eye."""
    light = np.clip((traits.iris_tone - 0.07) / 0.03, 0.0, 1.0)[:, :, None]
    kind = np.mod(traits.limbus * 29.0, 1.0)[:, :, None, None]
    pale = np.where(kind < 0.2, HAZEL, np.where(kind < 0.4, GREEN, BLUE))
    return _mix(BROWN, pale, light)


def _mix(under: Array, over: Array, share: Array) -> Array:
    """`over` (..., 3) laid over `under` with a share (N, H, W)."""
    return cast(Array, under + share[..., None] * (over - under))


def _smooth(tint: Array) -> Array:
    """(1, 2, 1) / 4 along both axes, edges repeated."""
    for axis in (1, 2):
        padded = np.pad(tint, [(1, 1) if each == axis else (0, 0) for each in range(4)], mode="edge")
        parts = [np.take(padded, range(first, first + tint.shape[axis]), axis=axis) for first in range(3)]
        tint = 0.25 * (parts[0] + parts[2]) + 0.5 * parts[1]
    return tint
