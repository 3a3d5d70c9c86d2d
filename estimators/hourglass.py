"""Stacked hourglass: depth image of a hand to its 14 joints, over heatmaps (the hand estimator of section 3.2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field, model_validator
from torch import Tensor
from torch.nn import functional as F

from bench.core.chunks import in_chunks
from bench.training.pixels import DEPTH_SCALE, DepthScale
from estimators.nn.hand_augmentation import rotated_and_cropped
from estimators.nn.hourglass_network import Argmax, HourglassNetwork
from estimators.nn.joint_maps import centres_of_mass, gaussians
from estimators.nn.network_estimator import NetworkEstimator
from estimators.nn.surface_depth import surface_mm
from estimators.nn.training import TrainingSettings

CHUNK = 128
SURFACE_IMAGES = 1000
"""Training images, at most, that say how far below the surface a joint lies: medians are settled by then."""


class HourglassSettings(TrainingSettings):
    """Settings of the stacked hourglass; the training's own are inherited."""

    stacks: int = Field(1, ge=1, description="Hourglasses, one after the other. Paper: 2 (section 3.2).")
    levels: int = Field(
        2,
        ge=1,
        description="Times that an hourglass halves its maps. Newell et al. 2016: 4 (UNCONFIRMED in the paper).",
    )
    features: int = Field(
        64, ge=4, multiple_of=4, description="Feature maps. Newell et al. 2016: 256 (UNCONFIRMED in the paper)."
    )
    input_side: int = Field(
        64,
        ge=8,
        description="Side in px that images are resized to first: 1, 2 or 4 times map_side. The paper has images of "
        "224 px and heatmaps of 64, which no halving joins; 256 is one way out (UNCONFIRMED).",
    )
    map_side: int = Field(
        16,
        ge=4,
        description="Side of the heatmaps in cells. Paper: 64 (section 3.2). In few steps on a CPU fewer cells and "
        "more features gave the lower error, with argmax=soft.",
    )
    sigma: float = Field(
        1.0, gt=0, description="Standard deviation of the Gaussian heatmaps, cells. Newell et al.: 1 (UNCONFIRMED)."
    )
    argmax: Argmax = Field(
        "soft",
        description="hard = trained on Gaussian heatmaps, and the highest cell is the joint's place: the steps of "
        "Figure 12 say that the paper's errors are distances between cells. soft = trained on places, and the place "
        "is the centre of mass of the softmax (Sun et al. 2018): finer than cells.",
    )
    learning_rate: float = Field(
        1e-2,
        gt=0,
        description="Learning rate: the constant one, or the peak of the one-cycle. Paper: 0.001, constant, for 'all "
        "networks' of the section on gaze.",
    )
    batch: int = Field(16, ge=1, description="Images per step. Not in the paper for hands (UNCONFIRMED).")
    steps: int = Field(
        700, ge=1, description="Training steps, at most. Paper: 'until the validation error converges' (section 3.2)."
    )
    depth: DepthScale = Field("centred", description=DEPTH_SCALE)
    rotation_deg: float = Field(
        20.0, ge=0, le=180, description="Training images are turned by up to this to both sides. Paper: 20."
    )
    crop: float = Field(
        0.1,
        ge=0,
        lt=1,
        description="Training images are cropped to squares whose side is up to this share smaller or larger, and "
        "whose centre is up to half of it off. Paper: 'crops', of unknown size (UNCONFIRMED).",
    )

    @model_validator(mode="after")
    def _sides_fit(self) -> HourglassSettings:
        if self.input_side not in (self.map_side, 2 * self.map_side, 4 * self.map_side):
            raise ValueError(f"input_side must be 1, 2 or 4 times map_side, {self.map_side}; it is {self.input_side}")
        if self.map_side % 2**self.levels:
            raise ValueError(f"map_side {self.map_side} cannot be halved {self.levels} times; lower levels")
        return self


