"""From settings and images to a training that can start: networks, optimisers, buffer, batches."""

from __future__ import annotations

import math

import torch

from bench.core.context import RunContext
from bench.core.images import ImageSet, Unlabelled
from bench.training.batches import Sampler, resident
from bench.training.device import choose_device
from refiners.nn.adversarial import AdversarialTraining, Batches
from refiners.nn.diagnostics import RunningMeans
from refiners.nn.history import HistoryBuffer
from refiners.nn.losses import LossUnits
from refiners.nn.networks import DISCRIMINATORS, DiscriminatorNet, RefinerNet, initialise, map_size
from refiners.nn.optimisers import NetOptimiser, OptimiserSettings
from refiners.nn.settings import SimGANSettings


def patches(config: SimGANSettings, size: tuple[int, int]) -> tuple[int, int]:
    """D's map for images of `size` (height, width)."""
    return map_size(size, DISCRIMINATORS[config.discriminator], config.discriminator_padding)


def new_refiner(config: SimGANSettings) -> RefinerNet:
    """R without values."""
    return RefinerNet(
        maps=config.refiner_maps,
        blocks=config.refiner_blocks,
        kernel=config.refiner_kernel,
        first_kernel=config.refiner_first_kernel,
        padding=config.refiner_padding,
        output=config.refiner_output,
    )


def build(
    config: SimGANSettings, synthetic: ImageSet | Unlabelled, real: Unlabelled, run: RunContext
) -> AdversarialTraining:
    """Fresh networks, optimisers, buffer and batches; every random draw from a named stream of `run`."""
    device, size = choose_device(run.device), synthetic.size
    whole = config.adversarial_loss == "global"
    refiner = new_refiner(config)
    discriminator = DiscriminatorNet(
        DISCRIMINATORS[config.discriminator],
        padding=config.discriminator_padding,
        batch_norm=config.discriminator_norm == "batch",
        whole_image=size if whole else None,
    )
    initialise(refiner, run.stream_seed("simgan R"), config.init, config.refiner_output_scale)
    initialise(discriminator, run.stream_seed("simgan D"), config.init)
    for net in (refiner, discriminator):
        net.to(device).to(memory_format=torch.channels_last)
    optimiser = OptimiserSettings(
        config.optimiser, config.momentum, (config.adam_beta1, config.adam_beta2), config.clip_norm
    )

    def sampler(images: ImageSet | Unlabelled, stream: str) -> Sampler:
        return Sampler(len(images), config.batch, run.stream_seed(f"simgan {stream}"), device)

    return AdversarialTraining(
        refiner=refiner,
        discriminator=discriminator,
        refiner_optimiser=NetOptimiser(refiner, optimiser),
        discriminator_optimiser=NetOptimiser(discriminator, optimiser),
        batches=Batches(
            synthetic=resident(synthetic.images, device),
            real=resident(real.images, device),
            for_refiner=sampler(synthetic, "synthetic for R"),
            for_discriminator=sampler(synthetic, "synthetic for D"),
            of_real=sampler(real, "real"),
        ),
        history=HistoryBuffer(config.buffer_size, size, run.stream_seed("simgan history"), device)
        if config.history
        else None,
        units=LossUnits(
            patches=math.prod(patches(config, size)),
            pixels=math.prod(size),
            weight=config.lambda_reg,
            whole_image=whole,
            reduction=config.reduction,
        ),
        k_g=config.k_g,
        k_d=config.k_d,
        batch=config.batch,
        device=device,
        precision=config.precision,
        means=RunningMeans(),
    )
