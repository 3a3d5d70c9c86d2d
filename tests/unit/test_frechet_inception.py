"""FID: the distance agrees with closed forms and scipy, the network with torchvision's; never without weights."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image
from scipy.linalg import sqrtm
from scipy.stats import ortho_group
from torchvision.models import Inception_V3_Weights, inception_v3  # type: ignore[import-untyped]
from torchvision.transforms.v2.functional import normalize, resize  # type: ignore[import-untyped]

from bench.core.canonical import file_digest
from bench.core.context import RunContext
from bench.core.errors import DataError, UsageError
from bench.core.images import ImageSet
from bench.core.measure import Subject
from bench.data.simulator.eyes import render_eyes
from bench.engine.plan import Plan, Request, make_plan
from bench.measures.frechet_inception import FrechetInception, frechet_distance
from bench.measures.parts.inception import CHUNK, as_input, features, inception
from bench.training.device import pin_threads
from tests.unit.inception_small import random_inception, saved_inception

Array = NDArray[np.float64]
SEEDS = st.integers(0, 2**32 - 1)


def sample(draws: np.random.Generator, count: int, mean: Any, covariance: Any) -> Array:
    """`count` points whose mean and covariance are exactly these."""
    points = draws.normal(size=(count, len(mean)))
    points -= points.mean(axis=0)
    whitened = np.linalg.solve(np.linalg.cholesky(np.cov(points, rowvar=False)), points.T)
    moved: Array = (np.linalg.cholesky(np.asarray(covariance, float)) @ whitened).T + mean
    return moved


def covariance(draws: np.random.Generator, size: int) -> Array:
    factor = draws.normal(size=(size, size))
    product: Array = factor @ factor.T + 0.1 * np.eye(size)
    return product


def textbook(one: Array, other: Array) -> float:
    """The formula as it stands, with scipy's matrix root."""
    first, second = np.cov(one, rowvar=False), np.cov(other, rowvar=False)
    gap = one.mean(axis=0) - other.mean(axis=0)
    return float(gap @ gap + np.trace(first + second - 2 * sqrtm(first @ second).real))


class TestDistance:
    @given(SEEDS)
    def test_independent_features_are_compared_one_by_one(self, seed: int) -> None:
        """C1 and C2 diagonal: the sum of (m1 - m2)^2 + (s1 - s2)^2."""
        draws = np.random.default_rng(seed)
        means, deviations = draws.normal(size=(2, 4)), draws.uniform(0.1, 3, (2, 4))
        one, other = (
            sample(draws, 30, mean, np.diag(sd**2)) for mean, sd in zip(means, deviations, strict=True)
        )  # fmt: skip
        expected = np.square(means[0] - means[1]).sum() + np.square(deviations[0] - deviations[1]).sum()
        assert frechet_distance(one, other) == pytest.approx(expected, rel=1e-9)

    @given(SEEDS)
    def test_two_dependent_features(self, seed: int) -> None:
        """Tr M^(1/2) = (Tr M + 2 (det M)^(1/2))^(1/2) for 2x2 matrices, here M = C1 C2, which do not commute."""
        draws = np.random.default_rng(seed)
        means, first, second = draws.normal(size=(2, 2)), covariance(draws, 2), covariance(draws, 2)
        product = first @ second
        root = np.sqrt(np.trace(product) + 2 * np.sqrt(np.linalg.det(product)))
        expected = np.square(means[0] - means[1]).sum() + np.trace(first + second) - 2 * root
        found = frechet_distance(sample(draws, 9, means[0], first), sample(draws, 14, means[1], second))
        assert found == pytest.approx(expected, rel=1e-7, abs=1e-9)

    @settings(max_examples=20)
    @given(SEEDS)
    def test_equals_scipys_matrix_root(self, seed: int) -> None:
        draws = np.random.default_rng(seed)
        mixing = covariance(draws, 6)
        one, other = draws.normal(size=(40, 6)) @ mixing, draws.gamma(2, size=(25, 6))
        assert frechet_distance(one, other) == pytest.approx(textbook(one, other), rel=1e-6)

    @settings(max_examples=30)
    @given(SEEDS, st.integers(2, 12), st.integers(2, 12))
    def test_fewer_images_than_features(self, seed: int, count: int, others: int) -> None:
        """Singular covariances: the same in the subspace of the points, where the formula needs no care."""
        draws = np.random.default_rng(seed)
        one, other = draws.normal(size=(count, 3)), draws.normal(1, 2, size=(others, 3))
        into = ortho_group.rvs(20, random_state=seed)[:3]
        assert frechet_distance(one @ into, other @ into) == pytest.approx(frechet_distance(one, other), rel=1e-9)

    @given(SEEDS, st.integers(2, 20), st.floats(-50, 50))
    def test_equal_sets_are_at_zero_and_a_shift_is_its_square(self, seed: int, count: int, shift: float) -> None:
        points = np.random.default_rng(seed).normal(size=(count, 8))
        assert 0 <= frechet_distance(points, points[::-1]) < 1e-12
        assert frechet_distance(points, points + shift) == pytest.approx(8 * shift**2, rel=1e-9, abs=1e-9)

    @given(SEEDS)
    def test_symmetric(self, seed: int) -> None:
        draws = np.random.default_rng(seed)
        one, other = draws.normal(size=(5, 8)), draws.normal(size=(30, 8))
        assert frechet_distance(one, other) == pytest.approx(frechet_distance(other, one), rel=1e-9)

    def test_few_images_are_too_far_apart(self) -> None:
        """Two samples of one distribution: the bias that is warned of."""
        draws = np.random.default_rng(0)

        def apart(count: int) -> float:
            pairs = (draws.normal(size=(2, count, 10)) for _ in range(20))
            return float(np.mean([frechet_distance(*pair) for pair in pairs]))

        few, many = apart(20), apart(500)
        assert few > 10 * many > 0


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Any:
    before = torch.get_num_threads()
    pin_threads(1)
    yield
    pin_threads(before)


