"""Evidence for gaze labels: what the images themselves tell about where their eyes look, beside what the labels say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.core.images import ImageSet
from bench.data.fit_size import grey_images
from bench.data.gaze_angles import pitch_yaw_from_vectors
from bench.data.indexed import fixed_subset
from bench.data.pupil_blob import darkest_blobs

Floats = NDArray[np.float64]
EVIDENCE_IMAGES = 1000
GROUP_IMAGES = 30  # a person with fewer images has no group of their own
THUMB = (14, 9)  # width and height of what the linear fit sees, px
BORDER = 3  # columns of the thumbnail at either side that the iris hardly reaches
RIDGE = 0.01


@dataclass(frozen=True)
class Evidence:
    """Labels and image evidence of n images.

    angles_deg: (n, 2) pitch and yaw of the labels. towards_camera: (n,) whether the gaze vector points to the
    camera's side. pupils: where the pupil is, (n, 2) px (x, y), by what says so: the darkest region, and the pupil
    label where there is one. read_deg: (n, 2) pitch and yaw that a linear fit to the other images and their labels
    reads in each image. side: (n,) +1 or -1, which way an eye faces, as far as the image's borders tell; which of
    the two means left is not known. groups: (n,) numbers of the persons, few-image persons together.
    centre_x: column of the images' middle, px.
    """

    name: str
    angles_deg: Floats
    towards_camera: NDArray[np.bool_]
    pupils: Mapping[str, Floats]
    read_deg: Floats
    side: Floats
    groups: NDArray[np.int64]
    persons: NDArray[np.str_]
    centre_x: float

    def __len__(self) -> int:
        return len(self.angles_deg)


def evidence(images: ImageSet) -> Evidence:
    """The evidence of a fixed choice of at most 1,000 labelled images; DataError without gaze labels."""
    sample = images.select(fixed_subset(len(images), min(len(images), EVIDENCE_IMAGES)))
    grey = grey_images(np.asarray(sample.images[:]), images.name)
    angles = np.degrees(pitch_yaw_from_vectors(sample.gaze))
    pupils = {"darkest region": darkest_blobs(grey)}
    if "pupil" in sample.labels:
        pupils["pupil label"] = sample.labels["pupil"]
    thumbs = _thumbnails(grey)
    return Evidence(
        name=images.name,
        angles_deg=angles,
        towards_camera=sample.gaze[:, 2] < 0,
        pupils=pupils,
        read_deg=_read(thumbs, angles),
        side=_sides(thumbs),
        groups=_groups(sample.persons),
        persons=sample.persons,
        centre_x=(images.size[1] - 1) / 2,
    )


def correlation(one: Floats, other: Floats) -> float:
    """Pearson's r; 0 when one of both does not vary."""
    if len(one) < 3 or np.ptp(one) == 0 or np.ptp(other) == 0:
        return 0.0
    return float(np.corrcoef(one, other)[0, 1])


def _thumbnails(grey: NDArray[np.uint8]) -> Floats:
    """(n, 9, 14) equalised small images: contrast and light do not count."""
    import cv2

    small = [cv2.resize(cv2.equalizeHist(image), THUMB, interpolation=cv2.INTER_AREA) for image in grey]
    return np.stack(small).astype(np.float64)


def _read(thumbs: Floats, angles: Floats) -> Floats:
    """(n, 2) leave-one-out predictions of a ridge regression from thumbnails to angles, in closed form."""
    flat = thumbs.reshape(len(thumbs), -1)
    flat = (flat - flat.mean(axis=0)) / (flat.std(axis=0) + 1e-9)
    target = angles - angles.mean(axis=0)
    inverse = np.linalg.inv(flat @ flat.T / flat.shape[1] + RIDGE * len(flat) * np.eye(len(flat)))
    left_out: Floats = inverse @ target / np.diag(inverse)[:, None]
    return angles - left_out


def _sides(thumbs: Floats) -> Floats:
    """(n,) the sign of what differs most between the left and the right border: nose and temple.

    Where left and right eyes are mixed that is the nose; otherwise nearly all signs are equal, or it is the light.
    """
    mirrored = thumbs[:, :, ::-1]
    border = (thumbs - mirrored)[:, :, :BORDER].reshape(len(thumbs), -1)
    direction = np.linalg.svd(border, full_matrices=False)[2][0]
    return np.where(border @ direction > 0, 1.0, -1.0)


def _groups(persons: NDArray[np.str_]) -> NDArray[np.int64]:
    """(n,) group numbers: one for each person with enough images, and one for all others."""
    _, number, counts = np.unique(persons, return_inverse=True, return_counts=True)
    compact: NDArray[np.int64] = np.unique(np.where(counts[number] >= GROUP_IMAGES, number, -1), return_inverse=True)[1]
    return compact
