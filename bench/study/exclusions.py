"""Which subjects are left out, and why: by the rules that the design declared before anyone answered."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from bench.study.design import StudyDesign


def excluded(answers: pd.DataFrame, design: StudyDesign) -> dict[str, str]:
    """Subject -> all reasons, joined by '; ', in the order of names. Whom no rule touches is not in it."""
    found = {}
    for subject, own in answers.groupby("subject", sort=True):
        reasons = _reasons(own, design)
        if reasons:
            found[str(subject)] = "; ".join(reasons)
    return found


def _reasons(own: pd.DataFrame, design: StudyDesign) -> list[str]:
    rules, trials = design.exclusion, own[own["kind"] == "trial"]
    wanted, answered = sum(map(design.trials, design.arms)), len(trials)
    checks = own[own["kind"] == "attention"]
    failed = len(checks) - int(checks["correct"].sum())
    reasons = []
    if rules.incomplete and answered < wanted:
        reasons.append(f"did not finish: {answered} of {wanted} answers")
    if failed > rules.max_failed_attention:
        reasons.append(f"failed {failed} of {len(checks)} attention checks, {rules.max_failed_attention} allowed")
    seconds = float(trials["reaction_ms"].median()) / 1000 if answered else None
    if seconds is not None and seconds < rules.min_median_seconds:
        reasons.append(f"too fast: {seconds:.2f} s per answer in the median, below {rules.min_median_seconds:g} s")
    return reasons
