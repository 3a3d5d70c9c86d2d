"""Random regression forest on small images (Sugano et al., CVPR 2014; Table 3's row 'Random Forest')."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field, PositiveInt
from sklearn.ensemble import RandomForestRegressor

from bench.core.angles import angles_deg
from bench.core.chunks import in_chunks
from bench.core.context import RunContext
from bench.core.images import ImageArray, ImageSet
from bench.core.settings import Settings
from estimators.classical.array_estimator import ArrayEstimator

IMAGE_CHUNK = 1024


class RandomForestSettings(Settings):
    """Settings of the random regression forest."""

    size: tuple[PositiveInt, PositiveInt] = Field(
        (9, 16), description="Height and width in pixels that images are resized to. 16 wide, 9 high (UNCONFIRMED)."
    )
    trees: int = Field(
        100, ge=10, description="Trees of the forest. Not published here (UNCONFIRMED); scikit-learn's default."
    )
    leaf: int = Field(
        5,
        ge=1,
        description="Training images in a leaf at least. Not published here (UNCONFIRMED); 5 is the default of "
        "Breiman's own implementation for regression.",
    )
    pixels: float = Field(
        1 / 3,
        gt=0,
        le=1,
        description="Share of the pixels tried at each split. Not published here (UNCONFIRMED); 1/3 is the default of "
        "Breiman's own implementation for regression.",
    )
    images_per_tree: int = Field(
        20_000,
        ge=2,
        description="Training images drawn for a tree at most, with replacement; as many as there are if fewer. "
        "It bounds time and size on large sets.",
    )

    @property
    def most_images(self) -> int:
        """See `bench.core.trial.Draws`."""
        return self.images_per_tree


class RandomForest(ArrayEstimator):
    """Mean of regression trees on the grey values of small images, three outputs x, y, z, at unit length.

    Table 3's 'Random Forest' [Sugano et al. 2014]. Grown by scikit-learn; predicted from the trees' arrays, bit for
    bit as scikit-learn does (float32 pixels against float64 thresholds), so that nothing is pickled.
    Deviation: one forest for all images instead of one per cluster of head poses.
    """

    Config = RandomForestSettings
    config: RandomForestSettings
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "tiny": {"trees": 16},
        "smoke": {"trees": 30},
        "quick": {},
        "standard": {"trees": 200},
        "paper": {"trees": 500},
    }

    @property
    def _images_needed(self) -> int:
        return 2 * self.config.leaf

    def _learn(self, train: ImageSet, run: RunContext) -> dict[str, NDArray[Any]]:
        forest = RandomForestRegressor(
            self.config.trees,
            min_samples_leaf=self.config.leaf,
            max_features=self.config.pixels,
            max_samples=min(self.config.images_per_tree, len(train)),
            oob_score=True,
            random_state=run.stream_seed("forest") % 2**32,
            n_jobs=1,
        )
        forest.fit(small_images(train.images, self.config.size), train.gaze)
        judged = forest.oob_prediction_.any(axis=1)  # the others were drawn for every tree
        error_deg = angles_deg(forest.oob_prediction_[judged], train.gaze[judged]).mean()
        run.log(self.config.trees, out_of_bag_error_deg=error_deg)
        return _trees(forest)

    def _read(self, images: NDArray[np.uint8], run: RunContext) -> NDArray[np.float64]:
        gaze = np.empty((len(images), 3))
        for chunk in in_chunks(len(images), IMAGE_CHUNK):
            mean = self._mean_gaze(small_images(images[chunk], self.config.size))
            gaze[chunk] = mean / np.linalg.norm(mean, axis=1, keepdims=True)
        return gaze

    def _mean_gaze(self, pixels: NDArray[np.float32]) -> NDArray[np.float64]:
        """(n, P) grey values -> (n, 3) mean of the trees' leaves, not normalised."""
        arrays = self._fitted()
        pixel, threshold, below, above = (arrays[name] for name in ("pixel", "threshold", "below", "above"))
        row = np.arange(len(pixels))[:, None]
        node = np.broadcast_to(arrays["roots"], (len(pixels), len(arrays["roots"])))
        for _ in range(int(arrays["depth"][0])):
            node = np.where(pixels[row, pixel[node]] <= threshold[node], below[node], above[node])
        total = np.zeros((len(pixels), 3))
        for leaves in node.T:
            total += arrays["gaze"][leaves]
        return total / len(node.T)


def small_images(images: ImageArray, size: tuple[int, int]) -> NDArray[np.float32]:
    """(N, H, W) uint8 -> (N, height x width) float32 grey values, averaged over areas."""
    small = np.empty((len(images), size[0] * size[1]), np.float32)
    for chunk in in_chunks(len(images), IMAGE_CHUNK):
        for position, image in enumerate(images[chunk], start=chunk.start):
            grey = image.astype(np.float32)
            small[position] = cv2.resize(grey, size[::-1], interpolation=cv2.INTER_AREA).ravel()
    return small


def _trees(forest: RandomForestRegressor) -> dict[str, NDArray[Any]]:
    """All trees' nodes in one table, tree after tree, and the row of each root.

    A leaf is its own child, so every walk can take as many steps as the deepest tree has.
    """
    trees = [tree.tree_ for tree in forest.estimators_]
    roots = np.cumsum([0, *(tree.node_count for tree in trees[:-1])])
    below = np.concatenate([tree.children_left + root for tree, root in zip(trees, roots, strict=True)])
    above = np.concatenate([tree.children_right + root for tree, root in zip(trees, roots, strict=True)])
    pixel = np.concatenate([tree.feature for tree in trees])
    leaf = pixel < 0
    own = np.arange(len(pixel))
    return {
        "roots": roots.astype(np.int32),
        "below": np.where(leaf, own, below).astype(np.int32),
        "above": np.where(leaf, own, above).astype(np.int32),
        "pixel": np.where(leaf, 0, pixel).astype(np.int32),
        "threshold": np.concatenate([tree.threshold for tree in trees]),
        "gaze": np.concatenate([tree.value[:, :, 0] for tree in trees]),
        "depth": np.array([max(tree.max_depth for tree in trees)]),
    }
