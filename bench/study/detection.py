"""Signal detection: how well a subject tells two things apart (d'), apart from what it likes to answer (c).

Both modes are seen as a subject that answers 'first' or 'second': real or fake where one image is shown, left or right
where two are. Rates are log-linear ones, (count + 0.5) / (trials + 1) (Hautus 1995): a rate of 0 or 1 would give an
infinite d'. They draw d' a little towards 0: with 50 trials of each kind, one of 2 to 1.99.
"""

from __future__ import annotations

from dataclasses import dataclass

from scipy.special import ndtri


@dataclass(frozen=True)
class Detection:
    """d_prime: 0 = cannot tell, below 0 = swaps the names. criterion: above 0 = answers 'second' too often.

    'second' is fake, or right; one standard deviation of the noise is the unit of both.
    """

    d_prime: float
    criterion: float


def rate(count: int, trials: int) -> float:
    """Log-linear rate, strictly between 0 and 1."""
    return (count + 0.5) / (trials + 1)


def yes_no(hits: int, reals: int, false_alarms: int, fakes: int) -> Detection:
    """One image: d' = z(H) - z(F), c = -(z(H) + z(F)) / 2.

    hits: 'real' answered to one of `reals` real images; false_alarms: to one of `fakes` fake ones.
    """
    hit, alarm = float(ndtri(rate(hits, reals))), float(ndtri(rate(false_alarms, fakes)))
    return Detection(hit - alarm, -(hit + alarm) / 2)


def two_alternative(left_right: int, lefts: int, left_wrong: int, rights: int) -> Detection:
    """Two images: d' = sqrt(2) z(share correct); c as in `yes_no`, for the side: above 0 = 'right' too often.

    left_right: 'left' answered to one of `lefts` pairs whose real image is left; left_wrong: to one of `rights` others.
    The same d' as in `yes_no` for the same images: two looks tell more than one, by sqrt(2) (Green & Swets 1966). A
    preference for a side lowers it, unlike in `yes_no`.
    """
    correct = left_right + rights - left_wrong
    side = yes_no(left_right, lefts, left_wrong, rights)
    return Detection(float(2**0.5 * ndtri(rate(correct, lefts + rights))), side.criterion)
