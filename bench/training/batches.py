"""Images that live on the device as uint8, and batches as index selections there: no loader workers."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray


def resident(images: Any, device: str) -> torch.Tensor:
    """(N, H, W) images as an (N, 1, H, W) tensor, (N, H, W, 3) as (N, 3, H, W); same dtype, on the device."""
    tensor = torch.from_numpy(np.ascontiguousarray(images[:]))
    return (tensor.permute(0, 3, 1, 2) if tensor.ndim == 4 else tensor.unsqueeze(1)).to(device)


def to_unit(images: torch.Tensor) -> torch.Tensor:
    """uint8 0..255 to float32 -1..1, channels last (the range of the paper's Figure 14 statistics)."""
    return images.to(torch.float32, memory_format=torch.channels_last).div_(127.5).sub_(1.0)


def to_uint8(images: torch.Tensor) -> NDArray[np.uint8]:
    """(N, 1, H, W) in -1..1 to (N, H, W) uint8, (N, 3, H, W) to (N, H, W, 3); rounded to nearest."""
    levels = images.float().add(1.0).mul(127.5).round().clamp(0, 255).to(torch.uint8)
    levels = levels.squeeze(1) if levels.shape[1] == 1 else levels.permute(0, 2, 3, 1).contiguous()
    result: NDArray[np.uint8] = levels.cpu().numpy()
    return result


class Sampler:
    """Batches of indices drawn on the device, epoch by epoch without replacement, from one named stream.

    Its state (generator, permutation, position) is part of a checkpoint, so a resumed run draws the
    same batches. Sets smaller than a batch are cycled.
    """

    def __init__(self, count: int, batch: int, seed: int, device: str) -> None:
        self.count, self.batch = count, batch
        self._device = device
        self._generator = torch.Generator(device=device).manual_seed(seed)
        self._order = self._shuffled()
        self._position = 0

    def _shuffled(self) -> torch.Tensor:
        return torch.randperm(self.count, generator=self._generator, device=self._device)

    def next(self) -> torch.Tensor:
        """(batch,) int64 indices."""
        while len(self._order) - self._position < self.batch:
            self._order = torch.cat([self._order[self._position :], self._shuffled()])
            self._position = 0
        chosen = self._order[self._position : self._position + self.batch]
        self._position += self.batch
        return chosen

    def state_dict(self) -> dict[str, Any]:
        """Tensors and numbers that `load_state_dict` takes back."""
        return {"generator": self._generator.get_state(), "order": self._order, "position": self._position}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue exactly where `state` was taken."""
        self._generator.set_state(state["generator"].cpu())
        self._order = state["order"].to(self._device)
        self._position = int(state["position"])
