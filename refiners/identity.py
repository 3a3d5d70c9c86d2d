"""No refinement: the synthetic images as they are."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from bench.core.context import RunContext
from bench.core.images import ImageSet, Unlabelled
from bench.core.refiner import Refiner


class Identity(Refiner):
    """The map that every refiner must beat; also the noise floor of every drift metric."""

    kinds: ClassVar[frozenset[str]] = frozenset({"eyes", "hands"})

    def fit(self, synthetic: ImageSet | Unlabelled, real: Unlabelled, run: RunContext) -> None:
        """Nothing to learn."""

    def refine(self, images: NDArray[Any], run: RunContext) -> NDArray[Any]:
        """A copy of the images."""
        return np.array(images)
