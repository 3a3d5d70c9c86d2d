"""One row of the speed table: something timed here beside something else in the same process, in turns."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from bench.training.device import bfloat16_pays

Work = Callable[[], object]


@dataclass(frozen=True)
class Row:
    """What was found; `ratio` says how many times quicker than `against`, above 1 is better.

    limit, share_of_limit: what the hardware could do at best, measured here too, and the share (0..1) reached.
    amount: in `unit`. least_ratio, least_share: the targets; a row without is for information.
    """

    name: str
    ratio: float
    against: str
    amount: float
    unit: str
    share_of_limit: float | None = None
    limit: str = ""
    least_ratio: float | None = None
    least_share: float | None = None

    @property
    def ratio_at_limit(self) -> float | None:
        """The ratio that the hardware's limit allows on this machine."""
        return None if self.share_of_limit is None else self.ratio / self.share_of_limit

    @property
    def verdict(self) -> str:
        """Whether the targets are met; where the hardware forbids the ratio, how much it allows."""
        if self.least_share is not None and (self.share_of_limit or 0.0) < self.least_share:
            return f"no: {self.least_share:.0%} of the limit wanted"
        if self.least_ratio is None:
            return ""
        if self.ratio >= self.least_ratio:
            return "yes"
        possible = self.ratio_at_limit
        if possible is not None and possible < self.least_ratio:
            return f"no: the limit is {possible:.2f}x here"
        return f"no: {self.least_ratio:g}x wanted"

    def to_json(self) -> dict[str, Any]:
        """The row's object in out/speed.json."""
        return {**asdict(self), "ratio_at_limit": self.ratio_at_limit, "verdict": self.verdict}


def within(name: str, found: float, target: float, unit: str = "s") -> Row:
    """A row for what should be at most `target`."""
    return Row(name, target / found, f"target of {target:g} {unit}", found, unit, least_ratio=1.0)


@dataclass(frozen=True)
class Task:
    """One thing to time, done by this harness and by a plain loop. rounds: measured in turns, of which medians.

    kernel_seconds: what one call of `ours` would take at least with the kernels that there are; then it is the limit.
    """

    name: str
    images: int
    ours: Work
    plain: Work
    rounds: int
    least_ratio: float | None = None
    least_share: float | None = None
    kernel_seconds: Callable[[Work], float] | None = None


def measure(task: Task, device: str) -> Iterator[Row]:
    """Medians of alternating rounds; the best matrix product is measured in every round too."""
    product, product_flops = matrix_product(device)
    for warm_up in (task.ours, task.plain, product):
        warm_up()
    repeats = max(1, round(0.3 / seconds(task.ours, device)))
    mine, plain, peak = [], [], []
    for _ in range(task.rounds):
        mine.append(seconds(task.ours, device, repeats))
        plain.append(seconds(task.plain, device))
        peak.append(product_flops / seconds(product, device, 10))
    work = flops(task.ours)
    at_peak = [work / limit for limit in peak]
    if task.kernel_seconds is None:
        yield _row(task, mine, plain, at_peak, "matrix product")
        return
    kernels = [task.kernel_seconds(task.ours)] * task.rounds
    yield _row(task, mine, plain, kernels, "PyTorch's kernels")
    alone = replace(task, name=f"{task.name}, PyTorch's kernels alone", least_ratio=None)
    yield _row(alone, kernels, plain, at_peak, "matrix product")


def _row(task: Task, mine: list[float], plain: list[float], least: list[float], limit: str) -> Row:
    """Of the seconds of each round: ours, the plain loop's, and the least that the limit allows."""
    return Row(
        task.name,
        statistics.median(theirs / own for theirs, own in zip(plain, mine, strict=True)),
        "plain loop",
        task.images / statistics.median(mine),
        "images/s",
        statistics.median(possible / own for possible, own in zip(least, mine, strict=True)),
        limit,
        task.least_ratio,
        task.least_share,
    )


def seconds(work: Work, device: str = "cpu", repeats: int = 1) -> float:
    """Mean seconds of one call."""
    _wait(device)
    started = time.perf_counter()
    for _ in range(repeats):
        work()
    _wait(device)
    return (time.perf_counter() - started) / repeats


def _wait(device: str) -> None:
    if device.startswith("cuda"):
        torch.cuda.synchronize()


def flops(work: Work) -> float:
    """Floating-point operations of the convolutions and products of one call."""
    with FlopCounterMode(display=False) as counter:
        work()
    return float(counter.get_total_flops())


def matrix_product(device: str) -> tuple[Work, float]:
    """A large product in the precision that the training uses, and its operations."""
    side = 8192 if device.startswith("cuda") else 2048
    kind = torch.bfloat16 if bfloat16_pays(device) else torch.float32
    one, two = (torch.randn(side, side, device=device, dtype=kind) for _ in range(2))
    return lambda: one @ two, 2.0 * side**3
