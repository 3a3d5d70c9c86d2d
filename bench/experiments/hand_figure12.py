"""Figure 12: cumulative error curves of hand joints, one view and all three, synthetic, refined and real."""

from __future__ import annotations

from bench.core.experiment import Experiment
from bench.experiments.parts.columns import JOINT_DISTANCE, joints_within
from bench.experiments.parts.hand_rows import ALL_VIEWS, table_rows
from bench.experiments.parts.profiles import HAND_TABLE

EXPERIMENT = Experiment(
    name="hand-figure12",
    title="Cumulative error of hand joints (paper, Figure 12)",
    task="hand",
    refiners=("simgan",),
    rows=table_rows,
    columns=(*(joints_within(px) for px in (5, 1, 2, 3, 9)), JOINT_DISTANCE),
    profiles=HAND_TABLE,
    figures=("error-curves",),
    data="simulator-hands",
    more=ALL_VIEWS,
)
