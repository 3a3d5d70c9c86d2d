"""SimGAN: a refiner trained against a local discriminator, with self-regularisation and a history.

Shrivastava et al., "Learning from Simulated and Unsupervised Images through Adversarial Training", CVPR 2017.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from bench.core.context import RunContext
from bench.core.depth import grey_levels
from bench.core.errors import DataError, UsageError
from bench.core.images import ImageSet, Unlabelled
from bench.core.refiner import Refiner
from bench.data.image_checks import CHANNELS, Kind, kind_of
from bench.training.checkpoint import load_checkpoint, save_checkpoint
from bench.training.device import choose_device
from bench.training.pixels import require_scale
from refiners.nn.adversarial import AdversarialTraining
from refiners.nn.assembly import build, new_refiner, patches
from refiners.nn.diagnostics import find_faults, find_saturation, mean_change, require_finite
from refiners.nn.inference import apply_in_chunks
from refiners.nn.losses import LossUnits
from refiners.nn.networks import RefinerNet
from refiners.nn.optimisers import decay
from refiners.nn.presets import PRESETS
from refiners.nn.settings import SimGANSettings
from refiners.nn.snapshots import TOLERANCE, Snapshots, Weights, weights_of

_KINDS: Mapping[Kind, str] = {"grey": "in grey", "colour": "in colour", "depth": "of depth"}
REFINER_FILE = "refiner.safetensors"
STRIP_IMAGES = 8
STRIP_MOMENTS = 8
FAULT_IMAGES = 512


class SimGAN(Refiner):
    """The paper's method. The defaults are the `quick` profile: small and stable, not the paper's sizes."""

    class Config(SimGANSettings):
        """See `SimGANSettings`: every field with its range, unit, the paper's value and its source."""

    config: Config
    kinds = frozenset({"eyes", "hands"})
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = PRESETS

    _refiner: RefinerNet | None = None
    _kind: Kind = "grey"
    _snapshots: Snapshots | None = None

    def fit(self, synthetic: ImageSet | Unlabelled, real: Unlabelled, run: RunContext) -> None:
        """Pretrain R, pretrain D, then Algorithm 1; one step counter over all three.

        Images are grey, in colour or of depth, both sets alike.

        Raises DataError for images it cannot take and TrainingFailed when the training diverges. The rest
        (a refiner without effect, a collapse, a D that wins) becomes a warning of the run.
        """
        self._check(synthetic, real)
        training = build(self.config, synthetic, real, run)
        snapshots = self._new_snapshots()
        strip = _some(synthetic, STRIP_IMAGES, run, "simgan strip")
        saved = load_checkpoint(run)
        start = 0
        if saved is None:
            run.note(**self._facts(training.units))
            run.log_images(0, "inputs", strip)
            run.log_images(0, "refined", self._apply(training.refiner, strip, run))
            snapshots.keep(0, training.refiner)
        else:
            start = int(saved["step"])
            training.load_state_dict(saved["training"])
            snapshots.load_state_dict(saved["snapshots"])
        nets = (training.refiner, training.discriminator)
        for step in range(start, self._total):
            rate = self._update(training, step)
            done = step + 1
            snapshots.keep(done, training.refiner)
            if done % self.config.log_every == 0 or done in self._phases().values():
                means = training.means.read()
                require_finite(means, nets, done)
                run.log(done, **means, lr=rate)
            if done in self._strip_moments():
                run.log_images(done, "refined", self._apply(training.refiner, strip, run))
            if run.checkpoint_due():
                require_finite(training.means.peek(), nets, done)
                state = {"step": done, "training": training.state_dict(), "snapshots": snapshots.state_dict()}
                save_checkpoint(run, state)
            run.progress(done, self._total, "iterations")
        self._refiner, self._snapshots = training.refiner, snapshots
        self._kind = kind_of(synthetic.images, synthetic.name)
        self._judge(synthetic, real, run)

    def refine(self, images: NDArray[Any], run: RunContext) -> NDArray[Any]:
        """R(x) of images of any size and of the kind it was trained on.

        That is (N, H, W) uint8 in grey, (N, H, W, 3) in colour, or (N, H, W) uint16 depth in mm. The same for an
        image whatever it is refined with: noise, if R takes some, depends on the image's pixels and on the run's seed.
        """
        if self._refiner is None:
            raise UsageError("simgan: this refiner is not trained; fit it, or load a trained one")
        kind = kind_of(images, "the images to refine")
        if kind != self._kind:
            raise DataError(
                f"simgan: this refiner was trained on images {_KINDS[self._kind]}, the images to refine are "
                f"{_KINDS[kind]}; convert them, or train on such images"
            )
        require_scale(images, self.config.depth, "the images to refine")
        return self._apply(self._refiner, images, run)

    def at(self, moment: float) -> Self:
        """R as it was after a share of Algorithm 1's iterations: 0 is after the pretraining, 1 the trained R itself.

        UsageError unless `snapshots` kept a copy at that share. What is returned keeps no copies of its own.
        """
        if self._refiner is None or self._snapshots is None:
            raise UsageError("simgan: this refiner is not trained; fit it, or load a trained one")
        if abs(moment - 1) <= TOLERANCE:
            return self
        past = type(self)(self.config.model_copy(update={"snapshots": 0}))
        past._become(self._snapshots.at(moment), past._new_snapshots(), self._kind)
        return past

    def _update(self, training: AdversarialTraining, step: int) -> float:
        """The update or iteration number `step` (from 0); returns its learning rate."""
        config = self.config
        refiner_end, discriminator_end, _ = self._phases().values()
        if step < refiner_end:
            rate = config.pretrain_learning_rate or config.learning_rate
            training.pretrain_refiner(rate, config.pretrain_weight)
            return rate
        if step == refiner_end:
            training.refiner_optimiser.forget()
        discriminator_rate = config.discriminator_learning_rate or config.learning_rate
        if step < discriminator_end:
            training.update_discriminator(discriminator_rate)
            return discriminator_rate
        drop = None if config.drop_after is None else (config.drop_after, config.drop_factor)
        share = decay(step - discriminator_end, config.iterations, config.constant_part, drop)
        training.iterate(share * config.learning_rate, share * discriminator_rate)
        return share * config.learning_rate

    def _phases(self) -> dict[str, int]:
        """The step at which each phase ends."""
        config = self.config
        refiner_end = config.pretrain_refiner
        discriminator_end = refiner_end + config.pretrain_discriminator
        return {
            "pretrain R": refiner_end,
            "pretrain D": discriminator_end,
            "adversarial": discriminator_end + config.iterations,
        }

    @property
    def _total(self) -> int:
        return self._phases()["adversarial"]

    def _new_snapshots(self) -> Snapshots:
        _, start, end = self._phases().values()
        return Snapshots(self.config.snapshots, start, end)

    def _strip_moments(self) -> set[int]:
        """Steps after which the strip of refined images is kept: evenly over the last phase."""
        _, start, end = self._phases().values()
        even = np.linspace(start, end, STRIP_MOMENTS - 1).round()
        return {self.config.pretrain_refiner, *(int(step) for step in even)}

    def _facts(self, units: LossUnits) -> dict[str, Any]:
        return {
            "phases": self._phases(),
            "patches": units.patches,
            "psi_terms": units.terms,
            "lambda_sum_units": units.weight,
            "lambda_mean_units": units.mean_weight,
        }

    def _check(self, synthetic: ImageSet | Unlabelled, real: Unlabelled) -> None:
        kinds = [_KINDS[kind_of(images.images, images.name)] for images in (synthetic, real)]
        if kinds[0] != kinds[1]:
            raise DataError(
                f"{synthetic.name} has images {kinds[0]}, {real.name} {kinds[1]}: the discriminator would tell them "
                "by it; choose sets of one kind, or convert one"
            )
        if synthetic.size != real.size:
            raise DataError(
                f"{synthetic.name} has images of {synthetic.size} px, {real.name} of {real.size}: the "
                "discriminator would tell them by their size; resize one of the sets"
            )
        if min(patches(self.config, synthetic.size)) < 1:
            raise DataError(
                f"{synthetic.name}: images of {synthetic.size} px are too small for the discriminator; "
                "take larger ones, or discriminator_padding=same"
            )

    def _judge(self, synthetic: ImageSet | Unlabelled, real: Unlabelled, run: RunContext) -> None:
        """Warn of a training that did not fail but did not work either."""
        config = self.config
        before = _some(synthetic, FAULT_IMAGES, run, "simgan judged synthetic")
        sets = [before, self.refine(before, run), _some(real, FAULT_IMAGES, run, "simgan judged real")]
        if self._kind == "depth":
            sets = [grey_levels(images) for images in sets]
        shown, refined, wanted = sets
        run.note(mean_change_grey=mean_change(refined, shown))
        faults = find_faults(
            shown,
            refined,
            wanted,
            least_change=config.least_change,
            least_variation=config.least_variation,
        )
        for fault in [*faults, *find_saturation(run.scalars, config.most_accuracy)]:
            run.warn(fault)

    def _apply(self, refiner: RefinerNet, images: NDArray[Any], run: RunContext) -> NDArray[Any]:
        config, device = self.config, choose_device(run.device)
        noise = (config.noise_channels, run.stream_seed("simgan noise in refining"))
        return apply_in_chunks(refiner, images, device, config.precision, config.depth, noise)

    def _save_state(self, folder: Path) -> None:
        """R, its copies and its kind of images: all that refining needs; what D saw is in the training curves."""
        if self._refiner is None or self._snapshots is None:
            raise UsageError("simgan: this refiner is not trained; there is nothing to save")
        save_file(weights_of(self._refiner), folder / REFINER_FILE, metadata={"images": self._kind})
        self._snapshots.save(folder)

    def _load_state(self, folder: Path) -> None:
        snapshots = self._new_snapshots()
        snapshots.load(folder)
        with safe_open(folder / REFINER_FILE, framework="pt") as file:
            kind: Kind = file.metadata()["images"]
        self._become(load_file(folder / REFINER_FILE), snapshots, kind)

    def _become(self, weights: Weights, snapshots: Snapshots, kind: Kind) -> None:
        """Be the trained refiner with these weights, for images of this kind."""
        refiner = new_refiner(self.config, CHANNELS[kind])
        refiner.load_state_dict(weights)
        self._refiner, self._snapshots, self._kind = refiner, snapshots, kind


def _some(images: ImageSet | Unlabelled, count: int, run: RunContext, stream: str) -> NDArray[Any]:
    """At most `count` of the images, drawn from a named stream, in increasing order."""
    chosen = np.sort(run.rng(stream).permutation(len(images))[:count])
    return images.images[chosen]
