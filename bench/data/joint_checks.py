"""Judges hand joints by the depth images: whether they lie on the hand, just below its surface, at a hand's lengths.

A joint is inside the finger, so the surface in front of it is a little nearer than it; one behind another finger
is further away. Right labels therefore fit at most joints, not at all. Limits are set so that right labels of poor
images are 'unknown' rather than 'bad'.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.core.hands import JOINTS
from bench.core.images import ImageSet
from bench.core.pinhole import to_millimetres
from bench.data.check import Check
from bench.data.indexed import fixed_subset

Floats = NDArray[np.float64]
LOOKED_AT = 500
FEWEST = 10
REACH = 1 / 32  # of the image's side: 2 px of 64, about 9 mm, that a joint may lie beside the hand
BELOW_MM = (-10.0, 50.0)  # what a joint may be below the surface to fit: noise, and half a hand's thickness
MEDIAN_MM = (-5.0, 40.0)
SPREAD_MM = 50.0  # between the quartiles; joints of their own images have about 20 mm, those of other images over 100
ON_HAND, OFF_HAND = 0.8, 0.4  # share of the joints that lie on the hand: right; wrong whatever the reason
CLEAR = 0.1  # difference of the shares of fitting joints that counts
NEAR = 0.05
POOR = 0.6  # where fewer joints fit, labels of other images are a possible reason
FACTORS = {"metres": 1e-3, "centimetres": 0.1, "tenths of a millimetre": 10.0, "micrometres": 1e3}
LENGTHS = 0.9  # share of the bones, over all images, that must have a hand's lengths
OTHERS = 4  # how many other images each image's joints are set against

# Bones and the mm that they may have, whatever the pose: children's to large adults' hands.
BONES_MM: Mapping[tuple[str, str], tuple[float, float]] = {
    **{(f"F{finger}_KNU3_A", f"F{finger}_KNU2_B"): (12.0, 75.0) for finger in range(1, 5)},
    ("TH_KNU3_A", "TH_KNU3_B"): (8.0, 50.0),
    ("TH_KNU3_B", "TH_KNU2_B"): (12.0, 75.0),
    **{(f"F{finger}_KNU2_B", "PALM_3"): (30.0, 130.0) for finger in range(1, 5)},
    ("TH_KNU2_B", "PALM_3"): (25.0, 110.0),
    ("PALM_1", "PALM_2"): (15.0, 80.0),
    ("PALM_1", "PALM_3"): (35.0, 110.0),
    ("PALM_2", "PALM_3"): (35.0, 110.0),
}


@dataclass(frozen=True, eq=False)
class _Hands:
    """What the images show, wherever a joint may be: the distance to the nearest pixel of the hand, and its depth.

    away: (n, H, W) px. surface: (n, H, W) mm. joints: (n, 14, 3) the labels.
    """

    away: NDArray[np.float32]
    surface: NDArray[np.uint16]
    joints: Floats

    @property
    def side(self) -> int:
        return int(self.away.shape[1])

    def on_hand(self, joints: Floats) -> NDArray[np.bool_]:
        """(n, 14) whether joints lie inside the image and on the hand or close beside it."""
        rows, v, u = self._places(joints)
        inside = (np.abs(joints[..., :2] - (self.side - 1) / 2) <= self.side / 2).all(axis=2)
        return np.asarray(inside & (self.away[rows, v, u] <= max(self.side * REACH, 1.0)))

    def below(self, joints: Floats) -> Floats:
        """(n, 14) mm that joints are below the nearest surface."""
        return np.asarray(joints[..., 2] - self.surface[self._places(joints)])

    def fitting(self, joints: Floats) -> float:
        """Share of the joints that are on the hand and just below its surface."""
        below = self.below(joints)
        return float((self.on_hand(joints) & (below >= BELOW_MM[0]) & (below <= BELOW_MM[1])).mean())

    def _places(self, joints: Floats) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        at = np.clip(np.rint(joints[..., :2]), 0, self.side - 1).astype(np.int64)
        return np.arange(len(joints))[:, None], at[..., 1], at[..., 0]


def judge_joints(images: ImageSet) -> list[Check]:
    """All checks of the joints of a fixed choice of at most 500 images; only the depth's when its unit is wrong."""
    sample = images.select(fixed_subset(len(images), min(len(images), LOOKED_AT)))
    if len(sample) < FEWEST:
        detail = f"{len(sample)} images are too few to tell; look at {FEWEST} or more"
        return [Check("joints", "unknown", detail)]
    empty = int((~np.asarray(sample.images[:]).any(axis=(1, 2))).sum())
    if empty:
        detail = f"{empty} of {len(sample)} images show no hand, only background; leave them out"
        return [Check("joints", "bad", detail)]
    hands = _look(sample)
    depth = _depth(hands)
    if depth.verdict == "bad":
        return [depth]
    return [depth, _places(hands), _rows(hands), _bones(sample)]


