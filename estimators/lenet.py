"""LeNet with head pose: the gaze estimator of Zhang et al. 2015, Table 3's 'CNN with UT Multiview'."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from bench.core.angles import angles_deg
from bench.core.context import RunContext
from bench.core.errors import DataError
from bench.data.gaze_angles import pitch_yaw_from_vectors, vectors_from_pitch_yaw
from bench.training.batches import resident, to_unit
from bench.training.device import choose_device
from estimators.nn.evaluation import evaluate
from estimators.nn.eye_network import EyeEstimator, EyeSettings
from estimators.nn.layers import Conv2d, Linear, SizedNetwork

SMALLEST_SIDE_PX = 16


class LeNetSettings(EyeSettings):
    """Settings of LeNet; the training's own are inherited."""

    maps: tuple[int, int] = Field(
        (20, 50), description="Feature maps of the two 5x5 convolutions. Zhang et al. 2015: 20, 50."
    )
    hidden: int = Field(500, ge=1, description="Width of the hidden fully connected layer. Zhang et al. 2015: 500.")


class LeNet(EyeEstimator["_LeNetwork"]):
    """Grey eye image and head pose -> gaze (Zhang et al., "Appearance-Based Gaze Estimation in the Wild", CVPR 2015).

    Conv5x5 20 - MaxPool2x2 - Conv5x5 50 - MaxPool2x2 - FC500, ReLU - head pitch and yaw appended - FC2.
    The outputs are gaze pitch and yaw in radians; loss: their squared differences, summed, averaged over the batch.
    Head pose ('head_pose' labels) is needed to train and to predict. No ReLU follows the convolutions, as in the
    LeNet that it builds on (UNCONFIRMED in the publication).
    Deviations: any image size of at least 16 x 16 px instead of 36 x 60; He initialisation; this harness's training.
    """

    Config = LeNetSettings
    config: LeNetSettings
    target = "gaze"
    inputs = ("head_pose",)
    title = "LeNet"
    error_name = "validation_error_deg"
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "tiny": {"maps": (4, 8), "hidden": 8, "batch": 8, "steps": 6, "evaluate_every": 3},
        "smoke": {"maps": (8, 16), "hidden": 64, "steps": 150, "evaluate_every": 50},
        "quick": {},
        "standard": {"batch": 64, "steps": 1200},
        # Not published here (UNCONFIRMED): batch and length as the gaze CNN's.
        "paper": {"schedule": "constant", "batch": 512, "steps": 200_000, "evaluate_every": 1000, "patience": 10},
    }

    def features(self, images: NDArray[Any], run: RunContext) -> NDArray[np.float64]:
        """(N, H, W) uint8 -> (N, hidden) float64: activations of the hidden layer, which head pose does not reach."""
        device = choose_device(run.device)
        network = self._trained(images, "the images to look at", device)
        return evaluate(network.features, resident(images, device), precision=self.config.precision)

    def _new_network(self, size: tuple[int, int]) -> _LeNetwork:
        return _LeNetwork(size, self.config)

    def _targets(self, labels: NDArray[np.float64], size: tuple[int, int]) -> NDArray[np.float64]:
        return pitch_yaw_from_vectors(labels)

    def _loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return (outputs - targets).square().sum(dim=1).mean()

    def _labels(self, outputs: NDArray[np.float64]) -> NDArray[np.float64]:
        return vectors_from_pitch_yaw(outputs)

    def _errors(self, predicted: NDArray[np.float64], truth: NDArray[np.float64]) -> NDArray[np.float64]:
        return angles_deg(predicted, truth)


class _LeNetwork(SizedNetwork):
    """(n, 1, H, W) uint8 and (n, 2) head pitch and yaw -> (n, 2) gaze pitch and yaw, float32, all in radians."""

    last: Linear

    def __init__(self, size: tuple[int, int], config: LeNetSettings) -> None:
        super().__init__(size)
        if min(size) < SMALLEST_SIDE_PX:
            raise DataError(
                f"images of {size[0]}x{size[1]} px are too small for LeNet: its unpadded convolutions need at least "
                f"{SMALLEST_SIDE_PX}x{SMALLEST_SIDE_PX} px; use larger images or the estimator 'knn'"
            )
        first, second = config.maps
        self.convolutions = nn.Sequential(
            Conv2d(1, first, 5), nn.MaxPool2d(2), Conv2d(first, second, 5), nn.MaxPool2d(2)
        )
        height, width = (((side - 4) // 2 - 4) // 2 for side in size)
        self.hidden = Linear(second * height * width, config.hidden)
        self.last = Linear(config.hidden + 2, 2)

    def features(self, images: Tensor) -> Tensor:
        """(n, 1, H, W) uint8 -> (n, hidden) activations of the hidden layer."""
        maps: Tensor = self.convolutions(to_unit(images))
        return F.relu(self.hidden(maps.permute(0, 2, 3, 1).flatten(1)))

    def forward(self, images: Tensor, head_pose: Tensor) -> Tensor:
        activations = self.features(images)
        with torch.autocast(activations.device.type, enabled=False):  # bfloat16 would round the angles to 0.2 deg
            angles: Tensor = self.last(torch.cat([activations.float(), head_pose], dim=1))
        return angles
