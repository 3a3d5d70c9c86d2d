"""How long a plan would take: measured without running it, and without a trace."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bench.core.errors import Interrupted
from bench.core.trial import MOST_ON_CPU, trial_batch
from bench.engine import estimate as estimate_module
from bench.engine import trial
from bench.engine.estimate import MEASURED, TIMED, Estimate, KindTime, estimate
from bench.engine.plan import Plan, Request, make_plan
from bench.engine.recipe import Recipe
from bench.engine.schedule import roads, time_together
from bench.engine.step import run_step
from bench.engine.store import Store
from bench.engine.trial import Enough, Stopwatch, try_step
from bench.plan_time import print_estimate, told
from estimators.nn.training import TrainingSettings
from refiners.simgan import SimGAN

SMALL = ("cnn.preset=tiny", "simgan.refiner_maps=4", "simgan.refiner_blocks=1", "simgan.iterations=20")

TOY = '''
"""A refiner of known seconds: on a clock of its own."""
import numpy as np
from bench.core.refiner import Refiner
from bench.core.settings import Settings

class Toy(Refiner):
    """Takes 2 s to start, 5 s for its first step and 0.5 s for each of the 1000 others."""

    class Config(Settings):
        pass

    now = 0.0

    def fit(self, synthetic, real, run):
        Toy.now += 2.0
        for step in range(1, 1001):
            Toy.now += 5.0 if step == 1 else 0.5
            run.progress(step, 1000, "steps")

    def refine(self, images, run):
        Toy.now += 1.0 + 0.01 * len(images)
        return images
'''


class Clock:
    """Seconds that pass when told."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr(trial, "clock", found)
    return found


