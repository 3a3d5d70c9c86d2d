"""`bench refine`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.commands.options import (
    Asked,
    Data,
    Device,
    ProfileName,
    Real,
    Refiners,
    Settings,
    StoreRoot,
    Synthetic,
    Test,
    planned,
)

InputFolder = Annotated[
    Path,
    typer.Argument(
        metavar="FOLDER", help="Folder of grey PNG, JPEG, BMP or TIFF images, or of 16-bit depth PNGs in mm."
    ),
]
OutputFolder = Annotated[Path, typer.Argument(metavar="INTO", help="Folder for the refined PNG images.")]
WhichExperiment = Annotated[str, typer.Option("--experiment", help="Experiment whose trained refiner is used.")]
WhichSeed = Annotated[int, typer.Option("--seed", min=0, help="Which seed's refiner.")]


def refine(
    images: InputFolder, into: OutputFolder, experiment: WhichExperiment = "gaze-table3", seed: WhichSeed = 0,
    profile: ProfileName = None, data: Data = None, synthetic: Synthetic = None, real: Real = None,
    test: Test = None, refiner: Refiners = None, settings: Settings = None, device: Device = "auto",
    store: StoreRoot = None,
) -> None:  # fmt: skip
    """Refine a folder of your own images."""
    from bench.engine.refine_folder import refine_folder
    from bench.training.device import choose_device

    asked = Asked(profile, data, synthetic, real, test, None, seed + 1, refiner, settings)
    plan, steps = planned(experiment, asked, store)
    count = refine_folder(plan, steps, seed=seed, source=images, into=into, device=choose_device(device))
    typer.echo(f"{count} images refined into {into}")
