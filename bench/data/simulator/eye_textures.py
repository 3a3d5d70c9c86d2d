"""Texture sheets, as an engine has texture files: pores, blotches, wrinkles, hair, veins; made once from a fixed seed.

An image reads a window of each sheet; where the window lies belongs to the person, and shifts a little between images.
"""

from collections.abc import Callable
from functools import cache
from typing import cast

import numpy as np
import scipy.fft

from bench.data.simulator.eye_population import Array

SHEET = 384  # side of a sheet, px; one px is one image px


def _sheet(key: int, spectrum: Callable[[Array, Array], Array]) -> Array:
    """A periodic (SHEET, SHEET) field of unit variance whose amplitude spectrum is given over (fx, fy) in 1/px."""
    rng = np.random.default_rng(np.random.SeedSequence(1612, spawn_key=(key,)))
    white = rng.standard_normal((SHEET, SHEET), dtype=np.float32)
    fy = scipy.fft.fftfreq(SHEET).astype(np.float32)[:, None]
    fx = scipy.fft.rfftfreq(SHEET).astype(np.float32)[None, :]
    shaped = scipy.fft.irfft2(scipy.fft.rfft2(white) * spectrum(fx, fy), s=white.shape)
    shaped -= shaped.mean()
    return cast(Array, (shaped / shaped.std()).astype(np.float32))


def _band(fx: Array, fy: Array, low: float, high: float) -> Array:
    """A ring of frequencies with soft edges."""
    radius = np.hypot(fx, fy)
    return np.exp(-np.square(radius / high)) * (1.0 - np.exp(-np.square(radius / low)))


@cache
def sheets() -> dict[str, Array]:
    """All sheets by name, unit variance, periodic, extended so that every window is a plain slice."""
    made = {
        "pores": _sheet(1, lambda fx, fy: _band(fx, fy, 0.18, 0.45)),
        "blotch": _sheet(2, lambda fx, fy: _band(fx, fy, 0.012, 0.10) / (0.02 + np.hypot(fx, fy))),
        # long along x, short along y: creases around an eye run that way
        "wrinkle": _sheet(3, lambda fx, fy: _band(2.6 * fx + 0.5 * fy, 0.8 * fy, 0.10, 0.30)),
        # strands that lean outwards
        "hair": _sheet(4, lambda fx, fy: _band(0.9 * fx, 2.2 * (fy - 0.55 * fx), 0.10, 0.45)),
        # thin threads where a smooth field crosses zero
        "veins": _sheet(5, lambda fx, fy: _band(0.7 * fx, 1.5 * fy, 0.05, 0.16)),
    }
    made["veins"] = np.exp(-np.minimum(np.square(made["veins"] / 0.22), 40.0)).astype(np.float32)
    return {name: np.pad(sheet, ((0, 64), (0, 64)), mode="wrap") for name, sheet in made.items()}


def windows(name: str, left: Array, top: Array, height: int, width: int) -> Array:
    """(N, height, width) windows of a sheet at `left`, `top` (N, 1) px, wrapped to the sheet and cut to whole px."""
    sheet = sheets()[name]
    x = np.mod(np.rint(left[:, 0]), SHEET).astype(np.intp)
    y = np.mod(np.rint(top[:, 0]), SHEET).astype(np.intp)
    views = np.lib.stride_tricks.sliding_window_view(sheet, (height, width))
    return views[y, x]


@cache
def strand_profile() -> Array:
    """(4096,) density in [0, 1] along a lid, 10 entries per mm: lashes stand singly and in clumps."""
    rng = np.random.default_rng(np.random.SeedSequence(1612, spawn_key=(9,)))
    profile = np.zeros(4096, dtype=np.float32)
    place = 0.0
    entries = np.arange(4096, dtype=np.float32)
    while place < 4096:
        width = rng.uniform(1.4, 3.6)
        profile += rng.uniform(0.45, 1.0) * np.exp(-np.minimum(np.square((entries - place) / width), 40.0))
        place += rng.uniform(5.0, 14.0)
    return np.minimum(profile, 1.0)
