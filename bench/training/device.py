"""Where and how nets run: device, memory format, precision, threads."""

from __future__ import annotations

import ctypes
import functools
import platform
from contextlib import AbstractContextManager
from typing import Literal

import torch

from bench.core.errors import UsageError

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


def pin_threads(count: int = 1) -> None:
    """Fix torch's threads: the same count gives bit-identical results, another count does not."""
    torch.set_num_threads(count)


@functools.cache
def keep_freed_memory() -> None:
    """Let the C library keep freed memory for the next step instead of returning it to the system.

    Large gradients are otherwise fresh memory in every step, and its page faults cost more than the
    arithmetic on it (measured on the gaze CNN, one thread: 137 ms per step before, 114 after).
    """
    if platform.libc_ver()[0] != "glibc":
        return
    trim_threshold, mmap_threshold = -1, -3  # M_TRIM_THRESHOLD and M_MMAP_THRESHOLD of malloc.h
    libc = ctypes.CDLL(None)
    libc.mallopt(mmap_threshold, 1 << 30)
    libc.mallopt(trim_threshold, (1 << 31) - 1)
