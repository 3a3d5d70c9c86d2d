"""Data sets by name: finds their manifests, resolves a part to a `DataSource`, and knows what identifies it.

A manifest is one TOML file. A reference is "NAME", "NAME:PART", or a path such as "./mine.toml:PART". Nothing
here imports a reader's libraries: they are imported when a source is asked for its identity or its images.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from pydantic import Field, ValidationError

from bench.core import registry
from bench.core.errors import DataError, UsageError, did_you_mean
from bench.core.images import ImageSet, LabelConvention
from bench.core.reader import Reader
from bench.core.settings import Settings

ROLES = ("synthetic", "real", "test")
LABELLED = "labelled"
_PLAIN_FIELDS = ("name", "title", "simulator", "paper_data", "licence", "format", "obtain")
_CONVENTION = LabelConvention()


class Convention(Settings):
    """A manifest's [convention] table; see `LabelConvention`."""

    space: str = _CONVENTION.space
    signs: str = _CONVENTION.signs
    angles: str = _CONVENTION.angles
    mirroring: str = _CONVENTION.mirroring


class Manifest(Settings):
    """One data set: where it is from, how it is read, what its labels mean, and its parts."""

    name: str = Field(description="the file's name without .toml")
    title: str = Field(description="one line, printed in tables and lists")
    format: str | None = Field(default=None, description="reader of the parts that do not `use` another part")
    licence: str = Field(default="unknown", description="licence of the data")
    source: str = Field(default="", description="official page")
    citation: str = Field(default="", description="paper to cite")
    obtain: str = Field(default="", description="how to get the files and where to put them")
    paper_data: bool = Field(default=False, description="whether these are the images that the paper used")
    convention: Convention = Convention()
    options: dict[str, Any] = Field(default={}, description="reader options of all parts")
    parts: dict[str, dict[str, Any]] = Field(
        min_length=1,
        description="reader options of each part; besides them `use` (another part), `title` and `paper_data`",
    )
    sha256: dict[str, str] = Field(default={}, description="expected hashes by file name, for 'bench data verify'")
    path: Path = Field(description="the manifest's file")

    @property
    def builtin(self) -> bool:
        """Whether the manifest belongs to the package: then its files lie below the data root."""
        return self.path.parent == _builtin_folder()

    @property
    def root(self) -> Path:
        """Folder that relative file names start from."""
        return data_root() if self.builtin else self.path.absolute().parent


@dataclass(frozen=True)
class DataSource:
    """One part of one data set, resolved: who it is, and how to read it."""

    name: str
    title: str
    simulator: bool
    paper_data: bool
    licence: str
    format: str
    options: Mapping[str, Any]
    convention: LabelConvention
    root: Path
    obtain: str = ""
    sha256: Mapping[str, str] = field(default_factory=dict)

    @property
    def labelled(self) -> bool:
        """False when the part gives no labels; known without reading it."""
        return bool(self.options.get("labelled", True))

    def identity(self) -> dict[str, Any]:
        """What determines the images, as JSON: format, all options, convention and the files' content.

        It has no absolute path, so a moved data folder stays the same. DataError when files are missing.
        """
        from bench.data.file_hashes import files_digest

        reader = self.reader()
        options = reader.config.model_dump(mode="json")
        files = self.files(reader)
        return {
            "format": self.format,
            "options": {key: _without_folder(value) for key, value in options.items()},
            "convention": asdict(self.convention),
            "files": {"count": len(files), "sha256": files_digest(self.root, files)} if files else None,
        }

    def spec(self) -> dict[str, Any]:
        """Everything that another process needs to rebuild the source, as JSON."""
        return {
            **{key: getattr(self, key) for key in _PLAIN_FIELDS},
            "options": dict(self.options),
            "sha256": dict(self.sha256),
            "convention": asdict(self.convention),
            "root": str(self.root),
        }

    @classmethod
    def from_spec(cls, spec: Mapping[str, Any]) -> Self:
        """The source that `spec` described."""
        convention = LabelConvention(**spec["convention"])
        return cls(**{**spec, "convention": convention, "root": Path(spec["root"])})

    def read(self, count: int | None) -> ImageSet:
        """The images: a fixed random subset of at most `count` (increasing rows), or all when None."""
        reader = self.reader()
        self.files(reader)
        return reader.read(self.root, name=self.name, convention=self.convention, count=count)

    def reader(self) -> Reader:
        """The configured reader; UsageError when the format or an option is unknown or wrong."""
        try:
            return registry.load("readers", self.format).configured(settings=self.options)  # type: ignore[no-any-return]
        except UsageError as error:
            raise UsageError(f"data set '{self.name}': {error}") from error

    def files(self, reader: Reader | None = None) -> list[Path]:
        """The files that `read` opens; DataError with the next step when they are missing."""
        try:
            return (reader or self.reader()).files(self.root)
        except (DataError, UsageError) as error:
            raise type(error)(f"data set '{self.name}': {error}") from error


