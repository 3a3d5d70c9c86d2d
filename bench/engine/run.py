"""Runs what a plan misses: ready steps go to the executor, the longest road to the table first."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field

from bench.core import registry
from bench.core.errors import BenchError, DataError, Interrupted, UsageError
from bench.core.experiment import LABEL
from bench.data.imagesets import load_image_set
from bench.data.people import check_overlap, note_unlabelled
from bench.engine.executors import open_executor
from bench.engine.plan import Plan
from bench.engine.recipe import Recipe
from bench.engine.schedule import roads
from bench.engine.settle import settle
from bench.engine.step import PROGRESS, Outcome, run_step
from bench.engine.store import Store

POLL_SECONDS = 0.5


@dataclass
class Status:
    """What whoever watches may show: counts, and for each running step (label, done, total, unit, seconds)."""

    total: int
    finished: int = 0
    failed: int = 0
    running: dict[str, tuple[str, int, int, str, float]] = field(default_factory=dict)
    seconds_left: float | None = None


Watch = Callable[[Status], None]


def execute(plan: Plan, store: Store, *, executor: str, device: str, watch: Watch) -> dict[str, str]:
    """Run the missing steps; returns key -> reason for those that failed or hang on a failed one.

    Data and usage errors end the run with their own exit code; everything finished stays stored.
    """
    missing = plan.missing(key for key in plan.recipes if store.has(key))
    if not missing:
        return {}
    from bench.training.device import choose_device  # torch: only when there is work

    device = choose_device(device)
    sets = [key for key in missing if plan.recipes[key].step == "prepare"]
    _check_settings(plan.recipes[key] for key in missing)
    status = Status(total=len(missing))
    try:
        with open_executor(executor, device) as (pool, slots):
            runner = _Runner(plan, store, pool.submit, slots, device, watch, status)
            runner.run(sets)
            _check_labels(plan, store)  # before anything is trained
            check_persons(plan, store)
            possible = settle(plan, store).missing(key for key in plan.recipes if store.has(key))
            status.total = len(sets) + len(possible)
            return runner.run(possible)
    except KeyboardInterrupt as error:
        raise Interrupted(
            f"interrupted; {status.finished} of {status.total} steps are stored. Run the same command to go on."
        ) from error
    except BrokenProcessPool as error:
        raise BenchError(
            "a worker process died (out of memory?). Finished steps are stored;"
            " run the same command to go on, with '--executor serial' if it happens again."
        ) from error


def _check_settings(recipes: Iterable[Recipe]) -> None:
    """UsageError for a setting that a component refuses, before hours of training lead there."""
    for recipe in recipes:
        if "settings" in recipe.config:
            component = registry.load(*recipe.component)  # type: ignore[arg-type]
            component.configured(recipe.config.get("preset", "quick"), recipe.config["settings"])


def _check_labels(plan: Plan, store: Store) -> None:
    """DataError when the sets lack what the experiment's estimators learn and are tested on."""
    label = LABEL[plan.experiment.task]
    learnt = any(cell.column.of == "predictions" for cell in plan.cells)
    for role in ("synthetic", "test") if learnt else ("test",):
        images = load_image_set(store.path(plan.sets[role]) / "images.h5")
        if label not in images.labels:
            held = ", ".join(sorted(images.labels)) or "none"
            raise DataError(
                f"{images.name} has no '{label}' labels (has: {held}), which {plan.experiment.name} is about; choose "
                f"another data set, e.g. --data {plan.experiment.data}"
            )


def check_persons(plan: Plan, store: Store) -> list[str]:
    """The persons' rule for every labelled real training set; the marks to print under the table."""
    sets = {role: load_image_set(store.path(key) / "images.h5") for role, key in plan.sets.items()}
    marks = []
    if any(cell.row.train == "real" for cell in plan.cells):
        labelled = sets.get("labelled", sets["real"])
        marks += check_overlap(labelled, sets["test"], plan.request.allow_person_overlap)
    marks += check_overlap(sets["synthetic"], sets["test"], plan.request.allow_person_overlap)
    return marks + note_unlabelled(sets["real"], sets["test"])