@pytest.fixture(autouse=True)
def no_traces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every scratch folder is gone at the end."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    yield
    assert not [path for path in folder.iterdir() if path.name.startswith("bench-plan-")]


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trials as short as can be: where numbers do not matter."""
    monkeypatch.setattr(trial, "WINDOW_SECONDS", 0.0)
    monkeypatch.setattr(trial, "LONGEST_WINDOW", 0.0)
    monkeypatch.setattr(trial, "LONG_ENOUGH", 0.0)


def small_plan(*more: str, seeds: int = 1) -> Plan:
    return make_plan(Request("gaze-table2", profile="smoke", seeds=seeds, settings=(*SMALL, *more)))


def kinds(found: Estimate) -> dict[str, KindTime]:
    return {kind.label: kind for kind in found.kinds}


def train(watch: Stopwatch, clock: Clock, seconds: Callable[[int], float], every: int = 1) -> int:
    """A training of 5,000 steps with these seconds for each, as far as it gets; the steps done."""
    for done in range(1, 5001):
        clock.now += seconds(done)
        try:
            if done % every == 0:
                watch(done, 5000, "steps")
        except Enough:
            return done
    return 5000


@pytest.mark.parametrize(("each", "iterations"), [(0.001, trial.MOST_ITERATIONS), (0.2, 6), (30.0, 1)])
def test_a_training_is_stopped_after_enough_iterations(clock: Clock, each: float, iterations: int) -> None:
    watch = Stopwatch(lambda: None)
    clock.now += 40.0  # to start
    done = train(watch, clock, lambda step: each if step > 1 else each + 20.0)  # the first with imports, allocations
    assert watch.seconds_each == pytest.approx(each)
    assert watch.total == 5000
    assert done - 1 == pytest.approx(iterations, abs=trial.WARM_UP)


def test_a_training_that_reports_now_and_then_is_timed_by_what_was_done(clock: Clock) -> None:
    watch = Stopwatch(lambda: None)
    assert train(watch, clock, lambda step: 0.01, every=50) < 1000
    assert watch.seconds_each == pytest.approx(0.01)


def test_work_queued_on_a_device_is_waited_for(clock: Clock) -> None:
    """Each step only queues 0.1 s of work, which passes when it is waited for."""
    queued = 0.0

    def queue(step: int) -> float:
        nonlocal queued
        queued += 0.1
        return 0.0

    def wait() -> None:
        nonlocal queued
        clock.now += queued
        queued = 0.0

    watch = Stopwatch(wait)
    assert train(watch, clock, queue) < 1000
    assert watch.seconds_each == pytest.approx(0.1)


def test_a_training_that_ends_early_is_timed_as_far_as_it_went(clock: Clock) -> None:
    watch = Stopwatch(lambda: None)
    for done in (1, 2):
        clock.now += 0.25
        watch(done, 2, "steps")
    assert watch.seconds_each == pytest.approx(0.25)


def test_own_refiner_by_the_clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """0.5 s for each of 1000 steps; how long it takes to refine is not known, since it cannot be trained shortly."""
    from bench.core import registry

    (tmp_path / "refiner_by_the_clock.py").write_text(TOY)
    name = registry.named("refiners", f"{tmp_path}/refiner_by_the_clock.py:Toy")
    toy = registry.load("refiners", name)
    monkeypatch.setattr(trial, "clock", lambda: toy.now)
    plan = make_plan(
        Request("gaze-table2", profile="smoke", seeds=1, refiners=(f"{tmp_path}/refiner_by_the_clock.py:Toy",))
    )
    recipes = {key: recipe.to_json() for key, recipe in plan.recipes.items()}

    def tried(step: str) -> float | str:
        key = next(key for key, recipe in plan.recipes.items() if recipe.step == step)
        return try_step(key, recipes, str(tmp_path / "store"), str(tmp_path), "cpu")

    assert tried("fit_refiner") == pytest.approx(500.0)
    assert tried("refine") == f"'{name}' is not trained yet"


def test_what_grows_with_the_images_is_a_line(clock: Clock) -> None:
    def run(images: int) -> float:
        return 3.0 + 0.01 * images

    assert trial._scaled(run, 100_000) == pytest.approx(1003.0)
    assert trial._scaled(run, 200) == pytest.approx(5.0)  # measured, not extended


def test_a_first_time_with_imports_does_not_count() -> None:
    first = iter([4.0])
    assert trial._scaled(lambda images: next(first, 0.001 * images), 100_000) == pytest.approx(100.0)


def test_simgan_consists_of_its_phases() -> None:
    """Times of each update put in, the whole training's time comes out, whatever the trials' mini-batch."""
    config = SimGAN.configured("paper").config
    refiner, discriminator, pretraining = 0.010, 0.002, 0.009  # seconds per image
    for device in ("cpu", "cuda"):
        found = 0.0
        for part in config.parts(1, device):
            tried = config.model_validate({**config.model_dump(), **part.settings})
            found += part.times * tried.batch * (
                tried.pretrain_refiner * pretraining
                + tried.pretrain_discriminator * discriminator
                + tried.iterations * (tried.k_g * refiner + tried.k_d * discriminator)
            )  # fmt: skip
        whole = 512 * (1000 * pretraining + 200 * discriminator + 2000 * (50 * refiner + discriminator))
        assert found == pytest.approx(whole)


@pytest.mark.parametrize("preset", [*SimGAN.presets, "tiny-but-unknown"])
def test_parts_are_short_whatever_the_preset(preset: str) -> None:
    settings = {} if preset in SimGAN.presets else {"pretrain_refiner": 0, "pretrain_discriminator": 0, "snapshots": 9}
    config = SimGAN.configured(preset if preset in SimGAN.presets else "quick", settings).config
    for part in config.parts(7, "cpu"):
        tried = config.model_validate({**config.model_dump(), **part.settings})
        assert tried.pretrain_refiner + tried.pretrain_discriminator + tried.iterations == 7
        assert (tried.k_g, tried.k_d, tried.snapshots) == (1, 1, 0)
        assert tried.batch <= MOST_ON_CPU


def test_networks_consist_of_their_steps() -> None:
    for iterations, steps in ((5, 5), (None, 900)):
        (part,) = TrainingSettings(steps=900).parts(iterations, "cpu")
        assert (part.times, part.settings) == (900, {"steps": steps})


def test_a_trial_on_a_gpu_is_as_long_as_the_training_until_it_is_stopped() -> None:
    """How long a training will be decides whether its networks are compiled."""
    parts = SimGAN.configured("paper").config.parts(None, "cuda")
    lengths = [max(part.settings[name] for name in ("iterations", "pretrain_refiner")) for part in parts]
    assert lengths[-1] == 2000 * 50
    assert [part.settings["batch"] for part in parts] == [512] * 3


def test_what_a_gpu_compiles_in_its_first_iterations_is_no_part_of_the_time(clock: Clock) -> None:
    watch = Stopwatch(lambda: None, hurry=False)
    train(watch, clock, lambda step: 40.0 if step <= trial.WARM_UP else 0.1)
    assert watch.seconds_each == pytest.approx(0.1)


def test_a_gpu_is_filled() -> None:
    assert (trial_batch(512, "cuda:1"), trial_batch(512, "cpu"), trial_batch(16, "cpu")) == (512, MOST_ON_CPU, 16)


@pytest.mark.usefixtures("hasty")
def test_a_plan_is_timed_without_a_trace(tmp_path: Path) -> None:
    """Kinds are merged over seeds and over what images show; neither a store nor a thread is left behind."""
    import torch

    plan = small_plan(seeds=3)
    before = torch.get_num_threads()
    torch.set_num_threads(before + 1)
    try:
        found = estimate(plan, Store(tmp_path / "store"), executor="serial", device="cpu")
        assert torch.get_num_threads() == before + 1
    finally:
        torch.set_num_threads(before)
    assert not (tmp_path / "store").exists()
    assert {kind.found for kind in found.kinds} == {TIMED}
    assert {label: kind.steps for label, kind in kinds(found).items()} == {
        "prepare simulator:synthetic, 100 images": 1,
        "prepare simulator:synthetic, 400 images": 1,
        "prepare simulator:real, 400 images": 1,
        "prepare simulator:test, 200 images": 1,
        "train simgan (refiner_maps=4, refiner_blocks=1, iterations=20)": 3,
        "refine with simgan on 100 images": 3,
        "refine with simgan on 400 images": 3,
        "train cnn": 12,  # synthetic and refined, 1x and 4x: as many steps of training
        "test cnn on 200 images": 12,
    }
    assert sum(kind.steps for kind in found.kinds) == len(plan.recipes)
    times = [kind.steps * (kind.seconds or 0) for kind in found.kinds]
    assert times == sorted(times, reverse=True)
    assert found.seconds == pytest.approx(sum(times))  # one at a time
    assert found.workers == 1
    assert json.loads(json.dumps(found.to_json()))["kinds"][0]["seconds"] > 0


@pytest.mark.usefixtures("hasty")
def test_a_store_is_read_and_not_changed(tmp_path: Path) -> None:
    """A stored estimator is tried as it is; of stored images no more are taken than a trial needs."""
    plan, store = small_plan(), Store(tmp_path / "store")
    recipes = {key: recipe.to_json() for key, recipe in plan.recipes.items()}
    predict = next(recipe for recipe in plan.recipes.values() if recipe.label == "test cnn on synthetic, seed 0")
    fit = plan.recipes[predict.inputs["estimator"]]
    for key in (fit.inputs["train"], predict.inputs["images"], fit.key):
        assert run_step(recipes[key], str(store.root), "cpu").status == "done"
    before = {path: path.stat().st_mtime_ns for path in store.root.rglob("*")}
    for key in (predict.key, fit.key, plan.fits["simgan", 0]):
        seconds = try_step(key, recipes, str(store.root), str(tmp_path), "cpu")
        assert isinstance(seconds, float) and seconds > 0, seconds
    assert before == {path: path.stat().st_mtime_ns for path in store.root.rglob("*")}


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize(
    ("experiment", "label"),
    [
        ("gaze-table3", "test knn on synthetic"),
        ("gaze-table3", "train alr"),
        ("gaze-table3", "test alr"),
        ("refiner-comparison", "adapt cnn on synthetic"),
        ("refiner-comparison", "measure pupil-residual of mean-std"),
        ("refiner-comparison", "measure sliced-wasserstein of real"),
    ],
)
def test_each_step_of_its_own_kind_can_be_tried(tmp_path: Path, experiment: str, label: str) -> None:
    plan = few_images(experiment)
    recipe = next(recipe for recipe in plan.recipes.values() if recipe.label.startswith(label))
    assert_can_be_tried(plan, recipe.key, tmp_path)


@pytest.mark.usefixtures("hasty")
def test_an_adapted_estimator_is_tried_as_the_one_that_it_was(tmp_path: Path) -> None:
    plan = few_images("refiner-comparison")
    assert_can_be_tried(plan, next(cell.key for cell in plan.cells if cell.row.key == "adabn"), tmp_path)


def few_images(experiment: str) -> Plan:
    images = [f"images.{role}=60" for role in ("synthetic", "real", "test")]
    return make_plan(Request(experiment, profile="smoke", settings=(*SMALL, *images)))


def assert_can_be_tried(plan: Plan, key: str, folder: Path) -> None:
    recipes = {name: recipe.to_json() for name, recipe in plan.recipes.items()}
    seconds = try_step(key, recipes, str(folder / "store"), str(folder), "cpu")
    assert isinstance(seconds, float) and seconds > 0, seconds


def test_no_more_images_are_learnt_from_than_are_drawn(tmp_path: Path) -> None:
    plan = make_plan(Request("gaze-table3", profile="quick", settings=("alr.dictionary=700", "images.real=3000")))
    recipes = dict(plan.recipes)
    trials = trial.Trials(recipes, Store(tmp_path / "store"), tmp_path, "cpu")
    on_real = [recipe for recipe in recipes.values() if recipe.label.endswith("on real, seed 0")]
    fits = {recipe.component[1]: recipe for recipe in on_real if recipe.step == "fit_estimator"}
    assert {name: trials._learnt_from(fits[name]) for name in ("alr", "svr", "random-forest", "knn")} == {
        "alr": 700, "svr": 3000, "random-forest": 3000, "knn": 3000,
    }  # fmt: skip


@pytest.fixture
def fake_trials(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every kind takes 10 s; the labels of what was tried."""
    labels: list[str] = []

    def tried(key: str, recipes: dict[str, dict[str, str]], *rest: str) -> float:
        labels.append(recipes[key]["label"])
        return 10.0

    monkeypatch.setattr(estimate_module, "try_step", tried)
    return labels


