"""SGD or Adam over one network, its step, and the learning rate over the course of a training."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn


@dataclass(frozen=True)
class OptimiserSettings:
    """Which optimiser; clip: largest gradient norm of one network, or None."""

    name: Literal["sgd", "adam"] = "adam"
    momentum: float = 0.0
    betas: tuple[float, float] = (0.5, 0.999)
    clip: float | None = None


class NetOptimiser:
    """One network's optimiser: fused where torch has it, gradients clipped without waiting for the device."""

    def __init__(self, net: nn.Module, settings: OptimiserSettings) -> None:
        self._parameters = list(net.parameters())
        self._clip = settings.clip
        self._optimiser = _build(self._parameters, settings)

    def step(self, loss: torch.Tensor, learning_rate: float) -> None:
        """One update of this network alone; gradients of other networks are not touched."""
        self._optimiser.zero_grad()
        torch.autograd.backward(loss, inputs=self._parameters)
        if self._clip is not None:
            nn.utils.clip_grad_norm_(self._parameters, self._clip)
        for group in self._optimiser.param_groups:
            group["lr"] = learning_rate
        self._optimiser.step()

    def forget(self) -> None:
        """Start a new phase without the momentum of the last one, whose loss was another."""
        self._optimiser.state.clear()

    def state_dict(self) -> dict[str, object]:
        """Tensors and numbers that `load_state_dict` takes back."""
        return self._optimiser.state_dict()

    def load_state_dict(self, state: dict[str, object]) -> None:
        """Continue exactly where `state` was taken."""
        self._optimiser.load_state_dict(state)


def _build(parameters: Iterable[nn.Parameter], settings: OptimiserSettings) -> torch.optim.Optimizer:
    # The learning rate comes with each step.
    if settings.name == "adam":
        return torch.optim.Adam(parameters, lr=0.0, betas=settings.betas, fused=True)
    return torch.optim.SGD(parameters, lr=0.0, momentum=settings.momentum, fused=True)


def decay(step: int, steps: int, constant_part: float, drop: tuple[int, float] | None = None) -> float:
    """Factor of the learning rate: 1 for the first `constant_part` (0..1) of `steps`, then down to zero.

    drop: from which step on it is multiplied, and by what.
    """
    constant = constant_part * steps
    share = 1.0 if step < constant else (steps - step) / (steps - constant)
    return share if drop is None or step < drop[0] else share * drop[1]
