"""The contract of a measure, for every one in the registry, on the images that it is for and with a small gauge."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import typing
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from bench.contract.images import simulated
from bench.core import registry
from bench.core.context import RunContext
from bench.core.errors import DataError, TrainingFailed, UsageError
from bench.core.estimator import Estimator
from bench.core.images import LABELS, ImageSet, Unlabelled
from bench.core.measure import Measure, Measurement, Subject
from bench.data.gaze_angles import vectors_from_pitch_yaw
from bench.data.pupil_blob import darkest_blobs
from tests.contract.conftest import WatchedRun
from tests.unit.inception_small import saved_inception

COUNT, REAL_COUNT = 31, 23
CASES = [(name, kind) for name in registry.names("measures") for kind in sorted(registry.load("measures", name).kinds)]
LEARNED = {"eyes": "gaze", "hands": "joints"}
"""What the estimators of these images predict, where a measure does not say."""
FEWER: Mapping[str, tuple[int, int]] = {"frechet-inception": (3, 2)}
"""Numbers of images and of real ones for measures that take long over each."""
GIVEN: Mapping[str, str] = {"frechet-inception": "inception"}
"""The fixture with the settings that a measure cannot do without."""
HEAVY = ("torch", "cv2", "sklearn", "pandas", "scipy", "matplotlib")


class _Gauge(Estimator):
    """Sees the darkest region's centre, or joints around the foreground's; as features the means of 5x5 px blocks."""

    def __init__(self, target: str) -> None:
        super().__init__()
        self.target = target  # type: ignore[misc]

    def fit(self, train: ImageSet, validation: ImageSet | None, run: RunContext) -> None:
        """Nothing to learn."""

    def predict(
        self, images: NDArray[Any], run: RunContext, given: Mapping[str, NDArray[np.float64]] | None = None
    ) -> NDArray[np.float64]:
        if self.target == "joints":
            centres = np.stack([np.argwhere(image).mean(axis=0)[::-1] if image.any() else (0, 0) for image in images])
            return np.repeat(np.insert(centres, 2, 800, axis=1)[:, None], 14, axis=1)
        centres = darkest_blobs(images)
        return centres if self.target == "pupil" else vectors_from_pitch_yaw((np.array([27.0, 17.0]) - centres) / 20)

    def features(self, images: NDArray[Any], run: RunContext) -> NDArray[np.float64]:
        count, rows, columns = len(images), images.shape[1] // 5, images.shape[2] // 5
        blocks = images[:, : 5 * rows, : 5 * columns].reshape(count, rows, 5, columns, 5)
        means: NDArray[np.float64] = blocks.mean(axis=(2, 4)).reshape(count, -1)
        return means / 255


class _BrokenGauge(_Gauge):
    """Gives NaN for one image."""

    def predict(
        self, images: NDArray[Any], run: RunContext, given: Mapping[str, NDArray[np.float64]] | None = None
    ) -> NDArray[np.float64]:
        return _first_lost(super().predict(images, run, given))

    def features(self, images: NDArray[Any], run: RunContext) -> NDArray[np.float64]:
        return _first_lost(super().features(images, run))


def _first_lost(values: NDArray[np.float64]) -> NDArray[np.float64]:
    lost = values.copy()
    lost[0] = np.nan
    return lost


@pytest.fixture(scope="session")
def inception(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return saved_inception(tmp_path_factory.mktemp("inception"))


@pytest.fixture(params=CASES, ids="-".join)
def case(request: pytest.FixtureRequest) -> tuple[str, str]:
    """A measure's name and the kind of images that it is shown."""
    return typing.cast("tuple[str, str]", request.param)


@pytest.fixture
def measure(case: tuple[str, str], request: pytest.FixtureRequest) -> Measure:
    settings = request.getfixturevalue(GIVEN[case[0]]) if case[0] in GIVEN else {}
    found = typing.cast("Measure", registry.load("measures", case[0]).configured(settings=settings))
    assert found.name == case[0], "a measure is called like its file"
    return found


