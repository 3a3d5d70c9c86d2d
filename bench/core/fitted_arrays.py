"""Components whose fitted state is a few named arrays, kept in one file without pickling."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from bench.core.errors import UsageError
from bench.core.settings import Component

FILE = "arrays.safetensors"


class FittedArrays(Component):
    """A base beside `Refiner` or `Estimator`: `fit` sets `_arrays`, and saving and loading come with it."""

    _arrays: Mapping[str, NDArray[Any]] | None = None

    def _fitted(self) -> Mapping[str, NDArray[Any]]:
        """The arrays; UsageError when there are none yet."""
        if self._arrays is None:
            raise UsageError(f"{type(self).__name__} is not fitted yet: fit it, or load a fitted one")
        return self._arrays

    def _save_state(self, folder: Path) -> None:
        # In C order: safetensors writes the memory as it lies.
        arrays = {name: np.ascontiguousarray(values) for name, values in self._fitted().items()}
        save_file(arrays, folder / FILE)

    def _load_state(self, folder: Path) -> None:
        self._arrays = load_file(folder / FILE, backend="pread")  # not mapped: that is twice in memory for a while
