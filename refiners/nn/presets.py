"""The presets of a SimGAN: the paper's settings for gaze and hands, other reports', and this project's own sizes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# Section 3.1 for gaze, and what is known beyond it. One change was needed: with losses summed over patches and
# pixels, as the paper writes them, SGD at 1e-3 saturates R in the first steps of its pretraining (and in the first
# iteration of Algorithm 1 where that is avoided), so the sums are divided by D's 126 patches. See docs/simgan.md.
PAPER: Mapping[str, Any] = {
    "refiner_maps": 64,
    "batch": 512,
    "k_g": 50,
    "k_d": 1,
    "lambda_reg": 0.01,
    "reduction": "per_patch",
    "pretrain_refiner": 1000,
    "pretrain_discriminator": 200,
    "buffer_size": 51_200,
    "iterations": 2000,
    "optimiser": "sgd",
    "learning_rate": 1e-3,
    "pretrain_learning_rate": None,
    "constant_part": 1.0,
}
# Grey levels, on hands: 85 % of an image is background that stays. Pretraining alone changes 0.4, holes and ragged
# edges 1.2 or more.
LEAST_CHANGE = 0.8
# Section 3.2 for hands, and the learning rates of the supplement. Mini-batch, lambda, buffer, how many iterations
# follow the first 600,000 and whether D pads are not in the paper. `per_patch` as for gaze; a patch has 67 times as
# many pixels here, and without the weight R stays far from the identity. See docs/simgan.md.
HAND_PAPER: Mapping[str, Any] = {
    **PAPER,
    "depth": "paper",
    "refiner_blocks": 10,
    "refiner_kernel": 7,
    "refiner_first_kernel": 7,
    "discriminator": "hand",
    "batch": 32,
    "k_g": 2,
    "pretrain_refiner": 500,
    "pretrain_weight": 0.1,
    "buffer_size": 3200,
    "iterations": 800_000,
    "learning_rate": 2e-4,
    "drop_after": 600_000,
    "least_change": LEAST_CHANGE,
}
# 64x64 px: the 23 px patches of D's gaze list are to them what 71 px are to 224. With noise, holes come out random;
# without, they are at creases and edges alone, as dots at even distances.
HAND: Mapping[str, Any] = {"noise_channels": 1, "least_change": LEAST_CHANGE}
PRESETS: Mapping[str, Mapping[str, Any]] = {
    "smoke": {
        "refiner_maps": 16,
        "refiner_blocks": 2,
        "batch": 8,
        "buffer_size": 64,
        "pretrain_refiner": 100,
        "pretrain_discriminator": 40,
        "iterations": 160,
    },
    "quick": {},
    "standard": {"iterations": 2400},
    "paper": PAPER,
    "hand-smoke": {
        **HAND,
        "refiner_maps": 8,
        "refiner_blocks": 2,
        "batch": 8,
        "buffer_size": 64,
        "pretrain_refiner": 80,
        "pretrain_discriminator": 20,
        "iterations": 80,
    },
    "hand-quick": {**HAND, "refiner_maps": 16, "iterations": 500},
    "hand-standard": {**HAND, "iterations": 2400},
    "hand-paper": HAND_PAPER,
    # "very small (~0.0001) and train for a long time"; batch norm in D; G alone for 500-2,000 steps.
    "blog": {**PAPER, "learning_rate": 1e-4, "discriminator_norm": "batch", "iterations": 20_000},
    # The report's text. It says of K both "5 times" and "ten times for each refiner update"; we take K_g = 5. Its
    # figures end at 25,000.
    "bojja": {
        **PAPER,
        "batch": 32,
        "k_g": 5,
        "iterations": 25_000,
        "buffer_size": 3200,
        "optimiser": "adam",
        "adam_beta1": 0.5,
    },
}
