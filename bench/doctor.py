"""What `bench doctor` finds out: environment, devices, data and store."""

from __future__ import annotations

import os
import platform
import shutil
from typing import Any

import bench
from bench.core.cores import available_cores
from bench.core.errors import BenchError
from bench.engine.collect import source_revision
from bench.engine.step import environment
from bench.engine.store import Store


def examine(store: Store) -> dict[str, dict[str, Any]]:
    """Section -> facts; nothing is written, and a missing part is told rather than raised."""
    return {
        "simgan-bench": {"version": bench.__version__, **source_revision()},
        "environment": environment(),
        "devices": _devices(),
        "data": _data(),
        "store": _store(store),
    }


def _devices() -> dict[str, Any]:
    import torch

    from bench.training.device import bfloat16_pays

    facts: dict[str, Any] = {
        "processor": platform.processor() or platform.machine(),
        "cores": available_cores(),
        "bfloat16 on the processor": bfloat16_pays("cpu"),
    }
    for index in range(torch.cuda.device_count()):
        properties = torch.cuda.get_device_properties(index)
        facts[f"cuda:{index}"] = f"{properties.name}, {properties.total_memory / 2**30:.0f} GiB"
    if not torch.cuda.device_count():
        facts["cuda"] = "none"
    return facts


def _data() -> dict[str, str]:
    from bench.data.verify import status

    try:
        return {f"{row.data_set}:{row.part}": row.state for row in status()}
    except BenchError as error:
        return {"problem": str(error)}


def _store(store: Store) -> dict[str, Any]:
    there = store.root.is_dir()
    nearest = next(folder for folder in (store.root, *store.root.absolute().parents) if folder.exists())
    return {
        "folder": str(store.root),
        "finished steps": sum(1 for _ in (store.root / "steps").glob("*/*/record.json")) if there else 0,
        "damaged steps": sum(1 for _ in (store.root / "damaged").glob("*")) if there else 0,
        "writable": os.access(nearest, os.W_OK),
        "free": f"{shutil.disk_usage(nearest).free / 2**30:.1f} GiB",
    }
