"""A folder of pictures with a CSV of labels, one row per picture; without the CSV, unlabelled pictures."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from bench.core.errors import DataError, UsageError, did_you_mean
from bench.data.eye_reader import EyeReader
from bench.data.files_below import below, files_with, require_files, require_folder
from bench.data.fit_size import fit_image, fit_labels, refuse_size
from bench.data.gaze_options import GazeOptions, gaze_from_angles, gaze_from_vectors, radians_from_angles
from bench.data.indexed import Index, Labels
from bench.data.picture_files import SUFFIXES, natural_order, read_grey, read_rgb


class Options(GazeOptions):
    """Where the pictures and labels are, and which columns mean what."""

    folder: str = Field(default=".", description="folder of pictures (PNG, JPEG, BMP), relative to the manifest")
    labels: str | None = Field(default=None, description="CSV file with a header, relative to the manifest")
    delimiter: str = Field(default=",", min_length=1, max_length=1, description="what separates the CSV's columns")
    file: str = Field(default="file", description="column of the pictures' names, relative to the folder")
    gaze: tuple[str, str, str] | None = Field(default=None, description="columns of the gaze vector's x, y, z")
    pitch: str | None = Field(default=None, description="column of pitch, together with `yaw`")
    yaw: str | None = Field(default=None, description="column of yaw, together with `pitch`")
    pupil: tuple[str, str] | None = Field(default=None, description="columns of the pupil centre's x, y in px")
    head_pose: tuple[str, str] | None = Field(
        default=None, description="columns of head pitch and yaw, unit and signs as the gaze's"
    )
    id_column: str | None = Field(default=None, description="column of unique ids; default: the file's name")
    person_column: str | None = Field(default=None, description="column of persons")
    person: str | None = Field(default=None, description="the one person shown, when there is no `person_column`")


Row = dict[str, str]


class Folder(EyeReader):
    """Pictures of any size brought to one, with the labels of a CSV; colour becomes luma unless `colour` is set."""

    Config: ClassVar[type[GazeOptions]] = Options
    config: Options

    def files(self, root: Path) -> list[Path]:
        """The CSV and every picture it names; without a CSV every picture of the folder."""
        folder = require_folder(root, self.config.folder)
        if self.config.labels is None:
            return files_with(folder, SUFFIXES, what="pictures")
        table = require_files(root, [self.config.labels])[0]
        return [table, *(folder / row[self.config.file] for row in self._rows(table, folder))]

    def index(self, root: Path, *, name: str) -> Index:
        """The CSV's rows in their order, or the pictures by their names with 2 before 10."""
        options = self.config
        folder = require_folder(root, options.folder)
        # without a word on persons the folder is one person: the careful choice for independence
        person = options.person or folder.resolve().name
        if options.labels is None:
            pictures = sorted(files_with(folder, SUFFIXES, what="pictures"), key=natural_order)
            rows: list[Row] = [{options.file: path.name} for path in pictures]
        else:
            rows = self._rows(below(root, options.labels), folder)
        ids = [row[options.id_column or options.file] for row in rows]
        persons = [row[options.person_column] if options.person_column else person for row in rows]
        return Index(ids=np.array(ids, dtype=np.str_), persons=np.array(persons, dtype=np.str_), entries=rows)

    def pick(
        self, root: Path, index: Index, where: NDArray[np.int64], *, name: str
    ) -> tuple[NDArray[np.uint8], Labels]:
        """Pictures at the final size, and labels in their pixels."""
        options = self.config
        folder = require_folder(root, options.folder)
        read, channels = (read_rgb, (3,)) if options.colour else (read_grey, ())
        images = np.empty((len(where), *options.size, *channels), dtype=np.uint8)
        rows = [index.entries[row] for row in where]
        labels = self._labels(rows) if options.labelled and options.labels is not None else {}
        for position, row in enumerate(rows):
            picture = read(folder / row[options.file])
            shape = picture.shape[:2]
            refuse_size(shape, options.size, options.fit, row[options.file])
            if shape == options.size:
                images[position] = picture
                continue
            images[position] = fit_image(picture, options.size, options.fit)
            if "pupil" in labels:
                own = {"pupil": labels["pupil"][position : position + 1]}
                labels["pupil"][position] = fit_labels(own, shape, options.size, options.fit)["pupil"][0]
        return images, labels

    def _rows(self, table: Path, folder: Path) -> list[Row]:
        """The CSV's rows; DataError when a column or a picture is missing, or a picture has no row."""
        options = self.config
        try:
            with table.open(newline="", encoding="utf-8-sig") as stream:
                reader = csv.DictReader(stream, delimiter=options.delimiter, strict=True)
                rows = list(reader)
                header = list(reader.fieldnames or [])
        except (OSError, csv.Error, UnicodeDecodeError) as error:
            raise DataError(f"{table} cannot be read as CSV in UTF-8 ({error}); save it again") from error
        for column in self._columns():
            if column not in header:
                raise DataError(
                    f"{table} has no column '{column}'{did_you_mean(column, header)}; "
                    f"it has {', '.join(header) or 'none'}"
                )
        if not rows:
            raise DataError(f"{table} has no row below its header; write one row per picture")
        for number, row in enumerate(rows, start=2):
            if None in row or any(row[column] is None for column in self._columns()):
                raise DataError(f"{table} line {number}: not as many cells as the header has; correct the line")
            if not (folder / row[options.file]).is_file():
                raise DataError(f"{table} line {number}: no picture {folder / row[options.file]}")
        self._refuse_unlabelled(table, folder, {row[options.file] for row in rows})
        return rows

    def _refuse_unlabelled(self, table: Path, folder: Path, named: set[str]) -> None:
        """A picture that the CSV forgot would be lost without a word."""
        forgotten = sorted(
            path.name for path in files_with(folder, SUFFIXES, what="pictures") if path.name not in named
        )
        if forgotten and not any("/" in name for name in named):
            raise DataError(
                f"{len(forgotten)} pictures have no row in {table}, first '{forgotten[0]}'; "
                "add their rows, or move the pictures elsewhere"
            )

    def _columns(self) -> list[str]:
        options = self.config
        if (options.pitch is None) != (options.yaw is None):
            raise UsageError("format 'folder': pitch and yaw are needed together")
        optional = (options.id_column, options.person_column)
        several = (*(options.gaze or ()), *(options.pupil or ()), *(options.head_pose or ()))
        labels = (*several, options.pitch, options.yaw) if options.labelled else ()
        return [options.file, *(column for column in (*optional, *labels) if column is not None)]

    def _labels(self, rows: list[Row]) -> Labels:
        options = self.config
        labels: Labels = {}
        if options.gaze is not None:
            labels["gaze"] = gaze_from_vectors(_numbers(rows, options.gaze, options), options)
        elif options.pitch is not None and options.yaw is not None:
            angles = _numbers(rows, (options.pitch, options.yaw), options)
            labels["gaze"] = gaze_from_angles(angles, options, str(options.labels))
        if options.pupil is not None:
            labels["pupil"] = _numbers(rows, options.pupil, options)
        if options.head_pose is not None:
            head = _numbers(rows, options.head_pose, options)
            labels["head_pose"] = radians_from_angles(head, options, str(options.labels))
        return labels


def _numbers(rows: list[Row], columns: tuple[str, ...], options: Options) -> NDArray[np.float64]:
    """(N, K) numbers of K columns; DataError naming the picture whose cell is no number."""
    values = np.empty((len(rows), len(columns)))
    for position, row in enumerate(rows):
        for place, column in enumerate(columns):
            try:
                values[position, place] = float(row[column])
            except ValueError as error:
                raise DataError(
                    f"{options.labels}: '{column}' of {row[options.file]} is '{row[column]}', expected a number"
                ) from error
    return values