def put(store: Store, recipe: Recipe, seconds: float, device: str = "cpu", **notes: float) -> None:
    made = store.work(recipe.key) / "out"
    made.mkdir(parents=True)
    record = {"recipe": recipe.to_json(), "seconds": seconds, "device": device, "notes": {"labels": ["gaze"], **notes}}
    store.commit(recipe.key, made, record)


@pytest.fixture
def stored(tmp_path: Path) -> tuple[Plan, Store, Recipe]:
    """Image sets are stored, and the training of a seed that this plan does not have can be."""
    plan, store = small_plan(), Store(tmp_path / "store")
    for recipe in plan.recipes.values():
        if recipe.step == "prepare":
            put(store, recipe, 1.0)
    return plan, store, replace(plan.recipes[plan.fits["simgan", 0]], seed=7)


SIMGAN = "train simgan (refiner_maps=4, refiner_blocks=1, iterations=20)"


def test_what_was_measured_before_is_not_tried(stored: tuple[Plan, Store, Recipe], fake_trials: list[str]) -> None:
    plan, store, past = stored
    for seed, seconds in ((7, 33.0), (8, 35.0), (9, 90.0)):
        put(store, replace(past, seed=seed), seconds)
    found = estimate(plan, store, executor="serial", device="cpu")
    assert kinds(found)[SIMGAN] == KindTime(SIMGAN, 1, 35.0, MEASURED)
    assert "train simgan, seed 0" not in fake_trials
    assert kinds(found)["train cnn"] == KindTime("train cnn", 4, 10.0, TIMED)
    assert not [label for label in kinds(found) if label.startswith("prepare")]  # nothing of them is to run


