"""The paper's gaze CNN: five unpadded convolutions and two hidden layers, l2 loss on the gaze vector (section 3.1)."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from bench.core.angles import angles_deg
from bench.core.context import RunContext
from bench.core.errors import DataError, UsageError
from bench.core.images import Unlabelled
from bench.training.batches import resident, to_unit
from bench.training.device import choose_device
from estimators.nn.adaptation import reestimate_batch_norms
from estimators.nn.evaluation import evaluate
from estimators.nn.eye_network import EyeEstimator, EyeSettings
from estimators.nn.layers import Conv2d, Linear, SizedNetwork

SMALLEST_SIDE_PX = 19
FLAT = 1e-3
"""Standard deviation, in grey values / 127.5, below which an image counts as flat."""


class CNNSettings(EyeSettings):
    """Settings of the gaze CNN; the training's own are inherited."""

    maps: tuple[int, int, int, int, int] = Field(
        (32, 32, 64, 80, 192),
        description="Feature maps of the five 3x3 convolutions. Paper: 32, 32, 64, 80, 192 (section 3.1).",
    )
    head: tuple[int, ...] = Field(
        (1000,),
        min_length=1,
        description="Widths of the hidden fully connected layers. Paper: 'FC9600, FC1000, FC3'; unpadded "
        "convolutions flatten 35x55 to exactly 9600, so 9600 is read as the size of the flattened maps "
        "(UNCONFIRMED). (9600, 1000) is the literal reading, with 92 million more weights.",
    )
    normalise: Literal["none", "per-image"] = Field(
        "none",
        description="Input: none = grey value / 127.5 - 1, as for the refiner; per-image = zero mean and unit "
        "standard deviation for each image. Not in the paper (UNCONFIRMED).",
    )
    norm: Literal["none", "batch"] = Field(
        "none",
        description="After each convolution: none, or batch normalisation, which AdaBN needs. "
        "The paper mentions none (UNCONFIRMED).",
    )
    adapt_images: int = Field(
        1000,
        ge=2,
        description="Unlabelled images, at most, that AdaBN takes its statistics from, chosen at random. Li et al. "
        "2016 take all of the target domain; a map of 1,000 eyes already has some 200,000 to 1,700,000 values.",
    )


class GazeCNN(EyeEstimator["_GazeNetwork"]):
    """The gaze estimation CNN of section 3.1: (35, 55) grey image -> gaze vector (x, y, z), Euclidean loss.

    Conv3x3 32, 32, 64 - MaxPool3x3 /2 - Conv3x3 80, 192 - MaxPool2x2 /2 - 9600 - 1000 - 3, ReLU between.
    Head pose is not an input. Loss: squared distance to the unit gaze vector, summed over x, y, z and averaged
    over the batch. The prediction is normalised to unit length (UNCONFIRMED in the paper).
    Deviations: He initialisation with zero biases and the last layer x 0.1 (PyTorch's own made the error depend
    on the seed); early stopping on the mean angular error of a validation split.
    Any image size of at least 19 x 19 px; DataError below.
    """

    Config = CNNSettings
    config: CNNSettings
    target = "gaze"
    title = "the gaze CNN"
    error_name = "validation_error_deg"
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "tiny": {"maps": (4, 4, 4, 4, 8), "head": (8,), "batch": 8, "steps": 6, "evaluate_every": 3},
        "smoke": {"maps": (8, 8, 16, 20, 48), "head": (128,), "batch": 32, "steps": 150, "evaluate_every": 50},
        "quick": {},
        "standard": {"batch": 64, "steps": 600},
        # The paper's learning rate and batch; which optimiser is UNCONFIRMED (see its description).
        "paper": {
            "optimiser": "sgd",
            "schedule": "constant",
            "batch": 512,
            "steps": 200_000,
            "evaluate_every": 1000,
            "patience": 10,
        },
    }

    def adapt(self, real: Unlabelled, run: RunContext) -> None:
        """Adaptive batch normalisation (Li et al. 2016): the statistics of all maps become those of `real`.

        The images are drawn from the stream 'adapt'. UsageError when the network has no batch normalisation.
        """
        if self.config.norm == "none":
            raise UsageError(f"{self.title} has no batch normalisation to adapt; train it with norm=batch")
        device = choose_device(run.device)
        network = self._trained(real.images, real.name, device)
        chosen = np.sort(run.rng("adapt").permutation(len(real))[: self.config.adapt_images])
        images = resident(real.images[chosen], device)
        reestimate_batch_norms(network.convolutions, network.normalised, images, self.config.precision)

    def features(self, images: NDArray[Any], run: RunContext) -> NDArray[np.float64]:
        """(N, H, W) uint8 -> (N, width of the last hidden layer) float64: its activations, after the ReLU."""
        device = choose_device(run.device)
        network = self._trained(images, "the images to look at", device)
        return evaluate(network.features, resident(images, device), precision=self.config.precision)

    def _new_network(self, size: tuple[int, int]) -> _GazeNetwork:
        return _GazeNetwork(size, self.config)

    def _loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return (outputs - targets).square().sum(dim=1).mean()

    def _labels(self, outputs: NDArray[np.float64]) -> NDArray[np.float64]:
        unit: NDArray[np.float64] = outputs / np.linalg.norm(outputs, axis=1, keepdims=True)
        return unit

    def _errors(self, predicted: NDArray[np.float64], truth: NDArray[np.float64]) -> NDArray[np.float64]:
        return angles_deg(predicted, truth)


