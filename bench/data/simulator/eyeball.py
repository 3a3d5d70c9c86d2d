"""What the lid opening shows: sclera, iris and pupil of an eyeball that points along the gaze, and highlights."""

from typing import NamedTuple, cast

import numpy as np

from bench.data.simulator.eye_geometry import (
    CENTRE_X,
    CENTRE_Y,
    FOCAL_X,
    FOCAL_Y,
    HEIGHT,
    PX_PER_MM,
    WIDTH,
    Geometry,
    project,
)
from bench.data.simulator.eye_population import Array, Traits
from bench.data.simulator.eye_scene import Scene
from bench.data.simulator.eye_skin import COLUMNS, ROWS, Places, bell, cube
from bench.data.simulator.eye_textures import windows

# Rays of the pinhole camera through the pixel centres, z = 1.
RAY_X = ((COLUMNS - CENTRE_X) / FOCAL_X).astype(np.float32)
RAY_Y = ((ROWS - CENTRE_Y) / FOCAL_Y).astype(np.float32)
CORNEA_RADIUS = 7.8  # mm
STREAKS = 64  # entries of an iris' angular pattern


class Parts(NamedTuple):
    """The eyeball's layer and what it is made of, (N, H, W) each."""

    radiance: Array  # as if there were no lids
    iris: Array  # share of the surface's reflectance that is the iris'
    veins: Array  # how much of the white is veins, and caruncle
    caruncle: Array
    shine: Array  # radiance that is mirrored rather than reflected


def _axis(vectors: Array, axis: int) -> Array:
    return vectors[:, axis, None, None]


def _soft(distance_px: Array) -> Array:
    """Box-filtered edge: 0 outside, 1 inside, one px wide."""
    return np.clip(distance_px + 0.5, 0.0, 1.0)


def _disc(geometry: Geometry) -> tuple[Array, Array, Array]:
    """Where each pixel's ray meets the iris plane: x, y (mm, camera axes, from the disc's centre) and the radius."""
    gaze, centre = geometry.gaze, geometry.centre
    reach = geometry.iris_plane + np.sum(gaze * centre, axis=1, keepdims=True)
    depth = cube(reach) / (_axis(gaze, 0) * RAY_X + _axis(gaze, 1) * RAY_Y + _axis(gaze, 2))
    middle = centre + geometry.iris_plane * gaze
    x = depth * RAY_X - _axis(middle, 0)
    y = depth * RAY_Y - _axis(middle, 1)
    z = depth - _axis(middle, 2)
    return x, y, cast(Array, np.sqrt(np.square(x) + np.square(y) + np.square(z)))


def _iris(traits: Traits, scene: Scene, geometry: Geometry, white: Array) -> tuple[Array, Array]:
    """Iris and pupil laid over the white of the eye, and their own part of that reflectance."""
    x, y, radius = _disc(geometry)
    share = radius / cube(traits.iris)
    # radial streaks: an angular pattern, read around the disc
    angle = np.arctan2(y, x) * (STREAKS / (2.0 * np.pi)) + (STREAKS / 2.0)
    sheet = windows("pores", 61.0 * traits.texture_y, 41.0 * traits.texture_x, 1, STREAKS + 1)[:, 0]
    streaks = np.take_along_axis(sheet, angle.astype(np.intp).reshape(len(sheet), -1), axis=1).reshape(x.shape)
    ring = bell((share - 0.52) / 0.14)  # the collarette
    tone = 1.0 + cube(traits.iris_pattern) * (0.6 * streaks + 0.5 * ring - 0.15)
    tone *= 1.0 - cube(traits.limbus) * np.square(np.square(share)).clip(0.0, 1.0)
    # light is refracted to the side of the iris that lies opposite to the source
    across = (x * _axis(geometry.light, 0) + y * _axis(geometry.light, 1)) / cube(traits.iris)
    tone *= 1.0 - 0.35 * across.clip(-1.0, 1.0)
    iris = cube(traits.iris_tone) * np.maximum(tone, 0.05)
    pupil = np.minimum(traits.pupil * scene.dilation, 0.62 * traits.iris)
    hole = _soft((cube(pupil) - radius) * PX_PER_MM)
    iris = iris * (1.0 - hole) + 0.015 * hole
    # the limbus is a soft border, about one mm wide
    cover = np.clip((cube(traits.iris) - radius) * 1.1 + 0.5, 0.0, 1.0)
    cover = cover * cover * (3.0 - 2.0 * cover)
    return white + cover * (iris - white), cover * iris


