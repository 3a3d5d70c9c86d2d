"""Right and wrong answers: exact binomial tests, intervals of shares, sign flips over subjects. Thin, on scipy."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats

from bench.stats import finite

MOST_FLIPPED = 16
"""Up to so many subjects all 2^n patterns of signs are tried; for more, `DRAWS` random ones."""
DRAWS = 20_000
PATTERNS_AT_ONCE = 4096


def binomial_p(correct: int, trials: int, chance: float = 0.5) -> tuple[float, float]:
    """Exact binomial p-values of 'not chance': one-sided (more correct answers than by chance), and two-sided.

    The paper's Table 1 prints the one-sided one. Both take all answers as independent with one probability, which
    the answers of several subjects are not when the subjects differ: see docs/study-statistics.md.
    ValueError for counts that are none.
    """
    _check(correct, trials)
    one, two = (stats.binomtest(correct, trials, chance, alternative=side).pvalue for side in ("greater", "two-sided"))
    return float(one), float(two)


def clopper_pearson(correct: int, trials: int, level: float = 0.95) -> tuple[float, float]:
    """Exact interval of a share (Clopper & Pearson 1934): covers at least `level`, for one probability of success."""
    _check(correct, trials)
    tail, wrong = (1 - level) / 2, trials - correct
    low = special.betaincinv(correct, wrong + 1, tail) if correct else 0.0
    high = special.betaincinv(correct + 1, wrong, 1 - tail) if wrong else 1.0
    return float(low), float(high)


def sign_flip_p(differences: ArrayLike, rng: np.random.Generator) -> tuple[float, float]:
    """p-values of 'the mean is not 0' by flipping signs: one-sided (mean above 0), and two-sided.

    differences: (n,), one per subject, symmetric around 0 under the null hypothesis; no normal distribution is
    needed. Exact for n <= 16: the share of all 2^n patterns of signs whose sum is at least as large. Else of 20,000
    random patterns drawn from `rng`, the observed one counted in, so that p is valid (Phipson & Smyth 2010).
    """
    sample = finite(differences)
    observed = float(sample.sum())
    # Sums that are equal but for rounding count as equal, else p would be too small.
    rounding = 1e-9 * float(np.abs(sample).sum())
    above = beyond = total = 0
    for signs in _patterns(len(sample), rng):
        sums = signs @ sample
        above += int((sums >= observed - rounding).sum())
        beyond += int((np.abs(sums) >= abs(observed) - rounding).sum())
        total += len(signs)
    drawn = int(len(sample) > MOST_FLIPPED)
    return (above + drawn) / (total + drawn), (beyond + drawn) / (total + drawn)


def _patterns(count: int, rng: np.random.Generator) -> Iterator[NDArray[np.float64]]:
    """Signs (-1 or 1), (patterns, count) at a time: every pattern once, or random ones."""
    exact = count <= MOST_FLIPPED
    total = 2**count if exact else DRAWS
    for start in range(0, total, PATTERNS_AT_ONCE):
        stop = min(start + PATTERNS_AT_ONCE, total)
        if exact:
            bits = np.arange(start, stop)[:, None] >> np.arange(count) & 1
        else:
            bits = rng.integers(0, 2, (stop - start, count))
        yield np.where(bits, 1.0, -1.0)


def _check(correct: int, trials: int) -> None:
    if not 0 <= correct <= trials or trials < 1:
        raise ValueError(f"{correct} correct of {trials} trials is no count")
