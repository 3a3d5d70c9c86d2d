"""The webcam of the real-like domains: optics, sampling, noise, sharpening, compression, warp.

A normalised patch is cut from a webcam frame and warped to the normalised camera; a person far away gives
fewer camera pixels per patch pixel. Optics and sampling are one separable linear map per image.
"""

from dataclasses import dataclass, fields
from functools import cache
from typing import Any, NamedTuple, cast

import numpy as np
import scipy.fft
from numpy.typing import NDArray

Array = NDArray[Any]  # float32 throughout
Range = tuple[float, float]

PHASE = 2.5  # camera px that the patch may lie off the centre of the camera's grid

# Table K.1 of the JPEG standard (luminance)
JPEG_TABLE = np.array(
    [
        [16, 11, 10, 16, 24, 40, 51, 61],
        [12, 12, 14, 19, 26, 58, 60, 55],
        [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62],
        [18, 22, 37, 56, 68, 109, 103, 77],
        [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101],
        [72, 92, 95, 98, 112, 100, 103, 99],
    ],
    dtype=np.float32,
)


class Camera(NamedTuple):
    """The prior of a domain's camera; ranges are uniform per image."""

    resolution: Range  # camera px per patch px
    blur: Range  # optics and focus, standard deviation in camera px
    motion: Range  # additional blur along x, camera px
    exposure: Range  # mean of the patch in linear light, 1 = saturation
    veil: Range  # stray light, linear
    shot: Range  # noise at saturation, linear
    read: Range  # noise in the dark, linear
    denoise: Range  # how much the camera smooths its noise, standard deviation in camera px
    sharpen: Range
    compression: Range  # factor on the JPEG table; 1 is quality 50


