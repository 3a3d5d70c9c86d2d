"""The settings of a SimGAN: what the paper says, what it leaves open, and where each value is from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Self

from pydantic import Field, model_validator

from bench.core.settings import Settings
from bench.core.trial import Part, trial_batch
from bench.training.device import Precision
from bench.training.pixels import DEPTH_SCALE, DepthScale
from refiners.nn.losses import Reduction
from refiners.nn.psi import PsiName, VGGLayer


class SimGANSettings(Settings):
    """The defaults are the `quick` profile: small and stable. The paper's value is in each description.

    Paper = arXiv 1612.07828v1; blog = Apple ML Journal, July 2017; UNCONFIRMED = the paper does not say.
    """

    # What the networks see
    depth: DepthScale = Field("centred", description=DEPTH_SCALE)
    noise_channels: int = Field(
        0,
        ge=0,
        le=64,
        description="Channels of white noise that R gets beside an image, so that it can draw what is random in real "
        "ones, like ragged edges. Paper: none.",
    )

    # The networks
    refiner_maps: int = Field(32, ge=1, le=1024, description="Feature maps of R. Paper, section 3.1: 64.")
    refiner_blocks: int = Field(4, ge=0, le=64, description="ResNet blocks of R. Paper: 4 for gaze, 10 for hands.")
    refiner_kernel: int = Field(
        3,
        ge=1,
        le=15,
        description="Kernel of R's ResNet blocks, px, odd. Paper: 3 for gaze, 7 for hands.",
    )
    refiner_first_kernel: int = Field(
        3,
        ge=1,
        le=15,
        description="Kernel of R's first convolution, px, odd. Paper: 3 for gaze, 7 for hands.",
    )
    refiner_padding: Literal["zeros", "reflect", "replicate"] = Field(
        "zeros", description="What R sees beyond the border. UNCONFIRMED; public code: zeros."
    )
    refiner_output: Literal["tanh", "none"] = Field(
        "tanh", description="Activation of R's output. UNCONFIRMED; public code: tanh, images in -1..1."
    )
    refiner_output_scale: float = Field(
        0.1,
        gt=0,
        le=1,
        description="Factor on the initial weights of R's last layer. UNCONFIRMED; with 1, "
        "the sums of the ResNet blocks saturate the tanh before training starts.",
    )
    init: Literal["he", "xavier"] = Field("he", description="Initial weights. UNCONFIRMED.")
    discriminator: Literal["gaze", "hand"] = Field(
        "gaze",
        description="Layers of D. Paper: section 3.1's list for gaze (it has one max-pooling, the text says two), "
        "section 3.2's for hands, whose patches are of 71 px instead of 23.",
    )
    discriminator_padding: Literal["same", "valid"] = Field(
        "same",
        description="35x55 gives 9x14 patches ('same') or 4x9 ('valid'). UNCONFIRMED; public code: same.",
    )
    discriminator_norm: Literal["none", "batch"] = Field(
        "none",
        description="Normalisation in D. Paper: none mentioned; blog: 'the batch-norm in the discriminator'.",
    )

    # The losses
    lambda_reg: float = Field(
        0.5,
        ge=0,
        le=1e4,
        description="lambda of equation (4), for sums over patches and pixels of images in "
        "-1..1. Not in the paper; 0.01 according to its author as told in a public implementation.",
    )
    adversarial_loss: Literal["local", "global"] = Field(
        "local",
        description="Sum over patches (section 2.2), or the ablation's whole-image loss, counted once "
        "per patch so that lambda keeps its meaning. Where the paper's fully connected layer sits: UNCONFIRMED.",
    )
    reduction: Reduction = Field(
        "per_image",
        description="What the sum over a mini-batch is divided by; lambda's meaning stays. Paper: 'sum', nothing. "
        "It matters to SGD, whose steps it scales, and to clip_norm; Adam hardly sees it.",
    )

    psi: PsiName = Field(
        "identity",
        description="Features that the self-regularisation compares: the pixels, their horizontal and vertical "
        "differences, the mean of the colour channels, or those of a VGG16. Paper: identity; its CVPR version names "
        "image derivatives, the mean of colour channels and learned features as alternatives. lambda_reg weighs "
        "their sum.",
    )
    psi_layer: VGGLayer = Field(
        "relu2_2",
        description="Where psi=vgg reads its features. Which network and layer the paper means: UNCONFIRMED; "
        "relu2_2 as Johnson et al. (ECCV 2016).",
    )
    psi_download: bool = Field(
        False,
        description="May psi=vgg download the ImageNet weights (528 MB) that torchvision provides? Not in the paper.",
    )
    psi_weights: str | None = Field(
        None,
        description="File with a VGG16's weights under torchvision's names (.pth or .safetensors); goes before "
        "psi_download. Not in the paper.",
    )
    psi_weights_sha256: str | None = Field(
        None,
        pattern=r"^[0-9a-fA-F]{64}$",
        description="sha256 of that file, so that a training is known by its settings. Not in the paper.",
    )

    # Algorithm 1
    batch: int = Field(16, ge=2, le=65536, description="Images per mini-batch, even. Paper: 512 for gaze.")
    iterations: int = Field(800, ge=0, description="T of Algorithm 1. Not in the paper (hands: over 600,000).")
    k_g: int = Field(
        1,
        ge=1,
        le=1000,
        description="Updates of R per iteration. Paper: 50 for gaze (its 'twice' is a slip), 2 for hands.",
    )
    k_d: int = Field(1, ge=1, le=1000, description="Updates of D per iteration. Paper: 1.")
    pretrain_refiner: int = Field(
        300,
        ge=0,
        description="Steps of R on self-regularisation alone. Paper: 1000 for gaze, 500 for hands; blog: 500-2000.",
    )
    pretrain_weight: float = Field(
        1.0, gt=0, le=1e4, description="Factor of that loss; it matters to SGD only. UNCONFIRMED."
    )
    pretrain_discriminator: int = Field(200, ge=0, description="Steps of D alone. Paper: 200.")
    history: bool = Field(True, description="Show D refined images of the past? Paper, section 2.3: yes.")
    buffer_size: int = Field(
        1280,
        ge=1,
        le=10_000_000,
        description="B of section 2.3, images; it starts empty and fills with newly "
        "refined images. Not in the paper; public code: 50 to 1000 mini-batches.",
    )

    # The optimisers
    optimiser: Literal["sgd", "adam"] = Field("adam", description="Of both nets. Paper: 'SGD step'.")
    learning_rate: float = Field(
        3e-4, gt=0, le=10, description="Of both nets. Paper: 1e-3 (gaze), 2e-4 (hands); blog: about 1e-4."
    )
    discriminator_learning_rate: float | None = Field(
        None, gt=0, le=10, description="Of D where it differs. Paper: the same."
    )
    pretrain_learning_rate: float | None = Field(
        1e-3, gt=0, le=10, description="Of R's pretraining where it differs. Paper: the same."
    )
    constant_part: float = Field(
        0.5,
        ge=0,
        le=1,
        description="Share of the iterations at constant learning rate; then linear to zero. "
        "Paper: constant (1) for gaze.",
    )
    drop_after: int | None = Field(
        None,
        ge=1,
        description="Iterations after which the learning rates are multiplied by drop_factor. Paper: never for gaze, "
        "600,000 for hands.",
    )
    drop_factor: float = Field(
        0.25, gt=0, le=1, description="That factor, in one step. Paper: 2e-4 becomes 5e-5 for hands."
    )
    momentum: float = Field(0.0, ge=0, lt=1, description="Of SGD. UNCONFIRMED: the paper mentions none.")
    adam_beta1: float = Field(0.5, ge=0, lt=1, description="Of Adam. Bojja: 0.5.")
    adam_beta2: float = Field(0.999, ge=0, lt=1, description="Of Adam. torch's default.")
    clip_norm: float | None = Field(
        None,
        gt=0,
        description="Largest norm of a network's gradient. Paper: none mentioned; one public implementation: 50.",
    )
    precision: Precision = Field(
        "auto",
        description="Of the convolutions; auto: bfloat16 where the hardware multiplies it natively.",
    )

    # What is watched
    snapshots: int = Field(
        0,
        ge=0,
        le=1000,
        description="Copies of R kept beside the final one: its states after the shares 0, 1/n, ... (n-1)/n of the "
        "iterations. Not in the paper.",
    )
    log_every: int = Field(10, ge=1, description="Steps between two points of the training curves.")
    least_change: float = Field(
        2.0,
        ge=0,
        le=255,
        description="Grey levels; a refiner that changes less on average 'did nothing'.",
    )
    least_variation: float = Field(
        0.25, ge=0, le=1, description="Share of the synthetic or real variation; less is a collapse."
    )
    most_accuracy: float = Field(
        0.995, ge=0.5, le=1, description="Of D at the end; above it, D has won and R learns no more."
    )

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        if self.batch % 2:
            raise ValueError(f"batch={self.batch} must be even: half of D's refined images come from the history")
        if self.history and self.buffer_size < self.batch:
            raise ValueError(f"buffer_size={self.buffer_size} must hold at least one batch ({self.batch})")
        if not (self.refiner_kernel % 2 and self.refiner_first_kernel % 2):
            raise ValueError("refiner_kernel and refiner_first_kernel must be odd: R keeps the image size")
        if self.snapshots > self.iterations:
            raise ValueError(f"snapshots={self.snapshots} are more than there are iterations ({self.iterations})")
        return self

    @model_validator(mode="after")
    def _weights_of_psi(self) -> Self:
        if (self.psi_weights is None) != (self.psi_weights_sha256 is None):
            raise ValueError("psi_weights and psi_weights_sha256 belong together; 'sha256sum FILE' prints the latter")
        if self.psi == "vgg" and self.psi_weights is None and not self.psi_download:
            raise ValueError(
                "psi=vgg needs trained weights: set psi_download=true to have torchvision download them (528 MB), "
                "or psi_weights=FILE and psi_weights_sha256=HASH"
            )
        return self

    def parts(self, iterations: int | None, device: str) -> Sequence[Part]:
        """Pretraining steps of R and of D, and an update of R with one of D, each alone: see `InParts`.

        D is updated beside R in Algorithm 1, so an update of R costs the difference between those two and D's alone.
        On a CPU the time of an update grows in proportion to its mini-batch: 9.0 to 10.4 ms per image with the
        paper's R and 16 to 512 images.
        """
        batch = trial_batch(self.batch, device)
        share = self.batch / batch
        alone = {"batch": batch, "k_g": 1, "k_d": 1, "snapshots": 0}
        phases = {
            "pretrain_refiner": self.pretrain_refiner,
            "pretrain_discriminator": self.pretrain_discriminator + self.iterations * (self.k_d - self.k_g),
            "iterations": self.iterations * self.k_g,
        }
        none = dict.fromkeys(phases, 0)
        return [
            Part(share * times, {**alone, **none, name: iterations or abs(times)})
            for name, times in phases.items()
            if times
        ]
