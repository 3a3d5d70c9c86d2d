"""The eye simulator: 35x55 eye patches with exact gaze and pupil, as a clean engine and as three webcams see them.

`synthetic` stands for UnityEyes renderings; `near`, `noisy` and `distant` stand for MPIIGaze's normalised patches.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.core.cores import available_cores
from bench.core.errors import UsageError, did_you_mean
from bench.data.simulator import camera, eye_colours, eye_population, eye_scene
from bench.data.simulator.eye_geometry import HEIGHT, PX_PER_MM, WIDTH, Geometry, locate
from bench.data.simulator.eye_glasses import add_glasses
from bench.data.simulator.eye_skin import hair_layer, places, skin_layer
from bench.data.simulator.eyeball import eyeball_layer

DOMAINS: tuple[str, ...] = ("synthetic", "near", "noisy", "distant")
DEFAULT_PERSONS = range(20)  # UnityEyes has about as many head scans, MPIIGaze 15 people
CHUNK = 128  # images per random stream
COLOUR_STREAM = 1
BLOCK = 32  # images rendered together: their layers stay in the processor's cache


@dataclass(frozen=True)
class EyeRendering:
    """Rendered eyes and their labels; gaze in camera space, positions in px with pixel centres at integers."""

    images: NDArray[np.uint8]  # (N, 35, 55), or (N, 35, 55, 3) RGB
    gaze: NDArray[np.float64]  # (N, 3) unit vectors (-cos p sin y, -sin p, -cos p cos y); pitch + up, yaw + image left
    pupil: NDArray[np.float64]  # (N, 2) px (x, y), projected pupil centre
    pupil_margin: NDArray[np.float64]  # (N,) px that the pupil centre lies inside the lid opening; negative = covered
    eye_width: NDArray[np.float64]  # (N,) px, corner to corner
    head_pose: NDArray[np.float64]  # (N, 2) radians, pitch and yaw of where the face points; signs as the gaze's
    persons: NDArray[np.int64]  # (N,) person, or face model in the synthetic domain


def render_eyes(
    count: int,
    *,
    domain: str,
    seed: int,
    persons: Sequence[int] = DEFAULT_PERSONS,
    start: int = 0,
    threads: int | None = None,
    colour: bool = False,
) -> EyeRendering:
    """Images `start` to `start + count` of the endless series that (domain, seed, persons) names.

    An image depends on nothing but its index in that series: neither on `count`, `start` nor `threads` (default: one
    per core). `colour`: the same images as RGB, whose luma is the grey image within one grey level. Sets of other
    persons under one seed share gaze, light and noise: give a test set a seed of its own.
    Raises UsageError for an unknown domain, a count below one, a negative seed, start or person, or no person.
    """
    whole: dict[str, NDArray[Any]] = {}
    done = 0
    for part in iter_eyes(
        count, domain=domain, seed=seed, persons=persons, start=start, threads=threads, colour=colour
    ):
        rows = slice(done, done + len(part.images))
        for name, values in vars(part).items():
            whole.setdefault(name, np.empty((count, *values.shape[1:]), values.dtype))[rows] = values
        done = rows.stop
    return EyeRendering(**whole)


def iter_eyes(
    count: int,
    *,
    domain: str,
    seed: int,
    persons: Sequence[int] = DEFAULT_PERSONS,
    start: int = 0,
    threads: int | None = None,
    colour: bool = False,
) -> Iterator[EyeRendering]:
    """The same images as `render_eyes` in order, a chunk (at most 128) at a time, in bounded memory."""
    _check(count, domain, seed, persons, start)
    people = tuple(persons)
    stop = start + count
    chunks = range(start // CHUNK, (stop - 1) // CHUNK + 1)

    def render(chunk: int) -> EyeRendering:
        first = chunk * CHUNK
        wanted = slice(max(start - first, 0), min(stop - first, CHUNK))
        return _render_chunk(domain, seed, people, chunk, wanted, colour)

    return _in_order(render, chunks, threads or available_cores())


def _in_order(render: Callable[[int], EyeRendering], chunks: range, threads: int) -> Iterator[EyeRendering]:
    """Render chunks on several threads, hand them out in order, and never hold more than a few."""
    if threads == 1 or len(chunks) == 1:
        yield from map(render, chunks)
        return
    with ThreadPoolExecutor(threads) as pool:
        waiting = [pool.submit(render, chunk) for chunk in chunks[: 2 * threads]]
        for chunk in range(len(chunks)):
            done = waiting.pop(0)
            following = chunk + 2 * threads
            if following < len(chunks):
                waiting.append(pool.submit(render, chunks[following]))
            yield done.result()


def _check(count: int, domain: str, seed: int, persons: Sequence[int], start: int) -> None:
    if domain not in DOMAINS:
        raise UsageError(f"unknown eye domain '{domain}'{did_you_mean(domain, DOMAINS)}. Known: {', '.join(DOMAINS)}.")
    if count <= 0:
        raise UsageError(f"cannot render {count} eyes: the count must be at least 1.")
    if start < 0 or seed < 0:
        raise UsageError(f"start and seed of rendered eyes must not be negative (start {start}, seed {seed}).")
    if len(persons) == 0 or min(persons) < 0:
        raise UsageError("rendered eyes need at least one person, and persons are numbered from 0.")


def _render_chunk(
    domain: str, seed: int, persons: tuple[int, ...], chunk: int, wanted: slice, colour: bool
) -> EyeRendering:
    """Some images of one chunk. All of its random numbers are drawn, whichever images are wanted."""
    key = (DOMAINS.index(domain), chunk)
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=key)))
    # one number per image however many persons there are, so that all else stays the same
    chosen = (rng.random(CHUNK) * len(persons)).astype(np.int64)
    population = "synthetic" if domain == "synthetic" else "real"
    traits = eye_population.draw_traits(rng, population, persons, chosen)
    scene = eye_scene.draw_scene(rng, domain, CHUNK)
    shots = None if domain == "synthetic" else camera.draw_shots(rng, domain, CHUNK, HEIGHT, WIDTH)
    casts = None
    if colour:  # a stream of its own: the grey image is the same with and without
        own = np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(*key, COLOUR_STREAM))))
        casts = eye_colours.draw_casts(own, domain, CHUNK, HEIGHT, WIDTH)

    geometry = locate(traits, scene)
    images = np.empty((CHUNK, HEIGHT, WIDTH, 3) if colour else (CHUNK, HEIGHT, WIDTH), dtype=np.uint8)
    for begin in range(wanted.start - wanted.start % BLOCK, wanted.stop, BLOCK):
        rows = slice(begin, begin + BLOCK)
        own_traits, own_scene = eye_population.take(traits, rows), eye_scene.take(scene, rows)
        radiance, matter = _radiance(own_traits, own_scene, locate(own_traits, own_scene), colour=colour)
        grey = _exposed(radiance, own_scene) if shots is None else camera.photograph(radiance, camera.take(shots, rows))
        if matter is None or casts is None:
            images[rows] = grey
        else:
            images[rows] = eye_colours.paint(grey, matter, own_traits, eye_colours.take(casts, rows), domain)
    pitch, yaw = scene.gaze_pitch[:, 0].astype(np.float64), scene.gaze_yaw[:, 0].astype(np.float64)
    gaze = np.stack([-np.cos(pitch) * np.sin(yaw), -np.sin(pitch), -np.cos(pitch) * np.cos(yaw)], axis=1)
    return EyeRendering(
        images=images[wanted],
        gaze=gaze[wanted],
        pupil=geometry.pupil[wanted].astype(np.float64),
        pupil_margin=geometry.pupil_margin[wanted, 0].astype(np.float64),
        eye_width=np.hypot(*(geometry.outer - geometry.inner)[wanted].T.astype(np.float64)),
        head_pose=np.column_stack([scene.head_pitch, scene.head_yaw])[wanted].astype(np.float64),
        persons=np.asarray(persons, dtype=np.int64)[chosen[wanted]],
    )


def _exposed(radiance: NDArray[np.float32], scene: eye_scene.Scene) -> NDArray[np.uint8]:
    """Grey images of the engine's tone curve, a display gamma of about two."""
    exposed = radiance * scene.exposure[:, :, None]
    return np.rint(255.0 * np.sqrt(np.clip(exposed, 0.0, 1.0))).astype(np.uint8)