def test_a_resumed_training_counts_whole(stored: tuple[Plan, Store, Recipe], fake_trials: list[str]) -> None:
    plan, store, past = stored
    put(store, past, 3.0, fit_seconds=70.0)
    assert kinds(estimate(plan, store, executor="serial", device="cpu"))[SIMGAN].seconds == 70.0


def test_other_code_devices_and_settings_were_not_measured(
    stored: tuple[Plan, Store, Recipe], fake_trials: list[str]
) -> None:
    plan, store, past = stored
    put(store, replace(past, code="of old"), 33.0)
    put(store, past, 33.0, device="cuda")
    put(store, replace(past, seed=8, config={**past.config, "preset": "quick"}), 33.0)
    assert kinds(estimate(plan, store, executor="serial", device="cpu"))[SIMGAN].found == TIMED


def test_another_number_of_images_was_not_measured(stored: tuple[Plan, Store, Recipe], fake_trials: list[str]) -> None:
    plan, store, past = stored
    put(store, past, 33.0)
    refined = plan.recipes[plan.refined["simgan", 0, 4]]
    inputs = {"refiner": past.key, "images": refined.inputs["images"]}
    put(store, replace(refined, inputs=inputs, seed=7), 5.0)
    found = kinds(estimate(plan, store, executor="serial", device="cpu"))
    assert found["refine with simgan on 400 images"] == KindTime("refine with simgan on 400 images", 1, 5.0, MEASURED)
    assert found["refine with simgan on 100 images"].found == TIMED


