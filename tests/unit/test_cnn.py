"""The gaze CNN: its layers, its training's determinism, resume and failures, and its predictions."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.numpy import load_file
from torch import nn

from bench.core.angles import angles_deg
from bench.core.context import RunContext
from bench.core.errors import DataError, TrainingFailed, UsageError
from bench.core.images import ImageSet
from bench.data.simulator.eyes import render_eyes
from estimators.cnn import GazeCNN, _GazeNetwork
from estimators.nn.training import TrainingSettings, train_network

TINY = GazeCNN.presets["tiny"]


def eyes(count: int, seed: int = 1, size: tuple[int, int] = (35, 55), domain: str = "synthetic") -> ImageSet:
    rendered = render_eyes(count, domain=domain, seed=seed)
    images = np.ascontiguousarray(np.resize(rendered.images, (count, *size)))
    ids = np.array([f"{index:05d}" for index in range(count)])
    return ImageSet(ids=ids, persons=rendered.persons.astype(str), images=images, labels={"gaze": rendered.gaze})


def fitted(train: ImageSet, validation: ImageSet | None, run: RunContext, **settings: Any) -> GazeCNN:
    estimator = GazeCNN.configured("tiny", settings)
    estimator.fit(train, validation, run)
    return estimator


def weights(estimator: GazeCNN, folder: Path) -> dict[str, NDArray[Any]]:
    folder.mkdir()
    estimator.save(folder)
    return dict(load_file(folder / "weights.safetensors"))


class Eager(RunContext):
    """Writes a checkpoint after every step."""

    def checkpoint_due(self) -> bool:
        return self.checkpoint is not None


class TestLayers:
    def test_flattened_size_is_the_papers_9600(self) -> None:
        network = _GazeNetwork((35, 55), GazeCNN().config)
        linear = [
            (layer.in_features, layer.out_features) for layer in network.modules() if isinstance(layer, nn.Linear)
        ]
        assert linear == [(9600, 1000), (1000, 3)]
        maps = [layer.out_channels for layer in network.modules() if isinstance(layer, nn.Conv2d)]
        assert maps == [32, 32, 64, 80, 192]

    def test_literal_reading_has_one_more_layer(self) -> None:
        config = GazeCNN.configured("tiny", {"maps": (2, 2, 2, 2, 2), "head": (100, 50)}).config
        network = _GazeNetwork((35, 55), config)
        linear = [
            (layer.in_features, layer.out_features) for layer in network.modules() if isinstance(layer, nn.Linear)
        ]
        assert linear == [(100, 100), (100, 50), (50, 3)]

    @pytest.mark.parametrize("size", [(19, 19), (20, 33), (36, 60), (35, 55), (64, 64)])
    def test_equals_the_paper_s_order_of_layers(self, size: tuple[int, int]) -> None:
        network = _GazeNetwork(size, GazeCNN.configured("tiny").config)
        network.initialise(torch.Generator().manual_seed(0))
        plain = nn.Sequential()
        for layer in network.convolutions:
            if isinstance(layer, nn.Conv2d):
                plain.append(layer)
                plain.append(nn.ReLU())
            elif isinstance(layer, nn.MaxPool2d):
                plain.append(layer)
        images = torch.randint(0, 256, (5, 1, *size), dtype=torch.uint8)
        maps = plain(images.float() / 127.5 - 1).permute(0, 2, 3, 1).flatten(1)
        expected = network.last(torch.relu(network.hidden[0](maps)))
        torch.testing.assert_close(network(images), expected)

    def test_initial_weights_are_he_s(self) -> None:
        network = _GazeNetwork((35, 55), GazeCNN().config)
        network.initialise(torch.Generator().manual_seed(0))
        hidden = network.hidden[0]
        assert isinstance(hidden, nn.Linear)
        assert float(hidden.weight.detach().std()) == pytest.approx(math.sqrt(2 / 9600), rel=0.01)
        assert float(network.last.weight.detach().std()) == pytest.approx(0.1 * math.sqrt(2 / 1000), rel=0.05)
        assert all(
            not layer.bias.detach().any()
            for layer in network.modules()
            if isinstance(layer, nn.Conv2d | nn.Linear) and layer.bias is not None
        )

    def test_too_small_images_are_refused(self) -> None:
        with pytest.raises(DataError, match=r"18x55 px are too small .* at least 19x19"):
            fitted(eyes(4, size=(18, 55)), None, RunContext(0))


class TestTraining:
    def test_learns(self) -> None:
        train, test = eyes(400), eyes(100, seed=2)
        run = RunContext(0)
        estimator = fitted(train, None, run, maps=(8, 8, 8, 16, 16), head=(64,), steps=60, batch=16, evaluate_every=20)
        error = angles_deg(estimator.predict(test.images[:], run), test.gaze).mean()
        guess = np.broadcast_to(train.gaze.mean(axis=0), test.gaze.shape)
        assert error < 0.8 * angles_deg(guess, test.gaze).mean()
        assert run.scalars[-1]["loss"] < run.scalars[0]["loss"]

    @pytest.mark.parametrize("stop_at", [1, 3, 4, 6])
    @pytest.mark.parametrize("optimiser", ["adam", "sgd"])
    def test_resumed_equals_uninterrupted(self, tmp_path: Path, stop_at: int, optimiser: str) -> None:
        train, validation = eyes(30), eyes(10, seed=2)
        settings = {"optimiser": optimiser, "steps": 7, "evaluate_every": 2}
        whole_run = RunContext(3)
        whole = weights(fitted(train, validation, whole_run, **settings), tmp_path / "whole")

        def stop(done: int, total: int, unit: str) -> None:
            if done == stop_at:
                raise KeyboardInterrupt

        checkpoint = tmp_path / "checkpoint.pt"
        with pytest.raises(KeyboardInterrupt):
            fitted(train, validation, Eager(3, checkpoint=checkpoint, progress=stop), **settings)
        seen: list[int] = []
        resumed_run = Eager(3, checkpoint=checkpoint, progress=lambda done, total, unit: seen.append(done))
        resumed = weights(fitted(train, validation, resumed_run, **settings), tmp_path / "resumed")
        assert seen == list(range(stop_at + 1, 8))
        assert resumed_run.scalars == whole_run.scalars
        assert resumed.keys() == whole.keys()
        for name, value in whole.items():
            np.testing.assert_array_equal(resumed[name], value, err_msg=name)

    def test_validation_does_not_change_the_training(self) -> None:
        with_validation, without = RunContext(0), RunContext(0)
        fitted(eyes(30), eyes(10, seed=2), with_validation)
        fitted(eyes(30), None, without)
        assert [row["loss"] for row in with_validation.scalars] == [row["loss"] for row in without.scalars]

    def test_divergence_fails_with_a_reason(self) -> None:
        with pytest.raises(TrainingFailed, match="learning_rate below 1e\\+10"):
            fitted(eyes(30), None, RunContext(0), optimiser="sgd", schedule="constant", learning_rate=1e10, steps=20)

    def test_per_image_normalisation_ignores_brightness_and_contrast(self) -> None:
        train = eyes(20)
        estimator = fitted(train, None, RunContext(0), normalise="per-image", precision="float32")
        dark = train.images[:] // 4
        predicted = [estimator.predict(images, RunContext(0)) for images in (dark, dark + 50, dark * 3 + 10)]
        np.testing.assert_allclose(predicted[1], predicted[0], atol=1e-3)
        np.testing.assert_allclose(predicted[2], predicted[0], atol=1e-3)
        flat = np.full((2, 35, 55), 90, np.uint8)
        assert np.isfinite(estimator.predict(flat, RunContext(0))).all()

    def test_labels_are_needed(self) -> None:
        unlabelled = eyes(8)
        with pytest.raises(DataError, match="no 'gaze' labels"):
            fitted(
                ImageSet(ids=unlabelled.ids, persons=unlabelled.persons, images=unlabelled.images), None, RunContext(0)
            )


class TestSharedLoop:
    """`train_network` on one weight, with a scripted validation error."""

    def run_loop(self, errors: list[float], **settings: Any) -> tuple[float, RunContext]:
        network = nn.Linear(1, 1, bias=False)
        nn.init.zeros_(network.weight)
        script = iter(errors)
        run = RunContext(0)
        train_network(
            network,
            lambda chosen: (network.weight - 1).square().sum(),
            lambda: next(script),
            10,
            TrainingSettings(
                optimiser="sgd", schedule="constant", momentum=0, learning_rate=0.01, evaluate_every=1, **settings
            ),
            run,
        )
        return float(network.weight.detach()), run

    def test_the_best_weights_are_kept(self) -> None:
        weight, run = self.run_loop([5, 3, 4, 4], steps=4)
        assert len(run.scalars) == 4
        assert weight == pytest.approx(1 - 0.98**2)

    def test_patience_stops_early(self) -> None:
        weight, run = self.run_loop([5, 3, 4, 4, 0], steps=5, patience=2)
        assert [row["validation_error"] for row in run.scalars] == [5, 3, 4, 4]
        assert weight == pytest.approx(1 - 0.98**2)

    def test_nan_error_fails(self) -> None:
        with pytest.raises(TrainingFailed, match="validation_error was nan at step 2"):
            self.run_loop([5, math.nan], steps=5)

    def test_mean_loss_of_an_incomplete_interval(self) -> None:
        network = nn.Linear(1, 1)
        run = RunContext(0)
        train_network(
            network,
            lambda chosen: network.weight.sum() * 0 + 2.0,
            None,
            10,
            TrainingSettings(steps=5, evaluate_every=3),
            run,
        )
        assert [(row["step"], row["loss"]) for row in run.scalars] == [(3.0, 2.0), (5.0, 2.0)]


class TestPrediction:
    @pytest.mark.parametrize("precision", ["auto", "float32"])
    def test_independent_of_batch_and_order(self, precision: str) -> None:
        train = eyes(150)
        settings = {**GazeCNN.presets["smoke"], "steps": 5, "precision": precision}
        estimator = GazeCNN.configured("smoke", settings)
        estimator.fit(train, None, RunContext(0))
        images, run = train.images[:], RunContext(0)
        together = estimator.predict(images, run)
        for batch in (1, 7, 64):
            parts = [
                estimator.predict(images[at : at + batch], run) for at in range(0, 21 if batch < 64 else 150, batch)
            ]
            joined = np.concatenate(parts)
            np.testing.assert_array_equal(joined, together[: len(joined)], err_msg=f"batch {batch}")
        order = np.random.default_rng(0).permutation(len(images))
        np.testing.assert_array_equal(estimator.predict(images[order], run), together[order])
        np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-12)

    def test_wrong_images_are_refused(self) -> None:
        estimator = fitted(eyes(10), None, RunContext(0))
        with pytest.raises(DataError, match="35x55"):
            estimator.predict(np.zeros((2, 36, 60), np.uint8), RunContext(0))
        with pytest.raises(DataError, match="uint16"):
            estimator.predict(np.zeros((2, 35, 55), np.uint16), RunContext(0))

    def test_needs_fit_first(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="fit or load it"):
            GazeCNN().predict(np.zeros((1, 35, 55), np.uint8), RunContext(0))
        with pytest.raises(UsageError, match="fit it before save"):
            GazeCNN().save(tmp_path)
