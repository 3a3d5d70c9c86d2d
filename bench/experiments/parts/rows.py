"""Rows that several experiments share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bench.core.errors import UsageError
from bench.core.experiment import Row, Variant

# Refiners that take seconds: much of the gap between UnityEyes and MPIIGaze is contrast (spread of grey values 40
# against 74 in the paper's own figures), so a table without them would flatter any learned refiner.
BASELINES = {
    "histogram-equalisation": "histogram equalisation",
    "histogram-matching": "histogram matching",
    "mean-std": "mean and spread",
    "fourier-adaptation": "Fourier adaptation",
    "noise-blur": "noise and blur",
}
AUGMENTED: Mapping[str, Mapping[str, Any]] = {"cnn": {"augment": "strong"}}
NORMALISED: Mapping[str, Mapping[str, Any]] = {"cnn": {"norm": "batch"}}


def require_simgan(experiment: str, refiners: Sequence[str]) -> None:
    """UsageError unless the refiner is SimGAN: the settings that an ablation changes are its own."""
    if tuple(refiners) != ("simgan",):
        raise UsageError(
            f"{experiment} changes settings of simgan and knows no other refiner; leave out --refiner {refiners[0]}"
        )


def changed(key: str, label: str, **settings: Any) -> Row:
    """SimGAN with settings of its own, compared with SimGAN as it is."""
    return Row(key, label, "refined", variant=Variant(key, "simgan", settings), against=("simgan",))


SYNTHETIC = Row("synthetic", "synthetic", "synthetic")
SIMGAN = Row("simgan", "SimGAN", "refined", variant=Variant("simgan", "simgan"), against=("synthetic",))
REAL = Row("real", "real", "real")
