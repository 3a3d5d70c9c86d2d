"""Images that live on the device as they are stored, and batches as index selections there: no loader workers."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from bench.core.errors import DataError

DEEPEST_MM = 32_767


def resident(images: Any, device: str) -> torch.Tensor:
    """(N, H, W) images as an (N, 1, H, W) tensor, (N, H, W, 3) as (N, 3, H, W), on the device.

    uint8 stays; uint16 depth becomes int16, which torch computes with. DataError for depth beyond 32,767 mm.
    """
    stored = np.ascontiguousarray(images[:])
    if stored.dtype == np.uint16:
        if stored.max(initial=0) > DEEPEST_MM:
            raise DataError(f"depth of {stored.max()} mm; up to {DEEPEST_MM} mm can be used: is it in another unit?")
        stored = stored.astype(np.int16)
    tensor = torch.from_numpy(stored)
    return (tensor.permute(0, 3, 1, 2) if tensor.ndim == 4 else tensor.unsqueeze(1)).to(device)


def to_unit(images: torch.Tensor) -> torch.Tensor:
    """uint8 0..255 to float32 -1..1, channels last (the range of the paper's Figure 14 statistics)."""
    return images.to(torch.float32, memory_format=torch.channels_last).div_(127.5).sub_(1.0)


def arrays(stored: torch.Tensor) -> NDArray[Any]:
    """Undoes `resident`: (N, 1, H, W) to (N, H, W), (N, 3, H, W) to (N, H, W, 3); uint8 stays, int16 becomes uint16."""
    images = stored.squeeze(1) if stored.shape[1] == 1 else stored.permute(0, 2, 3, 1).contiguous()
    found: NDArray[Any] = images.cpu().numpy()
    return found.astype(np.uint16) if found.dtype == np.int16 else found


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
