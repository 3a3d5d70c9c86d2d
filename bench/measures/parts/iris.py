"""Finds the iris (or pupil) in eye images: thresholds, contours, ellipse fits, and the best-looking of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.core.context import RunContext

# Lengths are in px of an image 55 px wide, places are shares of the image.
ENLARGED = 3
SMOOTHING = 1.0
OPENING = 4.0  # removes lashes and the lids' line from a dark disc
THRESHOLDS = np.linspace(0.04, 0.45, 14)  # share of the inner window's pixels that are darker
INNER_X, INNER_Y = (0.1, 0.9), (0.15, 0.9)  # brow and hair above are as dark as an iris
AXES = (7.0, 25.0)  # an iris is 17 px wide, lids hide some of it, a wide pupil alone has 9
ROUNDEST = 0.55  # least ratio of the axes
CENTRE_X, CENTRE_Y = (0.2, 0.8), (0.15, 0.85)
OVERLAP = 0.8  # least intersection over union of blob and ellipse
RING = 1.3  # the surroundings compared with the inside reach to this multiple of the axes
AGREE_PX, AGREE_SCORE = 3.0, 0.7
REPORT_EVERY = 100


def iris_centres(images: NDArray[np.float32], run: RunContext) -> NDArray[np.float64]:
    """(N, H, W) grey levels -> (N, 2) px (x, y) of the images; NaN where no plausible ellipse was found.

    Each image is replaced by the ranks of its smoothed pixels, so that a change of brightness, contrast or gamma
    changes nothing but rounding. Of the plausible dark ellipses of all thresholds the one that stands out most
    from its surroundings decides, and near ones that are almost as good are averaged in. Lids cut the iris and the
    upper one's lashes are dark like it, so the centre is that of a dark disc, some 1 px from the pupil's label (on
    simulated eyes, median); in a difference of two images most of this cancels.
    """
    centres = np.full((len(images), 2), np.nan)
    for row, image in enumerate(images):
        found = _ellipses(_ranks(image))
        if len(found):
            best = found[found[:, 0].argmax()]
            near = np.hypot(*(found[:, 1:] - best[1:]).T) < AGREE_PX * ENLARGED
            chosen = found[near & (found[:, 0] > AGREE_SCORE * best[0])]
            centre = np.average(chosen[:, 1:], axis=0, weights=chosen[:, 0])
            # pixel centres are at integers in both images
            centres[row] = (centre + 0.5) * (image.shape[1] / (55 * ENLARGED)) - 0.5
        if (row + 1) % REPORT_EVERY == 0:
            run.progress(row + 1, len(images), "images")
    return centres


def _ranks(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """The image enlarged to 165 px width and smoothed; each pixel is the share of inner pixels darker than it."""
    import cv2

    size = (55 * ENLARGED, round(image.shape[0] * 55 * ENLARGED / image.shape[1]))
    large = cv2.resize(np.asarray(image, np.float32), size, interpolation=cv2.INTER_CUBIC)
    large = cv2.GaussianBlur(large, (0, 0), SMOOTHING * ENLARGED)
    height, width = large.shape
    rows, columns = (
        slice(int(low * side), int(high * side)) for (low, high), side in ((INNER_Y, height), (INNER_X, width))
    )
    inner = np.sort(large[rows, columns], axis=None)
    return (np.searchsorted(inner, large) / inner.size).astype(np.float32)


def _ellipses(ranks: NDArray[np.float32]) -> NDArray[np.float64]:
    """(K, 3) score, x, y of the plausible ellipses, in enlarged px."""
    import cv2

    side = 2 * round(OPENING * ENLARGED / 2) + 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    found = []
    for threshold in THRESHOLDS:
        dark = cv2.morphologyEx((ranks < threshold).astype(np.uint8), cv2.MORPH_OPEN, disc)
        for contour in cv2.findContours(dark, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)[0]:
            if len(contour) < 5:  # an ellipse has five parameters
                continue
            ellipse = cv2.fitEllipse(contour)
            score = _score(ranks, contour, ellipse) if _plausible(ellipse, *ranks.shape) else 0.0
            if score > 0:
                found.append((score, *ellipse[0]))
    return np.array(found, np.float64).reshape(-1, 3)


def _plausible(ellipse: Any, height: int, width: int) -> bool:
    (x, y), axes, _ = ellipse
    short, long = sorted(axes)
    return bool(
        AXES[0] * ENLARGED <= short <= long <= AXES[1] * ENLARGED
        and short >= ROUNDEST * long
        and CENTRE_X[0] * width < x < CENTRE_X[1] * width
        and CENTRE_Y[0] * height < y < CENTRE_Y[1] * height
    )


def _score(ranks: NDArray[np.float32], contour: Any, ellipse: Any) -> float:
    """How much darker the ellipse is than a ring around it, times its overlap with the blob; 0 if that is too small."""
    import cv2

    centre, (first, second), angle = ellipse
    inside, outside, blob = (np.zeros(ranks.shape, np.uint8) for _ in range(3))
    cv2.ellipse(inside, ellipse, 1, -1)
    cv2.ellipse(outside, (centre, (RING * first, RING * second), angle), 1, -1)
    cv2.drawContours(blob, [contour], -1, 1, -1)
    overlap = float((inside & blob).sum() / (inside | blob).sum())
    ring = outside > inside
    if overlap < OVERLAP or not ring.any():
        return 0.0
    return overlap * float(ranks[ring].mean() - ranks[inside > 0].mean())
