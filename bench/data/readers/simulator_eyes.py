"""Eyes of the built-in simulator, rendered when they are read; exact gaze, head pose, pupil and eye width."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from bench.core.errors import UsageError
from bench.core.images import ImageSet, LabelConvention
from bench.core.reader import Reader
from bench.core.settings import Settings
from bench.data.equalise import DESCRIPTION, equalise


class Options(Settings):
    """Which eyes are rendered."""

    domain: Literal["synthetic", "near", "noisy", "distant"] = Field(
        default="synthetic",
        description="clean engine, or one of three webcams: near, noisy, distant (low resolution)",
    )
    seed: int = Field(default=0, ge=0, description="names the endless series of images of a domain")
    images: int = Field(default=10_000, ge=1, description="how many images the part has when nobody asks for fewer")
    persons: tuple[int, ...] = Field(
        default=tuple(range(20)),
        min_length=1,
        description="numbers of the persons (face models, if synthetic) shown",
    )
    equalise: bool = Field(default=False, description=DESCRIPTION)
    colour: bool = Field(
        default=False, description="RGB images, (N, 35, 55, 3), of the same eyes; their luma is the grey image"
    )
    labelled: bool = Field(default=True, description="false: the part gives no labels")


class SimulatorEyes(Reader):
    """(N, 35, 55) uint8 eyes with the labels gaze, pupil, pupil_margin, eye_width and head_pose.

    With `colour` they are (N, 35, 55, 3).
    Image i of a series does not depend on how many are rendered, so `count` images are the series' first ones
    and a smaller set is the beginning of a larger one. Pixel positions have pixel centres at whole numbers.
    """

    Config: ClassVar[type[Settings]] = Options
    needs_files: ClassVar[bool] = False
    task = "gaze"
    config: Options

    def files(self, root: Path) -> list[Path]:
        """No files: everything comes from the options."""
        return []

    def read(self, root: Path, *, name: str, convention: LabelConvention, count: int | None) -> ImageSet:
        """Renders the first `count` images (all when None)."""
        from bench.data.simulator.eyes import render_eyes

        if count is not None and count < 1:
            raise UsageError(f"the number of images must be at least 1, got {count}")
        options = self.config
        if options.colour and options.equalise:
            raise UsageError(f"{name}: colour images cannot be equalised; set equalise = false or colour = false")
        total = options.images if count is None else min(count, options.images)
        eyes = render_eyes(
            total, domain=options.domain, seed=options.seed, persons=options.persons, colour=options.colour
        )
        # a number is the same person before all three webcams, and the persons' rule has to see that
        people = "face" if options.domain == "synthetic" else "simulated"
        labels = {
            "gaze": eyes.gaze,
            "pupil": eyes.pupil,
            "pupil_margin": eyes.pupil_margin,
            "eye_width": eyes.eye_width,
            "head_pose": eyes.head_pose,
        }
        return ImageSet(
            ids=np.array([f"simulator-{options.domain}-{row:06d}" for row in range(total)]),
            persons=np.array([f"{people}-{person:02d}" for person in eyes.persons]),
            images=equalise(eyes.images, out=eyes.images) if options.equalise else eyes.images,
            labels=labels if options.labelled else {},
            convention=convention,
            name=name,
        )
