"""Kinect noise: a depth sensor's frayed edges, holes, noise and steps, as strong as in unlabelled real images."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np
import scipy.optimize
from numpy.typing import NDArray
from pydantic import Field

from bench.core.chunks import in_chunks
from bench.core.context import RunContext
from bench.core.errors import DataError
from bench.core.fitted_arrays import FittedArrays
from bench.core.images import ImageSet, Unlabelled
from bench.core.refiner import Refiner
from bench.core.settings import Settings
from bench.data.image_checks import check_depth
from refiners.classical.depth_sensor import Draws, Strengths, draw, sense
from refiners.classical.depth_statistics import SensorStatistics, depth_step_mm, sensor_statistics

MOST_PIXELS = 2**20  # of each set, for the statistics: 256 images of 64x64 px
REFINED_PIXELS = 2**20  # at once
SWEEPS = 3
BOUNDS = Strengths(edge_px=2.0, holes=1.0, noise_mm=20.0, step_mm=20.0)
MATCHED: Mapping[str, str] = {"holes": "holes", "edge_px": "roughness", "noise_mm": "noise_mm"}
"""The statistic that each strength is chosen by, in this order: holes at the outline make it rougher."""
PRECISION = 1 / 500
LEAST_EFFECT = Strengths(edge_px=0.2, holes=0.01, noise_mm=0.1, step_mm=0.1)


class KinectNoise(FittedArrays, Refiner):
    """What a depth sensor adds: the baseline of seconds on hands, and, with fixed settings, a noise floor of drift.

    Each strength is chosen so that one statistic of the refined synthetic images is that of the real ones: frayed
    outline, holes, and noise on surfaces. Poses are taken to be alike in both sets; where they are not, what differs
    counts as sensor. The depth levels come from the real images alone. On average nothing moves by more than some
    0.03 px. An image's noise is drawn by a hash of its pixels, so it does not depend on the batch or the order.

    The form of the model is that of Kinect's: displaced edges (Barron and Malik, "Intrinsic Scene Properties from a
    Single RGB-D Image", CVPR 2013), noise and levels growing with the square of the depth (Khoshelham and Elberink,
    "Accuracy and Resolution of Kinect Depth Data", Sensors 2012). Missing is what a shadow of the projector adds.
    """

    kinds: ClassVar[frozenset[str]] = frozenset({"hands"})
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {"hand-paper": {"grain_px": 2}}

    class Config(Settings):
        """Strengths to use in place of the estimated ones."""

        edge_px: float | None = Field(
            None,
            ge=0,
            le=BOUNDS.edge_px,
            description="Deviation of edges along each axis, px of the sensor; none = estimate it.",
        )
        holes: float | None = Field(
            None,
            ge=0,
            le=BOUNDS.holes,
            description="Probability of no depth at an edge of 50 mm or more, less on flatter places; none = estimate.",
        )
        noise_mm: float | None = Field(
            None,
            ge=0,
            le=BOUNDS.noise_mm,
            description="Standard deviation of the noise at 1 m, mm; none = estimate it. Kinect: about 1.4.",
        )
        step_mm: float | None = Field(
            None,
            ge=0,
            le=BOUNDS.step_mm,
            description="Distance of the depth levels at 1 m, mm, 0 = whole mm; none = estimate it. Kinect: about 2.9.",
        )
        grain_px: int = Field(
            1,
            ge=1,
            le=8,
            description="Side of the square of pixels that is one of the sensor's, px: 2 for images enlarged about "
            "twice, as NYU's hands at 224x224 (UNCONFIRMED; their mean box is 103 px wide before the crop).",
        )

    config: Config

    def fit(self, synthetic: ImageSet | Unlabelled, real: Unlabelled, run: RunContext) -> None:
        """Estimate the strengths; DataError for images it cannot take, of two sizes, or without any hand.

        Warns when the real images are as clean as the synthetic ones, and when a strength is not enough.
        """
        for images in (synthetic, real):
            check_depth(images.images, images.name)
        if synthetic.size != real.size:
            raise DataError(
                f"{synthetic.name} has images of {synthetic.size} px, {real.name} of {real.size}: their edges cannot "
                "be compared; resize one of the sets"
            )
        before, after = _some(synthetic, run), _some(real, run)
        seed = run.stream_seed("kinect noise")
        wanted = sensor_statistics(after)
        strengths = self._matched(before, wanted, depth_step_mm(after), seed, run)
        size = np.array(real.size)
        self._arrays = {"strengths": np.array(strengths), "size": size, "seed": np.array([seed])}
        found = sensor_statistics(sense(before, strengths, draw(before, seed, self.config.grain_px)))
        run.log(1, **strengths._asdict())
        for name, values in (("synthetic", sensor_statistics(before)), ("real", wanted), ("refined", found)):
            run.note(**{f"{name}_{key}": value for key, value in values._asdict().items()})
        if all(strength < least for strength, least in zip(strengths, LEAST_EFFECT, strict=True)):
            run.warn(f"{real.name} is as clean as {synthetic.name}: kinect-noise changes nothing")

    def refine(self, images: NDArray[Any], run: RunContext) -> NDArray[Any]:
        """(N, H, W) uint16 mm of the size of the real images (else DataError); an image without a hand stays empty."""
        arrays = self._fitted()
        height, width = arrays["size"].tolist()
        check_depth(images, "the images to refine", (height, width))
        strengths, seed = Strengths(*arrays["strengths"].tolist()), int(arrays["seed"][0])
        refined = np.empty_like(images)
        for part in in_chunks(len(images), max(REFINED_PIXELS // (height * width), 1)):
            refined[part] = sense(images[part], strengths, draw(images[part], seed, self.config.grain_px))
        return refined

    def _matched(
        self, before: NDArray[Any], wanted: SensorStatistics, step_mm: float, seed: int, run: RunContext
    ) -> Strengths:
        """The settings' strengths, and the rest one after the other, each by its own statistic, three times over."""
        given = {
            name: value for name, value in self.config.model_dump(exclude={"grain_px"}).items() if value is not None
        }
        strengths = Strengths(**{"edge_px": 0.0, "holes": 0.0, "noise_mm": 0.0, "step_mm": step_mm, **given})
        draws = draw(before, seed, self.config.grain_px)
        sought = [name for name in MATCHED if name not in given]
        for _ in range(SWEEPS if sought else 0):
            for name in sought:
                target, bound = getattr(wanted, MATCHED[name]), getattr(BOUNDS, name)
                lacking = _lacking(before, strengths, draws, name, target)
                strengths = strengths._replace(**{name: _root(lacking, bound)})
        for name in sought:
            if getattr(strengths, name) == getattr(BOUNDS, name):
                run.warn(f"kinect-noise: {name} at its largest does not reach the {MATCHED[name]} of the real images")
        return strengths


