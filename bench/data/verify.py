"""Checks of data sets: what there is, what is missing and how to get it, and whether files and labels are right."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from bench.core.canonical import file_digest
from bench.core.errors import DataError, UsageError
from bench.core.images import ImageSet
from bench.data.check import Check, Verdict
from bench.data.files_below import below
from bench.data.imagesets import save_image_set
from bench.data.indexed import fixed_subset
from bench.data.joint_checks import judge_joints
from bench.data.label_checks import judge
from bench.data.label_evidence import Evidence, evidence
from bench.data.manifests import DataSource, Manifest, find_manifest, find_source, list_manifests, split_reference

State = Literal["there", "missing", "built in", "wrong"]
SAMPLE_IMAGES = 1000
SIMULATED_IMAGES = 5000


@dataclass(frozen=True)
class PartStatus:
    """One part of one data set: whether its files are there, and otherwise how to get them."""

    data_set: str
    part: str
    title: str
    format: str
    licence: str
    state: State
    detail: str
    obtain: str


@dataclass(frozen=True)
class Prepared:
    """What `prepare` wrote."""

    name: str
    path: Path
    images: int
    size: tuple[int, int]
    persons: int
    labels: tuple[str, ...]


@dataclass(frozen=True)
class Examined:
    """The checks of a part, and the evidence that its gaze labels were judged by (None when it has none)."""

    checks: list[Check]
    evidence: Evidence | None


def status(data_set: str | None = None) -> list[PartStatus]:
    """Every part of one data set or of all, without reading an image."""
    manifests = list_manifests() if data_set is None else [find_manifest(data_set)]
    return [_part_status(manifest, part, data_set) for manifest in manifests for part in manifest.parts]


def parts_of(reference: str) -> dict[str, str]:
    """The parts that a reference means (all of a data set's when it names none) -> a file name for each."""
    place, part = split_reference(reference)
    manifest = find_manifest(place)
    parts = [part] if part else list(manifest.parts)
    return {f"{place}:{each}": f"{manifest.name}-{each}" for each in parts}


def prepare(reference: str, out: Path, count: int | None = None) -> Prepared:
    """Read a part once and write it as one HDF5 image set, which the format 'prepared' reads."""
    images = find_source(reference).read(count)
    save_image_set(out, images)
    return Prepared(
        name=images.name,
        path=out,
        images=len(images),
        size=images.size,
        persons=len(np.unique(images.persons)),
        labels=tuple(sorted(images.labels)),
    )


def verify(reference: str, count: int | None = None) -> list[Check]:
    """Read a part and check its files' hashes, images and labels. A part that cannot be read gives one 'bad' check."""
    return examine(reference, count).checks


def examine(reference: str, count: int | None = None) -> Examined:
    """As `verify`, with the evidence for the labels, to be drawn by `reports.label_evidence`."""
    source = find_source(reference)
    try:
        checks = _hashes(source)
        # a simulated part is as large as one likes, and its images are alike
        images = source.read(SIMULATED_IMAGES if source.simulator and count is None else count)
    except DataError as error:
        return Examined([Check("files", "bad", str(error))], None)
    checks += [_contents(images), _variety(images)]
    if "joints" in images.labels:
        checks += judge_joints(images)
    if "gaze" not in images.labels:
        return Examined(checks, None)
    found = evidence(images)
    return Examined([*checks, *judge(found)], found)


def _part_status(manifest: Manifest, part: str, place: str | None) -> PartStatus:
    state: State = "there"
    detail = ""
    source: DataSource | None = None
    try:
        source = find_source(f"{place or manifest.name}:{part}")
        files = source.files()
        detail = f"{len(files)} files" if files else "rendered when it is needed"
        state = "there" if files else "built in"
    except DataError as error:
        state, detail = "missing", str(error)
    except UsageError as error:
        state, detail = "wrong", str(error)
    return PartStatus(
        data_set=manifest.name,
        part=part,
        title=source.title if source else manifest.title,
        format=source.format if source else manifest.format or "?",
        licence=source.licence if source else manifest.licence,
        state=state,
        detail=detail,
        obtain=source.obtain if source else manifest.obtain,
    )


def _hashes(source: DataSource) -> list[Check]:
    expected = source.sha256
    if not expected:
        return [Check("hashes", "unknown", "the manifest gives no hashes to compare with")] if source.files() else []
    wrong = [
        name
        for name, sha256 in expected.items()
        if not (path := below(source.root, name)).is_file() or file_digest(path) != sha256.lower()
    ]
    if wrong:
        return [Check("hashes", "bad", f"{', '.join(wrong)}: not the expected content; get the files again")]
    return [Check("hashes", "ok", f"{len(expected)} files have the expected content")]


def _contents(images: ImageSet) -> Check:
    persons = len(np.unique(images.persons))
    labels = ", ".join(sorted(images.labels)) or "none"
    return Check(
        "contents",
        "ok",
        f"{len(images)} images of {images.size[0]}x{images.size[1]} px, {persons} persons, labels: {labels}",
    )


def _variety(images: ImageSet) -> Check:
    """Flat images come from damaged files or a wrong crop, repeated ones from a wrong export."""
    sample = _sample(images).images[:]
    flat = int((sample.reshape(len(sample), -1).std(axis=1) < 1).sum())
    repeated = len(sample) - len({image.tobytes() for image in sample})
    verdict: Verdict = "bad" if flat else "ok"
    return Check("pixels", verdict, f"{flat} flat and {repeated} repeated images of {len(sample)} looked at")


def _sample(images: ImageSet) -> ImageSet:
    return images.select(fixed_subset(len(images), min(len(images), SAMPLE_IMAGES)))
