"""Realism: sliced Wasserstein distance between patches of the images and of real ones, by scale."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from bench.core.context import RunContext
from bench.core.errors import DataError
from bench.core.measure import Measure, Measurement, Quantity, Subject
from bench.measures.parts.pairs import alike

PATCH_PX = 7
LEVELS = 3
PATCHES = 16384
DIRECTIONS = 128


class SlicedWasserstein(Measure):
    """Mean 1-D Wasserstein distance over random directions, of 7x7 patches of Laplacian pyramids (Karras et al. 2018).

    The finest of three levels sees noise and lashes, the coarsest light and shape; `distance` is the mean of the
    levels. Where this deviates: Karras et al. standardise the patches of each set by that set's own mean and
    deviation, which hides differences of brightness and contrast, a large part of what a refiner has to do. Here
    both sets are divided by the deviation of the real patches (at least one grey level), so 1 means as far apart as
    real patches spread. 16,384 patches per set and level, the same number from each image. Two samples of one
    distribution are not at 0: compare with the distance of other real images. Depth is seen as grey levels of 1.6 mm;
    many patches of hands are background alone, the same on both sides, which makes all distances smaller.
    """

    name = "sliced-wasserstein"
    version = 1
    kind: ClassVar[Literal["drift", "realism", "change"]] = "realism"
    quantities: ClassVar[Mapping[str, Quantity]] = {
        "distance": Quantity("real SD", "lower"),
        "fine": Quantity("real SD", "lower"),
        "middle": Quantity("real SD", "lower"),
        "coarse": Quantity("real SD", "lower"),
    }

    def measure(self, subject: Subject, run: RunContext) -> Measurement:
        """No values per image. DataError when the sizes differ or a level is smaller than a patch."""
        images, real = alike(subject)
        if min(subject.real.size) < PATCH_PX * 2 ** (LEVELS - 1):
            raise DataError(
                f"{subject.real.name}: {LEVELS} levels of {PATCH_PX} px patches need images of at least "
                f"{PATCH_PX * 2 ** (LEVELS - 1)} px, these are {subject.real.size}"
            )
        places, directions = run.rng("sliced wasserstein patches"), run.rng("sliced wasserstein directions")
        distances = {}
        for name, level, real_level in zip(("fine", "middle", "coarse"), _pyramid(images), _pyramid(real), strict=True):
            at = places.random((2, PATCHES))  # the same draws for both, so equal sets are at 0
            patches, real_patches = _patches(level, at), _patches(real_level, at)
            scale = max(float(real_patches.std()), 1.0)
            axes = directions.normal(size=(patches.shape[1], DIRECTIONS)).astype(np.float32)
            axes /= np.linalg.norm(axes, axis=0)
            distances[name] = sliced_distance(patches / scale, real_patches / scale, axes)
        return Measurement({"distance": float(np.mean(list(distances.values()))), **distances})


def sliced_distance(one: NDArray[np.float32], other: NDArray[np.float32], axes: NDArray[np.float32]) -> float:
    """Mean over the (D, K) axes of the 1-D Wasserstein distances between two (P, D) sets of equally many points.

    Between equally many numbers, the optimal plan pairs them by rank.
    """
    distances = []
    for axis in axes.T:
        gap = np.sort(one @ axis) - np.sort(other @ axis)
        distances.append(np.abs(gap).mean(dtype=np.float64))
    return float(np.mean(distances))


def _pyramid(images: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """Levels of the Laplacian pyramids of (N, H, W, C) images, fine to coarse; the last is what remains."""
    import cv2

    levels, rest = [], images
    for _ in range(LEVELS - 1):
        size = rest.shape[2], rest.shape[1]
        smaller = [cv2.pyrDown(image) for image in rest]
        coarse = np.stack([cv2.pyrUp(image, dstsize=size) for image in smaller]).reshape(rest.shape)
        levels.append(rest - coarse)
        # OpenCV drops a last axis of length 1
        rest = np.stack(smaller).reshape(len(rest), *smaller[0].shape[:2], -1)
    return [*levels, rest]


def _patches(level: NDArray[np.float32], at: NDArray[np.float64]) -> NDArray[np.float32]:
    """(P, 7 * 7 * C) patches of a level: images in turn, places by the (2, P) random numbers."""
    windows = np.lib.stride_tricks.sliding_window_view(level, (PATCH_PX, PATCH_PX), axis=(1, 2))
    which = np.arange(at.shape[1]) * len(level) // at.shape[1]
    rows, columns = (at[axis] * windows.shape[axis + 1] for axis in (0, 1))
    chosen = windows[which, rows.astype(int), columns.astype(int)]
    return np.ascontiguousarray(chosen.reshape(len(chosen), -1))
