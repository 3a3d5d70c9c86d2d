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
    "standard": Profile(seeds=5, images=STANDARD_IMAGES, preset="quick"),
    "paper": Profile(seeds=3, images=PAPER_IMAGES),
}

# Hands: synthetic, labelled and test images are of the frontal view; the refiner is shown unlabelled real ones of all
# three, which show the frames of the labelled ones.
HAND_SMOKE = Profile(seeds=1, images={"synthetic": 120, "real": 360, "labelled": 120, "test": 100}, preset="hand-smoke")
HAND_QUICK_IMAGES: Mapping[str, int | None] = {"synthetic": 2000, "real": 6000, "labelled": 2000, "test": 1500}
HAND_STANDARD_IMAGES: Mapping[str, int | None] = {"synthetic": 5000, "real": 15_000, "labelled": 5000, "test": 4000}
HAND_PAPER_IMAGES: Mapping[str, int | None] = {
    "synthetic": 72_757, "real": 218_271, "labelled": 72_757, "test": 8252,
}  # fmt: skip

HAND_TABLE: Mapping[str, Profile] = {
    "smoke": HAND_SMOKE,
    "quick": Profile(seeds=3, images=HAND_QUICK_IMAGES, preset="hand-quick"),
    "standard": Profile(seeds=3, images=HAND_STANDARD_IMAGES, preset="hand-standard"),
    "paper": Profile(seeds=3, images=HAND_PAPER_IMAGES, preset="hand-paper"),
}
HAND_ABLATION: Mapping[str, Profile] = {
    "smoke": HAND_SMOKE,
    "quick": Profile(seeds=1, images=HAND_QUICK_IMAGES, preset="hand-quick"),
    "standard": Profile(seeds=3, images=HAND_STANDARD_IMAGES, preset="hand-quick"),
    "paper": Profile(seeds=3, images=HAND_PAPER_IMAGES, preset="hand-paper"),
}
