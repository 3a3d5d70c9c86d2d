"""MPIIGaze's normalised eye patches: one .mat file per person and day, and the lists of the Evaluation Subset."""

from __future__ import annotations

import fnmatch
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from bench.core.errors import DataError
from bench.data.eye_reader import EyeOptions, EyeReader
from bench.data.files_below import require_folder
from bench.data.fit_size import grey_images
from bench.data.gaze_angles import head_pitch_yaw, unit_vectors
from bench.data.indexed import Index, Labels
from bench.data.mirror import mirror

NORMALIZED = "Data/Normalized"
LISTS = "Evaluation Subset/sample list for eye image"
SIDES = ("left", "right")


class Options(EyeOptions):
    """Which patches of MPIIGaze, and whether right eyes are mirrored."""

    folder: str = Field(
        default="MPIIGaze", description="unpacked data set: has the folders 'Data' and 'Evaluation Subset'"
    )
    subset: Literal["all", "evaluation"] = Field(
        default="evaluation",
        description="'evaluation': the 3,000 patches per person of the lists (45,000 in all), the usual protocol; "
        "'all': every patch, both eyes. Which one the paper tested on is not described",
    )
    eyes: Literal["both", "left", "right"] = Field(default="both", description="the person's eye")
    mirror: Literal["right", "none"] = Field(
        default="right",
        description="'right': right eyes are mirrored and their yaw negated, so that all look like left eyes, as "
        "public readers do; 'none': patches as they are. The paper does not say",
    )


@dataclass(frozen=True)
class _Patch:
    """Where one patch is: its .mat file, the picture's name in it, and the eye."""

    day: Path
    picture: str
    side: str


class MpiiGaze(EyeReader):
    """(N, 36, 60) histogram-equalised grey patches with gaze and head pose, in normalised camera space.

    Zhang, Sugano, Fritz, Bulling: "Appearance-Based Gaze Estimation in the Wild", CVPR 2015. A .mat file holds
    data.left and data.right with image (n, 36, 60), gaze (n, 3) and pose (n, 3, a Rodrigues vector), and the n
    `filenames`. Gaze is a unit vector with x right, y down, z away from the camera. Ids: p00/day01/0001/left.
    """

    Config: ClassVar[type[EyeOptions]] = Options
    config: Options

    def files(self, root: Path) -> list[Path]:
        """The .mat files, and with subset 'evaluation' the lists."""
        if self.config.subset == "all":
            return self._days(root)
        lists = self._lists(root)
        days = sorted({patch.day for path in lists for patch in self._listed(root, path)})
        for day in days:
            if not day.is_file():
                raise DataError(f"no file {day}, which the Evaluation Subset lists; unpack MPIIGaze again")
        return [*lists, *days]

    def index(self, root: Path, *, name: str) -> Index:
        """Every chosen patch, in the order of the lists, or of days, pictures and eyes."""
        if self.config.subset == "all":
            sides = SIDES if self.config.eyes == "both" else (self.config.eyes,)
            patches = [
                _Patch(day, picture, side) for day in self._days(root) for side in sides for picture in _filenames(day)
            ]
        else:
            patches = [patch for path in self._lists(root) for patch in self._listed(root, path)]
            if self.config.eyes != "both":
                patches = [patch for patch in patches if patch.side == self.config.eyes]
        return Index(
            ids=np.array([_identifier(patch) for patch in patches], dtype=np.str_),
            persons=np.array([patch.day.parent.name for patch in patches], dtype=np.str_),
            entries=patches,
        )

    def pick(
        self, root: Path, index: Index, where: NDArray[np.int64], *, name: str
    ) -> tuple[NDArray[np.uint8], Labels]:
        """Patches, gaze and head pose; each day is opened once."""
        by_day: dict[Path, list[int]] = {}
        for position, row in enumerate(where):
            by_day.setdefault(index.entries[row].day, []).append(position)
        images = np.empty((len(where), *_patch_size(next(iter(by_day)))), dtype=np.uint8)
        gaze = np.empty((len(where), 3))
        pose = np.empty((len(where), 3))
        for day, positions in by_day.items():
            _fill(day, positions, [index.entries[where[p]] for p in positions], images, gaze, pose)
        labels = {"gaze": unit_vectors(gaze), "head_pose": head_pitch_yaw(pose)}
        if self.config.mirror == "none":
            return images, labels
        return mirror(images, labels, np.array([index.entries[row].side == "right" for row in where]))

    def _person_folders(self, root: Path) -> list[str]:
        """Names of the persons' folders, only the wanted ones: nobody else's files need to be read or hashed."""
        folder = require_folder(root, f"{self.config.folder}/{NORMALIZED}")
        names = sorted(path.name for path in folder.iterdir() if path.is_dir())
        if not names:
            raise DataError(f"{folder} holds no person's folder (p00, p01, ...); unpack MPIIGaze again")
        wanted = self.config.persons
        chosen = [name for name in names if wanted is None or any(fnmatch.fnmatch(name, one) for one in wanted)]
        return chosen or names  # nobody matches: `choose` says so, with the names that there are

    def _days(self, root: Path) -> list[Path]:
        folder = require_folder(root, f"{self.config.folder}/{NORMALIZED}")
        days = [day for person in self._person_folders(root) for day in sorted((folder / person).glob("day*.mat"))]
        if not days:
            raise DataError(f"{folder} holds no dayNN.mat in its persons' folders; unpack MPIIGaze again")
        return days

    def _lists(self, root: Path) -> list[Path]:
        folder = require_folder(root, f"{self.config.folder}/{LISTS}")
        lists = [folder / f"{person}.txt" for person in self._person_folders(root)]
        for path in lists:
            if not path.is_file():
                raise DataError(f"no file {path}; get the Evaluation Subset's lists, or set subset = 'all'")
        return lists

    def _listed(self, root: Path, path: Path) -> list[_Patch]:
        """The patches of one person's list: lines such as 'day13/0203.jpg left'."""
        folder = require_folder(root, f"{self.config.folder}/{NORMALIZED}") / path.stem
        patches = []
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), start=1):
            if not line.strip():
                continue
            place, _, side = line.strip().rpartition(" ")
            day, slash, picture = place.strip().partition("/")
            if side not in SIDES or not slash or not picture:
                raise DataError(f"{path} line {number}: expected 'dayNN/NNNN.jpg left', got '{line.strip()[:60]}'")
            patches.append(_Patch(folder / f"{day}.mat", picture, side))
        return patches


