"""A snapshot as one zip file that can be sent and kept: scores, records and predictions; no weights, no images.

manifest.json    {"format", "schema", "members": {name: sha256}}: all other members, each by its hash
snapshot.json    the snapshot without its values per image
scores.parquet   id, person, and a column of float64 scores per cell that has them, named in snapshot.json
steps/KEY/...    record.json and predictions.parquet, or measure.json and per_image.parquet, of each cell's step

Equal content gives equal bytes. Reading trusts nothing: names, sizes and hashes are checked, and nothing is extracted
to a path that the file chooses.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
from numpy.typing import NDArray

from bench.core.canonical import canonical_json
from bench.core.errors import DataError, UsageError
from bench.engine.asked import checked
from bench.engine.columns import ColumnFacts
from bench.engine.snapshot import SCHEMA, Revision, Snapshot, SnapshotCell
from bench.engine.store import RECORD

FORMAT = "simgan-bench results"
MANIFEST, SNAPSHOT, SCORES = "manifest.json", "snapshot.json", "scores.parquet"
PREDICTIONS = ("predictions.parquet", "measure.json", "per_image.parquet")
STEP_MEMBER = re.compile(rf"steps/([0-9a-f]{{64}})/({'|'.join(map(re.escape, (RECORD, *PREDICTIONS)))})")
EXPERIMENT_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,99}")
MOST_MEMBERS, MOST_BYTES = 20_000, 2**30  # of one member; far above any real one, far below a disk
EARLIEST = (1980, 1, 1, 0, 0, 0)  # zip's own; real times would make equal results differ


def write_snapshot(path: Path, snapshot: Snapshot, steps: Mapping[str, Path] | None = None) -> None:
    """Write a snapshot with its steps (key -> folder in the store); an unfinished file never stands at `path`."""
    if path.is_dir():
        raise UsageError(f"{path} is a folder; name a file, e.g. {path / snapshot.experiment}.zip")
    columns, scores = _scores_table(snapshot)
    members = {SNAPSHOT: _json_bytes(_to_json(snapshot, columns)), SCORES: _parquet_bytes(scores)}
    for key, folder in sorted((steps or {}).items()):
        for file in sorted(folder.iterdir()):
            members[f"steps/{key}/{file.name}"] = file.read_bytes()
    manifest = {
        "format": FORMAT,
        "schema": SCHEMA,
        "members": {name: hashlib.sha256(data).hexdigest() for name, data in members.items()},
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    try:
        with zipfile.ZipFile(partial, "w") as archive:
            for name, data in {MANIFEST: _json_bytes(manifest), **members}.items():
                info = zipfile.ZipInfo(name, EARLIEST)
                info.external_attr = 0o644 << 16
                info.compress_type = zipfile.ZIP_STORED if name.endswith(".parquet") else zipfile.ZIP_DEFLATED
                archive.writestr(info, data)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def portable(folder: Path) -> bool:
    """Whether a finished step goes into such a file: predictions and measures do; images and weights do not."""
    return all(file.name in (RECORD, *PREDICTIONS) for file in folder.iterdir())


class SnapshotFile:
    """An open file of `write_snapshot`. Every member is checked by its hash when it is read; DataError when wrong."""

    def __init__(self, path: Path, archive: zipfile.ZipFile) -> None:
        self._path, self._archive = path, archive
        names = archive.namelist()
        if len(names) > MOST_MEMBERS or len(set(names)) != len(names):
            raise DataError(f"{path} is damaged: too many members, or one of them twice; export it again")
        self._hashes: Mapping[str, str] = self._checked_manifest()
        strangers = {*names} ^ {MANIFEST, *self._hashes}
        known = {SNAPSHOT, SCORES}
        strangers |= {name for name in self._hashes if name not in known and not STEP_MEMBER.fullmatch(name)}
        if strangers or not known <= {*self._hashes}:
            which = sorted(strangers or known - {*self._hashes})[0]
            raise DataError(f"{path} was changed: '{which}' is missing or does not belong there; export it again")

    def snapshot(self) -> Snapshot:
        """The snapshot, with its values per image."""
        try:
            about = json.loads(self.read(SNAPSHOT))
            scores = pq.ParquetFile(io.BytesIO(self.read(SCORES))).read()
            return _from_json(about, scores)
        except (KeyError, TypeError, ValueError, AttributeError, pa.ArrowException) as error:
            raise DataError(f"{self._path} cannot be read ({_first_line(error)}); export it again") from error

    def about(self) -> dict[str, Any]:
        """snapshot.json as it is: enough to find a snapshot among others, without its values per image."""
        found: dict[str, Any] = json.loads(self.read(SNAPSHOT))
        return found

    def steps(self) -> dict[str, list[str]]:
        """Key -> names of the files of each step."""
        found: dict[str, list[str]] = {}
        for name in self._hashes:
            if match := STEP_MEMBER.fullmatch(name):
                found.setdefault(match[1], []).append(match[2])
        return found

    def read(self, name: str) -> bytes:
        """A member's content, after checking its size and hash."""
        data = self._content(name)
        found = hashlib.sha256(data).hexdigest()
        if found != self._hashes[name]:
            raise DataError(
                f"{self._path} was changed: {name} should hash to {self._hashes[name][:12]}, got {found[:12]};"
                " export it again"
            )
        return data

    def _content(self, name: str) -> bytes:
        size = self._archive.getinfo(name).file_size
        if size > MOST_BYTES:
            raise DataError(f"{self._path}: {name} claims {size:,} bytes, more than any result has; export it again")
        return self._archive.read(name)

    def _checked_manifest(self) -> dict[str, str]:
        if MANIFEST not in self._archive.namelist():
            raise DataError(f"{self._path} is not written by 'bench export': it has no {MANIFEST}")
        manifest = json.loads(self._content(MANIFEST))
        if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
            raise DataError(f"{self._path} is not written by 'bench export': its format is not '{FORMAT}'")
        schema = manifest.get("schema")
        if not isinstance(schema, int) or schema < SCHEMA:
            raise DataError(
                f"{self._path} has schema {schema}, which is no longer read (this version reads {SCHEMA});"
                " run 'bench export' again on its revision"
            )
        if schema > SCHEMA:
            raise DataError(
                f"{self._path} has schema {schema}, this version of simgan-bench reads {SCHEMA}; update simgan-bench"
            )
        hashes = manifest.get("members")
        if not isinstance(hashes, dict) or not all(isinstance(text, str) for text in hashes.values()):
            raise DataError(f"{self._path} is damaged: its {MANIFEST} lists no members; export it again")
        return hashes


