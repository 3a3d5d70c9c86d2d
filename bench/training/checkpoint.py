"""Training checkpoints: written atomically, read back with `weights_only=True`, log included."""

from __future__ import annotations

import time
from typing import Any

import torch

from bench.core.context import RunContext


def save_checkpoint(run: RunContext, state: dict[str, Any]) -> None:
    """Write `state` (nested dicts and lists of tensors and numbers) and the log so far, if `run` keeps checkpoints.

    A kill while writing leaves the previous checkpoint in place.
    """
    if run.checkpoint is None:
        return
    started = time.monotonic()
    log = {
        "scalars": run.scalars,
        "images": [(step, name, torch.from_numpy(images)) for step, name, images in run.images],
        "warnings": run.warnings,
        "notes": run.notes,
        "seconds": run.seconds,
    }
    run.checkpoint.parent.mkdir(parents=True, exist_ok=True)
    partial = run.checkpoint.with_suffix(".partial")
    torch.save({"state": state, "log": log}, partial)
    partial.replace(run.checkpoint)
    run.checkpoint_written(time.monotonic() - started)


def load_checkpoint(run: RunContext) -> dict[str, Any] | None:
    """The last state written for this step, with the log restored into `run`; None at a fresh start."""
    if run.checkpoint is None or not run.checkpoint.exists():
        return None
    saved = torch.load(run.checkpoint, weights_only=True, map_location="cpu")
    log = saved["log"]
    run.scalars[:] = log["scalars"]
    run.images[:] = [(int(step), str(name), images.numpy()) for step, name, images in log["images"]]
    run.warnings[:] = log["warnings"]
    run.notes.clear()
    run.notes.update(log["notes"])
    run.earlier_seconds = log["seconds"]
    state: dict[str, Any] = saved["state"]
    return state
