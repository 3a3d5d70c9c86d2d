"""What a training would take if everything between PyTorch's own kernels cost nothing."""

from __future__ import annotations

from torch.profiler import ProfilerActivity, profile

from tests.speed.rows import Work

KERNELS = frozenset(
    {
        "aten::mkldnn_convolution",
        "aten::convolution_backward",
        "aten::mm",
        "aten::addmm",
        "aten::bmm",
        "aten::native_batch_norm",
        "aten::native_batch_norm_backward",
        "aten::max_pool2d_with_indices",
        "aten::max_pool2d_with_indices_backward",
        "aten::_fused_adamw_",
    }
)
"""Convolutions, products, normalisation, pooling, optimiser. Not ReLU, additions and casts, which one could fuse."""


def kernel_seconds(work: Work) -> float:
    """Seconds of one call in these kernels on the CPU, with the threads that torch has.

    The smaller of two: in the first, the profiler's own memory makes fresh pages of theirs.
    """
    return min(_once(work) for _ in range(2))


def _once(work: Work) -> float:
    with profile(activities=[ProfilerActivity.CPU]) as found:
        work()
    return sum((event.self_cpu_time_total * 1e-6 for event in found.key_averages() if event.key in KERNELS), start=0.0)
