"""Adaptive linear regression: the sparsest mix of training eyes (Lu et al., PAMI 2014; Table 3's row 'ALR')."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any, ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field, PositiveInt
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import lars_path

from bench.core.chunks import in_chunks
from bench.core.context import RunContext
from bench.core.images import ImageArray, ImageSet
from bench.core.settings import Settings
from estimators.classical.array_estimator import ArrayEstimator, drawn_at_most

Floats = NDArray[np.float64]
IMAGE_CHUNK = 4096
SMALLEST_SUM = 0.1
"""Of the weights, as a share of their l1 norm; below it they say more about a difference than about a mix."""

OPTIMALITY = 1e-6
"""By how much correlations of a minimum's features may differ; features and queries have length 1."""
NEGLIGIBLE = 1e-9
"""A weight that LARS took to 0 is so but for rounding."""


class ALRSettings(Settings):
    """Settings of the adaptive linear regression."""

    grid: tuple[PositiveInt, PositiveInt] = Field(
        (3, 5), description="Rows and columns of the block means that are the feature: 15-D (UNCONFIRMED)."
    )
    dictionary: int = Field(
        1000,
        ge=1,
        description="Training images to mix from at most, drawn at random. Lu et al. have few, all of one person; "
        "here they are many and of all persons. How many for Table 3 is UNCONFIRMED.",
    )
    tolerance: float = Field(
        0.05,
        gt=0,
        lt=1,
        description="epsilon: how far the mix may be from the feature, as a share of the feature's length. "
        "Not published here (UNCONFIRMED); chosen beforehand.",
    )

    @property
    def most_images(self) -> int:
        """See `bench.core.trial.Draws`."""
        return self.dictionary


class AdaptiveLinearRegression(ArrayEstimator):
    """w* = argmin ||w||_1 subject to ||f - F w||_2 <= epsilon; the gaze is G w*, at unit length.

    Table 3's 'Adaptive Linear Regression' [Lu et al., ICCV 2011 and PAMI 2014]. F holds one feature per column, G
    the gaze vectors. Features are block means at unit length: brightness drops out, and on the sphere each training
    image is its own sparsest mix, so nearby images are preferred. Weights of sum 1 would differ by a factor only,
    which the unit length removes. Where they have no such sum, the nearest training image answers. Training images
    of equal features count as one, with their mean gaze.
    Deviations: no sub-pixel alignment of eyes and no detection of blinks.
    """

    Config = ALRSettings
    config: ALRSettings
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "tiny": {"dictionary": 64},
        "smoke": {"dictionary": 300},
        "quick": {},
        "standard": {"dictionary": 2000},
        "paper": {"dictionary": 5000},
    }

    @property
    def _images_needed(self) -> int:
        """One more than features."""
        return self.config.grid[0] * self.config.grid[1] + 1

    def _learn(self, train: ImageSet, run: RunContext) -> dict[str, NDArray[Any]]:
        train = drawn_at_most(self.config.dictionary, train, run, "dictionary")
        features = block_means(train.images, self.config.grid)
        features, group, size = np.unique(features, axis=0, return_inverse=True, return_counts=True)
        gaze = np.zeros((len(features), 3))
        np.add.at(gaze, group.ravel(), train.gaze)
        return {"features": features, "gaze": gaze / size[:, None]}

    def _read(self, images: NDArray[np.uint8], run: RunContext) -> NDArray[np.float64]:
        gaze = np.empty((len(images), 3))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # `sparsest_weights` checks what it gets
            for position, query in enumerate(block_means(images, self.config.grid)):
                gaze[position] = self._gaze_of(query)
                if (position + 1) % 100 == 0:
                    run.progress(position + 1, len(images), "images")
        return gaze

    def _gaze_of(self, query: Floats) -> Floats:
        """(D,) feature -> (3,) unit vector."""
        features, gaze = self._fitted()["features"], self._fitted()["gaze"]
        weights = sparsest_weights(features, query, self.config.tolerance)
        total: Floats = weights @ gaze
        length = np.linalg.norm(total)
        if weights.sum() <= SMALLEST_SUM * np.abs(weights).sum() or length == 0:
            total = gaze[np.square(features - query).sum(axis=1).argmin()]
            length = np.linalg.norm(total)
        unit: Floats = total / length
        return unit


def block_means(images: ImageArray, grid: tuple[int, int]) -> Floats:
    """(N, H, W) uint8 -> (N, rows x columns) means of the blocks of a grid, at unit length (a black image: zeros).

    Blocks need not be whole pixels: a pixel on a border counts by its shares. Rounded to 1e-6, far below what one
    grey level changes: features that differ by rounding errors only are equal then, and LARS needs them to be.
    """
    means = np.empty((len(images), grid[0] * grid[1]))
    for chunk in in_chunks(len(images), IMAGE_CHUNK):
        for position, image in enumerate(images[chunk], start=chunk.start):
            mean = cv2.resize(image.astype(np.float64), grid[::-1], interpolation=cv2.INTER_AREA).ravel()
            means[position] = np.round(mean / (np.linalg.norm(mean) or 1), 6)
    return means


def sparsest_weights(features: Floats, query: Floats, tolerance: float) -> Floats:
    """(M,) argmin ||w||_1 subject to ||query - features^T w||_2 <= tolerance, of (M, D) features and a (D,) query.

    The homotopy of LARS gives the exact minimiser for every tolerance: its residual shrinks along a piecewise
    linear path, which is cut where the residual reaches the tolerance. Coordinate descent (Lasso) would need a
    search for its penalty, and matching pursuit is greedy. When no mix comes that close: the closest one.
    All weights are 0 for a query within the tolerance, and where exact ties made LARS leave the path.
    """
    # ||residual||^2 <= penalty * (l1 norm of an exact mix), so a path down to this penalty is enough for most queries.
    for penalty in (4 * tolerance**2, 0.0):
        _, _, path = lars_path(features.T, query, method="lasso", alpha_min=penalty / len(query))
        residuals = query[:, None] - features.T @ path
        reached = np.linalg.norm(residuals, axis=0) <= tolerance
        if reached.any():
            break
    end = int(reached.argmax()) if reached.any() else path.shape[1] - 1
    weights: Floats = path[:, end]
    if reached[end] and end > 0:
        start, step = residuals[:, end - 1], residuals[:, end] - residuals[:, end - 1]
        # The smaller root of |start + share * step|^2 = tolerance^2, written so that nothing cancels.
        inward, excess = -(start @ step), start @ start - tolerance**2
        share = excess / (inward + np.sqrt(max(inward**2 - (step @ step) * excess, 0)))
        weights = path[:, end - 1] + share * (path[:, end] - path[:, end - 1])
    return weights if _is_minimum(features, query, weights) else np.zeros(len(features))


def _is_minimum(features: Floats, query: Floats, weights: Floats) -> bool:
    """Whether the features in use, and no others, are those that correlate most with the residual."""
    correlation = features @ (query - features.T @ weights)
    used = np.abs(weights) > NEGLIGIBLE
    along = np.sign(weights[used]) * correlation[used]
    return bool(used.any() and np.abs(correlation).max() - along.min() < OPTIMALITY)
