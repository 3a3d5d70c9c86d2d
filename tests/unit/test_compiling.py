"""Compiling networks and sharing a GPU: when it is done, and that it changes nothing that is kept."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from bench.core.context import RunContext
from bench.core.images import Unlabelled
from bench.engine import executors
from bench.training.device import COMPILE_FROM_IMAGES, compile_if_it_pays
from refiners.nn import assembly
from refiners.simgan import SimGAN


class _Watched(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.compiled: list[dict[str, Any]] = []

    def compile(self, *words: Any, **options: Any) -> None:
        self.compiled.append(options)


@pytest.mark.parametrize(
    ("on", "images", "triton", "expected"),
    [
        ("cuda", COMPILE_FROM_IMAGES, True, 1),
        ("cuda:1", COMPILE_FROM_IMAGES, True, 1),
        ("cuda", COMPILE_FROM_IMAGES - 1, True, 0),
        ("cuda", COMPILE_FROM_IMAGES, False, 0),
        ("cpu", COMPILE_FROM_IMAGES, True, 0),
    ],
)
def test_compiles_long_trainings_on_a_gpu(
    on: str, images: int, triton: bool, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: triton or None)
    net = _Watched()
    compile_if_it_pays(net, on, images)
    assert len(net.compiled) == expected


def test_a_compiled_training_keeps_the_same_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    """Traced and differentiated as for a GPU, run by torch's own kernels: what is saved stays what it was."""
    pixels = np.random.default_rng(0).integers(0, 256, (24, 16, 20), dtype=np.uint8)
    names = np.arange(24).astype(str)
    images = Unlabelled(ids=names, persons=names, images=pixels)
    settings = {"iterations": 3, "pretrain_refiner": 2, "pretrain_discriminator": 2, "refiner_maps": 4, "batch": 4,
                "buffer_size": 8, "precision": "float32"}  # fmt: skip

    def trained() -> dict[str, torch.Tensor]:
        refiner = SimGAN.configured("smoke", settings)
        refiner.fit(images, images, RunContext(0))
        assert refiner._refiner is not None
        assert refiner.refine(pixels, RunContext(0)).shape == pixels.shape
        return refiner._refiner.state_dict()

    plain = trained()
    monkeypatch.setattr(assembly, "compile_if_it_pays", lambda net, *_: net.compile(backend="aot_eager", dynamic=False))
    compiled = trained()
    assert list(compiled) == list(plain)
    for name, values in compiled.items():
        torch.testing.assert_close(values, plain[name], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("free_gib", "cores", "expected"), [(78, 16, 4), (40, 16, 2), (12, 16, 1), (78, 2, 2)])
def test_steps_share_a_gpu_as_far_as_its_memory_goes(
    free_gib: int, cores: int, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda on: (free_gib << 30, 80 << 30))
    monkeypatch.setattr(executors, "available_cores", lambda: cores)
    assert executors.slots("cuda:0") == expected


def test_one_step_per_core_without_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executors, "available_cores", lambda: 3)
    assert executors.slots("cpu") == 3
    assert executors.slots("mps") == 1
