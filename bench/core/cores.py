"""How many processor cores there are to work with."""

from __future__ import annotations


def available_cores() -> int:
    """Cores that this process may use: fewer than the machine has under an affinity or a container's quota."""
    import joblib  # here: it costs a tenth of a second

    return int(joblib.cpu_count())
