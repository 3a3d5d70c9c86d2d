"""Times a step without running it: short trainings that are stopped, few images, all in a scratch folder.

What is run is the steps' own code (`bench/engine/steps`) with the plan's settings; the store is only read.
"""

from __future__ import annotations

import importlib
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.core import registry
from bench.core.context import Progress, RunContext
from bench.core.errors import BenchError
from bench.core.trial import Draws, InParts, Part
from bench.data.imagesets import load_image_set, save_image_set
from bench.engine.recipe import Recipe
from bench.engine.step import Step
from bench.engine.steps.measure import MOST_IMAGES
from bench.engine.store import Store

WARM_UP = 3
MOST_ITERATIONS = 100
LEAST_ITERATIONS = 3
WINDOW_SECONDS, LONGEST_WINDOW = 1.2, 8.0
"""Seconds of the iterations of one training that are timed, longer where they are fewer than the least; its parts
share them."""

SAMPLE = 512
FIRST_IMAGES, GROWTH = 128, 4
LONG_ENOUGH, TOO_LONG = 0.25, 5.0
"""Seconds: a longer time is not improved by more images; one longer still is not repeated with more at all."""

MEMORY = 1.3
"""Factor on the time of a prediction, for 4 times as many training images, from which it counts as searching them."""

MOST_SECONDS = 20.0
"""For training what is to be applied; a training that cannot be shortened may take longer."""

clock = time.perf_counter


class Enough(BaseException):
    """Raised out of the progress callback; not an Exception, so that no training takes it for an error of its own."""


class NotShort(BenchError):
    """A training that takes long and does not tell how to shorten it."""


class Stopwatch:
    """A progress callback that times iterations after some to warm up, and stops the training after enough of them.

    hurry: one iteration to warm up is enough where it takes long. On a GPU each of the first may be compiled anew.
    The device is waited for at the start and the end only, so that work queued on a GPU is timed as it runs.
    """

    def __init__(self, wait: Callable[[], None], *, parts: int = 1, hurry: bool = True) -> None:
        self._wait, self._hurry = wait, hurry
        self._window, self._longest = WINDOW_SECONDS / parts, LONGEST_WINDOW / parts
        self.total = 0
        self._calls = 0
        self._begun = clock()
        self._start: tuple[float, int] | None = None
        self._end: tuple[float, int] = (self._begun, 0)

    def __call__(self, done: int, total: int, unit: str) -> None:
        self._calls, self.total = self._calls + 1, total
        self._end = (clock(), done)
        if self._start is None:
            slow = self._hurry and self._end[0] - self._begun >= self._window
            if self._calls >= WARM_UP or slow:
                self._wait()
                self._start = (clock(), done)
            return
        seconds, iterations = self._end[0] - self._start[0], done - self._start[1]
        window = self._window if iterations >= LEAST_ITERATIONS else self._longest
        if iterations >= MOST_ITERATIONS or seconds >= window:
            self._wait()
            self._end = (clock(), done)
            raise Enough

    @property
    def reported(self) -> bool:
        """Whether the training reported any progress."""
        return self._calls > 0

    @property
    def seconds_each(self) -> float:
        """Seconds per iteration; those to warm up count where there were no others."""
        start = self._start if self._start is not None and self._end[1] > self._start[1] else (self._begun, 0)
        return (self._end[0] - start[0]) / max(self._end[1] - start[1], 1)


