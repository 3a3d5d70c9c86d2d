"""Algorithm 1 of the paper: R and D trained in turns, with the phases that precede it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

from bench.training.batches import Sampler
from bench.training.device import Precision, autocast
from bench.training.pixels import Pixels
from refiners.nn.diagnostics import RunningMeans
from refiners.nn.history import HistoryBuffer
from refiners.nn.losses import (
    REAL,
    REFINED,
    LossUnits,
    patch_accuracy,
    patch_cross_entropy,
    self_regularisation,
)
from refiners.nn.networks import DiscriminatorNet, RefinerNet
from refiners.nn.noise import NoiseStream
from refiners.nn.optimisers import NetOptimiser
from refiners.nn.psi import Psi


@dataclass(frozen=True)
class Batches:
    """Resident images, (N, C, H, W), and who draws from them: R and D from streams of their own."""

    synthetic: torch.Tensor
    real: torch.Tensor
    for_refiner: Sampler
    for_discriminator: Sampler
    of_real: Sampler


@dataclass(frozen=True)
class AdversarialTraining:
    """The two networks and everything their updates need.

    pixels: the way between stored images and what the networks see. noise: drawn beside each image that R refines.
    k_g, k_d: updates of R and of D per iteration. history: None trains D on current images only.
    psi: the features that the self-regularisation compares.
    `means` collects what was lost and how often D was right, on the device.
    """

    refiner: RefinerNet
    discriminator: DiscriminatorNet
    refiner_optimiser: NetOptimiser
    discriminator_optimiser: NetOptimiser
    batches: Batches
    pixels: Pixels
    noise: NoiseStream
    history: HistoryBuffer | None
    units: LossUnits
    psi: Psi
    k_g: int
    k_d: int
    batch: int
    device: str
    precision: Precision
    means: RunningMeans

    def iterate(self, refiner_rate: float, discriminator_rate: float) -> None:
        """One iteration of Algorithm 1: K_g updates of R, then K_d updates of D."""
        for _ in range(self.k_g):
            self.update_refiner(refiner_rate)
        for _ in range(self.k_d):
            self.update_discriminator(discriminator_rate)

    def pretrain_refiner(self, rate: float, weight: float) -> None:
        """One step of R on `weight` times the self-regularisation alone (section 3.1)."""
        synthetic = self._synthetic(self.batches.for_refiner)
        with autocast(self.device, self.precision):
            refined = self.refiner(self.noise.beside(synthetic))
            regularisation = self_regularisation(refined, synthetic, self.psi)
        self.refiner_optimiser.step(self.units.reduced(weight * regularisation, self.batch), rate)
        self.means.add(r_regularisation=regularisation / self.batch)

    def update_refiner(self, rate: float) -> None:
        """Equation (4): R towards D's label "real" and towards its input; D is fixed.

        With batch norm D is shown real images as well, as in its own training: alone, refined images would be
        normalised until nothing tells them from real ones.
        """
        synthetic = self._synthetic(self.batches.for_refiner)
        with autocast(self.device, self.precision):
            refined = self.refiner(self.noise.beside(synthetic))
            shown = torch.cat([refined, self._real()]) if self.discriminator.batch_norm else refined
            logits = self.discriminator(shown)[: self.batch]
            regularisation = self_regularisation(refined, synthetic, self.psi)
        adversarial = self.units.adversarial_scale * patch_cross_entropy(logits, REAL)
        loss = adversarial + self.units.weight * regularisation
        self.refiner_optimiser.step(self.units.reduced(loss, self.batch), rate)
        self.means.add(
            r_loss=loss / self.batch,
            r_adversarial=adversarial / self.batch,
            r_regularisation=regularisation / self.batch,
        )

    def update_discriminator(self, rate: float) -> None:
        """Equation (2): D tells refined images, half of them from the history, from as many real ones."""
        current, past = self._refined()
        real = self._real()
        images = [current, real] if past is None else [current, past, real]
        with autocast(self.device, self.precision):
            logits = self.discriminator(torch.cat(images)).split([len(part) for part in images])
        loss = patch_cross_entropy(torch.cat(logits[:-1]), REFINED) + patch_cross_entropy(logits[-1], REAL)
        loss = self.units.adversarial_scale * loss
        self.discriminator_optimiser.step(self.units.reduced(loss, self.batch), rate)
        accuracy = {"d_accuracy_refined": patch_accuracy(logits[0], REFINED)}
        if past is not None:
            accuracy["d_accuracy_history"] = patch_accuracy(logits[1], REFINED)
        self.means.add(d_loss=loss / self.batch, d_accuracy_real=patch_accuracy(logits[-1], REAL), **accuracy)

    def _synthetic(self, sampler: Sampler) -> torch.Tensor:
        return self.pixels.to_unit(self.batches.synthetic[sampler.next()])

    def _real(self) -> torch.Tensor:
        return self.pixels.to_unit(self.batches.real[self.batches.of_real.next()])

    def _refined(self) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Refined images for D: b/2 of the current R, which go into the history, and b/2 of the history.

        All b are of the current R when there is no history, or while it holds fewer than b/2.
        """
        half = self.batch // 2
        past = self.history.sample(half) if self.history is not None and len(self.history) >= half else None
        stored = self.batches.synthetic[self.batches.for_discriminator.next()]
        if past is not None:
            stored = stored[:half]
        with torch.no_grad(), autocast(self.device, self.precision):
            current = self.refiner(self.noise.beside(self.pixels.to_unit(stored)))
        if self.history is not None:
            self.history.push(self.pixels.from_unit(current, like=stored))
        return current, None if past is None else self.pixels.to_unit(past)

    def _stateful(self) -> Mapping[str, Any]:
        parts = {
            "refiner": self.refiner,
            "discriminator": self.discriminator,
            "refiner_optimiser": self.refiner_optimiser,
            "discriminator_optimiser": self.discriminator_optimiser,
            "for_refiner": self.batches.for_refiner,
            "for_discriminator": self.batches.for_discriminator,
            "of_real": self.batches.of_real,
            "noise": self.noise,
            "means": self.means,
        }
        return parts if self.history is None else {**parts, "history": self.history}

    def state_dict(self) -> dict[str, Any]:
        """Everything that the next update depends on, and the sums not yet logged."""
        return {name: part.state_dict() for name, part in self._stateful().items()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue exactly where `state` was taken."""
        for name, part in self._stateful().items():
            part.load_state_dict(state[name])
