"""Network estimators that look at eyes: 8-bit grey images, strongly augmented if asked for."""

from __future__ import annotations

import torch
from pydantic import Field
from torch import Tensor

from estimators.nn.augmentation import Augment, strongly_augmented
from estimators.nn.network_estimator import Network, NetworkEstimator
from estimators.nn.training import TrainingSettings


class EyeSettings(TrainingSettings):
    """Settings of every network estimator that looks at eyes."""

    augment: Augment = Field(
        "none",
        description="Training images: none = as they are, as in the paper; strong = each time with another tone, "
        "blur, resolution, noise and occlusion, much as GazeML trains on UnityEyes (Park et al. 2018): a baseline "
        "without a refiner. Labels stay true: nothing is moved.",
    )


class EyeEstimator(NetworkEstimator[Network]):
    """An estimator that is one network, trained by one loss on (N, H, W) uint8 images of eyes of one size."""

    config: EyeSettings

    @property
    def _augments(self) -> bool:
        return self.config.augment == "strong"

    def _augmented(self, batch: Tensor, targets: Tensor, draws: torch.Generator) -> tuple[Tensor, Tensor]:
        return strongly_augmented(batch, draws), targets
