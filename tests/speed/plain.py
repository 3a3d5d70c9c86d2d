"""The same trainings as public code writes them: float32, NCHW, a DataLoader, each loss read in its step."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset

from bench.core.images import ImageSet, Unlabelled
from bench.training.batches import resident
from bench.training.pixels import pixels_of
from estimators.cnn import CNNSettings
from estimators.hourglass import Hourglass
from refiners.nn.assembly import new_refiner
from refiners.nn.networks import DISCRIMINATORS, DiscriminatorNet, initialise
from refiners.simgan import SimGAN


class _Pictures(Dataset[Any]):
    """Images one by one, as float32 in -1..1."""

    def __init__(self, images: NDArray[Any]) -> None:
        stored = resident(images, "cpu")
        self.unit = pixels_of(stored).to_unit(stored).contiguous()

    def __len__(self) -> int:
        return len(self.unit)

    def __getitem__(self, row: int) -> Tensor:
        return self.unit[row]


def _endless(data: Dataset[Any], batch: int) -> Iterator[Any]:
    while True:
        yield from DataLoader(data, batch, shuffle=True, drop_last=True)


class PlainSimGAN:
    """Algorithm 1 with K_g = K_d = 1 on the networks of a configuration; a history of float32 images on the host."""

    def __init__(self, config: SimGAN.Config, images: Unlabelled, device: str) -> None:
        self.batch, self.device, self.noise = config.batch, device, config.noise_channels
        self.refiner = new_refiner(config, channels=1)
        self.discriminator = DiscriminatorNet(
            DISCRIMINATORS[config.discriminator], padding=config.discriminator_padding
        )
        for net in (self.refiner, self.discriminator):
            initialise(net, 0)
            net.to(device)
        self.refiner_optimiser = torch.optim.Adam(self.refiner.parameters(), lr=1e-4)
        self.discriminator_optimiser = torch.optim.Adam(self.discriminator.parameters(), lr=1e-4)
        self.pictures = _Pictures(images.images[:])
        self.synthetic, self.real = (_endless(self.pictures, self.batch) for _ in range(2))
        self.random = np.random.default_rng(0)
        self.history = self.pictures.unit[: 2 * self.batch].numpy().copy()

    def update_refiner(self) -> float:
        """One step of R."""
        synthetic = next(self.synthetic).to(self.device)
        refined = self._refined(synthetic)
        loss = (self._loss(refined, 0) + 0.5 * F.l1_loss(refined, synthetic, reduction="sum")) / self.batch
        self.refiner_optimiser.zero_grad()
        torch.autograd.backward(loss)
        self.refiner_optimiser.step()
        return loss.item()

    def update_discriminator(self) -> float:
        """One step of D on half a batch of refined images, half of the history, and real ones."""
        half = self.batch // 2
        current = self._refined(next(self.synthetic)[:half].to(self.device)).detach()
        rows = self.random.choice(len(self.history), half, replace=False)
        past = torch.from_numpy(self.history[rows]).to(self.device)
        self.history[self.random.choice(len(self.history), half, replace=False)] = current.cpu().numpy()
        loss = self._loss(torch.cat([current, past]), 1) + self._loss(next(self.real).to(self.device), 0)
        loss = loss / self.batch
        self.discriminator_optimiser.zero_grad()
        torch.autograd.backward(loss)
        self.discriminator_optimiser.step()
        return loss.item()

    def iterate(self) -> None:
        """One iteration of Algorithm 1."""
        self.update_refiner()
        self.update_discriminator()

    def refine(self, count: int) -> None:
        """Refine in batches."""
        with torch.no_grad():
            for start in range(0, count, self.batch):
                self._refined(self.pictures.unit[start : start + self.batch].to(self.device)).cpu()

    def _refined(self, images: Tensor) -> Tensor:
        noise = torch.randn(len(images), self.noise, *images.shape[2:], device=self.device)
        refined: Tensor = self.refiner(torch.cat([images, noise], dim=1))
        return refined

    def _loss(self, images: Tensor, label: int) -> Tensor:
        """D's cross-entropy, summed over patches."""
        logits = self.discriminator(images)
        return F.cross_entropy(logits, torch.full_like(logits[:, 0], label, dtype=torch.long), reduction="sum")


