"""Random choices by an image's content: the same for an image whatever it is refined with, and in whatever order."""

from __future__ import annotations

import hashlib
from typing import Any

from numpy.typing import NDArray


def content_seed(image: NDArray[Any], stream_seed: int) -> int:
    """A 64-bit seed from an image's pixels and the 63-bit seed of a named stream; equal images have equal seeds."""
    found = hashlib.blake2b(image.tobytes(), key=stream_seed.to_bytes(8, "little"), digest_size=8)
    return int.from_bytes(found.digest(), "little")
