"""k nearest neighbours on hands: the mean joints of the training images whose relief looks most alike."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from bench.core.chunks import in_chunks
from bench.core.context import RunContext
from bench.core.depth import centres_mm, grey_levels
from bench.core.images import ImageArray, ImageSet
from bench.core.settings import Settings
from bench.training.device import choose_device
from estimators.classical.array_estimator import ArrayEstimator
from estimators.classical.neighbours import nearest

IMAGE_CHUNK = 1024


class KNNHandSettings(Settings):
    """Settings of the k-nearest-neighbour estimator of hands."""

    k: int = Field(5, ge=1, description="Neighbours averaged; as for eyes, chosen beforehand. Not in the paper.")
    side: int = Field(
        32, ge=2, description="Side in px that images are averaged down to at most before they are compared."
    )


class KNNHand(ArrayEstimator):
    """Exact k nearest neighbours on depth; the prediction is the plain mean of the neighbours' joints.

    Not in the paper: what remembering the training set is worth, to compare networks with. Images are compared
    around their own mean depth, as grey levels of 1.6 mm averaged over areas and rounded, so every distance is a
    whole number, exact whatever the chunking or device. Equal distances go to the earlier image. u and v are
    averaged as they are, depth relative to each image's mean depth, which the new image's is added to.
    """

    Config = KNNHandSettings
    config: KNNHandSettings
    target = "joints"

    @property
    def _images_needed(self) -> int:
        return self.config.k

    def _learn(self, train: ImageSet, run: RunContext) -> dict[str, NDArray[Any]]:
        features, centres = _features(train.images, self.config.side)
        return {"features": features, "joints": train.labels["joints"] - _along_depth(centres)}

    def _read(self, images: NDArray[np.uint16], run: RunContext) -> NDArray[np.float64]:
        arrays = self._fitted()
        features, centres = _features(images, self.config.side)
        _, chosen = nearest(features, arrays["features"], self.config.k, choose_device(run.device), run)
        total = _along_depth(self.config.k * centres)
        for neighbour in chosen.T:
            total = total + arrays["joints"][neighbour]
        mean: NDArray[np.float64] = total / self.config.k
        return mean


def _along_depth(centres: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N,) mm -> (N, 1, 3): what to add to joints' u, v and depth to move them along the depth."""
    along: NDArray[np.float64] = centres[:, None, None] * np.array([0.0, 0.0, 1.0])
    return along


def _features(images: ImageArray, side: int) -> tuple[NDArray[np.int8], NDArray[np.float64]]:
    """(N, H, W) uint16 mm -> (N, P) int8, grey level - 128 on at most side x side px, and (N,) mean depths, mm."""
    height, width = (min(side, full) for full in images.shape[1:])
    features, centres = np.empty((len(images), height * width), np.int8), np.empty(len(images))
    for chunk in in_chunks(len(images), IMAGE_CHUNK):
        depth = images[chunk]
        centres[chunk] = centres_mm(depth)
        small = np.stack(
            [cv2.resize(level, (width, height), interpolation=cv2.INTER_AREA) for level in grey_levels(depth)]
        )
        features[chunk] = np.clip(np.rint(small).reshape(len(small), -1) - 128, -127, 127)
    return features, centres