@dataclass
class Trials:
    """Steps tried in one process. recipes: the plan's. scratch: a folder for everything that is written."""

    recipes: Mapping[str, Recipe]
    store: Store
    scratch: Path
    device: str

    def seconds(self, key: str) -> float:
        """How long the step takes; BenchError when that cannot be told."""
        recipe = self.recipes[key]
        if recipe.trains:
            return self._training(recipe)
        if recipe.step == "prepare":
            return _scaled(lambda count: self._run(_counted(recipe, count), {})[0], self.images(key))
        if recipe.step == "predict":
            return self._prediction(recipe)
        fitted = {role: self._fitted(source) for role, source in recipe.inputs.items() if self.recipes[source].trains}
        if recipe.step == "measure":
            return self._of_images(recipe, fitted, min(self.images(recipe.inputs["images"]), 2 * MOST_IMAGES))
        if recipe.step == "adapt_estimator":
            return self._of_images(recipe, fitted, self.images(recipe.inputs["real"]))
        whole = Recipe.from_json({**recipe.to_json(), "config": {}})  # an earlier moment's R takes as long
        return self._of_images(whole, fitted, self.images(recipe.inputs["images"]))

    def images(self, key: str) -> int:
        """Images of a set: as many as are stored, or as its step would make of what the data have."""
        recipe = self.recipes[key]
        if recipe.step == "refine":
            return self.images(recipe.inputs["images"])
        if self.store.has(key):
            return len(load_image_set(self.store.path(key) / "images.h5"))
        asked = recipe.config["count"]
        found = len(load_image_set(self._images(key, asked and min(asked, SAMPLE)) / "images.h5"))
        return found if asked is None or found < SAMPLE else int(asked)

    def _training(self, recipe: Recipe) -> float:
        parts = self._parts(recipe, None)
        inputs = self._samples(recipe, SAMPLE)
        seconds = 0.0
        for part in parts or (Part(0, {}),):
            watch = Stopwatch(self._wait, parts=max(len(parts), 1), hurry=self.device == "cpu")
            whole, _ = self._run(_with_settings(recipe, part.settings), inputs, watch)
            if not parts and not watch.reported:
                count = self._learnt_from(recipe)
                return whole if count <= SAMPLE else self._of_images(recipe, {}, count)
            seconds += watch.seconds_each * (part.times if parts else watch.total)
        return seconds

    def _prediction(self, recipe: Recipe) -> float:
        """Longer with more training images where the estimator keeps them, as one of nearest neighbours."""
        source, count = self._training_of(recipe.inputs["estimator"]), self.images(recipe.inputs["images"])
        few = self._of_images(recipe, {"estimator": self._fitted(source)}, count)
        fit = self.recipes[source]
        trained_on = self._learnt_from(fit)
        if self.store.has(source) or self._parts(fit, 1) or trained_on <= SAMPLE:
            return few
        more = min(GROWTH * SAMPLE, trained_on)
        many = self._of_images(recipe, {"estimator": self._fitted(source, more)}, count)
        if many < MEMORY * few:
            return many
        return many + (many - few) / (more - SAMPLE) * (trained_on - more)

    def _of_images(self, recipe: Recipe, fitted: Mapping[str, Path], count: int) -> float:
        def run(images: int) -> float:
            return self._run(recipe, {**self._samples(recipe, images), **fitted})[0]

        return _scaled(run, count)

    def _samples(self, recipe: Recipe, count: int) -> dict[str, Path]:
        """The image sets among a step's inputs, at most `count` images of each."""
        sets = {role: key for role, key in recipe.inputs.items() if self.recipes[key].step in ("prepare", "refine")}
        return {role: self._images(key, count) for role, key in sets.items()}

    def _images(self, key: str, count: int | None) -> Path:
        """A folder with at most `count` images of a set; refined images are tried as the ones they are made of."""
        recipe = self.recipes[key]
        if recipe.step == "refine":
            return self._images(recipe.inputs["images"], count)
        folder = self.scratch / f"{key[:16]}-{count}"
        if (folder / "images.h5").exists():
            return folder
        if not self.store.has(key):
            _, made = self._run(_counted(recipe, count), {})
            return made.rename(folder)
        images = load_image_set(self.store.path(key) / "images.h5")
        if count is None or len(images) <= count:
            return self.store.path(key)
        folder.mkdir(parents=True)
        rows = np.linspace(0, len(images) - 1, count).round().astype(int)
        save_image_set(folder / "images.h5", images.select(rows))
        return folder

    def _training_of(self, key: str) -> str:
        """The step that trained an estimator, which predicts as fast as when it is adapted."""
        recipe = self.recipes[key]
        return recipe.inputs["estimator"] if recipe.step == "adapt_estimator" else key

    def _fitted(self, key: str, count: int = SAMPLE) -> Path:
        """The folder of a trained component: the stored one, or one trained for as short as can be."""
        recipe = self.recipes[key]
        if self.store.has(key):
            return self.store.path(key)
        folder = self.scratch / f"{key[:16]}-{count}"
        if not folder.exists():
            until = clock() + MOST_SECONDS

            def stop_late(done: int, total: int, unit: str) -> None:
                if clock() > until:
                    raise Enough

            short = _with_settings(recipe, next(iter(self._parts(recipe, 1)), Part(1, {})).settings)
            try:
                _, made = self._run(short, self._samples(recipe, count), stop_late, whole=True)
            except Enough:
                raise NotShort(f"'{recipe.component[1]}' is not trained yet") from None
            made.rename(folder)
        return folder

    def _learnt_from(self, recipe: Recipe) -> int:
        """Images that a training's time depends on."""
        config = _config(recipe)
        count = self.images(recipe.inputs["train" if "train" in recipe.inputs else "synthetic"])
        return min(count, config.most_images) if isinstance(config, Draws) else count

    def _parts(self, recipe: Recipe, iterations: int | None) -> tuple[Part, ...]:
        config = _config(recipe)
        return tuple(config.parts(iterations, self.device)) if isinstance(config, InParts) else ()

    def _run(
        self, recipe: Recipe, inputs: Mapping[str, Path], progress: Progress | None = None, whole: bool = False
    ) -> tuple[float, Path]:
        """Run a step's code; its seconds and the folder of what it made. `whole`: to the end, or Enough passes on."""
        out = Path(tempfile.mkdtemp(dir=self.scratch))
        context = RunContext(recipe.seed or 0, device=self.device, progress=progress)
        component = registry.load(*recipe.component)  # type: ignore[arg-type]
        code = importlib.import_module(f"bench.engine.steps.{recipe.step}")
        started = clock()
        try:
            code.run(Step(recipe.config, recipe.place, inputs, out, component, context))
        except Enough:
            if whole:
                raise
        self._wait()
        return clock() - started, out

    def _wait(self) -> None:
        if self.device.startswith("cuda"):
            import torch

            torch.cuda.synchronize(self.device)


