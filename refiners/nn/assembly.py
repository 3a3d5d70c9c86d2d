"""From settings and images to a training that can start: networks, optimisers, buffer, batches."""

from __future__ import annotations

import math
from pathlib import Path

import torch

from bench.core.context import RunContext
from bench.core.errors import DataError
from bench.core.images import ImageSet, Unlabelled
from bench.data.image_checks import CHANNELS, kind_of
from bench.training.batches import Sampler, resident
from bench.training.device import choose_device, compile_if_it_pays
from bench.training.pixels import pixels_of, require_scale
from bench.training.weights_file import read_weights
from refiners.nn.adversarial import AdversarialTraining, Batches
from refiners.nn.diagnostics import RunningMeans
from refiners.nn.history import HistoryBuffer
from refiners.nn.losses import LossUnits
from refiners.nn.networks import DISCRIMINATORS, DiscriminatorNet, RefinerNet, initialise, map_size
from refiners.nn.noise import NoiseStream
from refiners.nn.optimisers import NetOptimiser, OptimiserSettings
from refiners.nn.psi import Psi, VGGFeatures, count_terms, derivatives, identity, mean_rgb
from refiners.nn.psi_weights import download_weights
from refiners.nn.settings import SimGANSettings


def patches(config: SimGANSettings, size: tuple[int, int]) -> tuple[int, int]:
    """D's map for images of `size` (height, width)."""
    return map_size(size, DISCRIMINATORS[config.discriminator], config.discriminator_padding)


def new_refiner(config: SimGANSettings, channels: int) -> RefinerNet:
    """R without values, for images of 1 (grey, depth) or 3 channels (colour)."""
    return RefinerNet(
        channels=channels,
        noise_channels=config.noise_channels,
        maps=config.refiner_maps,
        blocks=config.refiner_blocks,
        kernel=config.refiner_kernel,
        first_kernel=config.refiner_first_kernel,
        padding=config.refiner_padding,
        output=config.refiner_output,
    )


def new_psi(config: SimGANSettings, channels: int, device: str) -> Psi:
    """The features of the self-regularisation; DataError when images or weights do not suit them."""
    if config.psi == "mean-rgb" and channels == 1:
        raise DataError("psi=mean-rgb is for images in colour, and these have one channel; choose psi=identity")
    if config.psi == "vgg":
        if config.psi_weights is not None and config.psi_weights_sha256 is not None:
            path = Path(config.psi_weights)
            weights = read_weights(path, config.psi_weights_sha256, "simgan.psi_weights", "a VGG16")
        else:
            weights = download_weights()
        return VGGFeatures(weights, config.psi_layer).to(device).to(memory_format=torch.channels_last)
    choices: dict[str, Psi] = {"identity": identity, "derivatives": derivatives, "mean-rgb": mean_rgb}
    return choices[config.psi]


def build(
    config: SimGANSettings, synthetic: ImageSet | Unlabelled, real: Unlabelled, run: RunContext
) -> AdversarialTraining:
    """Fresh networks, optimisers, buffer and batches; every random draw from a named stream of `run`."""
    device, size = choose_device(run.device), synthetic.size
    channels = CHANNELS[kind_of(synthetic.images, synthetic.name)]
    psi = new_psi(config, channels, device)
    whole = config.adversarial_loss == "global"
    refiner = new_refiner(config, channels)
    discriminator = DiscriminatorNet(
        DISCRIMINATORS[config.discriminator],
        channels=channels,
        padding=config.discriminator_padding,
        batch_norm=config.discriminator_norm == "batch",
        whole_image=size if whole else None,
    )
    initialise(refiner, run.stream_seed("simgan R"), config.init, config.refiner_output_scale)
    initialise(discriminator, run.stream_seed("simgan D"), config.init)
    for net in (refiner, discriminator):
        net.to(device).to(memory_format=torch.channels_last)
        compile_if_it_pays(net, device, config.batch * config.k_g * config.iterations)
    optimiser = OptimiserSettings(
        config.optimiser, config.momentum, (config.adam_beta1, config.adam_beta2), config.clip_norm
    )

    def stored(images: ImageSet | Unlabelled) -> torch.Tensor:
        held = resident(images.images, device)
        require_scale(held, config.depth, images.name)
        return held

    def sampler(images: ImageSet | Unlabelled, stream: str) -> Sampler:
        return Sampler(len(images), config.batch, run.stream_seed(f"simgan {stream}"), device)

    batches = Batches(
        synthetic=stored(synthetic),
        real=stored(real),
        for_refiner=sampler(synthetic, "synthetic for R"),
        for_discriminator=sampler(synthetic, "synthetic for D"),
        of_real=sampler(real, "real"),
    )
    return AdversarialTraining(
        refiner=refiner,
        discriminator=discriminator,
        refiner_optimiser=NetOptimiser(refiner, optimiser),
        discriminator_optimiser=NetOptimiser(discriminator, optimiser),
        batches=batches,
        pixels=pixels_of(batches.synthetic, config.depth),
        noise=NoiseStream(config.noise_channels, run.stream_seed("simgan noise"), device),
        history=HistoryBuffer(config.buffer_size, batches.synthetic, run.stream_seed("simgan history"))
        if config.history
        else None,
        units=LossUnits(
            patches=math.prod(patches(config, size)),
            terms=count_terms(psi, (channels, *size), device),
            weight=config.lambda_reg,
            whole_image=whole,
            reduction=config.reduction,
        ),
        psi=psi,
        k_g=config.k_g,
        k_d=config.k_d,
        batch=config.batch,
        device=device,
        precision=config.precision,
        means=RunningMeans(),
    )
