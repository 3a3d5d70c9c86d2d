"""What a check of a data set found: a verdict, and a sentence with the next step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Verdict = Literal["ok", "bad", "unknown"]


@dataclass(frozen=True)
class Check:
    """One check of a part: 'unknown' means that the data cannot tell."""

    name: str
    verdict: Verdict
    detail: str
