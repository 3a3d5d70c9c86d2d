"""The NYU hand pose data set: depth of hands from three Kinects, real and rendered, with the joints of each view."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from bench.core.errors import DataError, UsageError
from bench.core.hands import JOINTS
from bench.core.pinhole import NYU_CAMERA
from bench.data.files_below import require_files, require_folder
from bench.data.hand_crop import HandCrop, crop_hand, move_joints
from bench.data.indexed import Index, IndexedReader, Labels, SelectOptions
from bench.data.nyu_files import AGAIN, frames_of_joints, read_depth, read_joints

DEPTH = re.compile(r"(depth|synthdepth)_([123])_(\d{7})\.png")
FIRST_OF_SECOND_TESTER = 2441
SHOWN = 5


class Options(SelectOptions):
    """Which frames and views, real or rendered, and how hands are cut out."""

    folder: str = Field(default="nyu/dataset", description="folder of the data set's folders 'train' and 'test'")
    part: Literal["train", "test"] = Field(default="train", description="72,757 or 8,252 frames")
    views: tuple[Literal[1, 2, 3], ...] = Field(
        default=(1,), min_length=1, description="Kinects: 1 from the front, 2 and 3 from the sides"
    )
    kind: Literal["real", "synthetic"] = Field(
        default="real",
        description="'real': the camera's depth where the rendering shows the hand (section 3.2: 'cropping the pixels "
        "from real images using the synthetic images'); 'synthetic': the rendering",
    )
    side_mm: float = Field(
        default=300.0,
        gt=0,
        description="side of the cube that is cut out around the hand, mm; where renderings show much of the arm, the "
        "centre of mass is nearer to it, and the fingers need a larger cube",
    )
    size: int = Field(default=224, ge=8, description="height and width of the images in px; the paper's are 224")
    far_mm: int = Field(
        default=2000,
        ge=1,
        description="0 and depths from here on are background, mm. Real frames have 2001 there. UNCONFIRMED by the "
        "authors what renderings have; public loaders take 0, and both settings agree on that",
    )
    unpaired: Literal["refuse", "leave out"] = Field(
        default="refuse", description="what becomes of frames that lack a picture of a wanted view"
    )
    skip: tuple[int, ...] = Field(default=(), description="numbers of frames that are left out, as in the files' names")


@dataclass(frozen=True)
class _View:
    """One image to be: a frame's number as in the files' names, from 1, and a Kinect."""

    frame: int
    view: int


class NyuHands(IndexedReader):
    """(N, 224, 224) uint16 depth in mm, 0 = background, with the 14 joints of Table 4 and each crop's camera.

    Tompson, Stein, Lecun, Perlin: "Real-Time Continuous Pose Recovery of Human Hands Using Convolutional Networks",
    TOG 2014. Both kinds are 640x480 PNGs, `depth_1_0000001.png` and `synthdepth_1_0000001.png` (Kinect, frame);
    joint_data.mat has u, v in px and depth in mm. The paper's 'depth value minus 2000' is done where networks read the
    images. How it cuts hands out is not in the paper: here a cube around the centre of mass, so no label is used, and
    a joint can lie outside its image. A frame's real and synthetic image have one id, as they are a pair.
    Ids: train/0000001/view1. A picture is decoded when its row is picked; only the crops are kept.
    """

    Config: ClassVar[type[SelectOptions]] = Options
    task = "hand"
    config: Options

    def files(self, root: Path) -> list[Path]:
        """The wanted views' pictures, renderings included as they mask the real ones; and the joints if labelled."""
        paths = [path for each in self._views(root) for path in self._pictures(root, each)]
        return [*self._joint_file(root), *paths]

    def index(self, root: Path, *, name: str) -> Index:
        """Frame after frame, each with its views in the wanted order."""
        views = self._views(root)
        return Index(
            ids=np.array([f"{self.config.part}/{each.frame:07d}/view{each.view}" for each in views], dtype=np.str_),
            persons=np.array([self._person(each.frame) for each in views], dtype=np.str_),
            entries=views,
            frames=np.array([each.frame for each in views], dtype=np.int64),
        )

    def pick(
        self, root: Path, index: Index, where: NDArray[np.int64], *, name: str
    ) -> tuple[NDArray[np.uint16], Labels]:
        """Crops, their cameras and, if labelled, the joints in them."""
        options = self.config
        views = [index.entries[row] for row in where]
        joints = self._joints(root, views) if options.labelled else None
        images = np.empty((len(views), options.size, options.size), dtype=np.uint16)
        cameras = np.empty((len(views), 4))
        empty: list[_View] = []
        for position, each in enumerate(views):
            crop = self._crop(root, each)
            if crop is None:
                empty.append(each)
                continue
            images[position], cameras[position] = crop.image, crop.camera
        if empty:
            raise DataError(f"{name}: no hand is left in {_listed(empty)}; {AGAIN}, or leave the frames out with skip")
        if joints is None:
            return images, {}
        return images, {"joints": move_joints(joints, NYU_CAMERA, cameras), "camera": cameras}

    def _crop(self, root: Path, each: _View) -> HandCrop | None:
        """One hand; None when the rendering shows none, or the camera nothing where it does."""
        options = self.config
        pictures = [read_depth(path) for path in self._pictures(root, each)]
        if len({picture.shape for picture in pictures}) > 1:
            raise DataError(f"{self._pictures(root, each)[0]}: rendering and depth differ in size; {AGAIN}")
        mask = np.logical_and.reduce([(picture > 0) & (picture < options.far_mm) for picture in pictures])
        if not mask.any():
            return None
        crop = crop_hand(pictures[0], mask, NYU_CAMERA, options.side_mm, options.size)
        return crop if crop.image.any() else None

    def _joints(self, root: Path, views: Sequence[_View]) -> NDArray[np.float64]:
        """(n, 14, 3) joints in whole frames; DataError for those that no camera can have seen."""
        every = read_joints(self._joint_file(root)[0])
        joints = every[[each.view - 1 for each in views], [each.frame - 1 for each in views]]
        width, height = 2 * NYU_CAMERA[2], 2 * NYU_CAMERA[3]
        inside = (joints > -0.5) & (joints < np.array([width - 0.5, height - 0.5, np.inf]))
        outside = ~(inside.all(axis=2) & (joints[..., 2] > 0))
        if outside.any():
            row, joint = np.argwhere(outside)[0]
            u, v, depth = joints[row, joint]
            wrong = [views[position] for position in np.unique(np.nonzero(outside)[0])]
            raise DataError(
                f"{self._joint_file(root)[0]}: joints lie outside the image in {_listed(wrong)}, first {JOINTS[joint]} "
                f"at u {u:.0f}, v {v:.0f}, depth {depth:.0f} mm; {AGAIN}, or leave the frames out with skip"
            )
        return np.asarray(joints)

    def _views(self, root: Path) -> list[_View]:
        """Every wanted view of every frame; DataError when pictures are missing or joints are of other frames."""
        options = self.config
        if len(set(options.views)) < len(options.views):
            raise UsageError(f"format 'nyu-hands': views {list(options.views)} name one twice; name each once")
        there = self._there(root)
        last = max((frame for _, _, frame in there), default=0)
        for path in self._joint_file(root):
            count = frames_of_joints(path)
            if last > count or (last < count and options.unpaired == "refuse"):
                raise DataError(f"{path} has joints of {count} frames, the pictures go to frame {last}; {AGAIN}")
        frames = [frame for frame in range(1, last + 1) if frame not in options.skip]
        wanted = {(kind, view) for kind in self._kinds() for view in options.views}
        complete = [frame for frame in frames if all((kind, view, frame) in there for kind, view in wanted)]
        if len(complete) < len(frames) and options.unpaired == "refuse":
            missing = sorted(
                f"{kind}_{view}_{frame:07d}.png"
                for frame in frames
                for kind, view in wanted
                if (kind, view, frame) not in there
            )
            raise DataError(
                f"{self._folder(root)} lacks {len(missing)} pictures of {len(frames)} frames, first {missing[0]}; "
                f"{AGAIN}, choose other views, or set unpaired = 'leave out'"
            )
        return [_View(frame, view) for frame in complete for view in options.views]

    def _there(self, root: Path) -> set[tuple[str, int, int]]:
        """Kind, view and frame of all pictures of depth in the folder."""
        found = {
            (match[1], int(match[2]), int(match[3]))
            for path in self._folder(root).iterdir()
            if (match := DEPTH.fullmatch(path.name))
        }
        if not found:
            raise DataError(f"{self._folder(root)} holds no depth_1_0000001.png and the like; {AGAIN}")
        return found

    def _folder(self, root: Path) -> Path:
        return require_folder(root, f"{self.config.folder}/{self.config.part}")

    def _kinds(self) -> tuple[str, ...]:
        return ("depth", "synthdepth") if self.config.kind == "real" else ("synthdepth",)

    def _pictures(self, root: Path, each: _View) -> list[Path]:
        folder = self._folder(root)
        return [folder / f"{kind}_{each.view}_{each.frame:07d}.png" for kind in self._kinds()]

    def _joint_file(self, root: Path) -> list[Path]:
        if not self.config.labelled:
            return []
        return require_files(root, [f"{self.config.folder}/{self.config.part}/joint_data.mat"])

    def _person(self, frame: int) -> str:
        if self.config.part == "train":
            return "nyu-train"
        return "nyu-test-1" if frame < FIRST_OF_SECOND_TESTER else "nyu-test-2"


def _listed(views: Sequence[_View]) -> str:
    """'frames 3 (view 1), 7 (view 2), ... (12 images)'."""
    shown = ", ".join(f"{each.frame} (view {each.view})" for each in views[:SHOWN])
    return f"frames {shown}, ... ({len(views)} images)" if len(views) > SHOWN else f"frames {shown}"