@pytest.fixture
def subject(case: tuple[str, str], measure: Measure) -> Subject:
    """Images moved by a pixel, darker or farther, beside what they were."""
    kind, (count, real_count) = case[1], FEWER.get(measure.name, (COUNT, REAL_COUNT))
    source = simulated(kind, "synthetic", count, seed=3)
    moved = np.roll(source.images[:], 1, axis=2)
    changed = np.rint(0.8 * moved) if kind == "eyes" else np.where(moved > 0, moved + 5, 0)
    refined = source.with_images(changed.astype(moved.dtype), name="refined")
    gauge = None if measure.gauge == "none" else _Gauge(measure.gauge_target or LEARNED[kind])
    return Subject(refined, source, simulated(kind, "real", real_count, seed=4).unlabelled(), gauge)


@pytest.fixture
def found(measure: Measure, subject: Subject) -> Measurement:
    return measure.measure(subject, RunContext(0))


def test_declares_itself(measure: Measure) -> None:
    assert measure.version >= 1
    assert measure.gauge in ("none", "synthetic", "real")
    assert measure.gauge_target is None or measure.gauge_target in LABELS
    assert measure.kinds and measure.kinds <= {"eyes", "hands"}
    assert isinstance(measure.needs_source, bool)
    assert (type(measure).__doc__ or "").partition("\n")[0]
    assert registry.summary("measures", measure.name)
    assert measure.quantities
    for quantity in measure.quantities.values():
        assert quantity.better in ("lower", "higher", "neither")
    known = [name for name, quantity in measure.quantities.items() if quantity.unchanged is not None]
    assert bool(known) == measure.needs_source, "what compares with a source knows a value for no change"


def test_gives_what_it_declares(measure: Measure, found: Measurement) -> None:
    assert list(found.summary) == list(measure.quantities)
    assert all(type(value) is float and np.isfinite(value) for value in found.summary.values())


def test_holes_are_counted(measure: Measure, subject: Subject, found: Measurement) -> None:
    count = len(subject.images)
    holes = np.zeros(count, bool)
    for name, values in found.per_image.items():
        assert values.shape == (count,), name
        assert values.dtype == np.float64, name
        assert not np.isinf(values).any()
        holes |= np.isnan(values)
    shares = [found.summary[name] for name, quantity in measure.quantities.items() if quantity.unit == "%"]
    missing = 100 * holes.mean()
    assert not missing or any(np.isclose(share, missing) or np.isclose(share, 100 - missing) for share in shares)


def test_seed_decides_and_inputs_stay(measure: Measure, subject: Subject, found: Measurement) -> None:
    assert subject.source is not None
    sets: tuple[ImageSet | Unlabelled, ...] = (subject.images, subject.source, subject.real)
    before = [np.array(one.images[:]) for one in sets]
    labels = {name: values.copy() for name, values in subject.images.labels.items()}
    again = measure.measure(subject, RunContext(0))
    assert again.summary == found.summary
    for name, values in found.per_image.items():
        np.testing.assert_array_equal(again.per_image[name], values)
    for one, images in zip(sets, before, strict=True):
        np.testing.assert_array_equal(one.images[:], images)
    for name, values in labels.items():
        np.testing.assert_array_equal(subject.images.labels[name], values)


def test_progress_is_told_in_order(measure: Measure, subject: Subject) -> None:
    measure.measure(subject, WatchedRun(0))


def test_nothing_changed_is_nothing_measured(measure: Measure, subject: Subject) -> None:
    assert subject.source is not None
    if not measure.needs_source:
        pytest.skip("compares with real images, not with what was refined")
    same = replace(subject, images=subject.source.with_images(subject.source.images[:].copy()))
    found = measure.measure(same, RunContext(0)).summary
    for name, quantity in measure.quantities.items():
        if quantity.unchanged is not None:
            assert found[name] == pytest.approx(quantity.unchanged, abs=1e-9), name


def test_images_without_a_source(measure: Measure, subject: Subject) -> None:
    bare = replace(subject, source=None)
    if measure.needs_source:
        with pytest.raises(UsageError, match="nothing was refined"):
            measure.measure(bare, RunContext(0))
    else:
        assert measure.measure(bare, RunContext(0)).summary == measure.measure(subject, RunContext(0)).summary