def _look(sample: ImageSet) -> _Hands:
    from scipy.ndimage import distance_transform_edt

    images = np.asarray(sample.images[:])
    away = np.empty(images.shape, dtype=np.float32)
    surface = np.empty_like(images)
    for row, image in enumerate(images):
        away[row], (v, u) = distance_transform_edt(image == 0, return_indices=True)
        surface[row] = image[v, u]
    return _Hands(away, surface, sample.require("joints"))


def _depth(hands: _Hands) -> Check:
    """Another unit, depths that count from somewhere else, or joints in front of the surface."""
    name = "joint depth"
    joints, surface = np.median(hands.joints[..., 2]), np.median(hands.surface[hands.away == 0])
    said = f"the joints' median is {joints:.4g} and the images' {surface:.4g}"
    for unit, factor in FACTORS.items():
        if 0.7 < joints / surface / factor < 1.4:
            return Check(name, "bad", f"{said}: the joints' depth is in {unit}, or the images are not in mm; use mm")
    if not 0.7 < joints / surface < 1.4:
        return Check(name, "bad", f"{said}: depth must be mm from the camera in both; convert one of them")
    below = hands.below(hands.joints)[hands.on_hand(hands.joints)]
    if not len(below):
        return Check(name, "unknown", f"{said}; no joint lies on a hand")
    low, median, high = np.percentile(below, [25, 50, 75])
    said = f"joints on the hand are {median:.0f} mm below its surface (median; half of them {low:.0f} to {high:.0f})"
    if high - low > SPREAD_MM:
        return Check(name, "unknown", f"{said}: too different to tell an offset")
    if MEDIAN_MM[0] <= median <= MEDIAN_MM[1]:
        return Check(name, "ok", said)
    return Check(name, "bad", f"{said}, expected {MEDIAN_MM[0]:.0f} to {MEDIAN_MM[1]:.0f}; correct the joints' depth")


def _places(hands: _Hands) -> Check:
    """The axes in each other's place, or counted from the wrong side."""
    name, last = "joint places", hands.side - 1
    u, v, depth = np.moveaxis(hands.joints, 2, 0)
    others = {
        "u and v are swapped; exchange them": (v, u),
        "u counts from the right, or images are mirrored without their joints; mirror both or neither": (last - u, v),
        "v counts from below; it must count from above": (u, last - v),
        "images are turned round without their joints; turn both or neither": (last - u, last - v),
    }
    own = hands.fitting(hands.joints)
    shares = {said: hands.fitting(np.stack([*places, depth], axis=2)) for said, places in others.items()}
    best = max(shares, key=lambda said: shares[said])
    if shares[best] > own + CLEAR:
        return Check(name, "bad", f"{own:.0%} of the joints fit the images, {shares[best]:.0%} would if {best}")
    share = float(hands.on_hand(hands.joints).mean())
    said = f"{share:.0%} of the joints lie on the hand, {own:.0%} just below its surface"
    if share < OFF_HAND:
        return Check(name, "bad", f"{said}; u and v must be pixels of these images, cut out as they are")
    return Check(name, "ok" if share >= ON_HAND else "unknown", said)


def _rows(hands: _Hands) -> Check:
    """Joints of other images: they fit no better than joints do that are known to be another image's."""
    name = "joint rows"
    shifts = np.unique(np.linspace(1, len(hands.joints) - 1, OTHERS).astype(int))
    own = hands.fitting(hands.joints)
    other = float(np.mean([hands.fitting(np.roll(hands.joints, shift, axis=0)) for shift in shifts]))
    said = f"{own:.0%} of the joints fit their own image, {other:.0%} another one"
    if own > other + CLEAR:
        return Check(name, "ok", said)
    if own < NEAR:  # joints on no hand fit no image, whatever their order
        return Check(name, "unknown", f"{said}: nothing to tell the order by")
    if own < min(other + NEAR, POOR):
        return Check(name, "bad", f"{said}: the joints belong to other images; compare the order of rows and files")
    return Check(name, "unknown", f"{said}: no clear difference")


def _bones(sample: ImageSet) -> Check:
    """Joints in another order than `JOINTS`, or a camera that is not the images'."""
    name = "bone lengths"
    if "camera" not in sample.labels:
        return Check(name, "unknown", "the set has no camera, so pixels are no lengths")
    points = to_millimetres(sample.labels["joints"], sample.labels["camera"])
    lengths = {
        (one, other): np.linalg.norm(points[:, JOINTS.index(one)] - points[:, JOINTS.index(other)], axis=1)
        for one, other in BONES_MM
    }
    inside = {bone: (BONES_MM[bone][0] <= mm) & (mm <= BONES_MM[bone][1]) for bone, mm in lengths.items()}
    share = float(np.mean([rows.mean() for rows in inside.values()]))
    one, other = worst = min(inside, key=lambda bone: inside[bone].mean())
    low, high = BONES_MM[worst]
    said = (
        f"{share:.0%} of the lengths are a hand's; least so {one} to {other}, median {np.median(lengths[worst]):.0f} mm"
    )
    if share >= LENGTHS and inside[worst].mean() > 0.5:
        return Check(name, "ok", said)
    return Check(
        name,
        "bad",
        f"{said}, expected {low:.0f} to {high:.0f}: the joints' order is another one, or the camera is not the images'",
    )