def find_source(reference: str, default_part: str | None = None) -> DataSource:
    """The part that a reference names; UsageError when the data set or the part is unknown, or no part is named."""
    place, named = split_reference(reference)
    manifest = find_manifest(place)
    part = named or default_part
    if part is None:
        raise UsageError(f"'{reference}' names no part; write {place}:PART with one of {', '.join(manifest.parts)}")
    return _resolve(manifest, part, seen=())


def resolve_roles(
    data: str, synthetic: str | None, real: str | None, test: str | None, labelled: str | None = None
) -> dict[str, DataSource]:
    """The sources of the roles: a data set's own parts, each of which an override may replace.

    'labelled', the real images that estimators learn from, is there only when it is named; else they use 'real'.
    """
    place, part = split_reference(data)
    if part:
        raise UsageError(f"--data takes a whole data set, not a part: write --data {place}, or --synthetic {data}")
    overrides = dict(zip(ROLES, (synthetic, real, test), strict=True))
    manifest = find_manifest(place)
    found: dict[str, DataSource] = {}
    for role, reference in overrides.items():
        if reference is None and role not in manifest.parts:
            raise UsageError(
                f"data set '{manifest.name}' has no part '{role}' (has: {', '.join(manifest.parts)}); "
                f"name one with --{role} NAME or --{role} NAME:PART"
            )
        found[role] = find_source(reference or f"{place}:{role}", role)
    if labelled is not None or LABELLED in manifest.parts:
        found[LABELLED] = find_source(labelled or f"{place}:{LABELLED}", LABELLED)
    return found


def list_manifests() -> list[Manifest]:
    """All data sets by name, the package's own and the user's."""
    return [find_manifest(name) for name in sorted(_known())]


def find_manifest(place: str) -> Manifest:
    """A data set by name or by the path of its TOML file."""
    if _is_path(place):
        path = Path(place).expanduser()
        if not path.is_file():
            raise UsageError(f"no manifest {place}; see 'bench data list' for the data sets with a name")
        return _load(path)
    known = _known()
    if place not in known:
        raise UsageError(f"unknown data set '{place}'{did_you_mean(place, known)}. See 'bench data list'.")
    if len(known[place]) > 1:
        paths = " and ".join(str(path) for path in known[place])
        raise UsageError(f"data set '{place}' is defined twice, in {paths}; rename one of the files")
    return _load(known[place][0])


def data_root() -> Path:
    """Folder of the downloaded data sets: $SIMGAN_BENCH_DATA, else the user's data folder."""
    import platformdirs

    given = os.environ.get("SIMGAN_BENCH_DATA")
    return Path(given).expanduser().absolute() if given else platformdirs.user_data_path("simgan-bench") / "data"


def manifest_folders() -> list[Path]:
    """Folders that are searched for manifests: the package's, $SIMGAN_BENCH_MANIFESTS, the user's settings."""
    import platformdirs

    given = [Path(text).expanduser() for text in os.environ.get("SIMGAN_BENCH_MANIFESTS", "").split(os.pathsep) if text]
    for folder in given:
        if not folder.is_dir():
            raise UsageError(f"SIMGAN_BENCH_MANIFESTS names {folder}, which is not a folder; correct the variable")
    return [_builtin_folder(), *given, platformdirs.user_config_path("simgan-bench") / "manifests"]


