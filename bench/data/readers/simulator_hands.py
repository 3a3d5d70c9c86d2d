"""Hands of the built-in simulator, rendered when they are read: depth images with 14 exact joints and their camera."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from bench.core.errors import UsageError
from bench.core.images import ImageSet, LabelConvention
from bench.core.reader import Reader
from bench.core.settings import Settings


class Options(Settings):
    """Which hands are rendered."""

    domain: Literal["synthetic", "kinect"] = Field(
        default="synthetic", description="clean depth of hand models, or people as a Kinect sees them"
    )
    seed: int = Field(default=0, ge=0, description="names the endless series of frames of a domain")
    images: int = Field(default=10_000, ge=1, description="how many images the part has when nobody asks for fewer")
    persons: tuple[int, ...] = Field(
        default=tuple(range(8)),
        min_length=1,
        description="numbers of the persons (hand models, if synthetic) shown",
    )
    views: tuple[int, ...] = Field(
        default=(1,),
        min_length=1,
        description="cameras that see each frame, one image each: 1 from the front, 2 and 3 from the sides",
    )
    size: int = Field(default=64, ge=32, le=256, description="height and width of the images, px")
    labelled: bool = Field(default=True, description="false: the part gives no labels")


class SimulatorHands(Reader):
    """(N, size, size) uint16 depth in mm, 0 = background, with the labels joints and camera.

    Image i shows frame i // V by the i % V-th of the V views. It does not depend on how many are rendered, so `count`
    images are the series' first ones, and n images of one view show the frames that 3n images of three views show.
    """

    Config: ClassVar[type[Settings]] = Options
    needs_files: ClassVar[bool] = False
    task = "hand"
    config: Options

    def files(self, root: Path) -> list[Path]:
        """No files: everything comes from the options."""
        return []

    def read(self, root: Path, *, name: str, convention: LabelConvention, count: int | None) -> ImageSet:
        """Renders the first `count` images (all when None)."""
        from bench.data.simulator.hands import render_hands

        if count is not None and count < 1:
            raise UsageError(f"the number of images must be at least 1, got {count}")
        options = self.config
        hands = render_hands(
            options.images if count is None else min(count, options.images),
            domain=options.domain,
            seed=options.seed,
            persons=options.persons,
            views=options.views,
            size=options.size,
        )
        people = "hand-model" if options.domain == "synthetic" else "simulated-hand"
        shown = zip(hands.frames, hands.views, strict=True)
        return ImageSet(
            ids=np.array([f"simulator-hands-{options.domain}-{frame:06d}-{view}" for frame, view in shown]),
            persons=np.array([f"{people}-{person:02d}" for person in hands.persons]),
            images=hands.images,
            labels={"joints": hands.joints, "camera": hands.camera} if options.labelled else {},
            convention=convention,
            name=name,
        )
