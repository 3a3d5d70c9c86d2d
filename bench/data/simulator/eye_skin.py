"""Everything around the eyeball: relief and light of the face, lids, crease, bag, brow, lash roots and lashes."""

from dataclasses import dataclass
from typing import cast

import numpy as np

from bench.data.simulator.eye_geometry import DISTANCE, FOCAL_X, FOCAL_Y, HEIGHT, PX_PER_MM, WIDTH, Geometry
from bench.data.simulator.eye_population import Array, Traits
from bench.data.simulator.eye_scene import Scene
from bench.data.simulator.eye_textures import strand_profile, windows

COLUMNS = np.arange(WIDTH, dtype=np.float32)[None, None, :]
ROWS = np.arange(HEIGHT, dtype=np.float32)[None, :, None]


@dataclass(frozen=True)
class Places:
    """Per-pixel places: mm from the eyeball centre (x right (N,1,W), y up (N,H,1)), px from the lid margins."""

    x: Array
    y: Array
    below_upper: Array  # + inside the opening
    above_lower: Array
    inner_x: Array  # mm, of the corner at the nose
    outer_x: Array


def cube(column: Array) -> Array:
    """(N, 1) -> (N, 1, 1)."""
    return column[:, :, None]


def places(geometry: Geometry, scene: Scene) -> Places:
    """Coordinates that all layers share."""
    scale_x = FOCAL_X / DISTANCE * scene.scale
    scale_y = FOCAL_Y / DISTANCE * scene.scale
    centre_x = (WIDTH - 1) / 2.0 + FOCAL_X * geometry.centre[:, :1] / geometry.centre[:, 2:]
    centre_y = (HEIGHT - 1) / 2.0 + FOCAL_Y * geometry.centre[:, 1:2] / geometry.centre[:, 2:]
    return Places(
        x=(COLUMNS - cube(centre_x)) / cube(scale_x),
        y=(cube(centre_y) - ROWS) / cube(scale_y),
        below_upper=(ROWS - geometry.upper[:, None, :]) / np.hypot(1.0, geometry.upper_slope)[:, None, :],
        above_lower=(geometry.lower[:, None, :] - ROWS) / np.hypot(1.0, geometry.lower_slope)[:, None, :],
        inner_x=cube((geometry.inner[:, :1] - centre_x) / scale_x),
        outer_x=cube((geometry.outer[:, :1] - centre_x) / scale_x),
    )


def _rising(distance: Array) -> Array:
    """A soft step from 0 to 1."""
    return cast(Array, 0.5 + 0.5 * np.tanh(distance))


def bell(distance: Array) -> Array:
    """exp(-d^2), floored at exp(-40): denormal numbers are slow."""
    return np.exp(-np.minimum(np.square(distance), 40.0))


@dataclass(frozen=True)
class _Folds:
    """Bells around the crease and the bag's groove, with their signed distances in mm (+ above)."""

    crease_distance: Array
    crease: Array
    bag_distance: Array
    bag: Array


def _folds(traits: Traits, geometry: Geometry, at: Places) -> _Folds:
    mm = 1.0 / PX_PER_MM
    crease_distance = (geometry.crease[:, None, :] - ROWS) * mm
    # a crease fades towards the nose, a bag towards the temple
    fade_in = _rising((at.x - at.inner_x - 3.0) / 2.5) * _rising((at.outer_x - 0.5 - at.x) / 1.2)
    fade_out = _rising((at.outer_x - 3.0 - at.x) / 3.0)
    bag_distance = at.above_lower * mm + cube(traits.bag_drop)
    return _Folds(
        crease_distance=crease_distance,
        crease=bell(crease_distance / 0.75) * fade_in,
        bag_distance=bag_distance,
        bag=bell(bag_distance / 1.3) * fade_out,
    )


