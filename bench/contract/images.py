"""Small image sets of the simulator, of each kind that a refiner may take."""

from __future__ import annotations

import numpy as np

from bench.core.images import ImageSet
from bench.data.simulator.eyes import render_eyes
from bench.data.simulator.hands import render_hands

KINDS = ("eyes", "hands")
HAND_SIZE = 48  # px: small, so that nets train in seconds


def simulated(kind: str, domain: str, count: int, seed: int) -> ImageSet:
    """`count` images of a kind. domain: 'synthetic' or 'real'."""
    if kind == "hands":
        hands = render_hands(
            count, domain="synthetic" if domain == "synthetic" else "kinect", seed=seed, size=HAND_SIZE
        )
        labels = {"joints": hands.joints, "camera": hands.camera}
        return _named(domain, seed, hands.persons, hands.images, labels)
    eyes = render_eyes(count, domain="synthetic" if domain == "synthetic" else "distant", seed=seed)
    labels = {"gaze": eyes.gaze, "pupil": eyes.pupil, "pupil_margin": eyes.pupil_margin, "head_pose": eyes.head_pose}
    return _named(domain, seed, eyes.persons, eyes.images, labels)


def _named(domain: str, seed: int, persons: np.ndarray, images: np.ndarray, labels: dict[str, np.ndarray]) -> ImageSet:
    return ImageSet(
        ids=np.array([f"{domain}-{seed}-{index:04d}" for index in range(len(images))]),
        persons=np.array([f"{domain}-{person:02d}" for person in persons]),
        images=images,
        labels=labels,
        name=f"simulator:{domain}",
    )
