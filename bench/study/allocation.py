"""Who sees which images, in which order: seeded, and balanced over subjects.

Images are dealt like cards. Each class is a deck, shuffled by the design's seed; the first cards are kept for examples,
practice and attention checks, the same for everybody. The others are dealt out subject by subject, and shuffled anew
when they are used up: no image is ever shown more than once more often than another one of its class, and none is shown
to a subject twice.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

import numpy as np

from bench.core.context import RunContext
from bench.core.errors import DataError
from bench.study.design import Arm, ImageClass, StudyDesign

Card = TypeVar("Card")
Kind = Literal["trial", "practice", "attention"]
PATTERN = "attention"
"""In place of a class: the patterns that stand in for a fake image in attention checks."""


@dataclass(frozen=True)
class Shown:
    """One image: its class, or 'attention', and its number there."""

    of: str
    number: int


@dataclass(frozen=True)
class Trial:
    """One question. images: one, or left and right. truth: real or fake; left or right, where the real one is."""

    arm: str
    kind: Kind
    images: tuple[Shown, ...]
    truth: str


@dataclass(frozen=True)
class Examples:
    """The labelled images beside the trials of an arm."""

    real: tuple[Shown, ...]
    fake: tuple[Shown, ...]


@dataclass(frozen=True)
class _Kept:
    """What everybody sees of a class, once per side ('real' may stand on both)."""

    examples: tuple[tuple[Shown, ...], ...]
    practice: tuple[tuple[Shown, ...], ...]
    attention: tuple[Shown, ...]


class Allocation:
    """What each subject of a study sees; subjects are numbered from 0.

    counts: class -> number of its images. DataError when they are too few for the design.
    """

    def __init__(self, design: StudyDesign, counts: Mapping[ImageClass, int]) -> None:
        self.design = design
        self._context = RunContext(design.seed)
        self._kept: dict[ImageClass, _Kept] = {}
        self._dealers: dict[ImageClass, Dealer[Shown]] = {}
        for name in design.classes:
            self._share_out(name, counts.get(name, 0))
        orders = list(itertools.permutations(range(len(design.arms))))
        self._orders = Dealer(orders, 1, self._context.rng("arm orders"))

    def examples(self, arm: Arm) -> Examples:
        """The labelled images of an arm, the same for every subject and never part of a trial."""
        return Examples(self._kept["real"].examples[0], self._kept[arm.second].examples[-1])

    def arms(self, subject: int) -> tuple[Arm, ...]:
        """The arms in the order in which a subject meets them; all orders equally often."""
        return tuple(self.design.arms[index] for index in self._orders.hand(subject)[0])

    def trials(self, subject: int) -> list[Trial]:
        """All trials of a subject in order: practice, then the arms' blocks with attention checks among them."""
        order = self._context.rng(f"subject {subject}")
        hands = {name: iter(dealer.hand(subject)) for name, dealer in self._dealers.items()}
        blocks = {}
        for arm in self.design.arms:  # dealt in the design's order, whatever the order they are shown in
            reals, fakes = (list(itertools.islice(hands[of], arm.images_per_class)) for of in (arm.first, arm.second))
            blocks[arm.name] = self._asked(arm, "trial", reals, fakes, order)
        arms = self.arms(subject)
        shown = [trial for arm in arms for trial in blocks[arm.name]]
        after = sorted(order.integers(len(shown), size=self.design.attention_checks).tolist(), reverse=True)
        for number, place in enumerate(after):
            arm = next(arm for arm in arms if arm.name == shown[place].arm)
            shown.insert(place + 1, self._check(arm, number, order))
        return self._practice(arms[0], order) + shown

    def _share_out(self, name: ImageClass, count: int) -> None:
        """Split a class into what everybody sees and what is dealt."""
        kept, dealt = images_kept(self.design, name), images_per_subject(self.design, name)
        if count < kept + dealt:
            raise DataError(
                f"{count} {name} images are too few: each subject is shown {dealt}, and {kept} are kept for examples,"
                " practice and attention checks; give more images, or make the arms or those smaller"
            )
        deck = [Shown(name, int(number)) for number in self._context.rng(f"deck {name}").permutation(count)]
        cards, sides = iter(deck), range(_sides(self.design, name))

        def take(number: int) -> tuple[Shown, ...]:
            return tuple(itertools.islice(cards, number))

        self._kept[name] = _Kept(
            examples=tuple(take(self.design.examples_per_class) for _ in sides),
            practice=tuple(take(_practised(self.design)) for _ in sides),
            attention=take(_checked(self.design, name)),
        )
        self._dealers[name] = Dealer(list(cards), dealt, self._context.rng(f"deals {name}"))

    def _practice(self, arm: Arm, order: np.random.Generator) -> list[Trial]:
        reals, fakes = self._kept["real"].practice[0], self._kept[arm.second].practice[-1]
        return self._asked(arm, "practice", reals, fakes, order)[: self.design.practice]

    def _asked(
        self, arm: Arm, kind: Kind, reals: Sequence[Shown], fakes: Sequence[Shown], order: np.random.Generator
    ) -> list[Trial]:
        """Questions about images in random order: one each, or in random pairs with the real one on a random side."""
        if self.design.mode == "yes-no":
            one_each = [(image, "real") for image in reals] + [(image, "fake") for image in fakes]
            return [Trial(arm.name, kind, (image,), truth) for image, truth in _shuffled(one_each, order)]
        pairs = zip(_shuffled(reals, order), _shuffled(fakes, order), strict=True)
        return [_pair(arm, kind, real, fake, order) for real, fake in pairs]

    def _check(self, arm: Arm, number: int, order: np.random.Generator) -> Trial:
        """An attention check: a pattern, alone or beside a real image."""
        pattern = Shown(PATTERN, number)
        if self.design.mode == "yes-no":
            return Trial(arm.name, "attention", (pattern,), "fake")
        return _pair(arm, "attention", self._kept["real"].attention[number], pattern, order)


