"""Pupil centre from the image: a small fully convolutional network with soft-argmax, the gauge for label drift."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from bench.core.context import RunContext
from bench.core.errors import DataError
from bench.core.images import ImageSet
from bench.training.batches import to_unit
from estimators.nn.augmentation import Augment
from estimators.nn.eye_network import EyeEstimator, EyeSettings
from estimators.nn.layers import Conv2d, SizedNetwork

SMALLEST_SIDE_PX = 9
STRIDE = 2
DILATIONS = (1, 2, 4)
"""Of the first 3x3 convolutions; the field of view is then most of the eye."""


class PupilSettings(EyeSettings):
    """Settings of the pupil regressor; the training's own are inherited."""

    maps: tuple[int, ...] = Field(
        (16, 32, 32, 32, 32), min_length=2, description="Feature maps of the convolutions, the 5x5 one first."
    )
    learning_rate: float = Field(
        5e-3, gt=0, description="Learning rate: the constant one, or the peak of the one-cycle. Not in the paper."
    )
    augment: Augment = Field(
        "strong",
        description="Training images: strong = each time with another tone, blur, resolution, noise and occlusion. "
        "The regressor is trained on synthetic images and measures refined ones: without augmentation it would "
        "take the change of look for a shift of the pupil. none = as they are.",
    )


class PupilRegressor(EyeEstimator["_PupilNetwork"]):
    """(N, H, W) grey eyes -> (N, 2) pupil centres (x, y) in px, pixel centres at whole numbers.

    Conv5x5 /2, then Conv3x3 with dilations 1, 2, 4 and 1, ReLU between, to one map. The prediction is the centre of
    mass of its softmax, so it always lies inside the image. Loss: smooth L1 in px, added over x and y, averaged over
    the batch. Trained on the images whose pupil is visible ('pupil_margin' above 0), where the set says so.
    Not in the paper, whose authors drew ellipses by hand to see how far R moves the pupil.
    Any image size of at least 9 x 9 px; DataError below.
    """

    Config = PupilSettings
    config: PupilSettings
    target = "pupil"
    title = "the pupil regressor"
    error_name = "validation_error_px"
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "tiny": {"maps": (4, 4), "batch": 8, "steps": 6, "evaluate_every": 3},
        "smoke": {"steps": 150, "evaluate_every": 50},
        "quick": {"steps": 900},
        "standard": {"steps": 3000, "evaluate_every": 500},
        "paper": {"batch": 128, "steps": 20_000, "evaluate_every": 1000},
    }

    def fit(self, train: ImageSet, validation: ImageSet | None, run: RunContext) -> None:
        """Minimise the loss on the visible pupils of `train`; DataError when there are none."""
        super().fit(_visible(train), None if validation is None else _visible(validation), run)

    def _new_network(self, size: tuple[int, int]) -> _PupilNetwork:
        return _PupilNetwork(size, self.config)

    def _loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return F.smooth_l1_loss(outputs, targets, reduction="none").sum(dim=1).mean()

    def _labels(self, outputs: NDArray[np.float64]) -> NDArray[np.float64]:
        return outputs

    def _errors(self, predicted: NDArray[np.float64], truth: NDArray[np.float64]) -> NDArray[np.float64]:
        distances: NDArray[np.float64] = np.linalg.norm(predicted - truth, axis=1)
        return distances


def _visible(images: ImageSet) -> ImageSet:
    """The images whose pupil centre lies inside the lid opening; all of them when the set does not say."""
    if "pupil_margin" not in images.labels:
        return images
    visible = images.labels["pupil_margin"] > 0
    if not visible.any():
        raise DataError(f"{images.name}: no pupil is visible in any of its {len(images)} images; use more images")
    return images.select(visible)


class _PupilNetwork(SizedNetwork):
    """(n, 1, H, W) uint8 -> (n, 2) px (x, y), float32."""

    last: Conv2d

    def __init__(self, size: tuple[int, int], config: PupilSettings) -> None:
        super().__init__(size)
        if min(size) < SMALLEST_SIDE_PX:
            raise DataError(
                f"images of {size[0]}x{size[1]} px are too small for the pupil regressor: it needs at least "
                f"{SMALLEST_SIDE_PX}x{SMALLEST_SIDE_PX} px"
            )
        self.convolutions = nn.Sequential(Conv2d(1, config.maps[0], 5, stride=STRIDE, padding=2), nn.ReLU(inplace=True))
        for depth, (maps_in, maps_out) in enumerate(itertools.pairwise(config.maps)):
            dilation = DILATIONS[depth] if depth < len(DILATIONS) else 1
            self.convolutions.append(Conv2d(maps_in, maps_out, 3, padding=dilation, dilation=dilation))
            self.convolutions.append(nn.ReLU(inplace=True))
        self.last = Conv2d(config.maps[-1], 1, 1)

    def forward(self, images: Tensor) -> Tensor:
        maps = self.convolutions(to_unit(images))
        with torch.autocast(maps.device.type, enabled=False):  # bfloat16 would round the position
            share = self.last(maps.float()).flatten(1).softmax(dim=1).view(len(maps), *maps.shape[2:])
            # the padding makes map (i, j) the one around pixel (2 i, 2 j)
            y, x = (STRIDE * torch.arange(side, device=share.device, dtype=share.dtype) for side in share.shape[1:])
            # no matrix products, for the reason that `Linear` gives
            return torch.stack([(share.sum(dim=1) * x).sum(dim=1), (share.sum(dim=2) * y).sum(dim=1)], dim=1)