def test_nothing_to_run_takes_no_time(tmp_path: Path, fake_trials: list[str]) -> None:
    plan, store = small_plan(), Store(tmp_path / "store")
    for recipe in plan.recipes.values():
        put(store, recipe, 1.0)
    assert estimate(plan, store, executor="serial", device="cpu") == Estimate(0.0, 1, "cpu", ())
    assert not fake_trials


def test_an_interrupt_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*given: str) -> float:
        raise KeyboardInterrupt

    monkeypatch.setattr(estimate_module, "try_step", interrupted)
    with pytest.raises(Interrupted, match="nothing was changed"):
        estimate(small_plan(), Store(tmp_path / "store"), executor="serial", device="cpu")
    assert not (tmp_path / "store").exists()


def test_a_kind_that_breaks_is_told_and_the_others_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def tried(key: str, recipes: dict[str, dict[str, str]], *rest: str) -> float | str:
        return "no eyes were found" if recipes[key]["step"] == "refine" else 60.0

    monkeypatch.setattr(estimate_module, "try_step", tried)
    found = estimate(small_plan(), Store(tmp_path), executor="serial", device="cpu")
    assert kinds(found)["refine with simgan on 400 images"].found == "no eyes were found"
    assert found.seconds == 60 * (4 + 1 + 4 + 4)
    print_estimate(found)
    printed = capsys.readouterr().out.splitlines()
    assert printed[-1] == "about 13 min on 1 process (cpu), without 2 steps of which it cannot be told"
    row = next(line for line in printed if line.startswith("refine with simgan on 400"))
    assert row.split()[-6:] == ["?", "?", "no", "eyes", "were", "found"]
    assert len(printed) == len(found.kinds) + 2


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "0.0 s"), (9.94, "9.9 s"), (9.96, "10 s"), (99.4, "99 s"), (99.6, "2 min"), (3569, "59 min"),
        (3599, "1 h 0 min"), (12_000, "3 h 20 min"), (47.9 * 3600, "47 h 54 min"), (75 * 3600, "3 days 3 h"),
    ],
)  # fmt: skip
def test_durations_are_told_by_their_two_largest_units(seconds: float, text: str) -> None:
    assert told(seconds) == text


def step(name: str, *inputs: Recipe, kind: str = "predict") -> Recipe:
    return Recipe(kind, name, ("readers", name), {}, "", {str(number): each.key for number, each in enumerate(inputs)})


def by_key(*recipes: Recipe) -> dict[str, Recipe]:
    return {recipe.key: recipe for recipe in recipes}


def test_steps_share_the_workers() -> None:
    three = [step(f"training {number}") for number in range(3)]
    recipes = by_key(*three)
    seconds = dict.fromkeys(recipes, 10.0)
    assert [time_together(recipes, seconds, workers) for workers in (1, 2, 3, 4)] == [30, 20, 10, 10]


def test_a_chain_takes_its_length_on_any_number_of_workers() -> None:
    first = step("first")
    second = step("second", first)
    third = step("third", second, first)
    recipes = by_key(first, second, third)
    assert roads(recipes) == {first.key: 3, second.key: 2, third.key: 1}
    assert time_together(recipes, {first.key: 1.0, second.key: 2.0, third.key: 4.0}, 5) == 7.0


def test_image_sets_come_first_and_stored_inputs_are_there() -> None:
    stored, images = step("stored", kind="prepare"), step("images", kind="prepare")
    waits, ready = step("waits", images), step("ready", stored)
    recipes = by_key(stored, images, waits, ready)
    assert time_together(recipes, {images.key: 5.0, waits.key: 3.0, ready.key: 3.0}, 2) == 8.0


def test_the_longest_road_goes_first() -> None:
    """Started last, the road of two steps would end at 2 + 6."""
    short = [step(f"short {number}") for number in range(2)]
    start = step("start")
    end = step("end", start)
    recipes = by_key(*short, start, end)
    seconds = {short[0].key: 2.0, short[1].key: 2.0, start.key: 3.0, end.key: 3.0}
    assert time_together(recipes, seconds, 2) == 6.0
