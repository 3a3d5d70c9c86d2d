"""The paper's gaze CNN: five unpadded convolutions and two hidden layers, l2 loss on the gaze vector (section 3.1)."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional as F

from bench.core.context import RunContext
from bench.core.errors import DataError, UsageError
from bench.core.estimator import Estimator
from bench.core.images import ImageSet
from bench.training.batches import in_chunks, resident, to_unit
from bench.training.device import Precision, autocast, choose_device
from estimators.nn.training import TrainingSettings, train_network

SMALLEST_SIDE_PX = 19
PREDICT_CHUNK = 128
LAST_LAYER_SCALE = 0.1
FLAT = 1e-3
"""Standard deviation, in grey values / 127.5, below which an image counts as flat."""


class CNNSettings(TrainingSettings):
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


class GazeCNN(Estimator):
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

    _network: _GazeNetwork | None = None

    def fit(self, train: ImageSet, validation: ImageSet | None, run: RunContext) -> None:
        """Minimise the l2 loss on `train`'s gaze vectors; keep the weights best on `validation`."""
        device = choose_device(run.device)
        config = self.config
        images = resident(train.images, device)
        gaze = torch.from_numpy(train.gaze.astype(np.float32)).to(device)
        network = _GazeNetwork(train.size, config)
        network.initialise(torch.Generator().manual_seed(run.stream_seed("init")))
        network.to(device).to(memory_format=torch.channels_last)

        def batch_loss(chosen: Tensor) -> Tensor:
            with autocast(device, config.precision):
                predicted: Tensor = network(images[chosen])
            return (predicted - gaze[chosen]).square().sum(dim=1).mean()

        validation_error = None
        if validation is not None:
            held_out, truth = resident(validation.images, device), validation.gaze

            def validation_error() -> float:
                return float(_angles_deg(_outputs(network, held_out, config.precision), truth).mean())

        train_network(
            network,
            batch_loss,
            validation_error,
            len(train),
            config,
            run,
            error_name="validation_error_deg",
        )
        self._network = network

    def predict(self, images: NDArray[Any], run: RunContext) -> NDArray[np.float64]:
        """(N, H, W) uint8 -> (N, 3) float64 unit vectors, in order, independent of batch size and order."""
        if self._network is None:
            raise UsageError("the gaze CNN has no weights yet: fit or load it before predict")
        if images.shape[1:] != self._network.size or images.dtype != np.uint8:
            height, width = self._network.size
            raise DataError(
                f"the gaze CNN was trained on uint8 images of {height}x{width} px; "
                f"got {images.dtype} images of shape {tuple(images.shape[1:])}"
            )
        device = choose_device(run.device)
        network = self._network.to(device)
        vectors = _outputs(network, resident(images, device), self.config.precision)
        unit: NDArray[np.float64] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return unit

    def _save_state(self, folder: Path) -> None:
        if self._network is None:
            raise UsageError("the gaze CNN has no weights yet: fit it before save")
        state = self._network.state_dict()
        save_file({name: value.contiguous().cpu() for name, value in state.items()}, folder / "weights.safetensors")

    def _load_state(self, folder: Path) -> None:
        weights = load_file(folder / "weights.safetensors")
        height, width = weights["image_size"].tolist()
        self._network = _GazeNetwork((height, width), self.config)
        self._network.load_state_dict(weights, assign=True)
        self._network.to(memory_format=torch.channels_last).eval()


class _Conv3x3(nn.Conv2d):
    """Unpadded 3x3 convolution without values: PyTorch's own would be drawn from the global generator."""

    def __init__(self, maps_in: int, maps_out: int) -> None:
        super().__init__(maps_in, maps_out, 3)

    def reset_parameters(self) -> None:
        """Leave the weights for `initialise` or a file."""


class _Linear(nn.Linear):
    """Fully connected layer without values, for the same reason."""

    def reset_parameters(self) -> None:
        """Leave the weights for `initialise` or a file."""


