"""Judges gaze labels by the images: their range, row order, axes, signs and mirroring, each with the next step.

Limits are set so that right labels of weak images are 'unknown' rather than 'bad': a false alarm costs trust.
"""

from __future__ import annotations

import numpy as np

from bench.data.check import Check
from bench.data.label_evidence import GROUP_IMAGES, Evidence, Floats, correlation

FEWEST = 30
CLEAR = 0.2  # smallest correlation that counts, where sampling noise alone does not reach it
ABSENT = 0.35  # true labels reach more than this in every set that was looked at (0.7 and more)
SIGMAS = 3.0
AWAY = 0.1  # share of gaze vectors that may point away from the camera
SPREAD_DEG, TINY_DEG = 2.0, 0.6  # standard deviations: labels that vary; labels that are radians of degrees
GAIN, GAIN_SIGMAS, MINORITY = 1.2, 4.0, 0.15  # for mirrored eyes
SHOWN = 3


def judge(found: Evidence) -> list[Check]:
    """All checks of the labels; only the range when that is wrong, since the others need plausible angles."""
    if len(found) < FEWEST:
        return [Check("gaze labels", "unknown", f"{len(found)} images are too few to tell; look at {FEWEST} or more")]
    gaze_range = _range(found)
    if gaze_range.verdict == "bad":
        return [gaze_range]
    axes = _axes(found)
    # the pupil's row cannot confirm a sign of angles that stand in each other's place
    signs = [] if axes.verdict == "bad" else _signs(found)
    return [gaze_range, _rows(found), axes, *signs, *_pupil_labels(found), _mirroring(found)]


def _range(found: Evidence) -> Check:
    """Degrees taken for radians give directions all around; radians taken for degrees hardly any."""
    name = "gaze range"
    away = float(1 - found.towards_camera.mean())
    pitch, yaw = found.angles_deg.std(axis=0)
    said = f"pitch varies by {pitch:.1f} and yaw by {yaw:.1f} degrees (standard deviation)"
    if away > 1 - AWAY:
        return Check(name, "bad", "the gaze vectors point away from the camera; negate them, z must be negative")
    if away > AWAY:
        return Check(
            name,
            "bad",
            f"{away:.0%} of the gaze vectors point away from the camera and {said}: degrees are taken for radians "
            "(set angles = 'degrees'), or the columns are other ones",
        )
    if max(pitch, yaw) < TINY_DEG and any(_is_clear(r, len(found)) for r in _own(found)):
        return Check(name, "bad", f"{said}, yet the pupils follow: radians are taken for degrees; set angles")
    return Check(name, "ok", said)


def _rows(found: Evidence) -> Check:
    """Permuted rows: gaze and pupils both vary, and neither pupils nor a linear fit have to do with the labels.

    The usual cause: labels in the order of rows, images in the order of their names as text (1, 10, 100, 2).
    """
    name, count = "label rows", len(found)
    read = [correlation(found.read_deg[:, angle], found.angles_deg[:, angle]) for angle in range(2)]
    seen = [*_own(found), *_crossed(found)]
    if any(_is_clear(r, count) for r in seen):
        return Check(name, "ok", f"labels and images belong together (a linear fit reads r = {max(read):.2f})")
    if max(read) >= CLEAR and _is_clear(max(read), count):
        return Check(
            name,
            "unknown",
            f"the images tell the labels (r = {max(read):.2f}), but not by the pupil's place; look at some",
        )
    if max(found.angles_deg.std(axis=0)) < SPREAD_DEG:
        return Check(name, "unknown", "the gaze hardly varies, so the images cannot confirm it")
    if max(np.abs(seen).max(), *read) + SIGMAS / np.sqrt(count - 3) < ABSENT:
        return Check(
            name,
            "bad",
            f"no relation between gaze and images (r at most {max(np.abs(seen).max(), *read):.2f} in {count}): the "
            "labels belong to other images; compare the order of rows and files (1, 2, 10 or 1, 10, 2)",
        )
    return Check(name, "unknown", f"no clear relation between gaze and images; look at more than {count}")


def _axes(found: Evidence) -> Check:
    """Pitch and yaw in each other's place."""
    name, count = "label axes", len(found)
    own, crossed = np.abs(_own(found)), np.abs(_crossed(found))
    said = (
        f"|r| = {own[1]:.2f} of yaw and {own[0]:.2f} of pitch with their own axis of the image, "
        f"{crossed[1]:.2f} and {crossed[0]:.2f} with the other"
    )
    if all(_is_clear(r, count) for r in crossed) and (crossed > own + CLEAR / 2).all():
        return Check(name, "bad", f"pitch and yaw are swapped ({said}); exchange their columns in the manifest")
    if any(_is_clear(r, count) for r in own) and (own > crossed).all():
        return Check(name, "ok", said)
    return Check(name, "unknown", said)


def _signs(found: Evidence) -> list[Check]:
    """Whether the pupil moves as gaze says: towards smaller x with yaw, towards smaller y with pitch."""
    return [
        _sign(
            f"{angle} against the {what}'s {axis}", angle, correlation(found.angles_deg[:, column], at[:, place]), found
        )
        for what, at in found.pupils.items()
        for angle, column, axis, place in (("pitch", 0, "y", 1), ("yaw", 1, "x", 0))
    ]


def _sign(name: str, angle: str, r: float, found: Evidence) -> Check:
    if not _is_clear(r, len(found)):
        return Check(name, "unknown", f"r = {r:+.2f}: no clear relation")
    if r < 0:
        return Check(name, "ok", f"r = {r:+.2f}: as the convention says")
    option = "pitch_positive (or vector_y)" if angle == "pitch" else "yaw_positive"
    return Check(name, "bad", f"r = {r:+.2f}: the sign of {angle} is opposite to the convention's; change {option}")


