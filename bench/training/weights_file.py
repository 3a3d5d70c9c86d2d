"""Trained weights that the user gives: a state dict from a file whose sha256 is known. Never random ones."""

from __future__ import annotations

import pickle
import struct
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from bench.core.canonical import file_digest
from bench.core.errors import DataError

# What reading any other file (text, a web page, half a download) makes torch.load and safetensors raise.
UNREADABLE = (
    SafetensorError,
    pickle.UnpicklingError,
    struct.error,
    EOFError,
    RuntimeError,
    LookupError,
    ValueError,
    TypeError,
    AssertionError,
)


def read_weights(path: Path, sha256: str, setting: str, net: str) -> dict[str, torch.Tensor]:
    """A state dict from a .safetensors file or one of `torch.save`, on the CPU, as it is in the file.

    setting: named first in errors ('psi_weights'). net: whose weights they should be ('a VGG16').
    DataError when the file is not there, is another than its hash says, or holds no state dict.
    """
    if not path.is_file():
        raise DataError(f"{setting}: there is no file {path}; give one with the weights of {net}")
    found = file_digest(path)
    if found != sha256.lower():
        raise DataError(f"{setting}: {path} has sha256 {found}, not {sha256.lower()}; it is damaged or another file")
    try:
        weights: Any = (
            load_file(path)
            if path.suffix == ".safetensors"
            else torch.load(path, weights_only=True, map_location="cpu")
        )
    except UNREADABLE as error:
        raise DataError(
            f"{setting}: {path} cannot be read as .safetensors or torch.save wrote it; save the state_dict() of {net}"
        ) from error
    if not isinstance(weights, dict) or not all(isinstance(tensor, torch.Tensor) for tensor in weights.values()):
        raise DataError(f"{setting}: {path} holds no state_dict of tensors; save the state_dict() of {net}")
    return weights