def _lacking(
    before: NDArray[Any], strengths: Strengths, draws: Draws, name: str, target: float
) -> Callable[[float], float]:
    """How far the statistic is above `target`, as a function of one strength; the draws stay, so it is no lottery."""

    def above(value: float) -> float:
        seen = sense(before, strengths._replace(**{name: value}), draws)
        return float(getattr(sensor_statistics(seen), MATCHED[name])) - target

    return above


def _root(function: Callable[[float], float], bound: float) -> float:
    """Where an increasing function crosses 0 in 0..bound; the end that is nearer to it where it does not."""
    if function(0.0) >= 0:
        return 0.0
    if function(bound) <= 0:
        return bound
    return float(scipy.optimize.brentq(function, 0, bound, xtol=bound * PRECISION))


def _some(images: ImageSet | Unlabelled, run: RunContext) -> NDArray[Any]:
    """At most 2^20 pixels' worth of images, drawn at random; DataError when there is no hand in any."""
    height, width = images.size
    count = max(MOST_PIXELS // (height * width), 1)
    chosen = np.sort(run.rng("kinect noise images").permutation(len(images))[:count])
    found = images.images[chosen]
    if not found.any():
        raise DataError(
            f"{images.name}: no image shows a hand, all pixels are background 0; check their depth encoding"
        )
    return found