@contextmanager
def open_snapshot_file(path: Path) -> Iterator[SnapshotFile]:
    """A file of `write_snapshot`; DataError when it is missing, truncated, changed, or something else."""
    try:
        with zipfile.ZipFile(path) as archive:
            yield SnapshotFile(path, archive)
    except FileNotFoundError as error:
        raise DataError(f"no file {path}; write one with 'bench export'") from error
    except (zipfile.BadZipFile, zipfile.LargeZipFile, EOFError, NotImplementedError, RuntimeError) as error:
        raise DataError(
            f"{path} is truncated, damaged or not written by 'bench export' ({_first_line(error)}); export it again"
        ) from error
    except (ValueError, OSError) as error:
        raise DataError(f"{path} cannot be read ({_first_line(error)})") from error


def read_snapshot(path: Path) -> Snapshot:
    """The snapshot of a file."""
    with open_snapshot_file(path) as file:
        return file.snapshot()


def _scores_table(snapshot: Snapshot) -> tuple[dict[tuple[str, str, int], str], pa.Table]:
    """Cell -> its column's name, and the table of all scores."""
    scored = [(place, cell.scores) for place, cell in sorted(snapshot.cells.items()) if cell.scores is not None]
    names = {place: f"c{number}" for number, (place, _) in enumerate(scored)}
    values = {names[place]: _floats(scores) for place, scores in scored}
    return names, pa.table({"id": _strings(snapshot.ids), "person": _strings(snapshot.persons), **values})


# Arrow's own conversions import pandas, which takes longer than everything else about a stored comparison.
def _strings(texts: NDArray[np.str_]) -> pa.Array:
    data = [str(text).encode() for text in texts]
    ends = np.cumsum([0, *map(len, data)], dtype=np.int32)
    return pa.StringArray.from_buffers(len(data), pa.py_buffer(ends), pa.py_buffer(b"".join(data)))


def _floats(values: NDArray[np.float64]) -> pa.Array:
    contents = pa.py_buffer(np.ascontiguousarray(values, np.float64))
    return pa.Array.from_buffers(pa.float64(), len(values), [None, contents])