def try_step(key: str, recipes: Mapping[str, Any], root: str, scratch: str, device: str) -> float | str:
    """Seconds of the step, or why they cannot be told, through any executor. recipes: key -> `Recipe.to_json()`."""
    made = {name: Recipe.from_json(values) for name, values in recipes.items()}
    for recipe in made.values():
        if "component" in recipe.place:
            registry.named(recipe.component[0], recipe.place["component"])  # type: ignore[arg-type]
    folder = Path(scratch) / str(os.getpid())  # samples and short trainings serve all trials of a process
    folder.mkdir(exist_ok=True)
    try:
        with _one_thread():
            return Trials(made, Store(Path(root)), folder, device).seconds(key)
    except Exception as error:  # noqa: BLE001 - as at a step's boundary: a bug in one kind must not lose the others
        reason = str(error) if isinstance(error, BenchError) else f"{type(error).__name__}: {error}"
        return reason.partition("\n")[0]


@contextmanager
def _one_thread() -> Iterator[None]:
    """As steps run, in whatever process; the caller's number of threads comes back."""
    import torch

    from bench.training.device import pin_threads, tune_process

    before = torch.get_num_threads()
    pin_threads()
    tune_process()
    try:
        yield
    finally:
        pin_threads(before)


def _scaled(run: Callable[[int], float], count: int) -> float:
    """Seconds for `count` images: measured, or the line through the times of two smaller numbers of them.

    The first time is not counted unless it is long: it has imports and first allocations in it.
    """
    images = min(FIRST_IMAGES, count)
    seconds = run(images)
    if seconds > TOO_LONG:
        return seconds * count / images
    seconds = run(images)
    before = (0, 0.0)
    while images < count and (seconds < LONG_ENOUGH or not before[0]):
        before = (images, seconds)
        images = min(images * GROWTH, count)
        seconds = run(images)
    each = (seconds - before[1]) / (images - before[0])
    if each <= 0:  # less than what one run differs from another by
        each = seconds / images
    return seconds + each * (count - images)


def _config(recipe: Recipe) -> Any:
    component = registry.load(*recipe.component)  # type: ignore[arg-type]
    return component.configured(recipe.config["preset"], recipe.config["settings"]).config


def _counted(recipe: Recipe, count: int | None) -> Recipe:
    return Recipe.from_json({**recipe.to_json(), "config": {**recipe.config, "count": count}})


def _with_settings(recipe: Recipe, settings: Mapping[str, Any]) -> Recipe:
    config = {**recipe.config, "settings": {**recipe.config["settings"], **settings}}
    return Recipe.from_json({**recipe.to_json(), "config": config})