def _builtin_folder() -> Path:
    import data_manifests

    return Path(next(iter(data_manifests.__path__)))


def _known() -> dict[str, list[Path]]:
    """Manifest files by data set name; more than one file for a name is an error of the user's."""
    found: dict[str, list[Path]] = {}
    for folder in dict.fromkeys(path.absolute() for path in manifest_folders()):
        for path in sorted(folder.glob("*.toml")):
            found.setdefault(path.stem, []).append(path)
    return found


def _is_path(place: str) -> bool:
    return place.endswith(".toml") or "/" in place or os.sep in place


def split_reference(reference: str) -> tuple[str, str | None]:
    """A reference's place and part. The colon of a drive letter ("C:/x.toml") separates nothing."""
    place, colon, part = reference.rpartition(":")
    if not colon or _is_path(part):
        return reference, None
    if not place or not part:
        raise UsageError(f"'{reference}' is not a data set; write NAME, NAME:PART or ./file.toml:PART")
    return place, part


def _load(path: Path) -> Manifest:
    """A manifest file, checked; UsageError with the file's name when it is wrong."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        manifest = Manifest.model_validate({"name": path.stem, **content, "path": path})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"manifest {path} is not valid TOML: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        hint = did_you_mean(where, Manifest.model_fields) if first["type"] == "extra_forbidden" else ""
        raise UsageError(f"manifest {path}: '{where}': {first['msg']}{hint}; see docs/data.md") from error
    if manifest.name != path.stem:
        raise UsageError(f"manifest {path} says name = '{manifest.name}'; the name must be the file's, '{path.stem}'")
    return manifest


def _resolve(manifest: Manifest, part: str, seen: tuple[tuple[Path, str], ...]) -> DataSource:
    """The source of one part, following `use`; a part's own options go on top of the used part's."""
    if part not in manifest.parts:
        raise UsageError(
            f"data set '{manifest.name}' has no part '{part}'{did_you_mean(part, manifest.parts)}; "
            f"it has {', '.join(manifest.parts)}"
        )
    here = (manifest.path.absolute(), part)
    if here in seen:
        raise UsageError(f"data set '{manifest.name}': part '{part}' uses itself; correct its 'use'")
    own = dict(manifest.parts[part])
    reference = own.pop("use", None)
    facts = {key: own.pop(key) for key in ("title", "paper_data") if key in own}
    if reference is None:
        return replace(_own_source(manifest, part, own), **facts)
    place, used_part = split_reference(str(reference))
    if _is_path(place):
        place = str(manifest.path.absolute().parent / Path(place).expanduser())
    used = _resolve(find_manifest(place), used_part or part, (*seen, here))
    if not own and not facts:
        return used
    return replace(used, name=f"{manifest.name}:{part}", options={**used.options, **own}, **facts)


def _own_source(manifest: Manifest, part: str, own: Mapping[str, Any]) -> DataSource:
    if manifest.format is None:
        raise UsageError(f"manifest {manifest.path}: part '{part}' has no 'use', so the manifest needs a 'format'")
    return DataSource(
        name=f"{manifest.name}:{part}",
        title=manifest.title,
        simulator=manifest.format.startswith("simulator-"),
        paper_data=manifest.paper_data,
        licence=manifest.licence,
        format=manifest.format,
        options={**manifest.options, **own},
        convention=LabelConvention(**manifest.convention.model_dump()),
        root=manifest.root,
        obtain=manifest.obtain,
        sha256=manifest.sha256,
    )


def _without_folder(value: Any) -> Any:
    """An option without the folder of an absolute path: the content is hashed, its place does not matter."""
    return Path(value).name if isinstance(value, str) and Path(value).expanduser().is_absolute() else value
