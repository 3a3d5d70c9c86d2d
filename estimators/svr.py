"""Support vector regression on HOG and DCT features (Schneider et al., ICPR 2014; Table 3's row 'SVR')."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, PositiveInt
from scipy.fft import dctn
from sklearn import svm
from sklearn.preprocessing import StandardScaler

from bench.core.chunks import in_chunks, padded_chunks
from bench.core.context import RunContext
from bench.core.errors import DataError
from bench.core.images import ImageArray, ImageSet
from bench.core.settings import Settings
from bench.data.gaze_angles import pitch_yaw_from_vectors, vectors_from_pitch_yaw
from estimators.classical.array_estimator import ArrayEstimator, drawn_at_most
from estimators.classical.hog import BLOCK, hog

Floats = NDArray[np.float64]
Kernel = Literal["rbf", "poly"]
CHUNK = 128
DEGREE, OFFSET = 3, 1.0
"""Of the polynomial kernel, (gamma a.b + 1)^3."""


class SVRSettings(Settings):
    """Settings of the support vector regression."""

    images: int = Field(
        3000,
        ge=2,
        description="Training images at most, drawn at random: time and memory grow with their square. "
        "The published number was trained on real images; how many is UNCONFIRMED.",
    )
    hog_cells_px: tuple[PositiveInt, ...] = Field(
        (8,),
        min_length=1,
        description="Sides of the HOG cells in pixels, one per level, in blocks of 2x2 cells. Schneider et al. use "
        "several levels (UNCONFIRMED); 35x55 holds few cells larger than 8 px.",
    )
    dct_side: int = Field(
        8, ge=1, description="Side of the square block of lowest 2-D DCT frequencies. Not published here (UNCONFIRMED)."
    )
    kernel: Kernel = Field(
        "rbf", description="rbf = exp(-gamma |a - b|^2), poly = (gamma a.b + 1)^3, gamma = 1 / features (UNCONFIRMED)."
    )
    c: float = Field(1.0, gt=0, description="Cost of errors beyond epsilon, C; scikit-learn's default (UNCONFIRMED).")
    epsilon_deg: float = Field(
        1.0, ge=0, description="Errors up to this many degrees cost nothing, chosen beforehand (UNCONFIRMED)."
    )

    @property
    def most_images(self) -> int:
        """See `bench.core.trial.Draws`."""
        return self.images


class SupportVectorRegression(ArrayEstimator):
    """Two epsilon-SVRs, for pitch and yaw in radians, on standardised HOG and low-frequency DCT features.

    Table 3's 'Support Vector Regression' [Schneider et al. 2014], whose features are known only roughly
    (UNCONFIRMED). Deviation: no manifold alignment, which needs to know whose eye is seen.
    Trained by scikit-learn (libsvm); predicted from the kernel's formula in float64, so that nothing is pickled.
    """

    Config = SVRSettings
    config: SVRSettings
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "tiny": {"images": 64},
        "smoke": {"images": 1000},
        "quick": {},
        "standard": {"images": 6000},
        "paper": {"images": 20_000},
    }

    _images_needed = 2

    def _learn(self, train: ImageSet, run: RunContext) -> dict[str, NDArray[Any]]:
        self._refuse_small(train.size)
        train = drawn_at_most(self.config.images, train, run, "images")
        raw = np.concatenate([_features(train.images[part], self.config) for part in in_chunks(len(train), CHUNK)])
        scaler = StandardScaler().fit(raw)
        features = (raw - scaler.mean_) / scaler.scale_
        gamma = 1 / features.shape[1]
        machines = [self._machine(features, angle, gamma) for angle in pitch_yaw_from_vectors(train.gaze).T]
        chosen = np.union1d(machines[0].support_, machines[1].support_)
        dual = np.zeros((len(train), 2))
        for column, machine in enumerate(machines):
            dual[machine.support_, column] = machine.dual_coef_[0]
        run.note(support_vectors=len(chosen))
        return {
            "mean": scaler.mean_,
            "scale": scaler.scale_,
            "support": features[chosen],
            "dual": dual[chosen],
            "intercept": np.concatenate([machine.intercept_ for machine in machines]),
            "gamma": np.array([gamma]),
        }

    def _machine(self, features: Floats, angle: Floats, gamma: float) -> svm.SVR:
        machine = svm.SVR(
            kernel=self.config.kernel,
            degree=DEGREE,
            coef0=OFFSET,
            gamma=gamma,
            C=self.config.c,
            epsilon=float(np.radians(self.config.epsilon_deg)),
        )
        machine.random_state = 0  # not used for regression, but libsvm's wrapper would draw it from NumPy's global one
        return machine.fit(features, angle)

    def _read(self, images: NDArray[np.uint8], run: RunContext) -> NDArray[np.float64]:
        parts = [np.empty((0, 3))]
        for count, rows in padded_chunks(len(images), CHUNK):
            parts.append(vectors_from_pitch_yaw(self._angles(images[rows]))[:count])
        return np.concatenate(parts)

    def _angles(self, images: NDArray[np.uint8]) -> Floats:
        """(n, H, W) images -> (n, 2) pitch and yaw in radians: kernel times dual coefficients, plus intercept."""
        arrays = self._fitted()
        features = (_features(images, self.config) - arrays["mean"]) / arrays["scale"]
        kernel = kernel_values(features, arrays["support"], float(arrays["gamma"][0]), self.config.kernel)
        angles: Floats = kernel @ arrays["dual"] + arrays["intercept"]
        return angles

    def _refuse_small(self, size: tuple[int, int]) -> None:
        needed = max(self.config.dct_side, *(BLOCK * cell for cell in self.config.hog_cells_px))
        if min(size) < needed:
            raise DataError(
                f"images of {size[0]}x{size[1]} px are too small for 'svr': its features need at least "
                f"{needed}x{needed} px; lower hog_cells_px and dct_side"
            )


def kernel_values(queries: Floats, support: Floats, gamma: float, kernel: Kernel) -> Floats:
    """(n, D) and (m, D) features -> (n, m) kernel values, as libsvm defines them."""
    products = queries @ support.T
    if kernel == "poly":
        powers: Floats = (gamma * products + OFFSET) ** DEGREE
        return powers
    norms = np.square(queries).sum(axis=1)[:, None] + np.square(support).sum(axis=1)
    values: Floats = np.exp(-gamma * np.maximum(norms - 2 * products, 0))
    return values


def _features(images: ImageArray, config: SVRSettings) -> Floats:
    """(n, H, W) uint8 -> (n, D) HOG of each level, then the block of lowest DCT frequencies."""
    grey = images[:]
    spectrum = dctn(grey.astype(np.float64), axes=(1, 2), norm="ortho")
    low = spectrum[:, : config.dct_side, : config.dct_side].reshape(len(grey), -1)
    return np.concatenate([*(hog(grey, cell) for cell in config.hog_cells_px), low], axis=1)
