"""Arrays of a fitted component come back as they were, whatever their memory layout."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench.core.errors import UsageError
from bench.core.fitted_arrays import FittedArrays


class Fitted(FittedArrays):
    """As small as can be."""


def test_any_memory_layout_comes_back(tmp_path: Path) -> None:
    component, values = Fitted(), np.arange(12, dtype=np.float32).reshape(3, 4)
    component._arrays = {"turned": values.T, "every second": values[:, ::2], "single": np.array([7])}
    component.save(tmp_path)
    found = Fitted.load(tmp_path)._fitted()
    assert found.keys() == component._arrays.keys()
    for name, array in component._arrays.items():
        np.testing.assert_array_equal(found[name], array, strict=True)


def test_nothing_is_read_or_saved_before_the_fit(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Fitted is not fitted yet"):
        Fitted()._fitted()
    with pytest.raises(UsageError, match="not fitted yet"):
        Fitted().save(tmp_path)
