"""UT Multiview's eye patches: a zip of pictures and a CSV of labels for each person, gaze target and eye."""

from __future__ import annotations

import fnmatch
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from bench.core.errors import DataError
from bench.data.eye_reader import EyeOptions, EyeReader
from bench.data.files_below import require_folder
from bench.data.fit_size import fit_image, refuse_size
from bench.data.gaze_angles import head_pitch_yaw, unit_vectors
from bench.data.indexed import Index, Labels
from bench.data.mirror import mirror
from bench.data.picture_files import SUFFIXES, decode_grey, natural_order

PERSON = re.compile(r"s\d+")
TABLE = re.compile(r"\d+_(?P<side>left|right)")
COLUMNS = 9  # gx, gy, gz, rx, ry, rz, tx, ty, tz; whatever follows has no known meaning
AGAIN = "unpack the data set again, its inner zips as they are"


class Options(EyeOptions):
    """Which patches of UT Multiview, and whether right eyes are mirrored."""

    folder: str = Field(default="UTMultiview", description="folder of the persons' folders s00, s01, ...")
    part: Literal["synth", "test"] = Field(
        default="synth",
        description="'synth': 144 views per gaze target, rendered from a reconstructed face; 'test': the cameras' own "
        "8 views",
    )
    eyes: Literal["both", "left", "right"] = Field(default="both", description="the eye that the files' names say")
    mirror: Literal["right", "none"] = Field(
        default="right",
        description="'right': right eyes are mirrored with their labels, so that all look like left eyes; 'none': "
        "patches as they are. UNCONFIRMED that 'left' in the files' names is the person's left",
    )


@dataclass(frozen=True)
class _Set:
    """The patches of one person, gaze target and eye: a table, and its pictures in a zip or a folder."""

    person: str
    side: str
    table: Path

    @property
    def pictures(self) -> Path:
        archive = self.table.with_suffix(".zip")
        return archive if archive.is_file() else self.table.with_suffix("")

    @property
    def name(self) -> str:
        return f"{self.person}/{self.table.parent.name}/{self.table.stem}"


class UTMultiview(EyeReader):
    """60x36 grey patches (width x height) with gaze and head pose, read from their zips without unpacking them.

    Sugano, Matsushita, Sato: "Learning-by-Synthesis for Appearance-based 3D Gaze Estimation", CVPR 2014. A row of a
    table is gaze vector, head rotation vector and eye position of the picture with the same place in numeric order.
    Gaze has x right, y down, z away from the camera, as public loaders take it. The head's z axis points away from
    the camera too, as in MPIIGaze: in a row that somebody has published (GazeML, issue 20) head and gaze then look
    to the same side. There the eye is at (0, 0, 600) mm: the space is that of the patch's normalised camera.
    Ids: s00/synth/000_left/0007.
    """

    Config: ClassVar[type[EyeOptions]] = Options
    config: Options

    def files(self, root: Path) -> list[Path]:
        """Every table, and every zip or picture beside it."""
        found: list[Path] = []
        for each in self._sets(root):
            found += [each.table, *(each.pictures.iterdir() if each.pictures.is_dir() else [each.pictures])]
        return sorted(found)

    def index(self, root: Path, *, name: str) -> Index:
        """Persons, targets and eyes in order; an entry is (set, its first row), not one per patch."""
        sets = self._sets(root)
        counts = [_count_rows(each.table) for each in sets]
        firsts = np.cumsum([0, *counts[:-1]])
        ids = [f"{each.name}/{row:04d}" for each, count in zip(sets, counts, strict=True) for row in range(count)]
        return Index(
            ids=np.array(ids, dtype=np.str_),
            persons=np.repeat(np.array([each.person for each in sets], dtype=np.str_), counts),
            entries=list(zip(sets, firsts.tolist(), strict=True)),
        )

    def pick(
        self, root: Path, index: Index, where: NDArray[np.int64], *, name: str
    ) -> tuple[NDArray[np.uint8], Labels]:
        """Patches at the final size, gaze and head pose; each set is opened once, and only the wanted rows decoded."""
        options = self.config
        firsts = np.array([first for _, first in index.entries])
        owner = np.searchsorted(firsts, where, side="right") - 1
        images = np.empty((len(where), *options.size), dtype=np.uint8)
        numbers = np.empty((len(where), COLUMNS))
        right = np.zeros(len(where), dtype=bool)
        for one in np.unique(owner):
            each, first = index.entries[one]
            places = np.flatnonzero(owner == one)
            rows = where[places] - first
            table = _read_table(each.table)
            numbers[places] = table[rows]
            right[places] = each.side == "right"
            with _opened(each, len(table)) as picture:
                for place, row in zip(places, rows, strict=True):
                    images[place] = self._fitted(*picture(int(row)))
        labels = {"gaze": unit_vectors(numbers[:, :3]), "head_pose": head_pitch_yaw(numbers[:, 3:6])}
        return mirror(images, labels, right) if options.mirror == "right" else (images, labels)

    def _fitted(self, content: bytes, path: Path) -> NDArray[np.uint8]:
        grey = decode_grey(content, path)
        refuse_size(grey.shape, self.config.size, self.config.fit, str(path))
        return grey if grey.shape == self.config.size else fit_image(grey, self.config.size, self.config.fit)

    def _sets(self, root: Path) -> list[_Set]:
        """The wanted persons' and eyes' sets; DataError when a table has no pictures, or pictures no table."""
        options = self.config
        folder = require_folder(root, options.folder)
        persons = sorted(path.name for path in folder.iterdir() if path.is_dir() and PERSON.fullmatch(path.name))
        if not persons:
            raise DataError(f"{folder} holds no person's folder (s00, s01, ...); {AGAIN}")
        wanted = options.persons
        chosen = [one for one in persons if wanted is None or any(fnmatch.fnmatch(one, each) for each in wanted)]
        sets: list[_Set] = []
        # nobody matches: `choose` says so, with the names that there are
        for person in chosen or persons:
            place = require_folder(root, f"{options.folder}/{person}/{options.part}")
            found = {path.stem: path for path in place.iterdir() if TABLE.fullmatch(path.stem)}
            for stem in sorted(found, key=lambda stem: natural_order(Path(stem))):
                each = _Set(person, stem.partition("_")[2], place / f"{stem}.csv")
                for path in (each.table, each.pictures):
                    if not path.exists():
                        raise DataError(f"{place}: '{stem}' has no {path.name}, table or pictures; {AGAIN}")
                if options.eyes in ("both", each.side):
                    sets.append(each)
        if not sets:
            raise DataError(f"{folder} holds no NNN_left.csv or NNN_right.csv in its '{options.part}' folders; {AGAIN}")
        return sets