def _slopes(traits: Traits, scene: Scene, at: Places, folds: _Folds, wrinkles: Array) -> tuple[Array, Array]:
    """Relief of the face as slopes towards the camera, along x (right) and y (up), turned with the head."""
    dome = 3.6 * bell(at.x / 11.5) * bell(at.y / 8.5)  # the eyeball under the lids, mm
    along_x = (
        np.tan(cube(scene.head_yaw))
        - cube(traits.nose) * _rising((at.inner_x - 0.5 - at.x) / 3.2)
        - 0.030 * np.maximum(at.x - 5.0, 0.0)
    )
    along_y = (
        -np.tan(cube(scene.head_pitch))
        + cube(traits.ridge) * _rising((at.y - cube(traits.brow_height) + 6.0) / 2.6)
        - cube(traits.cheek) * _rising((-6.5 - at.y) / 2.5)
    )
    relief_x = along_x - dome * (at.x * (2.0 / 11.5**2))
    relief_y = along_y - dome * (at.y * (2.0 / 8.5**2))
    relief_y += cube(traits.crease_depth) * folds.crease * folds.crease_distance * 2.2
    relief_y += cube(traits.bag_depth) * folds.bag * folds.bag_distance * 1.0
    relief_y += cube(traits.wrinkle) * wrinkles
    return relief_x, relief_y


def light_on(scene: Scene, geometry: Geometry, slope_x: Array, slope_y: Array, wrap: float) -> Array:
    """Light that a surface of given slopes receives: key light (Lambert, wrapped), ambient, sky from above."""
    right, down, back = (cube(geometry.light[:, axis : axis + 1]) for axis in range(3))
    steep = 1.0 / np.sqrt(1.0 + np.square(slope_x) + np.square(slope_y))
    facing = (-slope_x * right + slope_y * down - back) * steep  # the relief rises along right and up
    lambert = np.maximum((facing + wrap) * (1.0 / (1.0 + wrap)), 0.0)
    sky = 1.0 - cube(0.55 * scene.sky) * slope_y * steep
    return cast(Array, cube(scene.key) * lambert + cube(scene.ambient) * sky)


def skin_layer(traits: Traits, scene: Scene, geometry: Geometry, at: Places) -> tuple[Array, Array]:
    """Radiance of the skin (N, H, W), everywhere in the patch, as if there were no opening; and its relative tone."""
    left = 97.0 * traits.texture_x + 5.0 * scene.sheet_x
    top = 97.0 * traits.texture_y + 3.0 * scene.sheet_y
    folds = _folds(traits, geometry, at)
    slope_x, slope_y = _slopes(traits, scene, at, folds, windows("wrinkle", left, top, HEIGHT, WIDTH))
    light = light_on(scene, geometry, slope_x, slope_y, 0.4)

    tone = 1.0 + cube(traits.pores) * windows("pores", left + 50.0, top, HEIGHT, WIDTH)
    tone += cube(traits.blotch) * windows("blotch", left, top + 70.0, HEIGHT, WIDTH)
    lid = _rising(folds.crease_distance * -1.5) * _rising(at.below_upper * -1.0)
    tone *= 1.0 - (1.0 - cube(traits.lid_tone)) * lid
    socket = bell((at.x - at.inner_x - 1.0) / 7.0) * bell((at.y - 3.0) / 8.0)
    under = bell((at.x - at.inner_x - 8.0) / 9.0) * bell((at.y + 6.5) / 3.5)
    tone *= 1.0 - cube(traits.socket_tone) * (socket + 0.7 * under + 0.6 * bell((at.y - 7.5) / 4.5))
    tone *= 1.0 - np.minimum(0.75 * cube(traits.crease_depth), 0.7) * folds.crease
    tone *= 1.0 - 0.25 * cube(traits.bag_depth) * folds.bag
    # the wet rim of the lower lid: a paler line under the opening, then the lash roots
    rim = bell((at.above_lower + 0.9) / 0.9) * _rising((at.x - at.inner_x - 1.5) / 1.0)
    rim *= _rising((at.outer_x - 1.0 - at.x) / 1.0)
    tone *= 1.0 + cube(traits.waterline) * rim
    return cube(traits.skin) * tone * light, tone


