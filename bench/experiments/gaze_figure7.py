"""Figure 7: cumulative error curves of the CNN trained on synthetic and refined images, 1x and 4x."""

from __future__ import annotations

from bench.core.experiment import Column, Experiment
from bench.experiments.gaze_table2 import PROFILES, rows
from bench.experiments.parts.columns import MARGIN_DEG

EXPERIMENT = Experiment(
    name="gaze-figure7",
    title="Cumulative gaze error (paper, Figure 7)",
    task="gaze",
    refiners=("simgan",),
    rows=rows,
    columns=(
        *(
            Column(
                f"within-{degrees}",
                f"Within {degrees}°",
                name="share-within",
                options={"degrees": float(degrees)},
                margin=2.0,
            )
            for degrees in (5, 10, 15, 20)
        ),
        Column("error", "Error", margin=MARGIN_DEG),
    ),
    profiles=PROFILES,
    figures=("error-curves",),
    data="simulator",
)