@pytest.fixture(scope="module")
def given_weights(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return saved_inception(tmp_path_factory.mktemp("weights"))


def eyes(count: int, domain: str = "synthetic", colour: bool = False) -> ImageSet:
    images = render_eyes(count, domain=domain, seed=1).images
    names = np.array([f"{domain}-{index}" for index in range(count)])
    return ImageSet(names, names, np.repeat(images[..., None], 3, axis=3) if colour else images, name=domain)


def tensor(images: NDArray[np.uint8]) -> torch.Tensor:
    return torch.from_numpy(images).permute(0, 3, 1, 2)


class TestNetwork:
    def test_features_are_those_before_torchvisions_classifier(self) -> None:
        """Second source: the whole network as torchvision builds it for its own weights, fed as it says."""
        weights, draws = random_inception(), np.random.default_rng(0)
        images = draws.integers(0, 256, (2, 40, 60, 3)).astype(np.uint8)
        with torch.device("meta"):
            whole = inception_v3(weights=None, init_weights=False, transform_input=True)
        rest = {name: torch.zeros(value.shape) for name, value in whole.state_dict().items() if name not in weights}
        whole.load_state_dict({**weights, **rest}, assign=True)
        seen: list[torch.Tensor] = []
        whole.avgpool.register_forward_hook(lambda module, inputs, output: seen.append(output.flatten(1)))
        means = Inception_V3_Weights.IMAGENET1K_V1.transforms()
        with torch.inference_mode():
            whole.eval()(normalize(resize(tensor(images).float() / 255, [299, 299]), means.mean, means.std))
        found = np.concatenate(list(features(inception(weights, "these"), images, "cpu")))
        assert found.dtype == np.float64
        assert found.std(axis=0).max() > 0.01
        np.testing.assert_allclose(found, seen[0].numpy(), rtol=1e-3, atol=1e-4)

    @pytest.mark.parametrize("size", [(35, 55), (600, 700)])
    def test_images_are_resized_as_pillow_does(self, size: tuple[int, int]) -> None:
        """Which averages where it makes an image smaller, and rounds to whole levels."""
        levels = np.random.default_rng(0).integers(0, 256, (1, *size, 3)).astype(np.uint8)
        expected = np.asarray(Image.fromarray(levels[0]).resize((299, 299), Image.Resampling.BILINEAR), np.float64)
        found = as_input(tensor(levels)).numpy()[0].transpose(1, 2, 0) * 127.5 + 127.5
        np.testing.assert_allclose(found, expected, atol=1.01)

    def test_an_images_features_do_not_depend_on_its_company(self) -> None:
        net, images = inception(random_inception(), "these"), eyes(CHUNK["cpu"] + 1).images
        parts = list(features(net, images, "cpu"))
        assert [len(part) for part in parts] == [CHUNK["cpu"], 1]
        alone = next(features(net, images[CHUNK["cpu"] :], "cpu"))
        np.testing.assert_array_equal(parts[1], alone)

    def test_grey_is_three_equal_channels(self) -> None:
        grey, colour = (torch.from_numpy(eyes(2, colour=colour).images[:]) for colour in (False, True))
        torch.testing.assert_close(as_input(grey[:, None]), as_input(colour.permute(0, 3, 1, 2)))


class TestMeasure:
    def test_is_the_distance_of_the_features_and_few_images_are_told(self, given_weights: dict[str, Any]) -> None:
        images, real, run = eyes(3), eyes(2, "distant"), RunContext(0)
        measure = FrechetInception.configured(settings=given_weights)
        found = measure.measure(Subject(images, None, real.unlabelled()), run).summary
        net = inception(random_inception(), "these")
        sets = [np.concatenate(list(features(net, one.images, "cpu"))) for one in (images, real)]
        assert found == {"fid": frechet_distance(*sets)}
        assert found["fid"] > 0
        assert any("3 images against 2: below 2,048" in warning for warning in run.warnings)

    def test_one_image_is_too_few(self, given_weights: dict[str, Any]) -> None:
        measure = FrechetInception.configured(settings=given_weights)
        with pytest.raises(DataError, match="at least 2 images"):
            measure.measure(Subject(eyes(3), None, eyes(1, "distant").unlabelled()), RunContext(0))

    def test_a_network_that_gives_no_numbers_is_told(self, tmp_path: Path) -> None:
        path = tmp_path / "inception.pth"
        layer = "Mixed_7c.branch_pool.bn.bias"
        torch.save({**random_inception(), layer: torch.full_like(random_inception()[layer], torch.nan)}, path)
        broken = FrechetInception.configured(settings={"weights": str(path), "weights_sha256": file_digest(path)})
        with pytest.raises(DataError, match="NaN or infinity"):
            broken.measure(Subject(eyes(2), None, eyes(2, "distant").unlabelled()), RunContext(0))


class TestWeights:
    @staticmethod
    def refused(given: dict[str, Any], error: type[Exception]) -> str:
        with pytest.raises(error) as told:
            FrechetInception.configured(settings=given).measure(
                Subject(eyes(2), None, eyes(2, "distant").unlabelled()), RunContext(0)
            )
        assert "\n" not in str(told.value)
        return str(told.value)

    def test_without_them_what_to_give_is_told(self) -> None:
        told = self.refused({}, UsageError)
        assert "--set frechet-inception.weights=FILE" in told
        assert "--set frechet-inception.weights_sha256=HASH" in told

    @pytest.mark.parametrize("given", [{"weights": "a.pth"}, {"weights_sha256": "0" * 64}])
    def test_a_file_and_its_hash_belong_together(self, given: dict[str, Any]) -> None:
        assert "belong together" in self.refused(given, UsageError)

    def test_another_file_than_the_hash_says(self, given_weights: dict[str, Any]) -> None:
        assert "damaged or another file" in self.refused({**given_weights, "weights_sha256": "0" * 64}, DataError)

    @pytest.mark.parametrize(
        ("change", "problem"),
        [
            (lambda weights: weights.pop("Mixed_7c.branch1x1.conv.weight"), "Missing key.*Mixed_7c.branch1x1"),
            (lambda weights: weights.update({"Mixed_5b.branch1x1.bn.bias": torch.zeros(3)}), "size mismatch"),
            (lambda weights: weights.clear(), "Missing key.*Conv2d_1a_3x3"),
        ],
    )
    def test_those_of_another_network(
        self, tmp_path: Path, change: Callable[[dict[str, torch.Tensor]], Any], problem: str
    ) -> None:
        path, weights = tmp_path / "other.pth", dict(random_inception())
        change(weights)
        torch.save(weights, path)
        told = self.refused({"weights": str(path), "weights_sha256": file_digest(path)}, DataError)
        assert re.fullmatch(f"frechet-inception.weights: .*other.pth does not hold .*{problem}.*", told)
        assert len(told) < 300 + len(str(path))

    def test_more_than_is_needed_does_no_harm(self) -> None:
        """torchvision's own file has both classifiers and counts batches; half precision is made single."""
        more = {name: value.half() for name, value in random_inception().items()}
        more |= {"fc.weight": torch.zeros(1008, 2048), "AuxLogits.fc.bias": torch.zeros(1000)}
        more |= {"Conv2d_1a_3x3.bn.num_batches_tracked": torch.tensor(7)}
        net = inception(more, "these")
        assert {value.dtype for value in net.parameters()} == {torch.float32}


class TestPlan:
    @staticmethod
    def plan(*texts: str) -> Plan:
        return make_plan(Request("refiner-comparison", profile="smoke", settings=texts))

    def test_the_column_needs_the_weights(self) -> None:
        assert "fid" not in [column.key for column in self.plan().experiment.columns]

    def test_the_hash_is_part_of_the_key(self) -> None:
        keys = []
        for sha256 in ("a" * 64, "b" * 64):
            made = self.plan(
                "frechet-inception.weights=inception.pth", f"frechet-inception.weights_sha256={sha256}"
            )  # fmt: skip
            keys.append({cell.key for cell in made.cells if cell.column.key == "fid"})
        assert len(keys[0]) > 1
        assert not keys[0] & keys[1]
