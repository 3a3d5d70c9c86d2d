"""Kaggle's '4quant/eye-gaze': UnityEyes and MPIIGaze patches, one HDF5 data set per image."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from bench.core.errors import DataError
from bench.data.eye_reader import EyeOptions, EyeReader
from bench.data.files_below import require_files
from bench.data.fit_size import fit_image, grey_image, refuse_size
from bench.data.gaze_angles import unit_vectors, vectors_from_unity
from bench.data.indexed import Index, Labels
from bench.data.picture_files import natural_order

Order = Literal["auto", "path", "numeric", "lexicographic"]


class Options(EyeOptions):
    """Which of the two files, and which label row belongs to which image."""

    file: str = Field(default="eye-gaze/gaze.h5", description="gaze.h5 (labelled) or real_gaze.h5 (no labels)")
    images: str = Field(default="image", description="HDF5 group with one (H, W) uint8 data set per image")
    look: str = Field(default="look_vec", description="(N, 2..4) gaze vectors, y up as in UnityEyes")
    path: str = Field(default="path", description="(N,) file names of the label rows, when the file has them")
    order: Order = Field(
        default="auto",
        description="which image a label row belongs to: by the file names in `path`, the images' keys in numeric "
        "order (1, 2, 10), or in HDF5's own order (1, 10, 2). 'auto': by `path` when its names match the keys, "
        "otherwise numeric. Public readers take HDF5's order without a check",
    )
    person: str = Field(default="unknown", description="the person named for all images: the files name none")


class KaggleEyeGaze(EyeReader):
    """(N, 35, 55) patches: 50,000 labelled UnityEyes renderings, or 34,100 MPIIGaze patches without labels.

    The trap: h5py lists '0', '1', '10', '100', ... while look_vec's rows are counted, so pairing both as they
    come gives most images another one's label. `Options.order` decides; 'bench data verify' checks the outcome
    by the pupils' places. look_vec's number of columns differs between copies: 2, 3 or 4 are read.
    """

    Config: ClassVar[type[EyeOptions]] = Options
    config: Options

    def files(self, root: Path) -> list[Path]:
        """The one HDF5 file."""
        return require_files(root, [self.config.file])

    def index(self, root: Path, *, name: str) -> Index:
        """Images in label order; an entry is (key, label row)."""
        path = self.files(root)[0]
        with _opened(path) as file:
            keys = self._keys(path, file)
            labelled = self.config.labelled
            rows = self._label_rows(path, file, keys) if labelled else dict(enumerate(numeric_order(keys)))
        entries = [(key, row) for row, key in sorted(rows.items())]
        return Index(
            ids=np.array([f"{path.stem}-{key}" for key, _ in entries]),
            persons=np.full(len(entries), self.config.person),
            entries=entries,
        )

    def pick(
        self, root: Path, index: Index, where: NDArray[np.int64], *, name: str
    ) -> tuple[NDArray[np.uint8], Labels]:
        """Images at the final size, and gaze unless the part is unlabelled."""
        path = self.files(root)[0]
        options = self.config
        images = np.empty((len(where), *options.size), dtype=np.uint8)
        with _opened(path) as file:
            group = file[options.images]
            for position, row in enumerate(where):
                key = index.entries[row][0]
                images[position] = _image(group[key], options, f"{path.name} {options.images}/{key}")
            if not options.labelled:
                return images, {}
            look = np.asarray(file[options.look][()], dtype=np.float64)
        rows = [index.entries[row][1] for row in where]
        return images, {"gaze": unit_vectors(vectors_from_unity(look[rows]))}

    def _keys(self, path: Path, file: Any) -> list[str]:
        import h5py

        if not isinstance(file.get(self.config.images), h5py.Group):
            raise DataError(
                f"{path.name} has no group '{self.config.images}' with one image each (has: {', '.join(file)}); "
                "for one array of images use the format 'arrays'"
            )
        return list(file[self.config.images])

    def _label_rows(self, path: Path, file: Any, keys: list[str]) -> dict[int, str]:
        """Label row -> key of its image."""
        options = self.config
        if options.look not in file:
            raise DataError(
                f"{path.name} has no labels '{options.look}' (has: {', '.join(file)}); "
                "set labelled = false, or use gaze.h5"
            )
        shape = file[options.look].shape
        if len(shape) != 2 or shape[1] not in (2, 3, 4) or shape[0] != len(keys):
            raise DataError(
                f"{path.name}: '{options.look}' has shape {shape} for {len(keys)} images, expected "
                f"({len(keys)}, 2 to 4); the labels do not belong to these images"
            )
        if options.order in ("auto", "path"):
            paths = _texts(file[options.path]) if options.path in file else []
            by_path = match_paths(keys, paths)
            if by_path is not None:
                return by_path
            if options.order == "path":
                raise DataError(f"{path.name}: the names in '{options.path}' do not match the images' keys; set order")
        if options.order == "lexicographic":
            return dict(enumerate(sorted(keys)))
        if not all(_number(key).isdigit() for key in keys):
            raise DataError(
                f"{path.name}: the images' keys ('{keys[0]}', ...) are no numbers and 'path' does not match them; "
                "set order = 'lexicographic' if the label rows follow the keys as text"
            )
        return dict(enumerate(numeric_order(keys)))


def numeric_order(keys: Sequence[str]) -> list[str]:
    """Keys with 2 before 10."""
    return sorted(keys, key=lambda key: natural_order(Path(key)))


def match_paths(keys: Sequence[str], paths: Sequence[str]) -> dict[int, str] | None:
    """Label row -> key, where row i's file name is that of key: 'imgs/12.jpg' and '12', '00012' or '12.png'.

    None when the names do not match the keys one to one.
    """
    by_name = {_number(key): key for key in keys}
    names = [_number(path) for path in paths]
    if len(by_name) != len(keys) or len(set(names)) != len(names) or set(names) != set(by_name):
        return None
    return {row: by_name[name] for row, name in enumerate(names)}


def _number(text: str) -> str:
    """A file name or key without folder, ending, '_cropped' and leading zeros."""
    stem = PurePosixPath(text.replace("\\", "/")).stem.removesuffix("_cropped")
    return stem.lstrip("0") or ("0" if stem else "")


def _texts(dataset: Any) -> list[str]:
    values = np.atleast_1d(dataset[()]).ravel().tolist()
    return [value.decode(errors="replace") if isinstance(value, bytes) else str(value) for value in values]


def _image(dataset: Any, options: Options, owner: str) -> NDArray[np.uint8]:
    image = np.asarray(dataset)
    if image.dtype != np.uint8 or image.ndim not in (2, 3) or 0 in image.shape:
        raise DataError(f"{owner}: expected an (H, W) uint8 image, got {image.dtype} of shape {image.shape}")
    grey = image if image.ndim == 2 else grey_image(image)
    refuse_size(grey.shape, options.size, options.fit, owner)
    return grey if grey.shape == options.size else fit_image(grey, options.size, options.fit)


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    import h5py

    try:
        with h5py.File(path, "r") as file:
            yield file
    except (OSError, RuntimeError) as error:
        reason = str(error).partition("\n")[0]
        raise DataError(f"{path} cannot be read as HDF5 ({reason}); it is damaged, get it again") from error
