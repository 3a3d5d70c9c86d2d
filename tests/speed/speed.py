"""How fast SimGAN trains and refines here: beside a plain loop, and as a share of what the hardware can multiply.

Both run in this process, in turns, so that what else the machine does meets both alike; each number is a median
over rounds. `--smoke` checks only that it runs; `--device` chooses the device. Writes out/speed.json.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from bench.core.context import RunContext
from bench.core.images import Unlabelled
from bench.training.device import bfloat16_pays, choose_device, keep_freed_memory
from refiners.nn.assembly import build
from refiners.nn.inference import apply_in_chunks
from refiners.nn.networks import DiscriminatorNet, RefinerNet, initialise
from refiners.simgan import SimGAN

Work = Callable[[], object]


class PlainLoop:
    """The paper's nets as public code trains them: float32, NCHW, batches from the host, a loss read per step."""

    def __init__(self, images: np.ndarray, batch: int, device: str) -> None:
        self.images, self.batch, self.device = images, batch, device
        self.random = np.random.default_rng(0)
        self.refiner, self.discriminator = RefinerNet().to(device), DiscriminatorNet().to(device)
        for net in (self.refiner, self.discriminator):
            initialise(net, 0)
            net.to(device)
        self.refiner_optimiser = torch.optim.Adam(self.refiner.parameters(), lr=1e-4)
        self.discriminator_optimiser = torch.optim.Adam(self.discriminator.parameters(), lr=1e-4)

    def next(self, count: int) -> torch.Tensor:
        """A batch from the host."""
        chosen = self.images[self.random.integers(0, len(self.images), count)]
        return torch.from_numpy(chosen.astype(np.float32) / 127.5 - 1.0).unsqueeze(1).to(self.device)

    def loss(self, images: torch.Tensor, label: int) -> torch.Tensor:
        """D's cross-entropy, summed over patches."""
        logits = self.discriminator(images)
        return F.cross_entropy(logits, torch.full_like(logits[:, 0], label, dtype=torch.long), reduction="sum")

    def update_refiner(self) -> float:
        """One step of R."""
        synthetic = self.next(self.batch)
        refined = self.refiner(synthetic)
        loss = (self.loss(refined, 0) + 0.5 * F.l1_loss(refined, synthetic, reduction="sum")) / self.batch
        self.refiner_optimiser.zero_grad()
        torch.autograd.backward(loss)
        self.refiner_optimiser.step()
        return loss.item()

    def update_discriminator(self) -> float:
        """One step of D; the history is another half batch."""
        half = self.batch // 2
        refined = torch.cat([self.refiner(self.next(half)).detach(), self.next(half)])
        loss = (self.loss(refined, 1) + self.loss(self.next(self.batch), 0)) / self.batch
        self.discriminator_optimiser.zero_grad()
        torch.autograd.backward(loss)
        self.discriminator_optimiser.step()
        return loss.item()

    def iterate(self) -> None:
        """One iteration of Algorithm 1 with K_g = K_d = 1."""
        self.update_refiner()
        self.update_discriminator()

    def refine(self, images: np.ndarray) -> None:
        """Refine in batches."""
        with torch.no_grad():
            for start in range(0, len(images), self.batch):
                batch = images[start : start + self.batch].astype(np.float32) / 127.5 - 1.0
                self.refiner(torch.from_numpy(batch).unsqueeze(1).to(self.device)).cpu()


@dataclass(frozen=True)
class Task:
    """One thing to time, done by this harness and by the plain loop."""

    name: str
    images: int
    ours: Work
    plain: Work


def tasks(batch: int, device: str) -> list[Task]:
    """R's step, D's step and the iteration for one batch size, and refining."""
    pixels = np.random.default_rng(0).integers(0, 256, (max(1024, batch), 35, 55), dtype=np.uint8)
    names = np.array([str(number) for number in range(len(pixels))])
    images = Unlabelled(ids=names, persons=names, images=pixels)
    settings = {"refiner_maps": 64, "batch": batch, "buffer_size": 2 * batch, "learning_rate": 1e-4}
    config = SimGAN.configured("quick", settings).config
    ours, plain = build(config, images, images, RunContext(0, device=device)), PlainLoop(pixels, batch, device)
    some = pixels[: max(batch, 64)]
    return [
        Task(f"R step, batch {batch}", batch, lambda: ours.update_refiner(1e-4), plain.update_refiner),
        Task(f"D step, batch {batch}", batch, lambda: ours.update_discriminator(1e-4), plain.update_discriminator),
        Task(f"iteration, batch {batch}", batch, lambda: ours.iterate(1e-4, 1e-4), plain.iterate),
        Task(
            f"refine {len(some)} images",
            len(some),
            lambda: apply_in_chunks(ours.refiner, some, device, "auto"),
            lambda: plain.refine(some),
        ),
    ]


def seconds(work: Work, repeats: int, device: str) -> float:
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


def measure(task: Task, rounds: int, device: str) -> dict[str, float | str]:
    """Medians of alternating rounds; the peak is measured in every round too."""
    product, product_flops = matrix_product(device)
    for warm_up in (task.ours, task.plain, product):
        warm_up()
    repeats = max(1, round(0.3 / seconds(task.ours, 1, device)))
    mine, plain, peak = [], [], []
    for _ in range(rounds):
        mine.append(seconds(task.ours, repeats, device))
        plain.append(seconds(task.plain, 1, device))
        peak.append(product_flops / seconds(product, 10, device))
    work = flops(task.ours)
    return {
        "name": task.name,
        "ratio": statistics.median(theirs / own for theirs, own in zip(plain, mine, strict=True)),
        "share_of_limit": statistics.median(work / own / limit for own, limit in zip(mine, peak, strict=True)),
        "images_per_second": task.images / statistics.median(mine),
        "plain_images_per_second": task.images / statistics.median(plain),
        "tflops": work / statistics.median(mine) / 1e12,
        "peak_tflops": statistics.median(peak) / 1e12,
        "rounds": rounds,
    }


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--smoke", action="store_true", help="one quick round of small batches")
    parser.add_argument("--device", default="auto")
    options = parser.parse_args()
    device = choose_device(options.device)
    keep_freed_memory()
    plan = {4: 1} if options.smoke else {32: 7, 512: 3}
    table = Table("", "x plain loop", "of peak", "images/s", "plain", title=f"SimGAN on {device}")
    console, rows = Console(), []
    for batch, rounds in plan.items():
        for task in tasks(batch, device):
            row = measure(task, rounds, device)
            rows.append(row)
            table.add_row(
                task.name,
                f"{row['ratio']:.1f}",
                f"{row['share_of_limit']:.0%}",
                f"{row['images_per_second']:,.0f}",
                f"{row['plain_images_per_second']:,.0f}",
            )
    console.print(table)
    facts = {"device": device, "threads": torch.get_num_threads(), "torch": torch.__version__, "rows": rows}
    Path("out").mkdir(exist_ok=True)
    Path("out/speed.json").write_text(json.dumps(facts, indent=1))


if __name__ == "__main__":
    main()