class Hourglass(NetworkEstimator[HourglassNetwork]):
    """(N, S, S) uint16 depth images of hands -> (N, 14, 3) joints: u, v in px of the image and depth in mm.

    Section 3.2: 'fully convolutional', 'similar to Stacked Hourglass Net', 2 hourglass blocks, heatmaps of 64 x 64,
    rotations of 20 degrees and crops as augmentation. Every hourglass ends in heatmaps of its own, which all are
    trained alike and of which the last are read. The loss is not in the paper: the mean over images and joints of
    the squared distance to Gaussian heatmaps, as Newell et al. 2016 have it, or with argmax=soft smooth L1 in cells.
    The depth of a joint: what the image shows at its place, and the joint's usual distance below the surface, the
    median over training images. Table 4 and Figure 12 do not look at it.
    UNCONFIRMED besides: optimiser, learning rate, batch and length of training, and everything inside the blocks.
    """

    Config = HourglassSettings
    config: HourglassSettings
    target = "joints"
    title = "the stacked hourglass"
    error_name = "validation_error_px"
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "tiny": {
            "stacks": 2,
            "features": 8,
            "input_side": 32,
            "map_side": 8,
            "batch": 8,
            "steps": 6,
            "evaluate_every": 3,
        },
        "hand-smoke": {"features": 32, "steps": 150, "evaluate_every": 50},
        "hand-quick": {},
        "hand-standard": {"batch": 32, "steps": 2000, "evaluate_every": 200},
        # As published: stacks, map_side, rotation_deg. UNCONFIRMED: all the rest, which is Newell et al.'s where known.
        "hand-paper": {
            "stacks": 2,
            "levels": 4,
            "features": 256,
            "input_side": 256,
            "map_side": 64,
            "argmax": "hard",
            "learning_rate": 1e-3,
            "schedule": "constant",
            "batch": 16,
            "steps": 200_000,
            "evaluate_every": 1000,
            "patience": 10,
        },
    }

    @property
    def _augments(self) -> bool:
        return self.config.rotation_deg > 0 or self.config.crop > 0

    def _augmented(self, batch: Tensor, targets: Tensor, draws: torch.Generator) -> tuple[Tensor, Tensor]:
        return rotated_and_cropped(batch, targets, draws, self.config.rotation_deg, self.config.crop)

    def _new_network(self, size: tuple[int, int]) -> HourglassNetwork:
        config = self.config
        return HourglassNetwork(
            size,
            stacks=config.stacks,
            levels=config.levels,
            features=config.features,
            input_side=config.input_side,
            map_side=config.map_side,
            depth=config.depth,
            argmax=config.argmax,
        )

    def _prepare(self, network: HourglassNetwork, images: Tensor, labels: NDArray[np.float64]) -> None:
        """Learn how far below the surface each joint usually lies: 14 medians over the training images."""
        every = -(-len(labels) // SURFACE_IMAGES)
        stored, joints = images[::every], torch.from_numpy(labels[::every].astype(np.float32)).to(images.device)
        below = [
            joints[part, :, 2] - surface_mm(stored[part], joints[part, :, :2]) for part in in_chunks(len(joints), CHUNK)
        ]
        network.below_surface_mm.copy_(torch.cat(below).median(dim=0).values)

    def _targets(self, labels: NDArray[np.float64], size: tuple[int, int]) -> NDArray[np.float64]:
        shares: NDArray[np.float64] = (labels[..., :2] + 0.5) / size[1]
        return shares

    def _loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Of (n, stacks, 14, G, G) heatmaps against places: the sum over stacks, the mean over images and joints."""
        side = self.config.map_side
        if self.config.argmax == "hard":
            expected = gaussians(targets, side, self.config.sigma)
            return (outputs - expected[:, None]).square().sum(dim=(1, 3, 4)).mean()
        cells = centres_of_mass(outputs.flatten(0, 1)).view(*outputs.shape[:3], 2) * side
        expected = (targets * side)[:, None].expand_as(cells)
        return F.smooth_l1_loss(cells, expected, reduction="none").sum(dim=(1, 3)).mean()

    def _labels(self, outputs: NDArray[np.float64]) -> NDArray[np.float64]:
        return outputs

    def _errors(self, predicted: NDArray[np.float64], truth: NDArray[np.float64]) -> NDArray[np.float64]:
        distances: NDArray[np.float64] = np.linalg.norm((predicted - truth)[..., :2], axis=2).mean(axis=1)
        return distances