def _count_rows(table: Path) -> int:
    return sum(1 for line in table.read_bytes().splitlines() if line.strip())


def _read_table(table: Path) -> NDArray[np.float64]:
    """(n, 9) numbers of a table without header."""
    try:
        numbers: NDArray[np.float64] = np.loadtxt(table, delimiter=",", usecols=range(COLUMNS), ndmin=2)
    except (ValueError, OSError) as error:
        reason = str(error).partition("\n")[0]
        raise DataError(f"{table} does not hold {COLUMNS} numbers per row ({reason}); {AGAIN}") from error
    return numbers


@contextmanager
def _opened(each: _Set, count: int) -> Iterator[Callable[[int], tuple[bytes, Path]]]:
    """Gives a set's pictures by row; DataError when there are not as many as rows, or the zip is damaged."""
    path = each.pictures
    try:
        if path.is_dir():
            names = _numbered(each, [found.name for found in path.iterdir()], count)
            yield lambda row: ((path / names[row]).read_bytes(), path / names[row])
            return
        with zipfile.ZipFile(path) as archive:
            names = _numbered(each, [name for name in archive.namelist() if not name.endswith("/")], count)
            yield lambda row: (archive.read(names[row]), path / names[row])
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, NotImplementedError, RuntimeError) as error:
        reason = str(error).partition("\n")[0]
        raise DataError(f"{path} cannot be read ({reason}); it is damaged, {AGAIN}") from error


def _numbered(each: _Set, names: list[str], count: int) -> list[str]:
    """Names such as 00000007.bmp in the order of their numbers; anything else could not be paired with rows."""
    path = each.pictures
    if len(names) != count:
        raise DataError(f"{each.table}: {count} rows for {len(names)} pictures in {path.name}; {AGAIN}")
    for name in names:
        if not (Path(name).stem.isdigit() and name.lower().endswith(SUFFIXES)):
            raise DataError(f"{path} holds '{name}', expected pictures with numbers as names; {AGAIN}")
    if len({int(Path(name).stem) for name in names}) != len(names):
        raise DataError(f"{path} holds two pictures with one number; {AGAIN}")
    return sorted(names, key=lambda name: int(Path(name).stem))