def _brow(traits: Traits, scene: Scene, at: Places) -> Array:
    """Share of light that the brow leaves."""
    arch = cube(traits.brow_height) + 1.5 - np.square(at.x - 6.0) * 0.012
    middle = arch + 12.0 * np.tan(cube(scene.head_pitch))  # the brow stands 12 mm in front of the eyeball centre
    depth = (at.y - middle) / (0.5 * cube(traits.brow_thick))
    hair = windows("hair", 97.0 * traits.texture_x, 97.0 * traits.texture_y, HEIGHT, WIDTH)
    cover = _rising((1.0 - np.abs(depth)) * 2.0 + 0.55 * hair)
    return cast(Array, 1.0 - cube(traits.brow_dark) * cover)


def _lashes(traits: Traits, scene: Scene, geometry: Geometry, at: Places) -> Array:
    """Share of light that upper and lower lashes leave: strands and clumps, not single hairs."""
    profile = strand_profile()
    start = cube(np.mod(np.rint(700.0 * (traits.texture_x + 4.0)), 2600.0))
    # seen from the front the upper lashes are short; they drop over the opening when the lid goes down
    lift = np.sin(np.clip(0.62 + scene.lash_lift + 0.9 * geometry.lid_pitch, -1.2, 1.2))
    lift = np.copysign(np.maximum(np.abs(lift), 0.2), lift)
    reach = cube(lift * traits.lash_length) * PX_PER_MM
    upper = at.below_upper / -reach  # 0 at the root, 1 at the tip
    fan = at.x * (1.0 + 0.25 * np.clip(upper, 0.0, 1.0)) - 1.2 * np.clip(upper, 0.0, 1.0)
    place = (np.clip(at.x * 2.0 - fan, -40.0, 40.0) * 10.0 + 450.0 + start).astype(np.int32)
    strands = profile[place]
    clump = cube(traits.lash_clump)
    on_lid = _rising((at.x - at.inner_x - 3.5) / 2.0) * _rising((at.outer_x + 0.3 - at.x) / 0.6)
    inside = (upper > -0.15) & (upper < 1.0)
    taper = np.where(inside, 1.0 - np.square(np.maximum(upper, 0.0)), 0.0)
    dark = cube(traits.lash_dark) * taper * (1.0 - clump + clump * strands) * on_lid
    dark *= 0.55 + 0.45 * _rising((at.x - 1.0) / 5.0)  # longer and denser on the outside
    roots = cube(traits.liner) * bell((at.below_upper + 0.1) / 1.25) * on_lid

    below = -at.above_lower / (0.55 * cube(traits.lash_length) * PX_PER_MM)
    inside = (below > 0.12) & (below < 1.0)
    lower_place = np.clip(at.x * (1.0 - 0.18 * np.clip(below, 0.0, 1.0)), -40.0, 40.0) * 10.0 + 950.0 + start
    lower = np.where(inside, 1.0 - np.square(below), 0.0) * profile[lower_place.astype(np.int32)]
    lower *= cube(traits.lower_lash) * _rising((at.x - at.inner_x - 8.0) / 2.5) * _rising(at.outer_x - 0.5 - at.x)
    lower_roots = 0.22 * cube(traits.liner) * bell((at.above_lower - 0.1) / 0.7) * on_lid
    return cast(Array, (1.0 - np.minimum(dark, 0.97)) * (1.0 - roots) * (1.0 - lower) * (1.0 - lower_roots))


def hair_layer(traits: Traits, scene: Scene, geometry: Geometry, at: Places) -> Array:
    """Share of light (N, H, W) left by brow and lashes, over skin and eyeball alike."""
    return _brow(traits, scene, at) * _lashes(traits, scene, geometry, at)
