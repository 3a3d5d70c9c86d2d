"""Does a training go wrong? Running means without waiting for the device, NaN, no effect, collapse."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from bench.core.errors import TrainingFailed


class RunningMeans:
    """Means of scalars over the updates since they were last read; they stay on the device until then."""

    def __init__(self) -> None:
        self._sums: dict[str, torch.Tensor] = {}
        self._counts: dict[str, int] = {}

    def add(self, **values: torch.Tensor) -> None:
        """Add one update's values; nothing is copied from the device."""
        for name, value in values.items():
            held = self._sums.get(name)
            self._sums[name] = value.detach().float() if held is None else held + value.detach()
            self._counts[name] = self._counts.get(name, 0) + 1

    def peek(self) -> dict[str, float]:
        """The means so far; waits for the device."""
        return {name: float(total) / self._counts[name] for name, total in self._sums.items()}

    def read(self) -> dict[str, float]:
        """The means so far, and start again."""
        means = self.peek()
        self._sums, self._counts = {}, {}
        return means

    def state_dict(self) -> dict[str, Any]:
        """Tensors and numbers that `load_state_dict` takes back."""
        return {"sums": dict(self._sums), "counts": dict(self._counts)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue exactly where `state` was taken."""
        self._sums, self._counts = dict(state["sums"]), dict(state["counts"])


def require_finite(values: Mapping[str, float], nets: Iterable[nn.Module], step: int) -> None:
    """TrainingFailed when a loss or a weight is NaN or infinite; one transfer for all the weights."""
    bad = [name for name, value in values.items() if not math.isfinite(value)]
    weights = torch.stack([parameter.detach().abs().max() for net in nets for parameter in net.parameters()])
    if not bad and bool(weights.isfinite().all()):
        return
    raise TrainingFailed(
        f"the training diverged at or shortly before step {step}: {', '.join(bad) or 'a weight'} is not finite; "
        "lower learning_rate, set clip_norm, or choose optimiser=adam"
    )


def mean_change(refined: NDArray[Any], synthetic: NDArray[Any]) -> float:
    """Mean |R(x) - x| per pixel in grey levels."""
    return float(np.abs(refined.astype(np.float64) - synthetic).mean())


def variation(images: NDArray[Any]) -> float:
    """How much images differ: standard deviation over images, mean over pixels, in grey levels."""
    return float(images.astype(np.float64).std(axis=0).mean())


def find_faults(
    synthetic: NDArray[Any],
    refined: NDArray[Any],
    real: NDArray[Any],
    *,
    least_change: float,
    least_variation: float,
) -> list[str]:
    """What is wrong with refined images, in words for the table; empty when nothing is.

    least_change: grey levels; a refiner below it did nothing. least_variation: share (0..1) of the smaller of
    the synthetic and the real variation; refined images below it are all alike (mode collapse).
    """
    faults = []
    change = mean_change(refined, synthetic)
    if change < least_change:
        faults.append(
            f"the refiner did nothing: it changes a pixel by {change:.2f} grey levels on average "
            f"(below {least_change:g}); lower lambda_reg or train longer"
        )
    expected = min(variation(synthetic), variation(real))
    found = variation(refined)
    if found < least_variation * expected:
        faults.append(
            f"the refiner collapsed: refined images vary by {found:.1f} grey levels, synthetic and real ones "
            f"by at least {expected:.1f}; raise lambda_reg or lower learning_rate or k_g"
        )
    return faults


def find_saturation(log: Iterable[Mapping[str, float]], limit: float, rows: int = 5) -> list[str]:
    """D that tells real from refined almost perfectly in the last `rows` logged rows: R's gradient fades."""
    kept = [row for row in log if "d_accuracy_real" in row and "r_adversarial" in row][-rows:]
    if not kept:
        return []
    accuracy = sum(row["d_accuracy_real"] + row["d_accuracy_refined"] for row in kept) / (2 * len(kept))
    if accuracy <= limit:
        return []
    return [
        f"the discriminator won: at the end it is right on {accuracy:.1%} of the patches (above {limit:.1%}): "
        "refined images are not like real ones; lower lambda_reg or raise k_g"
    ]
