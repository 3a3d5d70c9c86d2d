"""SimGAN, the gaze CNN and the hourglass beside plain loops, and refining."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from bench.core.context import RunContext
from bench.core.images import ImageSet
from bench.data.simulator.hands import render_hands
from estimators.cnn import GazeCNN
from estimators.hourglass import Hourglass
from refiners.nn.assembly import build
from refiners.nn.inference import apply_in_chunks
from refiners.simgan import SimGAN
from tests.speed.kernels import kernel_seconds
from tests.speed.plain import PlainCNN, PlainHourglass, PlainSimGAN
from tests.speed.rows import Row, Task, measure


@dataclass(frozen=True)
class _Case:
    """A SimGAN to time. least_ratio, least_share: targets of R's step; D's step and the iteration have the ratio."""

    name: str
    preset: str
    settings: dict[str, int]
    images: ImageSet
    rounds: int
    least_ratio: float | None = None
    least_share: float | None = None


def rows(smoke: bool, device: str) -> Iterator[Row]:
    """The paper's nets for gaze at batch 32 and 512, the nets for hands at the CPU's size, and the estimators."""
    count = 64 if smoke else 1024
    eyes, hands = _eyes(count), _hands(count)
    for batch, rounds in ((4, 1),) if smoke else ((32, 7), (512, 3)):
        settings = {"refiner_maps": 64, "batch": batch}
        for task in _simgan(_Case("eyes", "quick", settings, eyes, rounds, 4.0, 0.85), device):
            yield from measure(task, device)
    rounds = 1 if smoke else 5
    for task in _simgan(_Case("hands", "hand-standard", {}, hands, rounds), device):
        yield from measure(task, device)
    steps = 4 if smoke else 100
    short = {"steps": steps, "evaluate_every": steps}
    cnn, hourglass = GazeCNN.configured("quick", short), Hourglass.configured("hand-quick", short)
    for name, ours, plain, images in (
        ("gaze CNN", cnn, lambda: PlainCNN(cnn.config, eyes, device), eyes),
        ("hourglass", hourglass, lambda: PlainHourglass(hourglass, hands, device), hands),
    ):
        yield from measure(_estimator(name, ours, plain, images, 1 if smoke else 3, device), device)


def _eyes(count: int) -> ImageSet:
    """Noise of the size of the paper's eyes."""
    random, names = np.random.default_rng(0), np.arange(count).astype(str)
    pixels = random.integers(0, 256, (count, 35, 55), dtype=np.uint8)
    gaze = random.normal(size=(count, 3))
    labels = {"gaze": gaze / np.linalg.norm(gaze, axis=1, keepdims=True)}
    return ImageSet(ids=names, persons=names, images=pixels, labels=labels)


def _hands(count: int) -> ImageSet:
    """Simulated hands of the size that the profiles for a CPU use."""
    made, names = render_hands(count, domain="synthetic", seed=0, persons=(0,)), np.arange(count).astype(str)
    labels = {"joints": made.joints, "camera": made.camera}
    return ImageSet(ids=names, persons=names, images=made.images, labels=labels)


def _simgan(case: _Case, device: str) -> list[Task]:
    """R's step, D's step, the iteration with both, and refining."""
    config = SimGAN.configured(case.preset, case.settings).config
    batch, images = config.batch, case.images.unlabelled()
    ours = build(config, images, images, RunContext(0, device=device))
    plain = PlainSimGAN(config, images, device)
    some = images.images[: max(batch, 64)]
    noise = (config.noise_channels, 0)
    name = f"{case.name}, batch {batch}"
    least, share = case.least_ratio, case.least_share
    return [
        Task(
            f"{name}: R step",
            batch,
            lambda: ours.update_refiner(1e-4),
            plain.update_refiner,
            case.rounds,
            least,
            share,
        ),
        Task(
            f"{name}: D step",
            batch,
            lambda: ours.update_discriminator(1e-4),
            plain.update_discriminator,
            case.rounds,
            least,
        ),
        Task(f"{name}: iteration", batch, lambda: ours.iterate(1e-4, 1e-4), plain.iterate, case.rounds, least),
        Task(
            f"{case.name}: refine {len(some)} images",
            len(some),
            lambda: apply_in_chunks(ours.refiner, some, device, config.precision, config.depth, noise),
            lambda: plain.refine(len(some)),
            case.rounds,
        ),
    ]


def _estimator(
    name: str,
    ours: GazeCNN | Hourglass,
    plain: Callable[[], PlainCNN | PlainHourglass],
    images: ImageSet,
    rounds: int,
    device: str,
) -> Task:
    """All its steps from a new network on, by both, so that what is made once counts as well."""
    steps, batch = ours.config.steps, ours.config.batch
    return Task(
        f"{name}, batch {batch}: {steps} steps",
        steps * batch,
        lambda: ours.fit(images, None, RunContext(0, device=device)),
        lambda: plain().train(steps),
        rounds,
        least_ratio=3.0,
        kernel_seconds=kernel_seconds if device == "cpu" else None,
    )