class _GazeNetwork(SizedNetwork):
    """(n, 1, H, W) uint8 -> (n, 3) float32, not normalised.

    Each ReLU that a pooling follows comes after it: the two commute, and there is less to compute.
    The maps are flattened channels last, a permutation of the paper's order that needs no copy.
    """

    last: Linear

    def __init__(self, size: tuple[int, int], config: CNNSettings) -> None:
        super().__init__(size)
        if min(size) < SMALLEST_SIDE_PX:
            raise DataError(
                f"images of {size[0]}x{size[1]} px are too small for the gaze CNN: its unpadded convolutions "
                f"need at least {SMALLEST_SIDE_PX}x{SMALLEST_SIDE_PX} px; use larger images or the estimator 'knn'"
            )
        self.normalise = config.normalise
        pooling_after = {2: nn.MaxPool2d(3, stride=2), 4: nn.MaxPool2d(2, stride=2)}
        self.convolutions = nn.Sequential()
        for index, (maps_in, maps_out) in enumerate(itertools.pairwise((1, *config.maps))):
            self.convolutions.append(Conv2d(maps_in, maps_out, 3))
            if config.norm == "batch":
                self.convolutions.append(nn.BatchNorm2d(maps_out))
            if index in pooling_after:
                self.convolutions.append(pooling_after[index])
            self.convolutions.append(nn.ReLU(inplace=True))
        widths = [config.maps[-1] * math.prod(_side_after(side) for side in size), *config.head]
        self.hidden = nn.ModuleList(Linear(*pair) for pair in itertools.pairwise(widths))
        self.last = Linear(widths[-1], 3)

    def normalised(self, images: Tensor) -> Tensor:
        """Grey values as the first convolution takes them."""
        grey = to_unit(images)
        if self.normalise == "per-image":
            deviation, mean = torch.std_mean(grey, dim=(1, 2, 3), keepdim=True)
            grey = (grey - mean) / deviation.clamp_min(FLAT)
        return grey

    def features(self, images: Tensor) -> Tensor:
        """(n, 1, H, W) uint8 -> (n, width) activations of the last hidden layer."""
        activations: Tensor = self.convolutions(self.normalised(images)).permute(0, 2, 3, 1).flatten(1)
        for layer in self.hidden:
            activations = F.relu(layer(activations))
        return activations

    def forward(self, images: Tensor) -> Tensor:
        activations = self.features(images)
        with torch.autocast(activations.device.type, enabled=False):  # bfloat16 would round the gaze to 0.2 deg
            vectors: Tensor = self.last(activations.float())
        return vectors


def _side_after(side: int) -> int:
    """Side in pixels of the last maps: three convolutions, pooling, two convolutions, pooling (35 -> 5)."""
    pooled = (side - 6 - 3) // 2 + 1
    return (pooled - 4) // 2