class Dealer(Generic[Card]):
    """Hands of `size` cards from a deck that is shuffled anew when it is used up; never a card twice in a hand."""

    def __init__(self, deck: Sequence[Card], size: int, rng: np.random.Generator) -> None:
        self._hands: list[list[Card]] = []
        self._deal = _deal(deck, size, rng)

    def hand(self, number: int) -> list[Card]:
        """The hand of a number, 0 the first; always the same one."""
        while len(self._hands) <= number:
            self._hands.append(next(self._deal))
        return self._hands[number]


def _deal(deck: Sequence[Card], size: int, rng: np.random.Generator) -> Iterator[list[Card]]:
    left: list[Card] = []
    while True:
        hand, left = left[:size], left[size:]
        if len(hand) < size:
            anew = _shuffled(deck, rng)
            held = set(hand)
            fill = [card for card in anew if card not in held][: size - len(hand)]
            taken = set(fill)
            hand, left = hand + fill, [card for card in anew if card not in taken]
        yield hand


def images_kept(design: StudyDesign, name: ImageClass) -> int:
    """Images of a class that everybody sees outside the trials that count."""
    each = design.examples_per_class + _practised(design)
    return _sides(design, name) * each + _checked(design, name)


def images_per_subject(design: StudyDesign, name: ImageClass) -> int:
    """Images of a class that a subject sees in the trials that count."""
    return sum(arm.images_per_class * ((arm.first == name) + (arm.second == name)) for arm in design.arms)


def _sides(design: StudyDesign, name: ImageClass) -> int:
    """On how many sides a class stands: 'real' on both when an arm compares real images with real ones."""
    return 1 + (name == "real" and any(arm.second == "real" for arm in design.arms))


def _practised(design: StudyDesign) -> int:
    """Images of each class for practice."""
    return (design.practice + 1) // 2 if design.mode == "yes-no" else design.practice


def _checked(design: StudyDesign, name: ImageClass) -> int:
    """Images of a class for attention checks: real ones, beside the patterns."""
    return design.attention_checks if name == "real" and design.mode == "two-alternative" else 0


def _pair(arm: Arm, kind: Kind, real: Shown, fake: Shown, order: np.random.Generator) -> Trial:
    left = bool(order.integers(2))
    return Trial(arm.name, kind, (real, fake) if left else (fake, real), "left" if left else "right")


def _shuffled(cards: Sequence[Card], rng: np.random.Generator) -> list[Card]:
    return [cards[index] for index in rng.permutation(len(cards))]
