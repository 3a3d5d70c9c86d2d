"""Where steps run: in this process, or in single-thread worker processes (bit-identical either way)."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing.synchronize import Event
from typing import Any

from bench.core.cores import available_cores
from bench.core.errors import UsageError

EXECUTORS = ("auto", "serial", "processes")
WATCH_SECONDS = 0.3
MOST_ON_A_GPU, BYTES_ON_A_GPU = 4, 16 << 30
"""Steps that share a GPU, and the memory that one may need: the paper's sets and history are 3 GB, a batch's maps 8."""


class SerialExecutor(Executor):
    """Runs each call at once, in this process."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """A finished future; the call's exception is kept in it, an interrupt passes through."""
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 - an executor hands every error to the future's reader
            future.set_exception(error)
        return future


@contextmanager
def open_executor(name: str, device: str) -> Iterator[tuple[Executor, int]]:
    """The executor and how many steps it runs at a time.

    'auto': processes where several can work, in this process otherwise.
    """
    if name not in EXECUTORS:
        raise UsageError(f"unknown executor '{name}'; choose {', '.join(EXECUTORS)}")
    workers = slots(device)
    if name == "serial" or (name == "auto" and workers == 1):
        yield SerialExecutor(), 1
        return
    context = multiprocessing.get_context("spawn")
    stop = context.Event()
    pool = ProcessPoolExecutor(workers, context, _start_worker, (stop, os.getpid()))
    try:
        yield pool, workers
    except BaseException:
        stop.set()  # running steps end at once; their last checkpoints stay
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def slots(device: str) -> int:
    """How many steps a device works on at a time: one per core, or several small networks that share a GPU's memory."""
    cores = available_cores()
    if not device.startswith("cuda"):
        return cores if device == "cpu" else 1
    import torch

    free_bytes, _ = torch.cuda.mem_get_info(device)
    return max(1, min(cores, MOST_ON_A_GPU, free_bytes // BYTES_ON_A_GPU))


def _start_worker(stop: Event, parent: int) -> None:
    """One thread for computing, and a watchman that ends the worker with its parent or on request."""
    for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[variable] = "1"
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what an interrupt means

    def watch() -> None:
        while not stop.is_set() and os.getppid() == parent:
            time.sleep(WATCH_SECONDS)
        os._exit(130)  # checkpoints and artifacts are published atomically, so any moment is safe

    threading.Thread(target=watch, daemon=True).start()
