"""Base of the readers of eyes: besides the selection, the size that images get and their histograms."""

from __future__ import annotations

from typing import Any, ClassVar

from numpy.typing import NDArray
from pydantic import Field

from bench.core.settings import Settings
from bench.data.equalise import DESCRIPTION as EQUALISE
from bench.data.equalise import equalise
from bench.data.fit_size import EYE_SIZE, FIT_DESCRIPTION, Fit, fit_images, fit_labels
from bench.data.indexed import IndexedReader, Labels, SelectOptions


class EyeOptions(SelectOptions):
    """Which images belong to a part, and the size they get; every format of eyes has these options."""

    size: tuple[int, int] = Field(
        default=EYE_SIZE, description="height and width in pixels; the paper's eyes are 35 high and 55 wide"
    )
    fit: Fit = Field(default="resize", description=FIT_DESCRIPTION)
    equalise: bool = Field(default=False, description=EQUALISE)


class EyeReader(IndexedReader):
    """A reader that brings its picked images, (n, H, W) or (n, H, W, 3) uint8, to one size."""

    Config: ClassVar[type[Settings]] = EyeOptions
    task = "gaze"

    def finish(self, images: NDArray[Any], labels: Labels, *, name: str) -> tuple[NDArray[Any], Labels]:
        """Images and labels at the wanted size, equalised if wanted."""
        options: EyeOptions = self.config  # type: ignore[assignment]
        fitted = fit_images(images, options.size, options.fit, name)
        labels = fit_labels(labels, images.shape[1:3], options.size, options.fit)
        return equalise(fitted, out=fitted) if options.equalise else fitted, labels
