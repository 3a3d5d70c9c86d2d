"""Angular error and share within d degrees, against closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from bench.core.images import ImageSet
from bench.metrics.angular_error import AngularError
from bench.metrics.share_within import ShareWithin

angles_deg = st.one_of(st.floats(0, 180), st.floats(0, 1e-6), st.floats(180 - 1e-6, 180))


def looking(gaze: NDArray[np.float64]) -> ImageSet:
    """Test images of this gaze."""
    names = np.array([f"i{index}" for index in range(len(gaze))])
    return ImageSet(names, names, np.zeros((len(gaze), 1, 1), np.uint8), {"gaze": gaze})


def turned(base: NDArray[np.float64], angle_deg: float, around: NDArray[np.float64]) -> NDArray[np.float64]:
    """`base` turned by an angle towards a direction orthogonal to it."""
    sideways = np.cross(base, around)
    sideways /= np.linalg.norm(sideways)
    angle = np.radians(angle_deg)
    turned: NDArray[np.float64] = np.cos(angle) * base + np.sin(angle) * sideways
    return turned


@given(angles_deg, st.integers(0, 10_000), st.floats(0.01, 100))
def test_recovers_a_planted_angle(angle_deg: float, seed: int, length: float) -> None:
    base, around = np.random.default_rng(seed).normal(size=(2, 3))
    base /= np.linalg.norm(base)
    error = AngularError().per_image(length * turned(base, angle_deg, around)[None], looking(base[None]))
    assert error.shape == (1,)
    assert error[0] == pytest.approx(angle_deg, abs=1e-9 + 1e-12 * angle_deg)


def test_tiny_angles_survive() -> None:
    """The arc cosine of a float64 cannot tell 1e-7 degrees from 0."""
    base = np.array([0.0, 0.0, -1.0])
    error = AngularError().per_image(turned(base, 1e-7, np.array([0.0, 1.0, 0.0]))[None], looking(base[None]))
    assert error[0] == pytest.approx(1e-7, rel=1e-6)


def test_exact_predictions_have_no_error_and_no_nan() -> None:
    vectors = np.random.default_rng(0).normal(size=(1000, 3))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    single = vectors.astype(np.float32).astype(np.float64)
    assert AngularError().per_image(vectors, looking(vectors)).max() == 0
    assert AngularError().per_image(single, looking(vectors)).max() < 1e-5
    np.testing.assert_allclose(AngularError().per_image(-vectors, looking(vectors)), 180)


def test_pitch_and_yaw_of_the_convention() -> None:
    """10 degrees of pitch at yaw 0 is 10 degrees; of yaw at pitch 60 it is 2 asin(cos 60 sin 5)."""

    def vector(pitch_deg: float, yaw_deg: float) -> NDArray[np.float64]:
        p, y = np.radians([pitch_deg, yaw_deg])
        return np.array([[-np.cos(p) * np.sin(y), -np.sin(p), -np.cos(p) * np.cos(y)]])

    assert AngularError().per_image(vector(10, 0), looking(vector(0, 0)))[0] == pytest.approx(10)
    expected = 2 * np.degrees(np.arcsin(0.5 * np.sin(np.radians(5))))
    assert AngularError().per_image(vector(60, 10), looking(vector(60, 0)))[0] == pytest.approx(expected)


def test_a_vector_without_direction_is_refused() -> None:
    good = np.tile([0.0, 0.0, -1.0], (4, 1))
    zero = good * np.array([1, 1, 0, 0])[:, None]
    for metric in (AngularError(), ShareWithin()):
        with pytest.raises(ValueError, match=r"2 of 4 predicted gaze vectors are zero; .* number 2"):
            metric.per_image(zero, looking(good))


def test_summary_is_the_mean() -> None:
    assert AngularError().summary(np.array([1.0, 2.0, 6.0])) == 3.0


def test_share_within() -> None:
    base = np.array([0.0, 0.0, -1.0])
    predicted = np.stack([turned(base, angle, np.array([1.0, 2.0, 3.0])) for angle in (0, 6.9, 7.1, 12.9, 13.1)])
    test = looking(np.tile(base, (5, 1)))
    np.testing.assert_array_equal(ShareWithin().per_image(predicted, test), [100, 100, 0, 0, 0])
    np.testing.assert_array_equal(ShareWithin(13).per_image(predicted, test), [100, 100, 100, 100, 0])
    assert ShareWithin(13).summary(ShareWithin(13).per_image(predicted, test)) == pytest.approx(80)
    with pytest.raises(ValueError, match="0 to 180"):
        ShareWithin(-1)