class _GazeNetwork(nn.Module):
    """(n, 1, H, W) uint8 -> (n, 3) float32, not normalised.

    Each ReLU that a pooling follows comes after it: the two commute, and there is less to compute.
    The maps are flattened channels last, a permutation of the paper's order that needs no copy.
    """

    image_size: Tensor

    def __init__(self, size: tuple[int, int], config: CNNSettings) -> None:
        super().__init__()
        if min(size) < SMALLEST_SIDE_PX:
            raise DataError(
                f"images of {size[0]}x{size[1]} px are too small for the gaze CNN: its unpadded convolutions "
                f"need at least {SMALLEST_SIDE_PX}x{SMALLEST_SIDE_PX} px; use larger images or the estimator 'knn'"
            )
        self.normalise = config.normalise
        first, second, third, fourth, fifth = config.maps
        widths = [fifth * math.prod(_side_after(side) for side in size), *config.head]
        self.convolutions = nn.Sequential(
            _Conv3x3(1, first),
            nn.ReLU(inplace=True),
            _Conv3x3(first, second),
            nn.ReLU(inplace=True),
            _Conv3x3(second, third),
            nn.MaxPool2d(3, stride=2),
            nn.ReLU(inplace=True),
            _Conv3x3(third, fourth),
            nn.ReLU(inplace=True),
            _Conv3x3(fourth, fifth),
            nn.MaxPool2d(2, stride=2),
            nn.ReLU(inplace=True),
        )
        self.hidden = nn.ModuleList(_Linear(*pair) for pair in itertools.pairwise(widths))
        self.gaze = _Linear(widths[-1], 3)
        self.register_buffer("image_size", torch.tensor(size))  # saved with the weights: it fixes their shape

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels of the images it takes."""
        height, width = self.image_size.tolist()
        return int(height), int(width)

    def initialise(self, generator: torch.Generator) -> None:
        """He et al. 2015: normal with variance 2 / inputs; zero biases; last layer x 0.1, to start near 0."""
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d | nn.Linear):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu", generator=generator)
                nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
        with torch.no_grad():
            self.gaze.weight.mul_(LAST_LAYER_SCALE)

    def forward(self, images: Tensor) -> Tensor:
        features = to_unit(images)
        if self.normalise == "per-image":
            deviation, mean = torch.std_mean(features, dim=(1, 2, 3), keepdim=True)
            features = (features - mean) / deviation.clamp_min(FLAT)
        features = self.convolutions(features).permute(0, 2, 3, 1).flatten(1)
        for layer in self.hidden:
            features = F.relu(layer(features))
        with torch.autocast(features.device.type, enabled=False):  # bfloat16 would round the gaze to 0.2 deg
            vectors: Tensor = self.gaze(features.float())
        return vectors


def _side_after(side: int) -> int:
    """Side in pixels of the last maps: three convolutions, pooling, two convolutions, pooling (35 -> 5)."""
    pooled = (side - 6 - 3) // 2 + 1
    return (pooled - 4) // 2


def _outputs(network: _GazeNetwork, images: Tensor, precision: Precision) -> NDArray[np.float64]:
    """(N, 1, H, W) uint8 on the device -> (N, 3) float64 outputs of the network.

    Always in chunks of one size, the last one padded: a kernel chosen for another batch size may round
    differently, and a prediction must not depend on its neighbours.
    """
    outputs = []
    with torch.inference_mode(), autocast(images.device.type, precision):
        for chunk in in_chunks(len(images), PREDICT_CHUNK):
            part = images[chunk]
            padding = part[-1:].expand(PREDICT_CHUNK - len(part), -1, -1, -1)
            outputs.append(network(torch.cat([part, padding]))[: len(part)])
    result: NDArray[np.float64] = torch.cat(outputs).double().cpu().numpy()
    return result


def _angles_deg(predicted: NDArray[np.float64], truth: NDArray[np.float64]) -> NDArray[np.float64]:
    """Angle between two (N, 3) arrays of vectors of any length."""
    sine = np.linalg.norm(np.cross(predicted, truth), axis=1)
    cosine = (predicted * truth).sum(axis=1)
    angles: NDArray[np.float64] = np.degrees(np.arctan2(sine, cosine))
    return angles
