"""Copies of a network kept over a phase of its training, to look at it as it was."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import nn

from bench.core.errors import UsageError

Weights = dict[str, torch.Tensor]
TOLERANCE = 1e-6


def weights_of(net: nn.Module) -> Weights:
    """A copy of the net's weights in host memory."""
    return {name: tensor.detach().to("cpu", copy=True).contiguous() for name, tensor in net.state_dict().items()}


class Snapshots:
    """`count` copies of a net: after the shares 0, 1/count, ... (count - 1)/count of the steps `start` to `end`.

    The share 1 is the trained net itself and not copied. A share that ends within a step counts as the step before.
    """

    def __init__(self, count: int, start: int, end: int) -> None:
        self._count = count
        self._steps = {start + index * (end - start) // count: index for index in range(count)}
        self._kept: dict[int, Weights] = {}

    def keep(self, done: int, net: nn.Module) -> None:
        """Copy the net if one of the shares ends after `done` steps."""
        if done in self._steps:
            self._kept[self._steps[done]] = weights_of(net)

    def at(self, moment: float) -> Weights:
        """The copy of a share of the training; UsageError that names the shares when it is none of them."""
        for index, weights in self._kept.items():
            if abs(index / self._count - moment) <= TOLERANCE:
                return weights
        moments = ", ".join(f"{index / self._count:g}" for index in self._kept)
        raise UsageError(
            f"no copy of the refiner was kept at moment {moment:g} of its training (kept: "
            f"{f'{moments}, ' if moments else ''}1); choose one of these, or train with another number of snapshots"
        )

    def save(self, folder: Path) -> None:
        """Write each copy as a file of its own."""
        for index, weights in self._kept.items():
            save_file(weights, _file(folder, index))

    def load(self, folder: Path) -> None:
        """Read back what `save` wrote."""
        self._kept = {index: load_file(_file(folder, index)) for index in range(self._count)}

    def state_dict(self) -> dict[int, Weights]:
        """The copies so far, for `load_state_dict`."""
        return dict(self._kept)

    def load_state_dict(self, state: dict[int, Weights]) -> None:
        """Continue exactly where `state` was taken."""
        self._kept = dict(state)


def _file(folder: Path, index: int) -> Path:
    return folder / f"snapshot-{index:03d}.safetensors"