@dataclass
class _Runner:
    plan: Plan
    store: Store
    submit: Callable[..., Future[Outcome]]
    slots: int
    device: str
    watch: Watch
    status: Status
    failed: dict[str, str] = field(default_factory=dict)
    seconds: dict[str, list[float]] = field(default_factory=dict)

    def run(self, keys: list[str]) -> dict[str, str]:
        """Run `keys` (inputs before what needs them); returns the failed ones with reasons."""
        waiting = dict.fromkeys(keys)
        running: dict[Future[Outcome], tuple[str, float]] = {}
        weight = roads(self.plan.recipes)
        while waiting or running:
            ready = [key for key in waiting if not self._blocked(key, waiting, running)]
            for key in sorted(ready, key=lambda key: -weight[key])[: self.slots - len(running)]:
                del waiting[key]
                if self._hangs_on_failure(key):
                    self._record(Outcome(key, "failed", self.failed[key], 4))
                    continue
                recipe = self.plan.recipes[key]
                self._show(waiting, {**running, Future(): (key, time.monotonic())})
                future = self.submit(run_step, recipe.to_json(), str(self.store.root), self.device)
                running[future] = (key, time.monotonic())
            done, _ = wait(running, timeout=POLL_SECONDS, return_when=FIRST_COMPLETED)
            for future in done:
                key, started = running.pop(future)
                self.seconds.setdefault(_kind(self.plan.recipes[key]), []).append(time.monotonic() - started)
                self._record(future.result())
            self._show(waiting, running)
        return self.failed

    def _blocked(
        self, key: str, waiting: Mapping[str, None], running: Mapping[Future[Outcome], tuple[str, float]]
    ) -> bool:
        busy = {running_key for running_key, _ in running.values()}
        return any(source in waiting or source in busy for source in self.plan.recipes[key].inputs.values())

    def _hangs_on_failure(self, key: str) -> bool:
        for source in self.plan.recipes[key].inputs.values():
            if source in self.failed:
                self.failed[key] = self.failed[source]
                return True
        return False

    def _record(self, outcome: Outcome) -> None:
        if outcome.status == "refused":
            raise (DataError if outcome.exit_code == DataError.exit_code else UsageError)(outcome.reason)
        self.status.finished += 1
        if outcome.status == "failed":
            self.failed[outcome.key] = outcome.reason
            self.status.failed += 1

    def _show(self, waiting: Mapping[str, None], running: Mapping[Future[Outcome], tuple[str, float]]) -> None:
        now = time.monotonic()
        self.status.running = {
            key: (self.plan.recipes[key].label, *self._progress(key), now - started)
            for key, started in running.values()
        }
        self.status.seconds_left = self._seconds_left(waiting)
        self.watch(self.status)

    def _progress(self, key: str) -> tuple[int, int, str]:
        try:
            done, total, unit = json.loads((self.store.work(key) / PROGRESS).read_text())
        except (OSError, ValueError):  # not written yet, or just being written
            return 0, 0, ""
        return int(done), int(total), str(unit)

    def _seconds_left(self, waiting: Mapping[str, None]) -> float | None:
        """From how long steps of a kind took or are taking; None while some kind was never seen."""
        expected = {kind: sum(values) / len(values) for kind, values in self.seconds.items()}
        left = 0.0
        for key, (_, done, total, _, seconds) in self.status.running.items():
            kind = _kind(self.plan.recipes[key])
            if done and total:
                expected.setdefault(kind, seconds * total / done)
            if kind not in expected:
                return None
            left += max(expected[kind] - seconds, 0)
        for key in waiting:
            kind = _kind(self.plan.recipes[key])
            if kind not in expected:
                return None
            left += expected[kind]
        return left / self.slots


def _kind(recipe: Recipe) -> str:
    return f"{recipe.step} {recipe.component}"
