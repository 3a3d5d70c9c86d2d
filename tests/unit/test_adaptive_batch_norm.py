"""Adaptive batch normalisation of the gaze CNN: exact statistics, whatever they were before, kept on disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from bench.core.context import RunContext
from bench.core.errors import DataError, UsageError
from bench.core.images import ImageSet, Unlabelled
from bench.data.simulator.eyes import render_eyes
from estimators.cnn import GazeCNN, _GazeNetwork
from estimators.nn import evaluation


def eyes(count: int, domain: str = "synthetic", seed: int = 1) -> ImageSet:
    rendered = render_eyes(count, domain=domain, seed=seed)
    ids = np.array([f"{index:05d}" for index in range(count)])
    return ImageSet(
        ids=ids, persons=rendered.persons.astype(str), images=rendered.images, labels={"gaze": rendered.gaze}
    )


def trained(adapt_images: int = 1000) -> GazeCNN:
    settings = {"norm": "batch", "precision": "float32", "adapt_images": adapt_images}
    estimator = GazeCNN.configured("tiny", settings)
    estimator.fit(eyes(40), eyes(10, seed=2), RunContext(0))
    return estimator


def network(estimator: GazeCNN) -> _GazeNetwork:
    assert estimator._network is not None
    return estimator._network


def statistics(estimator: GazeCNN) -> torch.Tensor:
    norms = [layer for layer in network(estimator).modules() if isinstance(layer, nn.BatchNorm2d)]
    assert len(norms) == 5
    moments = [moment for norm in norms for moment in (norm.running_mean, norm.running_var) if moment is not None]
    return torch.cat(moments)


@pytest.fixture(scope="module")
def real() -> Unlabelled:
    return eyes(150, "distant", 3).unlabelled()


def test_equals_one_pass_in_training_mode_with_all_images_as_one_batch(real: Unlabelled) -> None:
    estimator = trained()
    images = torch.from_numpy(real.images[:]).unsqueeze(1)
    with torch.no_grad():
        before = network(estimator)(images)
        expected = network(estimator).train()(images)
    network(estimator).eval()
    estimator.adapt(real, RunContext(0))
    with torch.no_grad():
        adapted = network(estimator)(images)
    torch.testing.assert_close(adapted, expected, rtol=1e-3, atol=1e-5)
    assert (before - expected).abs().max() > 1e-2


def test_chunks_do_not_matter(real: Unlabelled, monkeypatch: pytest.MonkeyPatch) -> None:
    estimator = trained()
    estimator.adapt(real, RunContext(0))
    in_large = statistics(estimator)
    monkeypatch.setattr(evaluation, "CHUNK", 7)
    estimator.adapt(real, RunContext(0))
    torch.testing.assert_close(statistics(estimator), in_large, rtol=1e-5, atol=1e-6)


def test_what_was_before_does_not_matter(real: Unlabelled) -> None:
    once, twice = trained(), trained()
    twice.adapt(eyes(50, "noisy", 5).unlabelled(), RunContext(0))
    for estimator in (once, twice):
        estimator.adapt(real, RunContext(0))
    assert torch.equal(statistics(once), statistics(twice))


def test_removes_a_change_of_brightness_and_contrast() -> None:
    """Normalisation after the first convolution undoes any affine change of the grey values, but for its epsilon."""
    plain = eyes(100).images[:] // 2 * 2
    darker = plain // 2 + 40
    estimator, predicted = trained(), []
    for images in (plain, darker):
        unlabelled = Unlabelled(ids=eyes(100).ids, persons=eyes(100).persons, images=images)
        unadapted = estimator.predict(images, RunContext(0))
        estimator.adapt(unlabelled, RunContext(0))
        predicted.append(estimator.predict(images, RunContext(0)))
    np.testing.assert_allclose(predicted[1], predicted[0], atol=1e-2)
    assert np.abs(unadapted - predicted[1]).max() > 0.1


def test_a_fixed_number_of_images_from_a_named_stream(real: Unlabelled) -> None:
    estimator = trained(adapt_images=20)
    estimator.adapt(real, RunContext(0))
    first = statistics(estimator)
    chosen = np.sort(RunContext(0).rng("adapt").permutation(150)[:20])
    few = Unlabelled(ids=real.ids[chosen], persons=real.persons[chosen], images=real.images[chosen])
    estimator.adapt(few, RunContext(9))
    assert torch.equal(statistics(estimator), first)
    estimator.adapt(real, RunContext(1))
    assert not torch.equal(statistics(estimator), first)


def test_saved_and_loaded_keeps_what_it_adapted_to(real: Unlabelled, tmp_path: Path) -> None:
    estimator = trained()
    unadapted = estimator.predict(real.images[:], RunContext(0))
    estimator.adapt(real, RunContext(0))
    adapted = estimator.predict(real.images[:], RunContext(0))
    estimator.save(tmp_path)
    loaded = GazeCNN.load(tmp_path)
    np.testing.assert_array_equal(loaded.predict(real.images[:], RunContext(0)), adapted)
    assert np.abs(adapted - unadapted).max() > 0.01
    single = [loaded.predict(real.images[at : at + 1], RunContext(0)) for at in range(5)]
    np.testing.assert_array_equal(np.concatenate(single), adapted[:5])


def test_one_that_was_stored_adapts_to_the_same(real: Unlabelled, tmp_path: Path) -> None:
    """Several rows share one training, and adapt what it stored."""
    estimator = trained()
    estimator.save(tmp_path)
    loaded = GazeCNN.load(tmp_path)
    for each in (estimator, loaded):
        each.adapt(real, RunContext(0))
    assert torch.equal(statistics(loaded), statistics(estimator))


def test_refusals(real: Unlabelled) -> None:
    without = GazeCNN.configured("tiny")
    without.fit(eyes(20), None, RunContext(0))
    with pytest.raises(UsageError, match="norm=batch"):
        without.adapt(real, RunContext(0))
    with pytest.raises(UsageError, match="no weights yet"):
        GazeCNN.configured("tiny", {"norm": "batch"}).adapt(real, RunContext(0))
    small = Unlabelled(ids=real.ids, persons=real.persons, images=real.images[:, :30])
    with pytest.raises(DataError, match="35x55"):
        trained().adapt(small, RunContext(0))
