"""A SimGAN small enough for tests, images and VGG16 weights for it, and runs that stop at a chosen step."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bench.core.canonical import file_digest
from bench.core.context import RunContext
from bench.core.images import Unlabelled
from refiners.simgan import SimGAN

TINY: dict[str, Any] = {
    "refiner_maps": 4,
    "refiner_blocks": 1,
    "batch": 4,
    "buffer_size": 12,
    "pretrain_refiner": 6,
    "pretrain_discriminator": 6,
    "iterations": 8,
    "log_every": 5,
}


def smooth(seed: int, count: int = 40, brightness: float = 100.0, size: tuple[int, int] = (35, 55)) -> Unlabelled:
    """Random smooth images around a brightness."""
    rng = np.random.default_rng(seed)
    coarse = rng.normal(0, 18, (count, size[0] // 5, size[1] // 5)).repeat(5, axis=1).repeat(5, axis=2)
    noise = rng.normal(0, 4, coarse.shape)
    pixels = np.clip(coarse + noise + brightness, 0, 255).astype(np.uint8)
    names = np.array([f"{seed}-{number}" for number in range(count)])
    return Unlabelled(ids=names, persons=names, images=pixels, name=f"set {seed}")


def fitted(run: RunContext, preset: str = "quick", **settings: Any) -> SimGAN:
    refiner = SimGAN.configured(preset, {**TINY, **settings})
    refiner.fit(smooth(0), smooth(1), run)
    return refiner


def weights(refiner: SimGAN) -> dict[str, torch.Tensor]:
    assert refiner._refiner is not None
    return refiner._refiner.state_dict()


def same(one: SimGAN, two: SimGAN) -> bool:
    first, second = weights(one), weights(two)
    return all(torch.equal(first[name], second[name]) for name in first)


# The first convolutions of torchvision's vgg16().features: (number, maps in, maps out).
VGG_CONVOLUTIONS = ((0, 3, 64), (2, 64, 64), (5, 64, 128), (7, 128, 128))


def random_vgg() -> dict[str, torch.Tensor]:
    """Random weights for a VGG16 up to relu2_2, always the same, under torchvision's names."""
    generator = torch.Generator().manual_seed(0)
    weights = {}
    for number, maps_in, maps_out in VGG_CONVOLUTIONS:
        scale = math.sqrt(2 / (9 * maps_in))
        weights[f"features.{number}.weight"] = torch.randn(maps_out, maps_in, 3, 3, generator=generator) * scale
        weights[f"features.{number}.bias"] = torch.randn(maps_out, generator=generator) * 0.1
    return weights


def saved_vgg(folder: Path) -> dict[str, Any]:
    """The settings for psi=vgg with these weights, written into a file in `folder`."""
    path = folder / "vgg16.pth"
    torch.save({**random_vgg(), "classifier.0.weight": torch.zeros(2, 2)}, path)
    return {"psi": "vgg", "psi_weights": str(path), "psi_weights_sha256": file_digest(path)}


class Stop(Exception):
    """A kill at a chosen step."""


class EagerRun(RunContext):
    """Writes a checkpoint after every step, so that a stop loses nothing."""

    def checkpoint_due(self) -> bool:
        return self.checkpoint is not None


def stop_at(step: int) -> Any:
    def progress(done: int, total: int, unit: str) -> None:
        if done == step:
            raise Stop

    return progress
