"""A small study and its real server, in a process of its own, for the tests of the page."""

from __future__ import annotations

import contextlib
import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.core.images import ImageSet
from bench.data.imagesets import save_image_set
from bench.study.build import Source, build_study, design_of
from bench.study.design import ImageClass, StudyDesign

START_SECONDS = 30


def make_study(
    folder: Path, *, arms: dict[str, int] | None = None, images: int = 40, size: tuple[int, int] = (35, 55),
    sources: dict[ImageClass, str] | None = None, **settings: Any,
) -> StudyDesign:  # fmt: skip
    """A built study: folder/study. arms: class -> images per subject. Without sources the images are noise."""
    folder.mkdir(parents=True, exist_ok=True)
    arms = arms or {"refined": 4}
    given: dict[ImageClass, Source] = {}
    for index, name in enumerate(("real", "refined", "synthetic")):
        path = folder / f"{name}-source.h5"
        if sources is None:
            pixels = np.random.default_rng(index).integers(256, size=(images, *size), dtype=np.uint8)
            ids = np.array([f"{number:03d}" for number in range(images)])
            save_image_set(path, ImageSet(ids, ids, pixels))
        given[name] = Source(sources[name] if sources else str(path))  # type: ignore[index]
    listed = [{"name": name, "second": name, "images_per_class": count} for name, count in arms.items()]
    chosen = {"seed": 7, "examples_per_class": 3, "practice": 2, "attention_checks": 1, **settings}
    return build_study(design_of(listed, chosen), given, images, folder / "study")


@dataclass
class StudyServer:
    """`bench study serve FOLDER`; port 0 = a free one, kept when the server is started again."""

    folder: Path
    options: tuple[str, ...] = ()
    port: int = 0
    link: str = ""
    process: subprocess.Popen[str] | None = None

    @property
    def root(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        words = ["study", "serve", str(self.folder), "--port", str(self.port), *self.options]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "bench.cli", *words], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )  # fmt: skip
        assert self.process.stdout is not None and self.process.stderr is not None
        end = time.monotonic() + START_SECONDS
        ready = select.select([self.process.stdout], [], [], end - time.monotonic())[0]
        line = self.process.stdout.readline() if ready else ""
        assert line.startswith("http://"), f"{line}\n{self.process.stderr.read() if self.process.poll() else ''}"
        self.link = line.split()[0]
        self.port = int(self.link.split("/")[2].rpartition(":")[2])

    def kill(self) -> None:
        """As a power cut would: no chance to write anything."""
        assert self.process is not None
        self.process.kill()
        self.process.communicate()

    def output(self) -> str:
        """End it, and everything that it wrote since its first line."""
        assert self.process is not None
        self.process.terminate()
        out, err = self.process.communicate(timeout=START_SECONDS)
        return out + err


@contextlib.contextmanager
def serving(folder: Path, *options: str) -> Iterator[StudyServer]:
    """A running server of a study's folder, killed at the end."""
    server = StudyServer(folder, options)
    server.start()
    try:
        yield server
    finally:
        if server.process is not None and server.process.poll() is None:
            server.kill()
