"""Histogram equalisation: an option of every part, as MPIIGaze's patches have it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.core import registry
from bench.core.images import ImageSet, LabelConvention
from bench.data.equalise import equalise
from bench.data.imagesets import save_image_set


def _read(kind: str, root: Path, **options: Any) -> ImageSet:
    reader = registry.load("readers", kind).configured(settings=options)
    found: ImageSet = reader.read(root, name="x:y", convention=LabelConvention(), count=20)
    return found


def test_the_histogram_is_flat_and_the_order_of_grey_values_stays() -> None:
    images = np.random.default_rng(0).integers(60, 120, (3, 35, 55), dtype=np.uint8)
    flat = equalise(images)
    # The deviation of a uniform distribution over 0..255.
    assert flat.std(axis=(1, 2)) == pytest.approx(np.sqrt((256**2 - 1) / 12), rel=0.02)
    for before, after in zip(images, flat, strict=True):
        levels = [int(after[before == level].max()) for level in np.unique(before)]
        assert levels == sorted(levels)
        assert all((after[before == level] == new).all() for level, new in zip(np.unique(before), levels, strict=True))


def test_every_reader_of_images_has_the_option(tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(60, 120, (20, 35, 55), dtype=np.uint8)
    np.save(tmp_path / "eyes.npy", images)
    plain = _read("arrays", tmp_path, file="eyes.npy")
    assert np.array_equal(_read("arrays", tmp_path, file="eyes.npy", equalise=True).images[:], equalise(images))
    assert np.array_equal(plain.images[:], images)
    rendered = _read("simulator-eyes", tmp_path, domain="near")
    found = _read("simulator-eyes", tmp_path, domain="near", equalise=True)
    assert np.array_equal(found.images[:], equalise(np.asarray(rendered.images[:])))
    assert np.array_equal(found.gaze, rendered.gaze)


def test_prepared_sets_have_it_too(tmp_path: Path) -> None:
    rendered = _read("simulator-eyes", tmp_path, domain="near")
    save_image_set(tmp_path / "eyes.h5", rendered)
    found = _read("prepared", tmp_path, file="eyes.h5", equalise=True)
    assert np.array_equal(found.images[:], equalise(np.asarray(rendered.images[:])))
    assert np.array_equal(found.gaze, rendered.gaze)
    assert np.array_equal(_read("prepared", tmp_path, file="eyes.h5").images[:], rendered.images[:])
