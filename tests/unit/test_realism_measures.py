"""Realism: equal domains cannot be told apart, different ones can, and the formulas agree with second sources."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import wasserstein_distance
from sklearn.covariance import empirical_covariance, shrunk_covariance
from sklearn.metrics import roc_auc_score

from bench.core.context import RunContext
from bench.core.errors import DataError, UsageError
from bench.core.estimator import Estimator
from bench.core.images import ImageSet
from bench.core.measure import Measure, Subject
from bench.data.simulator.eyes import render_eyes
from bench.data.simulator.hands import render_hands
from bench.measures.kernel_distance import KernelDistance, polynomial_mmd2
from bench.measures.sliced_wasserstein import SlicedWasserstein, sliced_distance
from bench.measures.two_sample import SHRINKAGE, TwoSample, auc, cross_validated_auc, deal, discriminant
from tests.unit.made_up_hands import sensed

COUNT = 200


def eyes(domain: str, seed: int, persons: range, count: int = COUNT) -> ImageSet:
    rendered = render_eyes(count, domain=domain, seed=seed, persons=persons)
    return ImageSet(
        ids=np.array([f"{domain}-{seed}-{index}" for index in range(count)]),
        persons=np.array([f"{domain}-{person}" for person in rendered.persons]),
        images=rendered.images,
        name=domain,
    )


@pytest.fixture(scope="module")
def real() -> ImageSet:
    return eyes("distant", 1, range(0, 20))


@pytest.fixture(scope="module")
def others() -> ImageSet:
    return eyes("distant", 2, range(20, 40))


@pytest.fixture(scope="module")
def synthetic() -> ImageSet:
    return eyes("synthetic", 3, range(20))


def measured(measure: Measure, images: ImageSet, real: ImageSet, gauge: Estimator | None = None) -> dict[str, float]:
    return dict(measure.measure(Subject(images, None, real.unlabelled(), gauge), RunContext(0)).summary)


def noisy(images: ImageSet, deviation: float) -> ImageSet:
    levels = images.images[:] + np.random.default_rng(0).normal(0, deviation, images.images.shape)
    return images.with_images(np.rint(np.clip(levels, 0, 255)).astype(np.uint8))


def blurred(images: ImageSet) -> ImageSet:
    return images.with_images(np.stack([cv2.GaussianBlur(image, (0, 0), 1.2) for image in images.images[:]]))


class TestTwoSample:
    def test_other_persons_of_one_domain_are_near_chance(self) -> None:
        """One pair of groups scatters a lot, as ten persons are few; the mean of several does not."""
        groups = [eyes("distant", seed, range(100 + 10 * seed, 110 + 10 * seed)) for seed in range(8)]
        pairs = [(groups[at], groups[(at + 1) % 8]) for at in range(8)]
        areas = [measured(TwoSample(), *pair)["auc"] for pair in pairs]
        assert np.mean(areas) == pytest.approx(0.5, abs=0.12)
        assert max(areas) < 0.85

    def test_domains_are_told_apart(self, synthetic: ImageSet, real: ImageSet) -> None:
        assert measured(TwoSample(), synthetic, real)["auc"] > 0.99
        assert measured(TwoSample(), eyes("noisy", 5, range(30, 40)), real)["auc"] > 0.9

    def test_a_little_noise_is_seen(self, others: ImageSet, real: ImageSet) -> None:
        assert measured(TwoSample(), noisy(others, 4), real)["auc"] > 0.95

    def test_faces_known_by_heart_do_not_count(self, others: ImageSet, real: ImageSet) -> None:
        """Folds by image tell two groups of persons apart by their faces; folds by person do not."""
        by_image = replace(others, persons=others.ids), replace(real, persons=real.ids)
        assert measured(TwoSample(), *by_image)["auc"] > measured(TwoSample(), others, real)["auc"] + 0.1

    def test_one_person_on_a_side_is_said(self, others: ImageSet, real: ImageSet) -> None:
        run = RunContext(0)
        alone = replace(others, persons=np.full(COUNT, "p00"))
        found = TwoSample().measure(Subject(alone, None, real.unlabelled()), run)
        assert 0 <= found.summary["auc"] <= 1
        assert len(run.warnings) == 1 and "one person" in run.warnings[0]
        run = RunContext(0)
        TwoSample().measure(Subject(others, None, real.unlabelled()), run)
        assert not run.warnings

    def test_a_single_image_is_too_few(self, others: ImageSet, real: ImageSet) -> None:
        with pytest.raises(DataError, match="at least 2 images"):
            measured(TwoSample(), others.select([0]), real)

    @given(st.integers(2, 12), st.integers(2, 12), st.integers(0, 6), st.integers(0, 2**32 - 1))
    def test_folds(self, first: int, second: int, shared: int, seed: int) -> None:
        draws = np.random.default_rng(seed)
        both = [f"both-{at}" for at in range(shared)]
        sides = [
            draws.permutation(np.repeat(both + [f"{side}-{at}" for at in range(own)], 2))
            for side, own in (("one", first), ("other", second))
        ]
        folds = deal(sides[0], sides[1], draws)
        assert set(folds[0]) == set(folds[1]) == set(range(min(5, first + shared, second + shared)))
        owners: dict[str, set[int]] = {}
        for groups, fold in zip(sides, folds, strict=True):
            for group, at in zip(groups, fold, strict=True):
                owners.setdefault(str(group), set()).add(int(at))
        assert all(len(found) == 1 for found in owners.values())

    def test_discriminant_against_scikit_learns_covariance(self) -> None:
        draws = np.random.default_rng(0)
        mixing = draws.normal(size=(6, 6))
        one, other = draws.normal(size=(80, 6)) @ mixing + 0.4, draws.normal(size=(50, 6)) @ mixing
        spread = np.concatenate([one, other]).std(axis=0)
        centred = np.concatenate([one - one.mean(axis=0), other - other.mean(axis=0)]) / spread
        covariance = shrunk_covariance(empirical_covariance(centred, assume_centered=True), SHRINKAGE)
        expected = np.linalg.solve(covariance, (one.mean(axis=0) - other.mean(axis=0)) / spread) / spread
        np.testing.assert_allclose(discriminant(one, other), expected)

    @given(st.lists(st.integers(0, 5), min_size=1, max_size=30), st.lists(st.integers(0, 5), min_size=1, max_size=30))
    def test_auc_is_scikit_learns(self, one: list[int], other: list[int]) -> None:
        expected = roc_auc_score(np.repeat([1, 0], [len(one), len(other)]), np.array(one + other))
        assert auc(np.array(one, np.float64), np.array(other, np.float64)) == pytest.approx(expected)


class TestSlicedWasserstein:
    def test_equal_sets_are_at_zero_and_other_persons_near(
        self, synthetic: ImageSet, others: ImageSet, real: ImageSet
    ) -> None:
        measure = SlicedWasserstein()
        assert all(value == 0 for value in measured(measure, real, real).values())
        near, far = measured(measure, others, real), measured(measure, synthetic, real)
        assert all(0 < near[name] < far[name] for name in near)
        assert near["distance"] < 0.15
        assert near["distance"] == pytest.approx(np.mean([near[name] for name in ("fine", "middle", "coarse")]))

    def test_each_scale_sees_its_own(self, others: ImageSet, real: ImageSet) -> None:
        before = measured(SlicedWasserstein(), others, real)
        grained = measured(SlicedWasserstein(), noisy(others, 6), real)
        assert grained["fine"] > 5 * before["fine"]
        assert grained["coarse"] < 2 * before["coarse"]
        darker = others.with_images(np.maximum(others.images[:].astype(int) - 30, 0).astype(np.uint8))
        dark = measured(SlicedWasserstein(), darker, real)
        assert dark["coarse"] > 3 * before["coarse"]
        assert dark["fine"] < 2 * before["fine"] + 0.02

    def test_bringing_images_nearer_is_seen(self, synthetic: ImageSet, real: ImageSet) -> None:
        before, after = (measured(SlicedWasserstein(), images, real) for images in (synthetic, blurred(synthetic)))
        assert after["distance"] < 0.5 * before["distance"]

    def test_one_axis_is_scipys_wasserstein_distance(self) -> None:
        draws = np.random.default_rng(0)
        one, other = draws.normal(size=(300, 4)).astype(np.float32), draws.gamma(2, size=(300, 4)).astype(np.float32)
        axes = draws.normal(size=(4, 9)).astype(np.float32)
        expected = np.mean([wasserstein_distance(one @ axis, other @ axis) for axis in axes.T])
        assert sliced_distance(one, other, axes) == pytest.approx(expected, rel=1e-5)

    @given(st.integers(0, 2**32 - 1), st.floats(-5, 5))
    def test_a_shift_is_its_length(self, seed: int, shift: float) -> None:
        one = np.random.default_rng(seed).normal(size=(50, 1)).astype(np.float32)
        axis = np.ones((1, 1), np.float32)
        assert sliced_distance(one, one + np.float32(shift), axis) == pytest.approx(abs(shift), abs=1e-5)

    def test_counts_may_differ_and_sizes_may_not(self, others: ImageSet, real: ImageSet) -> None:
        found = measured(SlicedWasserstein(), others.select(slice(0, 150)), real)
        assert found["distance"] < 0.2
        wide = others.with_images(others.images[:][:, :, :50])
        for measure in (SlicedWasserstein(), TwoSample()):
            with pytest.raises(DataError, match="35x50 and 35x55 px"):
                measured(measure, wide, real)

    def test_colour_counts_when_both_sides_have_it(self, others: ImageSet, real: ImageSet) -> None:
        def coloured(images: ImageSet, red: float) -> ImageSet:
            levels = images.images[:] // 2
            return images.with_images(np.stack([(levels * red).astype(np.uint8), levels, levels], axis=3))

        for measure, quantity in ((SlicedWasserstein(), "coarse"), (TwoSample(), "auc")):
            same = measured(measure, coloured(others, 1.0), coloured(real, 1.0))[quantity]
            redder = measured(measure, coloured(others, 1.7), coloured(real, 1.0))[quantity]
            assert redder > same + 0.2
            assert np.isfinite(measured(measure, coloured(others, 1.7), real)[quantity])


class _Means(Estimator):
    """Sees the mean and the standard deviation of an image."""

    def fit(self, train: ImageSet, validation: ImageSet | None, run: RunContext) -> None:
        """Nothing to learn."""

    def predict(
        self, images: NDArray[Any], run: RunContext, given: Mapping[str, NDArray[np.float64]] | None = None
    ) -> NDArray[np.float64]:
        raise NotImplementedError

    def features(self, images: NDArray[Any], run: RunContext) -> NDArray[np.float64]:
        return np.stack([images.mean(axis=(1, 2)), images.std(axis=(1, 2))], axis=1) / 50


class _Blind(_Means):
    features = Estimator.features


class TestKernelDistance:
    def test_formula_equals_a_double_loop(self) -> None:
        draws = np.random.default_rng(0)
        x, y = draws.normal(size=(7, 3)), draws.normal(1, 2, size=(5, 3))

        def kernel(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
            return float((np.dot(a, b) / 3 + 1) ** 3)

        within_x = sum(kernel(x[i], x[j]) for i in range(7) for j in range(7) if i != j) / (7 * 6)
        within_y = sum(kernel(y[i], y[j]) for i in range(5) for j in range(5) if i != j) / (5 * 4)
        between = sum(kernel(a, b) for a in x for b in y) / 35
        assert polynomial_mmd2(x, y) == pytest.approx(within_x + within_y - 2 * between)

    def test_unbiased(self) -> None:
        """Of one distribution: zero on average, on both sides of it. Of two: the exact value in one dimension."""
        draws = np.random.default_rng(0)
        same = np.array([polynomial_mmd2(draws.normal(size=(10, 4)), draws.normal(size=(15, 4))) for _ in range(2000)])
        assert abs(same.mean()) < 3 * same.std() / np.sqrt(len(same))
        assert 0.2 < (same < 0).mean() < 0.8
        # k(x, y) = 1 + 3xy + 3x^2y^2 + x^3y^3, so MMD^2 = 3 dm1^2 + 3 dm2^2 + dm3^2 in the moments' differences:
        # N(0.5, 1) has moments 0.5, 1.25, 1.625 and N(0, 1) has 0, 1, 0.
        exact = 3 * 0.5**2 + 3 * 0.25**2 + 1.625**2
        apart = np.array(
            [polynomial_mmd2(draws.normal(0.5, 1, (20, 1)), draws.normal(size=(20, 1))) for _ in range(4000)]
        )
        assert abs(apart.mean() - exact) < 3 * apart.std() / np.sqrt(len(apart))

    @settings(max_examples=30)
    @given(st.integers(0, 2**32 - 1))
    def test_symmetric(self, seed: int) -> None:
        draws = np.random.default_rng(seed)
        x, y = draws.normal(size=(6, 2)), draws.normal(size=(9, 2))
        assert polynomial_mmd2(x, y) == pytest.approx(polynomial_mmd2(y, x), abs=1e-9)

    def test_domains_are_ranked(self, synthetic: ImageSet, others: ImageSet, real: ImageSet) -> None:
        near, far = (measured(KernelDistance(), images, real, _Means())["kid"] for images in (others, synthetic))
        assert abs(near) < 0.2 * far
        fewer = measured(KernelDistance(), synthetic.select(slice(0, 120)), real, _Means())["kid"]
        assert fewer == pytest.approx(far, rel=0.3)

    def test_what_it_cannot_measure_with(self, others: ImageSet, real: ImageSet) -> None:
        with pytest.raises(UsageError, match="no features"):
            measured(KernelDistance(), others, real, _Blind())
        with pytest.raises(DataError, match="at least 2 images"):
            measured(KernelDistance(), others.select([0]), real, _Means())

    def test_a_gauge_sees_the_mean_of_the_channels(self, others: ImageSet, real: ImageSet) -> None:
        def coloured(images: ImageSet) -> ImageSet:
            """Red and blue apart by twelve levels, with the grey ones as their mean."""
            levels = np.clip(images.images[:], 6, 249)
            return images.with_images(np.stack([levels + 6, levels, levels - 6], axis=3).astype(np.uint8))

        plain, plain_real = (images.with_images(np.clip(images.images[:], 6, 249)) for images in (others, real))
        colour, colour_real = coloured(others), coloured(real)
        expected = measured(KernelDistance(), plain, plain_real, _Means())
        for one, other in ((colour, colour_real), (colour, plain_real), (plain, colour_real)):
            assert measured(KernelDistance(), one, other, _Means()) == expected


def hands(seed: int, who: str, count: int = COUNT) -> ImageSet:
    """Rendered hands of ten persons whom no other seed shares."""
    rendered = render_hands(count, domain="synthetic", seed=seed, persons=range(10 * seed, 10 * seed + 10))
    ids = np.array([f"{seed}-{index:04d}" for index in range(count)])
    return ImageSet(ids, np.array([f"{who}{person}" for person in rendered.persons]), rendered.images, name=who)


class TestDepth:
    """Small hands in front of nothing: most of an image is the same in all of them."""

    def test_a_sensors_look_is_told_from_a_clean_one_and_persons_are_not(self) -> None:
        groups = [hands(seed, f"{seed}-") for seed in range(8)]
        areas = [measured(TwoSample(), groups[at], groups[(at + 1) % 8])["auc"] for at in range(8)]
        assert np.mean(areas) == pytest.approx(0.5, abs=0.15)
        assert measured(TwoSample(), groups[0], sensed(groups[1]))["auc"] > 0.95
        assert measured(TwoSample(), sensed(groups[0], 1), sensed(groups[1], 2))["auc"] < 0.85

    def test_patches_of_other_hands_are_near(self) -> None:
        real, others = sensed(hands(1, "r"), 1), sensed(hands(2, "o"), 2)
        assert all(value == 0 for value in measured(SlicedWasserstein(), real, real).values())
        near, far = measured(SlicedWasserstein(), others, real), measured(SlicedWasserstein(), hands(3, "s"), real)
        assert 0 < near["fine"] < 0.5 * far["fine"]
        assert 0 < near["distance"] < 0.6 * far["distance"]

    def test_a_gauge_sees_depth_as_it_is(self) -> None:
        """Hands 400 mm nearer look the same as levels; an estimator is shown millimetres."""
        real, others = hands(1, "r"), hands(2, "o")
        nearer = others.with_images(np.where(others.images[:] > 0, others.images[:] - 400, 0).astype(np.uint16))
        near, far = (measured(KernelDistance(), images, real, _Means())["kid"] for images in (others, nearer))
        assert abs(near) < 0.1 * far

    def test_depth_and_eyes_are_not_compared(self, real: ImageSet) -> None:
        for measure in (TwoSample(), SlicedWasserstein(), KernelDistance()):
            for pair in ((hands(1, "r", 20), real), (real, hands(1, "r", 20))):
                with pytest.raises(DataError, match="of another kind"):
                    measured(measure, *pair, _Means())

    @pytest.mark.parametrize("mm", [0, 800])
    def test_images_of_one_depth_alone(self, mm: int) -> None:
        """A collapsed refiner's: told apart from hands for sure, and no number is lost over what does not vary."""
        real = hands(1, "r", 60)
        flat = real.with_images(np.full_like(real.images[:], mm))
        assert measured(TwoSample(), flat, hands(2, "o", 60))["auc"] == 1
        assert measured(TwoSample(), flat, flat)["auc"] == 0.5
        assert all(np.isfinite(value) for value in measured(SlicedWasserstein(), flat, real).values())
        assert all(value == 0 for value in measured(SlicedWasserstein(), flat, flat).values())

    @given(st.floats(-1e3, 1e3), st.integers(0, 2**32 - 1))
    def test_what_is_the_same_in_all_images_does_not_count(self, constant: float, seed: int) -> None:
        """Its mean is rounded, so that its deviation is not 0: it must not be blown up to a feature."""
        draws = np.random.default_rng(seed)
        sides = draws.normal(size=(60, 3)), draws.normal(0.7, 1, size=(50, 3))
        folds = [np.arange(len(side)) % 5 for side in sides]
        wider = [np.concatenate([side, np.full((len(side), 4), constant)], axis=1) for side in sides]
        axis = discriminant(wider[0], wider[1])
        assert (axis[3:] == 0).all()
        np.testing.assert_allclose(axis[:3], discriminant(*sides))
        assert cross_validated_auc(wider[0], wider[1], *folds) == cross_validated_auc(sides[0], sides[1], *folds)