class _Gazes(Dataset[Any]):
    """Eyes one by one as float32 in -1..1, with their gaze."""

    def __init__(self, eyes: ImageSet) -> None:
        self.images, self.gaze = eyes.images[:], eyes.gaze.astype(np.float32)

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, row: int) -> tuple[Tensor, Tensor]:
        image = torch.from_numpy(self.images[row]).unsqueeze(0).float().div(127.5).sub(1.0)
        return image, torch.from_numpy(self.gaze[row])


class PlainCNN:
    """The paper's gaze CNN, layer after layer, with Adam."""

    def __init__(self, config: CNNSettings, eyes: ImageSet, device: str) -> None:
        one, two, three, four, five = config.maps
        self.net = nn.Sequential(
            nn.Conv2d(1, one, 3), nn.ReLU(), nn.Conv2d(one, two, 3), nn.ReLU(), nn.Conv2d(two, three, 3), nn.ReLU(),
            nn.MaxPool2d(3, 2), nn.Conv2d(three, four, 3), nn.ReLU(), nn.Conv2d(four, five, 3), nn.ReLU(),
            nn.MaxPool2d(2, 2), nn.Flatten(), nn.LazyLinear(config.head[0]), nn.ReLU(), nn.Linear(config.head[0], 3),
        )  # fmt: skip
        self.net(torch.zeros(1, 1, *eyes.size))
        self.net.to(device)
        self.optimiser = torch.optim.Adam(self.net.parameters(), lr=1e-3)
        self.batches, self.device = _endless(_Gazes(eyes), config.batch), device

    def train(self, steps: int) -> None:
        """So many steps."""
        for _ in range(steps):
            images, gaze = (part.to(self.device) for part in next(self.batches))
            loss = (self.net(images) - gaze).square().sum(dim=1).mean()
            self.optimiser.zero_grad()
            torch.autograd.backward(loss)
            self.optimiser.step()
            loss.item()


class _TurnedHands(Dataset[Any]):
    """Hands one by one, turned by up to 20 degrees on the host, and their joints as shares of the image's side."""

    def __init__(self, hands: ImageSet) -> None:
        self.images, self.joints = hands.images[:], hands.labels["joints"]
        self.random = np.random.default_rng(0)

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, row: int) -> tuple[NDArray[np.int16], NDArray[np.float32]]:
        side = self.images.shape[1]
        matrix = cv2.getRotationMatrix2D(((side - 1) / 2, (side - 1) / 2), self.random.uniform(-20, 20), 1.0)
        image = cv2.warpAffine(self.images[row], matrix, (side, side), flags=cv2.INTER_NEAREST)
        places = self.joints[row, :, :2] @ matrix[:, :2].T + matrix[:, 2]
        return image.astype(np.int16)[None], ((places + 0.5) / side).astype(np.float32)


class PlainHourglass:
    """The hourglass of a configuration with Adam."""

    def __init__(self, estimator: Hourglass, hands: ImageSet, device: str) -> None:
        self.estimator, self.device = estimator, device
        self.net = estimator._new_network(hands.size)
        self.net.initialise(torch.Generator().manual_seed(0))
        self.net.to(device).train()
        self.optimiser = torch.optim.Adam(self.net.parameters(), lr=1e-4)
        self.batches = _endless(_TurnedHands(hands), estimator.config.batch)

    def train(self, steps: int) -> None:
        """So many steps."""
        for _ in range(steps):
            images, targets = (part.to(self.device) for part in next(self.batches))
            loss = self.estimator._loss(self.net(images), targets)
            self.optimiser.zero_grad()
            torch.autograd.backward(loss)
            self.optimiser.step()
            loss.item()
