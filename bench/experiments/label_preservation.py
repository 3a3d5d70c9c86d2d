"""Label preservation: how far a refiner moves the pupil and the gaze, beside the noise floor of each measure."""

from __future__ import annotations

from collections.abc import Sequence

from bench.core.experiment import Column, Experiment, Profile, Row, Variant
from bench.experiments.parts.profiles import PAPER_IMAGES, QUICK_IMAGES, SMOKE, STANDARD_IMAGES

SHIFTS_PX = (0.5, 1.0, 2.0)


def rows(refiners: Sequence[str]) -> tuple[Row, ...]:
    """The refiners, and what is known: no change, a change of light only, planted shifts."""
    found = [Row("identity", "identity (nothing changed)", "refined", variant=Variant("identity", "identity"))]
    found.append(Row("photometric", "light only", "refined", variant=Variant("photometric", "photometric")))
    for shift in SHIFTS_PX:
        variant = Variant(f"shift-{shift:g}", "planted-shift", {"px": shift})
        found.append(Row(variant.key, f"moved by {shift:g} px", "refined", variant=variant, reference=None))
    for refiner in refiners:
        reference = "simgan" if refiner == "simgan" else None
        found.append(
            Row(refiner, f"refined ({refiner})", "refined", variant=Variant(refiner, refiner), reference=reference)
        )
    return tuple(found)


def _pupil(key: str, label: str, measure: str, quantity: str, estimator: str | None = None) -> Column:
    return Column(key, label, of="images", name=measure, quantity=quantity, estimator=estimator)


EXPERIMENT = Experiment(
    name="label-preservation",
    title="Label preservation (blog, Figure 9)",
    task="gaze",
    refiners=("simgan",),
    rows=rows,
    columns=(
        _pupil("ellipse", "Ellipse", "pupil-ellipse", "mean"),
        _pupil("ellipse-median", "Ellipse, median", "pupil-ellipse", "median"),
        _pupil("ellipse-failures", "No ellipse", "pupil-ellipse", "failures"),
        _pupil("residual", "Residual", "pupil-residual", "mean", "pupil"),
        _pupil("residual-bias", "Residual, bias", "pupil-residual", "bias", "pupil"),
        _pupil("phase", "Shift", "phase-shift", "mean"),
        _pupil("phase-bias", "Shift, bias", "phase-shift", "bias"),
        _pupil("gaze-cnn", "Gaze, CNN", "gaze-drift", "mean", "cnn"),
        _pupil("gaze-knn", "Gaze, k-NN", "gaze-drift", "mean", "knn"),
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
        "Shift: of the whole image, by phase correlation. Gaze: how far a gaze estimator's answer moves.",
        "The rows above the refiner are each measure's noise floor: a drift below them cannot be told from none.",
    ),
)
