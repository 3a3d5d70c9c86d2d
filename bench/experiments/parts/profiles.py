"""Sizes of runs that several experiments share."""

from __future__ import annotations

from collections.abc import Mapping

from bench.core.experiment import Profile

SMOKE = Profile(seeds=1, images={"synthetic": 400, "real": 400, "test": 200})
PAPER_IMAGES: Mapping[str, int | None] = {"synthetic": 1_200_000, "real": 213_659, "test": 45_000}
QUICK_IMAGES: Mapping[str, int | None] = {"synthetic": 4000, "real": 4000, "test": 2000}
STANDARD_IMAGES: Mapping[str, int | None] = {"synthetic": 12_000, "real": 12_000, "test": 4000}

# A single seed at `quick`: each row trains a SimGAN, and two seeds would give no useful interval either.
ABLATION: Mapping[str, Profile] = {
    "smoke": SMOKE,
    "quick": Profile(seeds=1, images=QUICK_IMAGES),
    "standard": Profile(seeds=3, images=STANDARD_IMAGES, preset="quick"),
    "paper": Profile(seeds=3, images=PAPER_IMAGES),
}