def _identifier(patch: _Patch) -> str:
    return f"{patch.day.parent.name}/{patch.day.stem}/{Path(patch.picture).stem}/{patch.side}"


def _load(day: Path, **options: Any) -> dict[str, Any]:
    """The variables of a .mat file; DataError when it is damaged or of another kind."""
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    if not day.is_file():  # scipy's own message does not say so
        raise DataError(f"no file {day}, which the Evaluation Subset lists; unpack MPIIGaze again")
    try:
        content = loadmat(day, struct_as_record=False, squeeze_me=True, **options)
    except (OSError, ValueError, TypeError, KeyError, EOFError, NotImplementedError, zlib.error, MatReadError) as error:
        reason = str(error).partition("\n")[0]
        raise DataError(f"{day} cannot be read as .mat ({reason}); it is damaged, unpack MPIIGaze again") from error
    if "filenames" not in content:
        raise DataError(f"{day} has no 'filenames'; it is not a file of MPIIGaze's Data/Normalized")
    return dict(content)


def _filenames(day: Path) -> list[str]:
    return [str(name) for name in np.atleast_1d(_load(day, variable_names=["filenames"])["filenames"])]


def _patch_size(day: Path) -> tuple[int, int]:
    images = _side(day, _load(day), "left")[0]
    return images.shape[1], images.shape[2]


def _side(day: Path, content: dict[str, Any], side: str) -> tuple[NDArray[np.uint8], NDArray[Any], NDArray[Any]]:
    """Images (n, H, W), gaze (n, 3) and pose (n, 3) of one eye; a day with one picture has lost its first axis."""
    count = np.atleast_1d(content["filenames"]).size
    try:
        eye = getattr(content["data"], side)
        images, gaze, pose = (np.asarray(getattr(eye, key)) for key in ("image", "gaze", "pose"))
        images = images.reshape(count, *images.shape[-2:])
        gaze, pose = gaze.reshape(count, 3).astype(np.float64), pose.reshape(count, 3).astype(np.float64)
    except (AttributeError, KeyError, ValueError) as error:
        raise DataError(
            f"{day}: data.{side} does not hold {count} images, gaze and pose as MPIIGaze's do ({error}); "
            "unpack MPIIGaze again"
        ) from error
    return grey_images(images, str(day)), gaze, pose


def _fill(
    day: Path,
    positions: list[int],
    patches: list[_Patch],
    images: NDArray[np.uint8],
    gaze: NDArray[np.float64],
    pose: NDArray[np.float64],
) -> None:
    """Writes one day's patches into the rows `positions` of the three arrays."""
    content = _load(day)
    rows = {str(name): row for row, name in enumerate(np.atleast_1d(content["filenames"]))}
    for side in {patch.side for patch in patches}:
        side_images, side_gaze, side_pose = _side(day, content, side)
        if side_images.shape[1:] != images.shape[1:]:
            raise DataError(f"{day}: patches are {side_images.shape[1:]}, others {images.shape[1:]}; unpack it again")
        for position, patch in zip(positions, patches, strict=True):
            if patch.side != side:
                continue
            if patch.picture not in rows:
                raise DataError(f"{day} has no '{patch.picture}', which the Evaluation Subset lists; unpack it again")
            row = rows[patch.picture]
            images[position], gaze[position], pose[position] = side_images[row], side_gaze[row], side_pose[row]