def test_rows_that_are_no_pairs_are_refused(measure: Measure, subject: Subject) -> None:
    assert subject.source is not None
    if not measure.needs_source:
        pytest.skip("needs no pairs")
    count = len(subject.images)
    for source in (subject.source.select(slice(0, count - 1)), subject.source.select(np.arange(count)[::-1])):
        with pytest.raises(DataError, match="not the same images"):
            measure.measure(replace(subject, source=source), RunContext(0))


def test_no_gauge_or_one_of_another_kind_is_refused(measure: Measure, subject: Subject) -> None:
    if measure.gauge == "none":
        pytest.skip("measures without an estimator")
    with pytest.raises(UsageError, match="estimator"):
        measure.measure(replace(subject, gauge=None), RunContext(0))
    if measure.gauge_target is None:
        return
    other = next(label for label in LABELS if label != measure.gauge_target)
    with pytest.raises(UsageError, match=f"'{other}'"):
        measure.measure(replace(subject, gauge=_Gauge(other)), RunContext(0))


def test_a_gauge_that_breaks_down_fails_the_cell(measure: Measure, subject: Subject) -> None:
    if measure.gauge == "none":
        pytest.skip("measures without an estimator")
    assert subject.gauge is not None
    with pytest.raises(TrainingFailed, match="NaN or infinity for 1 images"):
        measure.measure(replace(subject, gauge=_BrokenGauge(subject.gauge.target)), RunContext(0))


def test_images_that_it_is_not_made_for_are_refused(measure: Measure, subject: Subject) -> None:
    if len(measure.kinds) == 2:
        pytest.skip("takes all")
    other = np.uint16 if measure.kinds == {"eyes"} else np.uint8

    def changed(images: ImageSet) -> ImageSet:
        return images.with_images(images.images[:].astype(other))

    assert subject.source is not None
    real = replace(subject.real, images=subject.real.images[:].astype(other))
    wrong = replace(subject, images=changed(subject.images), source=changed(subject.source), real=real)
    with pytest.raises(DataError, match=f"got {np.dtype(other)}"):
        measure.measure(wrong, RunContext(0))


def test_grey_as_colour_measures_the_same(measure: Measure, subject: Subject) -> None:
    """Three equal channels are the grey image. A gauge sees grey; other measures of realism look at each channel."""
    assert subject.source is not None
    if subject.images.images.dtype == np.uint16:
        pytest.skip("depth has no colour")

    def coloured(images: ImageSet) -> ImageSet:
        return images.with_images(np.repeat(images.images[:][..., None], 3, axis=3))

    real = replace(subject.real, images=np.repeat(subject.real.images[:][..., None], 3, axis=3))
    images, source = coloured(subject.images), coloured(subject.source)
    found = measure.measure(Subject(images, source, real, subject.gauge), RunContext(0))
    assert all(np.isfinite(value) for value in found.summary.values())
    if measure.needs_source or measure.gauge != "none":
        grey = measure.measure(subject, RunContext(0)).summary
        assert found.summary == pytest.approx(grey, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("level", [0, 90])
def test_flat_images_give_a_number_or_a_reason(measure: Measure, subject: Subject, level: int) -> None:
    """What a collapsed refiner gives: a number, or a failure of this cell that leaves the others alone; never NaN."""
    flat = subject.images.with_images(np.full_like(subject.images.images[:], level))
    with contextlib.suppress(TrainingFailed):
        found = measure.measure(replace(subject, images=flat), RunContext(0))
        assert all(np.isfinite(value) for value in found.summary.values())


def test_importing_measures_is_light() -> None:
    """Plans and lists load the classes; libraries for images and learning load when a measure runs."""
    code = (
        "import sys; from bench.core import registry\n"
        "for name in registry.names('measures'): registry.load('measures', name)\n"
        f"print(*(name for name in {HEAVY!r} if name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not done.stdout.strip()
