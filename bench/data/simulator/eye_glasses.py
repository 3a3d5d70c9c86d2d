"""Glasses in front of a real person's eye: a rim that crosses the patch and reflections of windows on the lens."""

import numpy as np

from bench.data.simulator.eye_geometry import PX_PER_MM
from bench.data.simulator.eye_population import WEARS_GLASSES, Array, Traits
from bench.data.simulator.eye_scene import Scene
from bench.data.simulator.eye_skin import Places, bell, cube

LENS_HALF_WIDTH, LENS_HALF_HEIGHT = 24.0, 15.5  # mm


def add_glasses(image: Array, traits: Traits, scene: Scene, at: Places) -> tuple[Array, Array]:
    """Radiance (N, H, W) with rim and glare where the person wears glasses, and how much of it comes from them.

    All others pass unchanged.
    """
    wears = traits.glasses[:, 0] > WEARS_GLASSES
    if not wears.any():
        return image, np.zeros_like(image)
    style = np.mod(traits.texture_x * 7.3, 1.0)  # one number per person: rim width, height and shade follow from it
    style_b = np.mod(traits.texture_y * 5.1, 1.0)
    # turning the head moves the frame against the eyeball centre, which lies 22 mm behind it
    across = (at.x - 2.0 + 22.0 * np.tan(cube(scene.head_yaw))) / LENS_HALF_WIDTH
    lift = 22.0 * np.tan(scene.head_pitch) + scene.glasses_lift - 3.0 * (style - 0.5)
    along = (at.y + 3.0 - cube(lift)) / LENS_HALF_HEIGHT
    distance = (np.sqrt(np.sqrt(np.square(np.square(across)) + np.square(np.square(along)))) - 1.0) * LENS_HALF_HEIGHT
    half_width = cube(0.25 + 1.1 * style_b * style_b)  # mm: wire to plastic
    cover = np.clip((half_width - np.abs(distance)) * PX_PER_MM + 0.5, 0.0, 1.0)
    shade = cube(np.where(style > 0.55, 0.04, 0.25 + 0.5 * style) * (scene.key + scene.ambient))
    edge = bell((distance - 0.5 * half_width) / 0.4) * cube(0.5 * scene.key * style)
    glare_x = (at.x - cube(scene.glare_x)) / 5.5
    glare_y = (at.y - cube(scene.glare_y)) / 3.5
    box = np.square(np.square(glare_x)) + np.square(np.square(glare_y))
    inside = np.clip(0.5 - distance, 0.0, 1.0)
    glare = cube(scene.glare) * 0.35 * np.exp(-np.minimum(2.0 * box, 40.0)) * inside
    framed = (image + glare) * (1.0 - cover) + cover * (shade + edge)
    own = np.where(wears[:, None, None], framed - image * (1.0 - cover), np.float32(0.0))
    return np.where(wears[:, None, None], framed, image), own