CAMERAS: dict[str, Camera] = {
    "near": Camera(
        resolution=(0.80, 1.00), blur=(0.25, 0.60), motion=(0.0, 0.5), exposure=(0.12, 0.38), veil=(0.0, 0.03),
        shot=(0.004, 0.020), read=(0.001, 0.004), denoise=(0.0, 0.5), sharpen=(0.0, 0.7), compression=(0.1, 0.5),
    ),
    "noisy": Camera(
        resolution=(0.65, 1.0), blur=(0.30, 0.70), motion=(0.0, 0.6), exposure=(0.03, 0.15), veil=(0.0, 0.01),
        shot=(0.012, 0.040), read=(0.001, 0.005), denoise=(0.2, 0.9), sharpen=(0.0, 0.6), compression=(0.05, 0.35),
    ),
    "distant": Camera(
        resolution=(0.42, 0.75), blur=(0.30, 0.60), motion=(0.0, 0.6), exposure=(0.08, 0.32), veil=(0.0, 0.04),
        shot=(0.004, 0.018), read=(0.001, 0.003), denoise=(0.2, 0.8), sharpen=(0.1, 0.9), compression=(0.10, 0.6),
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Shots:
    """One shot per image: the camera's settings as (N, 1, 1) float32 columns, and its noise in unit variance."""

    resolution: Array
    blur: Array
    motion: Array
    exposure: Array
    veil: Array
    shot: Array
    read: Array
    denoise: Array
    sharpen: Array
    compression: Array
    phase_x: Array  # where the camera's pixel and block grids lie against the patch, camera px
    phase_y: Array
    noise: Array  # (N, rows, columns) on the camera's grid


def grid(domain: str, height: int, width: int) -> tuple[int, int]:
    """Rows and columns of the camera's grid that always hold the patch: whole 8x8 blocks and room for the phase."""
    most = CAMERAS[domain].resolution[1]
    need = [(size - 1) * most + 1 + 2 * PHASE for size in (height, width)]
    return 8 * int(np.ceil(need[0] / 8)), 8 * int(np.ceil(need[1] / 8))


def draw_shots(rng: np.random.Generator, domain: str, count: int, height: int, width: int) -> Shots:
    """Camera settings and noise of `count` images."""
    columns = {
        name: rng.uniform(low, high, (count, 1, 1)).astype(np.float32)
        for name, (low, high) in CAMERAS[domain]._asdict().items()
    }
    phase = rng.uniform(-PHASE, PHASE, (2, count, 1, 1)).astype(np.float32)
    noise = rng.standard_normal((count, *grid(domain, height, width)), dtype=np.float32)
    return Shots(phase_x=phase[0], phase_y=phase[1], noise=noise, **columns)


def take(shots: Shots, rows: slice) -> Shots:
    """Some rows of a set of shots."""
    return Shots(**{field.name: getattr(shots, field.name)[rows] for field in fields(shots)})


def _places(size: int, cells: int, resolution: Array, phase: Array) -> Array:
    """Patch position (N, cells, 1) of each camera px."""
    cell = np.arange(cells, dtype=np.float32)[None, :, None]
    return cast(Array, (cell - 0.5 * (cells - 1) + phase) / resolution + 0.5 * (size - 1))


def _sampling(size: int, places: Array, spread: Array) -> Array:
    """(N, cells, size) weights that blur a patch and sample it at camera px; rows sum to one."""
    at = np.clip(places, 0.0, size - 1.0)
    far = 0.5 * np.square((np.arange(size, dtype=np.float32) - at) / spread)
    weights = np.exp(-np.minimum(far, 40.0))  # no denormal numbers: they make the matrix products ten times slower
    return cast(Array, weights / np.sum(weights, axis=2, keepdims=True))


def _interpolation(size: int, cells: int, resolution: Array, phase: Array) -> Array:
    """(N, size, cells) bilinear weights from camera px back to patch px: the warp to the normalised camera."""
    pixel = np.arange(size, dtype=np.float32)[None, :, None]
    at = (pixel - 0.5 * (size - 1)) * resolution + 0.5 * (cells - 1) - phase
    return np.maximum(1.0 - np.abs(at - np.arange(cells, dtype=np.float32)), 0.0)


def _smooth(image: Array, amount: Array) -> Array:
    """A three-tap binomial blur in both directions; `amount` 0 keeps the image, 0.25 is (1, 2, 1) / 4."""
    for axis in (1, 2):
        step = amount * np.diff(image, axis=axis)
        image = image.copy()
        ahead = (slice(None), slice(None, -1)) if axis == 1 else (slice(None), slice(None), slice(None, -1))
        behind = (slice(None), slice(1, None)) if axis == 1 else (slice(None), slice(None), slice(1, None))
        image[ahead] += step
        image[behind] -= step
    return image


@cache
def _block_transform() -> Array:
    """(64, 64) matrix of the orthonormal 8x8 DCT of a flattened block."""
    once = scipy.fft.dct(np.eye(8), axis=0, norm="ortho")
    return np.kron(once, once).astype(np.float32)


def _compress(image: Array, factor: Array) -> Array:
    """8x8 DCT quantisation of images in grey levels, as JPEG does it."""
    count, height, width = image.shape
    blocks = (image - 128.0).reshape(count, height // 8, 8, width // 8, 8).transpose(0, 1, 3, 2, 4)
    transform = _block_transform()
    step = np.maximum(JPEG_TABLE.reshape(1, 1, 64) * factor, 1.0)
    # one matrix product per image: small enough for the linear algebra library to stay on one thread
    levels = np.rint(blocks.reshape(count, -1, 64) @ transform.T / step)
    restored = (levels * step @ transform).reshape(count, height // 8, width // 8, 8, 8)
    return restored.transpose(0, 1, 3, 2, 4).reshape(count, height, width) + 128.0


def photograph(radiance: Array, shots: Shots) -> NDArray[np.uint8]:
    """Radiance (N, H, W) in linear light -> uint8 patches of the same shape."""
    height, width = radiance.shape[1:]
    rows, columns = shots.noise.shape[1:]
    # the camera exposes for the scene: its mean decides, highlights may saturate
    linear = radiance * (shots.exposure / np.maximum(radiance.mean(axis=(1, 2), keepdims=True), 1e-3)) + shots.veil
    spread_x = np.sqrt(np.square(shots.blur) + np.square(shots.motion) + 0.08) / shots.resolution
    spread_y = np.sqrt(np.square(shots.blur) + 0.08) / shots.resolution  # 1/12 px^2: the area of a camera px
    down_y = _sampling(height, _places(height, rows, shots.resolution, shots.phase_y), spread_y)
    down_x = _sampling(width, _places(width, columns, shots.resolution, shots.phase_x), spread_x)
    seen = np.maximum(down_y @ np.minimum(linear, 1.2) @ down_x.transpose(0, 2, 1), 0.0)

    smoothing = 0.25 * np.minimum(shots.denoise, 1.0)
    noise = _smooth(shots.noise, smoothing)
    seen = seen + noise * np.sqrt(np.square(shots.shot) * seen + np.square(shots.read))
    grey = 255.0 * np.sqrt(np.clip(seen, 0.0, 1.0))  # display gamma of about two
    grey = grey + shots.sharpen * (grey - _smooth(grey, np.float32(0.25)))  # type: ignore[arg-type]
    stored = np.clip(np.rint(_compress(np.clip(np.rint(grey), 0.0, 255.0), shots.compression)), 0.0, 255.0)

    up_y = _interpolation(height, rows, shots.resolution, shots.phase_y)
    up_x = _interpolation(width, columns, shots.resolution, shots.phase_x)
    patch: NDArray[np.uint8] = np.clip(np.rint(up_y @ stored @ up_x.transpose(0, 2, 1)), 0.0, 255.0).astype(np.uint8)
    return patch
