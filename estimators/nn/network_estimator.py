"""What estimators made of one network share: training, chunked prediction, checks of images, weights on disk."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor

from bench.core.context import RunContext
from bench.core.errors import DataError, UsageError
from bench.core.estimator import Estimator
from bench.core.images import LABELS, ImageArray, ImageSet
from bench.data.target_images import check_images
from bench.training.batches import resident
from bench.training.device import autocast, choose_device, compile_if_it_pays
from estimators.nn.evaluation import evaluate
from estimators.nn.layers import SizedNetwork
from estimators.nn.training import TrainingSettings, train_network

Network = TypeVar("Network", bound=SizedNetwork)


class NetworkEstimator(Estimator, Generic[Network]):
    """An estimator that is one network, trained by one loss on (N, H, W) images of one size.

    A subclass gives the network, what it is compared with and how, and how its outputs become labels.
    `title` names it in messages.
    """

    config: TrainingSettings
    title: ClassVar[str]
    error_name: ClassVar[str]

    _network: Network | None = None

    @abstractmethod
    def _new_network(self, size: tuple[int, int]) -> Network:
        """The network without values; DataError when images of this size, (height, width), are too small."""

    def _targets(self, labels: NDArray[np.float64], size: tuple[int, int]) -> NDArray[np.float64]:
        """Labels (N, ...) of images of (height, width) -> what the outputs are compared with; the labels by default."""
        return labels

    def _prepare(self, network: Network, images: Tensor, labels: NDArray[np.float64]) -> None:
        """What the network takes from the whole training set before its first step; nothing by default.

        images: (N, 1, H, W) as stored, on the device.
        """

    @property
    def _augments(self) -> bool:
        """Whether training images are changed at random, by `_augmented`."""
        return False

    def _augmented(self, batch: Tensor, targets: Tensor, draws: torch.Generator) -> tuple[Tensor, Tensor]:
        """(n, 1, H, W) stored images and (n, ...) targets -> others of the same shapes and types.

        `draws` is on their device, and the only source of random numbers.
        """
        return batch, targets

    @abstractmethod
    def _loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Outputs (n, ...) in training mode and targets (n, ...), float32 -> scalar."""

    @abstractmethod
    def _labels(self, outputs: NDArray[np.float64]) -> NDArray[np.float64]:
        """Outputs of the trained network (N, ...) -> labels (N, ...)."""

    @abstractmethod
    def _errors(self, predicted: NDArray[np.float64], truth: NDArray[np.float64]) -> NDArray[np.float64]:
        """Labels and labels, (N, ...) -> (N,) validation error of each image."""

    def fit(self, train: ImageSet, validation: ImageSet | None, run: RunContext) -> None:
        """Minimise the loss on `train`; keep the weights with the lowest mean error on `validation`."""
        device, config = choose_device(run.device), self.config
        labels = train.require(self.target)
        targets = torch.from_numpy(self._targets(labels, train.size).astype(np.float32)).to(device)
        given = self._given(train.labels, len(train), train.name, device)
        check_images(self.target, train.images, train.name)
        images = resident(train.images, device)
        network = self._new_network(train.size)
        network.initialise(torch.Generator().manual_seed(run.stream_seed("init")))
        network.to(device).to(memory_format=torch.channels_last)
        compile_if_it_pays(network, device, config.batch * config.steps)
        self._prepare(network, images, labels)
        draws = torch.Generator(device).manual_seed(run.stream_seed("augmentation"))

        def batch_loss(chosen: Tensor) -> Tensor:
            batch, truth = images[chosen], targets[chosen]
            if self._augments:
                batch, truth = self._augmented(batch, truth, draws)
            with autocast(device, config.precision):
                outputs: Tensor = network(batch, *(values[chosen] for values in given))
            return self._loss(outputs, truth)

        validation_error = None
        if validation is not None:
            expected = validation.require(self.target)
            held_out = resident(validation.images, device)
            held_out_given = self._given(validation.labels, len(validation), validation.name, device)

            def validation_error() -> float:
                outputs = evaluate(network, held_out, *held_out_given, precision=config.precision)
                return float(self._errors(self._labels(outputs), expected).mean())

        train_network(
            network,
            batch_loss,
            validation_error,
            len(train),
            config,
            run,
            error_name=self.error_name,
            draws=draws if self._augments else None,
        )
        self._network = network

    def predict(
        self, images: NDArray[Any], run: RunContext, given: Mapping[str, NDArray[np.float64]] | None = None
    ) -> NDArray[np.float64]:
        """(N, H, W) -> (N, *label shape) float64, in order, independent of batch size and order."""
        device = choose_device(run.device)
        network = self._trained(images, "the images to predict", device)
        values = self._given(given or {}, len(images), "the images to predict", device)
        return self._labels(evaluate(network, resident(images, device), *values, precision=self.config.precision))

    def _trained(self, images: ImageArray, owner: str, device: str) -> Network:
        """The network on the device; UsageError before `fit`, DataError for images that it cannot take."""
        if self._network is None:
            raise UsageError(f"{self.title} has no weights yet: fit or load it before predict")
        check_images(self.target, images, owner, self._network.size)
        return self._network.to(device)

    def _given(self, labels: Mapping[str, NDArray[np.float64]], count: int, owner: str, device: str) -> list[Tensor]:
        """The labels that the network takes beside the images, on the device; DataError when one is missing."""
        values = []
        for name in self.inputs:
            if name not in labels:
                raise DataError(
                    f"{owner}: no '{name}' labels, which {self.title} takes beside the image ({LABELS[name][1]}); "
                    "choose a set that has them, or another estimator"
                )
            if labels[name].shape != (count, *LABELS[name][0]):
                raise DataError(f"{owner}: '{name}' has shape {labels[name].shape} for {count} images")
            values.append(torch.from_numpy(labels[name].astype(np.float32)).to(device))
        return values

    def _save_state(self, folder: Path) -> None:
        if self._network is None:
            raise UsageError(f"{self.title} has no weights yet: fit it before save")
        state = self._network.state_dict()
        save_file({name: value.contiguous().cpu() for name, value in state.items()}, folder / "weights.safetensors")

    def _load_state(self, folder: Path) -> None:
        weights = load_file(folder / "weights.safetensors")
        height, width = weights["image_size"].tolist()
        self._network = self._new_network((height, width))
        self._network.load_state_dict(weights, assign=True)
        self._network.to(memory_format=torch.channels_last).eval()
