"""Where and how nets run: device, memory format, precision, threads."""

from __future__ import annotations

import ctypes
import functools
import importlib.util
import platform
from contextlib import AbstractContextManager
from typing import Literal

import torch
from torch import nn

from bench.core.errors import UsageError

COMPILE_FROM_IMAGES = 3_000_000
"""Where a GPU reaches 200 TFLOP/s, the paper's R sees as many in a minute."""

Precision = Literal["auto", "float32", "bfloat16"]


def choose_device(name: str) -> str:
    """The torch device for 'auto', 'cpu', 'cuda', 'cuda:1' or 'mps'; UsageError when it is not there."""
    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    kind = name.partition(":")[0]
    if kind not in ("cpu", "cuda", "mps"):
        raise UsageError(f"unknown device '{name}'; choose auto, cpu, cuda, cuda:N or mps")
    if kind == "cuda" and not torch.cuda.is_available():
        raise UsageError("device 'cuda' asked for, but no usable GPU was found. See 'bench doctor'.")
    if kind == "mps" and not torch.backends.mps.is_available():
        raise UsageError("device 'mps' asked for, but it is not available. See 'bench doctor'.")
    return name


@functools.cache
def bfloat16_pays(device: str) -> bool:
    """Whether the hardware multiplies bfloat16 matrices natively (AMX or AVX512-BF16, Ampere and later)."""
    if device.startswith("cuda"):
        return torch.cuda.get_device_capability(device) >= (8, 0)
    if device == "cpu":
        return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
    return False


def autocast(device: str, precision: Precision) -> AbstractContextManager[object]:
    """bfloat16 autocast where it pays ('auto') or is asked for; float32 otherwise."""
    enabled = precision == "bfloat16" or (precision == "auto" and bfloat16_pays(device))
    return torch.autocast(device.partition(":")[0], dtype=torch.bfloat16, enabled=enabled)


def compile_if_it_pays(net: nn.Module, device: str, images: int) -> None:
    """Let torch compile the network for a long training on a GPU: what lies between products becomes one kernel.

    images: how many will be trained on. Compiling takes about a minute, and the same products take as long as before:
    on a CPU they are nearly all there is, and a short training ends sooner without.
    """
    if device.startswith("cuda") and images >= COMPILE_FROM_IMAGES and importlib.util.find_spec("triton"):
        net.compile(dynamic=False)


def pin_threads(count: int = 1) -> None:
    """Fix torch's threads: the same count gives bit-identical results, another count does not."""
    torch.set_num_threads(count)


@functools.cache
def tune_process() -> None:
    """Settings of this process that make the same arithmetic quicker; once is enough.

    cuDNN tries its ways to convolve and keeps the quickest: batches have one size. And the C library keeps freed
    memory for the next result instead of returning it to the system. Large ones are otherwise fresh memory each time,
    whose page faults cost more than the arithmetic on it: of 64 MB, adding 1 takes 23 ms before and 4 ms after.
    """
    torch.backends.cudnn.benchmark = True
    if platform.libc_ver()[0] != "glibc":
        return
    trim_threshold, mmap_threshold = -1, -3  # M_TRIM_THRESHOLD and M_MMAP_THRESHOLD of malloc.h
    libc = ctypes.CDLL(None)
    libc.mallopt(mmap_threshold, 1 << 30)
    libc.mallopt(trim_threshold, (1 << 31) - 1)
