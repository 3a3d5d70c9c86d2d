"""How long steps take together: the runner's order, played through with the time of each step."""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence

from bench.engine.recipe import Recipe


def roads(recipes: Mapping[str, Recipe]) -> dict[str, int]:
    """Key -> number of steps from there to the end of its longest road; training a refiner is the longest."""
    found = dict.fromkeys(recipes, 1)
    for key in reversed(list(recipes)):
        for source in recipes[key].inputs.values():
            found[source] = max(found[source], found[key] + 1)
    return found


def time_together(recipes: Mapping[str, Recipe], seconds: Mapping[str, float], workers: int) -> float:
    """Seconds until all steps of `seconds` (key -> its own) are done, `workers` at a time.

    As the runner does it: image sets first, then whatever is ready, the longest road to the table first.
    """
    sets = [key for key in seconds if recipes[key].step == "prepare"]
    others = [key for key in seconds if recipes[key].step != "prepare"]
    weight = roads(recipes)
    return sum(_play(recipes, keys, seconds, workers, weight) for keys in (sets, others))


def _play(
    recipes: Mapping[str, Recipe],
    keys: Sequence[str],
    seconds: Mapping[str, float],
    workers: int,
    weight: Mapping[str, int],
) -> float:
    mine = set(keys)
    waits_for = {key: mine.intersection(recipes[key].inputs.values()) for key in keys}
    needed_by: dict[str, list[str]] = {key: [] for key in keys}
    for key, sources in waits_for.items():
        for source in sources:
            needed_by[source].append(key)
    place = {key: number for number, key in enumerate(keys)}
    ready = [(-weight[key], place[key]) for key in keys if not waits_for[key]]
    heapq.heapify(ready)
    running: list[tuple[float, int]] = []
    now = 0.0
    while ready or running:
        while ready and len(running) < workers:
            number = heapq.heappop(ready)[1]
            heapq.heappush(running, (now + seconds[keys[number]], number))
        now, number = heapq.heappop(running)
        for key in needed_by[keys[number]]:
            waits_for[key].discard(keys[number])
            if not waits_for[key]:
                heapq.heappush(ready, (-weight[key], place[key]))
    return now
