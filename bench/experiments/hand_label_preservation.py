"""Label preservation on hands: how far a refiner moves joints, silhouette and depth edges, beside the noise floors."""

from __future__ import annotations

from collections.abc import Sequence

from bench.core.experiment import Column, Experiment, Profile, Row
from bench.experiments.parts.columns import JOINT_BIAS, JOINT_DRIFT, OUTSIDE
from bench.experiments.parts.hand_rows import SENSOR
from bench.experiments.parts.known_changes import Unmoved, known_changes
from bench.experiments.parts.profiles import HAND_PAPER_IMAGES, HAND_QUICK_IMAGES, HAND_SMOKE, HAND_STANDARD_IMAGES

# What happens to a hand that does not move in the image is each measure's noise floor: another distance and relief,
# and what a sensor adds.
UNMOVED: tuple[Unmoved, ...] = (
    ("depth-change", "depth only", "depth-change", {}),
    (SENSOR, "sensor noise", SENSOR, {}),
)


def rows(refiners: Sequence[str]) -> tuple[Row, ...]:
    """What is known (no change, a sensor's noise, planted shifts), and the refiners."""
    return known_changes(UNMOVED, refiners)


def _drift(key: str, label: str, measure: str, quantity: str) -> Column:
    return Column(key, label, of="images", name=measure, quantity=quantity)


EXPERIMENT = Experiment(
    name="hand-label-preservation",
    title="Label preservation on hands",
    task="hand",
    refiners=("simgan",),
    rows=rows,
    columns=(
        JOINT_DRIFT,
        JOINT_BIAS,
        OUTSIDE,
        _drift("added", "Added", "silhouette", "added"),
        _drift("silhouette-bias", "Silhouette, bias", "silhouette", "bias"),
        _drift("edges", "Depth edges", "depth-edges", "mean"),
        _drift("phase", "Shift", "phase-shift", "mean"),
        _drift("phase-bias", "Shift, bias", "phase-shift", "bias"),
        _drift("depth", "Depth", "depth-shift", "mean"),
        _drift("depth-bias", "Depth, bias", "depth-shift", "bias"),
    ),
    profiles={
        "smoke": HAND_SMOKE,
        "quick": Profile(seeds=3, images=HAND_QUICK_IMAGES, preset="hand-quick"),
        "standard": Profile(seeds=5, images=HAND_STANDARD_IMAGES, preset="hand-quick"),
        "paper": Profile(seeds=3, images=HAND_PAPER_IMAGES, preset="hand-paper"),
    },
    figures=("drift-scatter", "pictures"),
    data="simulator-hands",
    notes=(
        "Drift: how far the answer of an hourglass, trained on other synthetic images, moves, mean over an image's "
        "joints, in px of a 64x64 grid. Outside: share of the union of both silhouettes that is in one of them only; "
        "added: where a hand appeared, which a sensor's holes cannot do. Depth edges: mean distance to the nearest "
        "edge of the other image, which is no displacement. Shift: of the whole image, by phase correlation. Depth: "
        "how much nearer or farther the hand is. Bias: length of the mean over images.",
        "The rows in which nothing moved are each measure's noise floor: a drift below them cannot be told from none. "
        "The moved rows say how much of a known drift it finds; a hand that the border cuts off seems to move less, as "
        "its arm goes on.",
    ),
)