def _numbers(table: pa.Table, name: str) -> NDArray[np.float64]:
    found = table[name].combine_chunks()
    if found.type != pa.float64() or found.null_count:
        raise ValueError(f"column {name} of {SCORES} is not of numbers")
    return np.frombuffer(found.buffers()[1], np.float64, len(found), found.offset * 8)


def _to_json(snapshot: Snapshot, columns: Mapping[tuple[str, str, int], str]) -> dict[str, Any]:
    cells = [
        {
            "row": place[0], "column": place[1], "seed": place[2],
            "key": cell.key, "value": cell.value, "place": cell.place, "scores": columns.get(place),
        }
        for place, cell in sorted(snapshot.cells.items())
    ]  # fmt: skip
    missing = [
        {"row": row, "column": column, "reason": reason, "failed": (row, column) in snapshot.failed}
        for (row, column), reason in snapshot.missing.items()
    ]
    return {
        "experiment": snapshot.experiment,
        "profile": snapshot.profile,
        "revision": asdict(snapshot.revision),
        "data": dict(snapshot.data),
        "test": snapshot.test,
        "convention": snapshot.convention,
        "columns": [asdict(column) for column in snapshot.columns],
        "rows": [{"key": key, "label": label} for key, label in snapshot.rows.items()],
        "cells": cells,
        "missing": missing,
        "settings": list(snapshot.settings),
        "asked": dict(snapshot.asked),
        "scoring": snapshot.scoring,
        "seconds": snapshot.seconds,
        "finished": snapshot.finished,
    }


def _from_json(about: Mapping[str, Any], scores: pa.Table) -> Snapshot:
    """DataError for two records of one cell; ValueError, KeyError and TypeError for what is not a snapshot."""
    if not EXPERIMENT_NAME.fullmatch(about["experiment"]):
        raise ValueError("its experiment has no proper name")
    ids, persons = _texts(scores, "id"), _texts(scores, "person")
    return Snapshot(
        experiment=about["experiment"],
        profile=str(about["profile"]),
        revision=Revision(**about["revision"]),
        data={str(role): str(name) for role, name in about["data"].items()},
        test=str(about["test"]),
        convention=str(about["convention"]),
        columns=tuple(ColumnFacts(**column) for column in about["columns"]),
        rows={str(row["key"]): str(row["label"]) for row in about["rows"]},
        cells=_cells(about["cells"], scores),
        ids=ids,
        persons=persons,
        missing={(each["row"], each["column"]): str(each["reason"]) for each in about["missing"]},
        failed=frozenset((each["row"], each["column"]) for each in about["missing"] if each["failed"]),
        settings=tuple(map(str, about["settings"])),
        asked=checked(about.get("asked", {})),
        scoring=str(about["scoring"]),
        seconds=float(about["seconds"]),
        finished=float(about["finished"]),
    )


def _cells(entries: Iterable[Mapping[str, Any]], scores: pa.Table) -> dict[tuple[str, str, int], SnapshotCell]:
    cells: dict[tuple[str, str, int], SnapshotCell] = {}
    for entry in entries:
        place = (str(entry["row"]), str(entry["column"]), int(entry["seed"]))
        key, value = str(entry["key"]), float(entry["value"])
        if place in cells:
            raise DataError(
                f"two records for {place[0]}, {place[1]}, seed {place[2]}, with keys {cells[place].key[:12]} and"
                f" {key[:12]}: which one counts cannot be told; export it again"
            )
        per_image = None if entry["scores"] is None else _numbers(scores, entry["scores"])
        if not np.isfinite(value) or (per_image is not None and not np.isfinite(per_image).all()):
            raise ValueError(f"a value of {place[0]}, {place[1]} is not a finite number")
        cells[place] = SnapshotCell(key, value, per_image, str(entry["place"]))
    return cells


def _texts(table: pa.Table, name: str) -> NDArray[np.str_]:
    return np.array(table[name].to_pylist(), dtype=str)


def _json_bytes(value: Any) -> bytes:
    return canonical_json(value).encode()


def _parquet_bytes(table: pa.Table) -> bytes:
    stream = io.BytesIO()
    pq.write_table(table, stream, compression="zstd")
    return stream.getvalue()


def _first_line(error: BaseException) -> str:
    return str(error).partition("\n")[0] or type(error).__name__
