"""Realism: Frechet distance (FID) to real images in the features of an Inception v3 whose weights the user gives."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from bench.core.context import RunContext
from bench.core.errors import DataError, UsageError
from bench.core.images import ImageSet, Unlabelled
from bench.core.measure import Measure, Measurement, Quantity, Subject
from bench.core.settings import Settings
from bench.measures.parts.grey_levels import refuse_depth

if TYPE_CHECKING:
    from torch import nn

ENOUGH_IMAGES = 2048
"""As many as there are features; with fewer the covariance is singular."""


class FrechetInceptionSettings(Settings):
    """The trained network; there is no default."""

    weights: str | None = Field(
        None,
        description="File with an Inception v3's weights under torchvision's names (.pth or .safetensors); the "
        "classifiers' may be missing.",
    )
    weights_sha256: str | None = Field(
        None,
        pattern=r"^[0-9a-fA-F]{64}$",
        description="sha256 of that file, so that a measurement is known by its settings.",
    )

    @model_validator(mode="after")
    def _file_and_hash(self) -> Self:
        if (self.weights is None) != (self.weights_sha256 is None):
            raise ValueError("weights and weights_sha256 belong together; 'sha256sum FILE' prints the latter")
        return self


class FrechetInception(Measure):
    """Frechet distance between Gaussians fitted to Inception v3 features of both sets (Heusel et al. 2017).

    |m1 - m2|^2 + Tr(C1 + C2 - 2 (C1 C2)^(1/2)), m and C the mean and (unbiased) covariance of the 2,048 averages
    before the classifier, for whole images resized to 299x299. It is biased, as a rule upwards and the more the fewer
    images there are; with fewer than 2,048 on a side a covariance is singular and the bias large. So compare sets of
    equally many images only, and do not expect 0 for two samples of one domain.
    Where this deviates: published values come from TensorFlow's network of 2015. Its weights, its pooling (borders
    are not averaged with zeros, and the last block takes maxima) and its resizing are not torchvision's, so do not
    compare these values with those, even if the file holds TensorFlow's weights in torchvision's layout; that comes
    nearest. The features were learned from photographs of things and are not made for eye images of 35x55 px; depth
    is no photograph at all, and refused.
    """

    name = "frechet-inception"
    version = 1
    kind: ClassVar[Literal["drift", "realism", "change"]] = "realism"
    kinds: ClassVar[frozenset[str]] = frozenset({"eyes"})
    Config = FrechetInceptionSettings
    config: FrechetInceptionSettings
    quantities: ClassVar[Mapping[str, Quantity]] = {"fid": Quantity("", "lower")}

    def measure(self, subject: Subject, run: RunContext) -> Measurement:
        """No values per image. UsageError without weights, DataError for wrong ones or fewer than two images a side."""
        refuse_depth(subject.images, subject.real)
        net = self._network()
        fewest = min(len(subject.images), len(subject.real))
        if fewest < 2:
            raise DataError(f"{subject.images.name}: a Frechet distance needs at least 2 images on both sides")
        if fewest < ENOUGH_IMAGES:
            run.warn(
                f"FID of {len(subject.images):,} images against {len(subject.real):,}: below {ENOUGH_IMAGES:,} it is "
                "strongly biased, as a rule upwards; compare it only with FIDs of as many images"
            )
        images, real = _features(net, (subject.images, subject.real), run)
        return Measurement({"fid": frechet_distance(images, real)})

    def _network(self) -> nn.Module:
        from bench.measures.parts.inception import inception
        from bench.training.weights_file import read_weights

        path, sha256 = self.config.weights, self.config.weights_sha256
        if path is None or sha256 is None:
            raise UsageError(
                f"{self.name} needs a trained Inception v3: give --set {self.name}.weights=FILE and "
                f"--set {self.name}.weights_sha256=HASH"
            )
        setting = f"{self.name}.weights"
        return inception(read_weights(Path(path), sha256, setting, "torchvision's inception_v3"), f"{setting}: {path}")


def _features(net: nn.Module, sets: tuple[ImageSet | Unlabelled, ...], run: RunContext) -> list[NDArray[np.float64]]:
    """(N, 2048) of each set."""
    from bench.measures.parts.inception import features
    from bench.training.device import choose_device

    device, total, done = choose_device(run.device), sum(map(len, sets)), 0
    found = []
    for one in sets:
        parts = []
        for part in features(net, one.images, device):
            parts.append(part)
            done += len(part)
            run.progress(done, total, "images")
        found.append(np.concatenate(parts))
        if not np.isfinite(found[-1]).all():
            raise DataError(f"{one.name}: the given Inception v3 makes NaN or infinity of it; give trained weights")
    return found


def frechet_distance(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """|m1 - m2|^2 + Tr(C1 + C2 - 2 (C1 C2)^(1/2)) of (m, d) and (n, d) features; m, n at least 2.

    With C = A^T A, the trace of the root is the sum of the singular values of A1 A2^T. Nothing is squared and rooted
    again, and no rounding gives a negative number to root, so singular covariances do no harm.
    """
    gap = one.mean(axis=0) - other.mean(axis=0)
    first, second = _factor(one), _factor(other)
    root_trace = np.linalg.svd(first @ second.T, compute_uv=False).sum()
    distance = gap @ gap + np.square(first).sum() + np.square(second).sum() - 2 * root_trace
    return max(0.0, float(distance))


def _factor(features: NDArray[np.float64]) -> NDArray[np.float64]:
    """A of at most d rows with A^T A = the covariance of (n, d) features."""
    centred: NDArray[np.float64] = (features - features.mean(axis=0)) / np.sqrt(len(features) - 1)
    return centred if len(centred) <= centred.shape[1] else np.asarray(np.linalg.qr(centred, mode="r"))
