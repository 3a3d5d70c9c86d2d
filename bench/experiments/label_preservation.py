"""Label preservation: how far a refiner moves the pupil and the gaze, beside the noise floor of each measure."""

from __future__ import annotations

from collections.abc import Sequence

from bench.core.experiment import Column, Experiment, Profile, Row
from bench.experiments.parts.known_changes import Unmoved, known_changes
from bench.experiments.parts.profiles import PAPER_IMAGES, QUICK_IMAGES, SMOKE, STANDARD_IMAGES

# Changes of light, contrast and sharpness that move nothing: what a measure says of them is its noise floor. A measure
# may be blind to a change of grey values by construction, so that identity and light alone would flatter it.
UNMOVED: tuple[Unmoved, ...] = (
    ("photometric", "light only", "photometric", {}),
    ("histogram-equalisation", "equalised", "histogram-equalisation", {}),
    ("blur-and-noise", "blurred, noisy", "noise-blur", {"blur_px": 0.7, "noise_grey": 4.0}),
)


def rows(refiners: Sequence[str]) -> tuple[Row, ...]:
    """What is known (no change, changes that move nothing, planted shifts), and the refiners."""
    return known_changes(UNMOVED, refiners)


def _drift(key: str, label: str, measure: str, quantity: str, estimator: str | None = None) -> Column:
    return Column(key, label, of="images", name=measure, quantity=quantity, estimator=estimator)


EXPERIMENT = Experiment(
    name="label-preservation",
    title="Label preservation (blog, Figure 9)",
    task="gaze",
    refiners=("simgan",),
    rows=rows,
    columns=(
        _drift("ellipse", "Ellipse", "pupil-ellipse", "mean"),
        _drift("ellipse-sd", "Ellipse, sd", "pupil-ellipse", "sd"),
        _drift("ellipse-median", "Ellipse, median", "pupil-ellipse", "median"),
        _drift("ellipse-bias", "Ellipse, bias", "pupil-ellipse", "bias"),
        _drift("ellipse-failures", "No ellipse", "pupil-ellipse", "failures"),
        _drift("residual", "Residual", "pupil-residual", "mean", "pupil"),
        _drift("residual-bias", "Residual, bias", "pupil-residual", "bias", "pupil"),
        _drift("phase", "Shift", "phase-shift", "mean"),
        _drift("phase-bias", "Shift, bias", "phase-shift", "bias"),
        _drift("gaze-cnn", "Gaze, CNN", "gaze-drift", "mean", "cnn"),
        _drift("gaze-knn", "Gaze, k-NN", "gaze-drift", "mean", "knn"),
    ),
    profiles={
        "smoke": SMOKE,
        "quick": Profile(seeds=3, images=QUICK_IMAGES),
        "standard": Profile(seeds=5, images=STANDARD_IMAGES, preset="quick"),
        "paper": Profile(seeds=3, images=PAPER_IMAGES),
    },
    figures=("drift-scatter", "pictures"),
    data="simulator",
    notes=(
        "Ellipse: distance between the centres of ellipses fitted to the pupil before and after, in px of a 55 px wide "
        "image; the paper's were drawn by hand. Residual: distance of a pupil regressor's answer from the known label. "
        "Shift: of the whole image, by phase correlation. Gaze: how far a gaze estimator's answer moves. Means and "
        "sd are over images; bias is the length of the mean vector.",
        "The unmoved rows are each measure's noise floor: a drift below them cannot be told from none. The moved rows "
        "say how much of a known drift it finds.",
    ),
)
