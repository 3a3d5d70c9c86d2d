"""The hand simulator: depth images with 14 exact joints, as a clean engine and as a Kinect sees them, from three views.

`synthetic` stands for renderings of a hand model, `kinect` for the NYU hand pose data set's depth images.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bench.core.chunks import in_chunks
from bench.core.cores import available_cores
from bench.core.depth import HALF_RANGE_MM
from bench.core.errors import UsageError, did_you_mean
from bench.core.hands import JOINTS
from bench.core.pinhole import NYU_CAMERA, Floats, crop_camera, to_pixels
from bench.data.simulator import hand_geometry, hand_population, hand_pose, kinect
from bench.data.simulator.hand_depth import render_depth

DOMAINS: tuple[str, ...] = ("synthetic", "kinect")
DEFAULT_PERSONS = range(8)
SIZES = (32, 256)  # px
CHUNK = 32  # frames per random stream
BLOCK_PX = 32 * 64 * 64  # pixels rendered together: their arrays stay in the processor's cache


@dataclass(frozen=True)
class RenderedHands:
    """Rendered hands and their labels; pixel centres at whole numbers."""

    images: NDArray[np.uint16]  # (N, size, size) depth in mm, 0 = background
    joints: Floats  # (N, 14, 3) u, v in px of the image and depth in mm of the joint's centre
    camera: Floats  # (N, 4) fx, fy, cx, cy of the image, px
    persons: NDArray[np.int64]  # (N,) person, or hand model in the synthetic domain
    views: NDArray[np.int64]  # (N,) 1 frontal, 2 and 3 from the sides
    frames: NDArray[np.int64]  # (N,) images of one frame show one hand at one moment


def render_hands(
    count: int,
    *,
    domain: str,
    seed: int,
    persons: Sequence[int] = DEFAULT_PERSONS,
    views: Sequence[int] = (1,),
    size: int = 64,
    threads: int | None = None,
) -> RenderedHands:
    """The first `count` images of the endless series that (domain, seed, persons, views) names.

    Image i shows frame i // len(views) in view views[i % len(views)]. A frame and its views depend on nothing but the
    frame's number in its series: neither on `count`, the other views, nor `threads` (default: one per core).
    Sets of other persons under one seed share poses and noise: give a test set a seed of its own.
    Raises UsageError for an unknown domain, a count below one, a negative seed or person, no person, a view that is
    not 1, 2 or 3 or is named twice, or a size that is not 32 to 256.
    """
    _check(count, domain, seed, persons, views, size)
    frames = -(-count // len(views))
    whole = frames * len(views)
    hands = RenderedHands(
        images=np.empty((whole, size, size), dtype=np.uint16),
        joints=np.empty((whole, len(JOINTS), 3)),
        camera=np.empty((whole, 4)),
        persons=np.empty(whole, dtype=np.int64),
        views=np.tile(np.asarray(views, dtype=np.int64), frames),
        frames=np.repeat(np.arange(frames), len(views)),
    )

    def render(chunk: int) -> None:
        first = chunk * CHUNK
        _render_chunk(hands, domain, seed, tuple(persons), tuple(views), slice(first, min(first + CHUNK, frames)))

    chunks = range(-(-frames // CHUNK))
    with ThreadPoolExecutor(threads or available_cores()) as pool:
        for _ in pool.map(render, chunks):
            pass
    return hands if whole == count else _first(hands, count)


def _first(hands: RenderedHands, count: int) -> RenderedHands:
    return replace(hands, **{name: values[:count] for name, values in vars(hands).items()})


def _check(count: int, domain: str, seed: int, persons: Sequence[int], views: Sequence[int], size: int) -> None:
    if domain not in DOMAINS:
        raise UsageError(f"unknown hand domain '{domain}'{did_you_mean(domain, DOMAINS)}. Known: {', '.join(DOMAINS)}.")
    if count <= 0:
        raise UsageError(f"cannot render {count} hands: the count must be at least 1.")
    if seed < 0:
        raise UsageError(f"the seed of rendered hands must not be negative, got {seed}.")
    if len(persons) == 0 or min(persons) < 0:
        raise UsageError("rendered hands need at least one person, and persons are numbered from 0.")
    if len(views) == 0 or len(set(views)) < len(views) or not set(views) <= set(hand_pose.VIEWS):
        raise UsageError(f"views of rendered hands must be some of 1, 2 and 3, each once; got {list(views)}.")
    if not SIZES[0] <= size <= SIZES[1]:
        raise UsageError(f"rendered hands must be {SIZES[0]} to {SIZES[1]} px large, got {size}.")


def _render_chunk(
    hands: RenderedHands, domain: str, seed: int, persons: tuple[int, ...], views: tuple[int, ...], frames: slice
) -> None:
    """All images of one chunk of frames, into their rows. All of its numbers are drawn, however many are wanted."""
    chunk = frames.start // CHUNK
    wanted = frames.stop - frames.start
    rng = _stream(seed, domain, chunk, 0)
    # one number per frame however many persons there are, so that all else stays the same
    chosen = (rng.random(CHUNK) * len(persons)).astype(np.int64)
    pose, turn = hand_pose.draw_pose(rng, CHUNK), hand_pose.draw_turn(rng, CHUNK)
    traits = hand_population.traits_of("synthetic" if domain == "synthetic" else "real", persons, chosen)
    nodes, radii = hand_geometry.place(traits, pose)
    middle = nodes[:, hand_geometry.HAND_NODES].mean(axis=1, keepdims=True)
    turned = (nodes - middle) @ turn.swapaxes(1, 2)
    for place, view in enumerate(views):
        own = _stream(seed, domain, chunk, view)
        shot = hand_pose.draw_shot(own, view, CHUNK)
        noise = None if domain == "synthetic" else kinect.draw_disturbance(own, CHUNK)
        seen = turned @ shot.rotation.swapaxes(1, 2) + shot.hand[:, None]
        size = hands.images.shape[1]
        camera = crop_camera(NYU_CAMERA, to_pixels(shot.centre[:, None], NYU_CAMERA)[:, 0], size, 2 * HALF_RANGE_MM)
        rows = np.arange(frames.start, frames.stop) * len(views) + place
        hands.joints[rows] = to_pixels(seen[:, hand_geometry.JOINT_NODES], camera)[:wanted]
        hands.camera[rows] = camera[:wanted]
        hands.persons[rows] = np.asarray(persons, dtype=np.int64)[chosen[:wanted]]
        for few in in_chunks(wanted, max(1, BLOCK_PX // size**2)):
            hands.images[rows[few]] = _photograph(
                seen[few], radii[few], camera[few], shot.centre[few, 2], None if noise is None else noise[few], size
            )


def _stream(seed: int, domain: str, chunk: int, view: int) -> np.random.Generator:
    """The random numbers of a chunk: view 0 is what all views share."""
    key = (DOMAINS.index(domain), chunk, view)
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=key)))


def _photograph(
    nodes: Floats, radii: Floats, camera: Floats, centre_mm: Floats, noise: kinect.Array | None, size: int
) -> NDArray[np.uint16]:
    """(N, size, size) depth in mm of what is within 150 mm of the crop's centre; clean, or as the Kinect gives it."""
    rays = _rays(camera, size)
    if noise is None:
        depth = render_depth(nodes, radii, hand_geometry.CONES, camera, rays, np.zeros(len(nodes)))
    else:
        felt = kinect.disturbance(noise, size)
        rays, reach = kinect.wander(rays, camera, felt)
        depth = kinect.sense(render_depth(nodes, radii, hand_geometry.CONES, camera, rays, reach), camera, felt)
    near = np.abs(depth - centre_mm.astype(np.float32)[:, None, None]) <= HALF_RANGE_MM
    return np.rint(np.where(near, depth, 0)).astype(np.uint16)


def _rays(camera: Floats, size: int) -> tuple[kinect.Array, kinect.Array]:
    """The x and y of every pixel's ray at depth 1, (N, size, size) float32."""
    pixel = np.arange(size)
    x, y = ((pixel - camera[:, 2 + axis, None]) / camera[:, axis, None] for axis in (0, 1))
    shape = (len(camera), size, size)
    return (
        np.broadcast_to(x[:, None, :], shape).astype(np.float32),
        np.broadcast_to(y[:, :, None], shape).astype(np.float32),
    )
