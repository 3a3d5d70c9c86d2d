"""How fast SimGAN and the hourglass train here: beside plain loops, and as a share of what the hardware multiplies.

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

import cv2
import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from bench.core.context import RunContext
from bench.core.images import ImageSet, Unlabelled
from bench.data.simulator.hands import render_hands
from bench.training.batches import resident
from bench.training.device import bfloat16_pays, choose_device, keep_freed_memory
from bench.training.pixels import pixels_of
from estimators.hourglass import Hourglass
from refiners.nn.assembly import build
from refiners.nn.inference import apply_in_chunks
from refiners.nn.networks import DiscriminatorNet, RefinerNet, initialise
from refiners.simgan import SimGAN

Work = Callable[[], object]
HOURGLASS_STEPS = 20


class PlainLoop:
    """The paper's nets as public code trains them: float32, NCHW, batches from the host, a loss read per step.

    images: (N, H, W) float32 in -1..1. maps: of R.
    """

    def __init__(self, images: np.ndarray, batch: int, device: str, maps: int) -> None:
        self.images, self.batch, self.device = images, batch, device
        self.random = np.random.default_rng(0)
        self.refiner, self.discriminator = RefinerNet(maps=maps).to(device), DiscriminatorNet().to(device)
        for net in (self.refiner, self.discriminator):
            initialise(net, 0)
            net.to(device)
        self.refiner_optimiser = torch.optim.Adam(self.refiner.parameters(), lr=1e-4)
        self.discriminator_optimiser = torch.optim.Adam(self.discriminator.parameters(), lr=1e-4)

    def next(self, count: int) -> torch.Tensor:
        """A batch from the host."""
        chosen = self.images[self.random.integers(0, len(self.images), count)]
        return torch.from_numpy(chosen).unsqueeze(1).to(self.device)

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

    def refine(self, count: int) -> None:
        """Refine in batches."""
        with torch.no_grad():
            for start in range(0, count, self.batch):
                batch = torch.from_numpy(self.images[start : start + self.batch]).unsqueeze(1)
                self.refiner(batch.to(self.device)).cpu()


class PlainHourglass:
    """The hourglass as public code trains it: float32, NCHW, images turned and cropped one by one on the host."""

    def __init__(self, hands: ImageSet, device: str) -> None:
        self.config = Hourglass.configured("hand-quick").config
        self.net = Hourglass(self.config)._new_network(hands.size)
        self.net.initialise(torch.Generator().manual_seed(0))
        self.net.to(device).train()
        self.optimiser = torch.optim.Adam(self.net.parameters(), lr=1e-4)
        self.images, self.joints, self.device = hands.images[:], hands.labels["joints"], device
        self.random = np.random.default_rng(0)

    def train(self) -> None:
        """As many steps as `HOURGLASS_STEPS`."""
        for _ in range(HOURGLASS_STEPS):
            made = [self._turned(row) for row in self.random.integers(0, len(self.images), self.config.batch)]
            images, targets = (np.stack(part) for part in zip(*made, strict=True))
            maps = self.net(torch.from_numpy(images).unsqueeze(1).to(self.device))
            loss = Hourglass(self.config)._loss(maps, torch.from_numpy(targets).to(self.device))
            self.optimiser.zero_grad()
            torch.autograd.backward(loss)
            self.optimiser.step()
            loss.item()

    def _turned(self, row: int) -> tuple[np.ndarray, np.ndarray]:
        """One image turned by up to 20 degrees, and its joints as shares of its side."""
        side = self.images.shape[1]
        matrix = cv2.getRotationMatrix2D(((side - 1) / 2, (side - 1) / 2), self.random.uniform(-20, 20), 1.0)
        image = cv2.warpAffine(self.images[row], matrix, (side, side), flags=cv2.INTER_NEAREST)
        places = self.joints[row, :, :2] @ matrix[:, :2].T + matrix[:, 2]
        return image.astype(np.int16), ((places + 0.5) / side).astype(np.float32)


@dataclass(frozen=True)
class Task:
    """One thing to time, done by this harness and by the plain loop."""

    name: str
    images: int
    ours: Work
    plain: Work


def eyes(count: int) -> Unlabelled:
    """Noise of the size of the paper's eyes."""
    pixels = np.random.default_rng(0).integers(0, 256, (count, 35, 55), dtype=np.uint8)
    return Unlabelled(ids=np.arange(count).astype(str), persons=np.arange(count).astype(str), images=pixels)


def hands(count: int) -> ImageSet:
    """Simulated hands of the size that the profiles for a CPU use."""
    made = render_hands(count, domain="synthetic", seed=0, persons=(0,))
    names = np.arange(count).astype(str)
    labels = {"joints": made.joints, "camera": made.camera}
    return ImageSet(ids=names, persons=names, images=made.images, labels=labels)


def simgan_tasks(what: str, images: Unlabelled, maps: int, batch: int, device: str) -> list[Task]:
    """R's step, D's step and the iteration for one batch size, and refining."""
    settings = {"refiner_maps": maps, "batch": batch, "buffer_size": 2 * batch, "learning_rate": 1e-4}
    config = SimGAN.configured("quick", settings).config
    ours = build(config, images, images, RunContext(0, device=device))
    stored = resident(images.images, device)
    unit = pixels_of(stored).to_unit(stored).squeeze(1).contiguous().cpu().numpy()
    plain = PlainLoop(unit, batch, device, maps)
    some = images.images[: max(batch, 64)]
    name = f"{what}, batch {batch}"
    return [
        Task(f"{name}: R step", batch, lambda: ours.update_refiner(1e-4), plain.update_refiner),
        Task(f"{name}: D step", batch, lambda: ours.update_discriminator(1e-4), plain.update_discriminator),
        Task(f"{name}: iteration", batch, lambda: ours.iterate(1e-4, 1e-4), plain.iterate),
        Task(
            f"{what}: refine {len(some)} images",
            len(some),
            lambda: apply_in_chunks(ours.refiner, some, device, "auto"),
            lambda: plain.refine(len(some)),
        ),
    ]


def hourglass_task(images: ImageSet, device: str) -> Task:
    """Some steps of the hourglass from the start, so that what is made once counts as well."""
    settings = {"steps": HOURGLASS_STEPS, "evaluate_every": HOURGLASS_STEPS}
    ours, plain = Hourglass.configured("hand-quick", settings), PlainHourglass(images, device)
    return Task(
        f"hourglass, batch {ours.config.batch}: {HOURGLASS_STEPS} steps",
        HOURGLASS_STEPS * ours.config.batch,
        lambda: ours.fit(images, None, RunContext(0, device=device)),
        plain.train,
    )


def all_tasks(smoke: bool, device: str) -> list[tuple[Task, int]]:
    """Everything to time, with the number of rounds."""
    count = 64 if smoke else 1024
    found = []
    for batch, rounds in ({4: 1} if smoke else {32: 7, 512: 3}).items():
        found += [(task, rounds) for task in simgan_tasks("eyes", eyes(count), 64, batch, device)]
    rounds = 1 if smoke else 5
    pictures = hands(count)
    found += [(task, rounds) for task in simgan_tasks("hands", pictures.unlabelled(), 24, 16, device)]
    return [*found, (hourglass_task(pictures, device), rounds)]


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
    table = Table("", "x plain loop", "of peak", "images/s", "plain", title=f"SimGAN and the hourglass on {device}")
    console, rows = Console(), []
    for task, rounds in all_tasks(options.smoke, device):
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
