"""The history of refined images that D keeps being shown (section 2.3)."""

from __future__ import annotations

from typing import Any

import torch


class HistoryBuffer:
    """At most `size` refined images of earlier refiners, as images are stored, with an own random stream.

    The paper does not say how the buffer fills (UNCONFIRMED): here it starts empty, newly refined images are
    appended until `size` are held, and from then on each takes the place of a random one, so that every
    image held is equally likely to go. Images are drawn without replacement. Stored ones, 8-bit levels or whole
    millimetres, since refined images are used as such, and for the memory (51,200 grey images of 35x55: 99 MB).
    like: resident images, (n, C, H, W), whose shape, type and device those held have.
    """

    def __init__(self, size: int, like: torch.Tensor, seed: int) -> None:
        self.size = size
        self._images = torch.empty((size, *like.shape[1:]), dtype=like.dtype, device=like.device)
        self._held = 0
        self._generator = torch.Generator(device=like.device).manual_seed(seed)

    def __len__(self) -> int:
        return self._held

    def sample(self, count: int) -> torch.Tensor:
        """(count, C, H, W) stored images: different ones, all equally likely; `count` must be held."""
        if count > self._held:
            raise ValueError(f"{count} images asked of a history of {self._held}")
        return self._images[self._distinct(self._held, count)]

    def push(self, images: torch.Tensor) -> None:
        """Take in newly refined images, (n, C, H, W) as they are stored: into free places, then over random ones."""
        free = min(len(images), self.size - self._held)
        if free < len(images):
            places = self._distinct(self._held, len(images) - free)
            self._images[places] = images[free:]
        self._images[self._held : self._held + free] = images[:free]
        self._held += free

    def _distinct(self, count: int, chosen: int) -> torch.Tensor:
        order = torch.randperm(count, generator=self._generator, device=self._images.device)
        return order[:chosen]

    def state_dict(self) -> dict[str, Any]:
        """Tensors that `load_state_dict` takes back."""
        return {"images": self._images[: self._held].clone(), "generator": self._generator.get_state()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue exactly where `state` was taken."""
        self._held = len(state["images"])
        self._images[: self._held] = state["images"].to(self._images.device)
        self._generator.set_state(state["generator"].cpu())
