"""Columns that several experiments share: errors on real test images, drift, realism, amount of change, seconds."""

from __future__ import annotations

from bench.core.experiment import Column

MARGIN_DEG = 0.3
"""Declared beforehand: about what training seeds of the gaze CNN differ by."""

ERROR_CNN = Column("error-cnn", "CNN error", name="angular-error", estimator="cnn", margin=MARGIN_DEG)
ERROR_KNN = Column("error-knn", "k-NN error", name="angular-error", estimator="knn", margin=MARGIN_DEG)

# Drift of the pupil centre: its bias tells good refiners from bad ones better than the mean distance, whose floor is
# the gauge's own error.
DRIFT = Column("drift", "Drift", of="images", name="pupil-residual", quantity="mean", estimator="pupil")
DRIFT_BIAS = Column("drift-bias", "Drift, bias", of="images", name="pupil-residual", quantity="bias", estimator="pupil")

REALISM_AUC = Column("auc", "Real or not, AUC", of="images", name="two-sample", quantity="auc")
REALISM_SWD = Column("swd", "SWD", of="images", name="sliced-wasserstein", quantity="distance")
REALISM_KID = Column("kid", "KID, gaze CNN", of="images", name="kernel-distance", quantity="kid", estimator="cnn")
REALISM_FID = Column(
    "fid", "FID", of="images", name="frechet-inception", quantity="fid", needs=("frechet-inception.weights",)
)
CHANGE = Column("change", "Change", of="images", name="change", quantity="l1")
SSIM = Column("ssim", "SSIM to synthetic", of="images", name="change", quantity="ssim")
SECONDS = Column("seconds", "Training", of="training")

EFFECTS = (ERROR_CNN, DRIFT, DRIFT_BIAS, REALISM_AUC, REALISM_SWD, CHANGE)
"""What an ablation looks at: error, drift, realism, change."""

MARGIN_SHARE = 1.0
MARGIN_PX, MARGIN_MM = 0.1, 0.5
WORST = 3
"""Declared beforehand: percentage points of the joints within d, and px of the 64x64 grid, that do not matter. A px of
that grid is 4.7 mm in a cube of 300 mm. The worst of 14 joints may differ by three times as much."""


def joints_within(px: int) -> Column:
    """Share of (image, joint) pairs within `px` of the 64x64 grid, as Table 4 and Figure 12 count them."""
    return Column(f"within-{px}", f"Within {px} px", name="joints-within", options={"px": px}, margin=MARGIN_SHARE)


JOINT_DISTANCE = Column("distance", "Distance", name="joint-distance", margin=MARGIN_PX)
WORST_DISTANCE = Column(
    "worst", "Worst joint", name="joint-distance", options={"worst": True}, margin=WORST * MARGIN_PX
)
JOINT_DISTANCE_MM = Column("mm", "Distance", name="joint-distance-mm", margin=MARGIN_MM)
WORST_DISTANCE_MM = Column(
    "worst-mm", "Worst joint", name="joint-distance-mm", options={"worst": True}, margin=WORST * MARGIN_MM
)
JOINT_DRIFT = Column("drift", "Drift", of="images", name="joint-drift", quantity="mean", estimator="hourglass")
JOINT_BIAS = Column(
    "drift-bias", "Drift, bias", of="images", name="joint-drift", quantity="bias", estimator="hourglass"
)
OUTSIDE = Column("outside", "Outside", of="images", name="silhouette", quantity="outside")
