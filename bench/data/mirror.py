"""Mirrors eyes left to right together with their labels, so that right eyes look like left ones."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.data.gaze_angles import mirror_vectors
from bench.data.indexed import Labels


def mirror(images: NDArray[np.uint8], labels: Labels, which: NDArray[np.bool_]) -> tuple[NDArray[np.uint8], Labels]:
    """(N, H, W) images, or (N, H, W, 3), and labels with those of `which` (N,) mirrored; the inputs stay untouched.

    A mirrored image has the opposite yaw, of the gaze and of the head, and its pupil at the other side.
    """
    flipped = images.copy()
    flipped[which] = images[which][:, :, ::-1]
    out = dict(labels)
    if "gaze" in out:
        out["gaze"] = np.where(which[:, None], mirror_vectors(out["gaze"]), out["gaze"])
    if "pupil" in out:
        other_side = images.shape[2] - 1 - out["pupil"][:, 0]
        out["pupil"] = np.column_stack([np.where(which, other_side, out["pupil"][:, 0]), out["pupil"][:, 1]])
    if "head_pose" in out:
        sign = np.where(which, -1.0, 1.0)
        out["head_pose"] = np.column_stack([out["head_pose"][:, 0], sign * out["head_pose"][:, 1]])
    return flipped, out
