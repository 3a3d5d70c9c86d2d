"""What every test process needs: one thread, and property tests that do not depend on the machine's mood."""

from __future__ import annotations

import os

from hypothesis import settings

# The suite runs in several processes; torch's threads would fight over the cores.
for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[variable] = "1"

# No deadlines: a busy machine is no bug. In CI the examples are fixed, elsewhere new ones are tried each time.
settings.register_profile("suite", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("suite")