def _sclera(traits: Traits, scene: Scene, at: Places) -> tuple[Array, Array, Array]:
    """Reflectance of the white of the eye, with veins towards the corners and the caruncle at the nose; and both."""
    veins = windows("veins", 53.0 * traits.texture_x + 9.0 * scene.sheet_x, 53.0 * traits.texture_y, HEIGHT, WIDTH)
    outwards = np.clip(np.abs(at.x) / 12.0, 0.0, 1.2)
    threads = cube(traits.veins) * veins * outwards
    white = cube(traits.sclera) * (1.0 - threads - 0.10 * outwards)
    caruncle = 0.5 - 0.5 * np.tanh((at.x - at.inner_x - 2.4) / 0.7)
    return white + caruncle * (0.85 * cube(traits.skin) - white), threads, caruncle


def _glints(scene: Scene, geometry: Geometry) -> Array:
    """Highlights (N, H, W): mirror images of the key light and of a second source on the corneal sphere."""
    sphere = geometry.centre + 5.35 * geometry.gaze  # the sphere through the limbus with CORNEA_RADIUS
    image = np.zeros((len(sphere), HEIGHT, WIDTH), dtype=np.float32)
    turn = scene.glint_turn[:, 0]
    second = np.stack([0.5 * np.sin(turn), 0.5 * np.cos(turn) - 0.25, -0.8 * np.ones_like(turn)], axis=-1)
    for order, source in enumerate((geometry.light, second)):
        half = source + np.array([0.0, 0.0, -1.0], dtype=np.float32)
        half = half / np.maximum(np.sqrt(np.sum(np.square(half), axis=1, keepdims=True)), 1e-3)
        spot = project(sphere + CORNEA_RADIUS * half)
        # only the cornea mirrors this way: cos 49 degrees is its border
        seen = np.clip((np.sum(half * geometry.gaze, axis=1, keepdims=True) - 0.64) * 12.0, 0.0, 1.0)
        strength = seen * np.clip(scene.glints - order, 0.0, 1.0) * (0.4 + 0.8 * scene.key) * (1.0, 0.6)[order]
        size = cube(scene.glint_size * (1.0, 1.3)[order])
        across = bell((COLUMNS - cube(spot[:, :1])) / (1.41 * size))
        image += cube(strength) * across * bell((ROWS - cube(spot[:, 1:])) / (1.62 * size))
    return image


def eyeball_layer(traits: Traits, scene: Scene, geometry: Geometry, at: Places) -> Parts:
    """Radiance of the eyeball, everywhere in the patch, and its parts."""
    white, threads, caruncle = _sclera(traits, scene, at)
    surface, iris = _iris(traits, scene, geometry, white)
    # sphere normals in mm from the centre; both coordinates are clipped where rays miss the ball
    radius = cube(traits.eyeball)
    out_x, out_y = at.x / radius, at.y / radius
    front = np.sqrt(np.maximum(1.0 - np.square(out_x) - np.square(out_y), 0.04))
    right, down, back = (_axis(geometry.light, axis) for axis in range(3))
    facing = np.maximum((out_x * right - out_y * down - front * back + 0.2) * (1.0 / 1.2), 0.0)
    sky = 1.0 + cube(0.4 * scene.sky) * out_y
    light = cube(scene.key) * facing + cube(scene.ambient) * sky
    # shadow of the upper lid and its lashes, weaker one of the lower lid, dark corners
    mm = 1.0 / PX_PER_MM
    high = np.sin(scene.light_elevation) * 0.5 + 0.5
    shade = 1.0 - cube(0.32 + 0.34 * high) * np.exp(at.below_upper * mm * -0.85)
    shade *= 1.0 - 0.30 * np.exp(at.above_lower * mm * -1.1)
    corner = np.minimum(at.x - at.inner_x, at.outer_x - at.x)
    shade *= 1.0 - 0.45 * np.exp(-np.maximum(corner, 0.0) / 2.2)
    broad = np.clip((out_y + 0.35) * 1.6, 0.0, 1.0) * cube(0.06 * scene.reflection * scene.ambient)
    wet = bell((at.above_lower - 0.6) / 0.6) * cube(traits.waterline * 0.35)
    glints = _glints(scene, geometry)
    return Parts(
        radiance=surface * light * np.maximum(shade, 0.05) + broad + wet * light + glints,
        iris=iris / surface,
        veins=threads,
        caruncle=caruncle,
        shine=broad + glints,
    )
