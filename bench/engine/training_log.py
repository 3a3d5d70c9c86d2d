"""A training's log as artifacts: scalars as Parquet, a few images as HDF5."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import pandas as pd
from numpy.typing import NDArray

from bench.core.context import RunContext

SCALARS, IMAGES = "log.parquet", "log_images.h5"


def save_log(folder: Path, context: RunContext) -> None:
    """Write what the step logged, where it logged anything."""
    if context.scalars:
        pd.DataFrame(context.scalars).to_parquet(folder / SCALARS, index=False)
    if context.images:
        with h5py.File(folder / IMAGES, "w", track_order=True) as file:
            for step, name, images in context.images:
                file.create_dataset(f"{step:09d}/{name}", data=images, compression="gzip", track_times=False)


def load_log(folder: Path) -> tuple[pd.DataFrame, list[tuple[int, str, NDArray[Any]]]]:
    """The scalars (empty when none were logged) and the (step, name, images) in order of steps."""
    scalars = pd.read_parquet(folder / SCALARS) if (folder / SCALARS).exists() else pd.DataFrame()
    images: list[tuple[int, str, NDArray[Any]]] = []
    if (folder / IMAGES).exists():
        with h5py.File(folder / IMAGES) as file:
            for step in sorted(file):
                images += [(int(step), name, file[step][name][()]) for name in file[step]]
    return scalars, images