def _radiance(
    traits: eye_population.Traits, scene: eye_scene.Scene, geometry: Geometry, *, colour: bool
) -> tuple[NDArray[np.float32], eye_colours.Matter | None]:
    """Layers from back to front: eyeball in the lid opening, skin, lashes and brow, cast shadow, glasses.

    In linear light; in colour with what the light of each pixel comes from.
    """
    at = places(geometry, scene)
    corner = np.minimum(at.x - at.inner_x, at.outer_x - at.x) * PX_PER_MM
    opening = np.clip(np.minimum(np.minimum(at.below_upper, at.above_lower), corner) + 0.5, 0.0, 1.0)
    skin, tone = skin_layer(traits, scene, geometry, at)
    eye = eyeball_layer(traits, scene, geometry, at)
    bare = skin + opening * (eye.radiance - skin)
    hair = hair_layer(traits, scene, geometry, at)
    image = bare * hair
    lit = scene.shadow > 0.0
    if lit.any():
        angle, offset = scene.shadow_angle[:, :, None], scene.shadow_offset[:, :, None]
        side = np.cos(angle) * at.x + np.sin(angle) * at.y - offset
        image = image * (1.0 - scene.shadow[:, :, None] * (0.5 + 0.5 * np.tanh(side)))
    image, glasses = add_glasses(image, traits, scene, at)
    if not colour:
        return image, None
    matter = eye_colours.Matter(
        skin_tone=tone,
        eye=_share(opening * eye.radiance, bare),
        iris=eye.iris,
        veins=eye.veins,
        caruncle=eye.caruncle,
        shine=_share(eye.shine, eye.radiance),
        hair=1.0 - hair,
        glasses=_share(glasses, image),
    )
    return image, matter


def _share(part: NDArray[np.float32], whole: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.clip(part / np.maximum(whole, np.float32(1e-6)), 0.0, 1.0)