def _pupil_labels(found: Evidence) -> list[Check]:
    """Whether pupil labels, where there are any, lie where the images are dark."""
    if "pupil label" not in found.pupils:
        return []
    name, count = "pupil labels", len(found)
    labelled, seen = found.pupils["pupil label"], found.pupils["darkest region"]
    across, down = (correlation(labelled[:, axis], seen[:, axis]) for axis in range(2))
    said = f"r = {across:+.2f} of x and {down:+.2f} of y with the darkest region"
    if any(_is_clear(r, count) and r < 0 for r in (across, down)):
        return [Check(name, "bad", f"{said}: x counts from the left and y from the top; turn the labels round")]
    if _is_clear(across, count) or _is_clear(down, count):
        return [Check(name, "ok", said)]
    if max(across, down) + SIGMAS / np.sqrt(count - 3) < ABSENT:
        return [Check(name, "bad", f"{said}: the labels belong to other images; compare the order of rows and files")]
    return [Check(name, "unknown", f"{said}: no clear relation")]


def _mirroring(found: Evidence) -> Check:
    """Images that are mirrored and others that are not: by person, then by which way the eyes face.

    Three lines are fitted to the pupil's x over yaw: as the images are; with the eyes of one side mirrored together
    with their yaw (left and right eyes are mixed); with only their images mirrored (images or labels were mirrored
    alone). They have equally many parameters, so the residuals decide (Vuong's test, Econometrica 1989). Persons
    have intercepts of their own: a person lit from the other side is no mirrored one.
    """
    name = "mirrored eyes"
    against = _persons_against(found)
    if against:
        return Check(name, "bad", against)
    share = float(min((found.side > 0).mean(), (found.side < 0).mean()))
    if share < MINORITY:
        return Check(name, "ok", "nearly all eyes face the same way")
    yaw, x = found.angles_deg[:, 1], found.pupils["darkest region"][:, 0] - found.centre_x
    person = (found.groups[:, None] == np.unique(found.groups)).astype(np.float64)
    plain = _residuals(np.column_stack([person, yaw]), x)
    together = _residuals(np.column_stack([found.side[:, None] * person, yaw]), x)
    alone = _residuals(found.side[:, None] * np.column_stack([person, yaw]), x)
    if _is_better(alone, plain) and (alone**2).sum() <= (together**2).sum():
        return Check(
            name,
            "bad",
            f"about {share:.0%} of the images fit only with the opposite yaw: images were mirrored without their "
            "labels, or labels without their images; mirror both or neither",
        )
    if _is_better(together, plain):
        return Check(
            name,
            "bad",
            f"left and right eyes are mixed (about {share:.0%} face the other way), and labels and pupils fit better "
            "when these are mirrored; mirror them with their labels (mirror_rows, or mirror = 'right')",
        )
    return Check(name, "ok", "one line of yaw and pupil fits all eyes")


def _persons_against(found: Evidence) -> str:
    """Says whose yaw runs against the other persons'; empty when nobody's clearly does."""
    yaw, x = found.angles_deg[:, 1], found.pupils["darkest region"][:, 0]
    relations: dict[str, float] = {}
    for person in np.unique(found.persons).tolist():
        rows = found.persons == person
        r = correlation(yaw[rows], x[rows])
        if rows.sum() >= GROUP_IMAGES and _is_clear(r, int(rows.sum())):
            relations[person] = r
    wrong = [person for person, r in relations.items() if r > ABSENT]
    if not wrong or all(r > 0 for r in relations.values()):
        return ""  # nobody's, or everybody's: the sign's check says that
    shown = ", ".join(wrong[:SHOWN]) + (", ..." if len(wrong) > SHOWN else "")
    return (
        f"yaw has the opposite sign for {len(wrong)} of {len(relations)} persons ({shown}): their images were "
        "mirrored without their labels, or the labels without the images; mirror both or neither"
    )


def _residuals(columns: Floats, wanted: Floats) -> Floats:
    left: Floats = wanted - columns @ np.linalg.lstsq(columns, wanted, rcond=None)[0]
    return left


def _is_better(one: Floats, plain: Floats) -> bool:
    """Whether one model's residuals are smaller by a relevant share and more than chance (Gaussian likelihoods)."""
    small, large = (one**2).mean(), (plain**2).mean()
    if large < GAIN * small:
        return False
    ratio = 0.5 * (np.log(large / small) + plain**2 / large - one**2 / small)
    return bool(ratio.mean() * np.sqrt(len(ratio)) > GAIN_SIGMAS * ratio.std())


def _own(found: Evidence) -> list[float]:
    """Correlations of pitch with y and of yaw with x of the darkest region."""
    at = found.pupils["darkest region"]
    return [correlation(found.angles_deg[:, 0], at[:, 1]), correlation(found.angles_deg[:, 1], at[:, 0])]


def _crossed(found: Evidence) -> list[float]:
    """Correlations of pitch with x and of yaw with y of the darkest region."""
    at = found.pupils["darkest region"]
    return [correlation(found.angles_deg[:, 0], at[:, 0]), correlation(found.angles_deg[:, 1], at[:, 1])]


def _is_clear(r: float, count: int) -> bool:
    """Large enough to count, and beyond chance: Fisher's z of an absent relation has the deviation 1 / sqrt(n - 3)."""
    z = np.arctanh(np.clip(abs(r), 0.0, 0.999999))
    return bool(abs(r) >= CLEAR and z * np.sqrt(count - 3) >= SIGMAS)
