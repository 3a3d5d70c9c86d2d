"""Who sees what: balanced over subjects, nothing twice, in an order that tells nothing."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.core.errors import DataError
from bench.study.allocation import PATTERN, Allocation, Dealer, Trial, images_kept, images_per_subject
from bench.study.design import ImageClass, StudyDesign

MODES = ("yes-no", "two-alternative")
ARMS = {"refined": 6, "synthetic": 3, "real": 2}


def design(**changes: Any) -> StudyDesign:
    arms = [{"name": f"to-{name}", "second": name, "images_per_class": count} for name, count in ARMS.items()]
    given: dict[str, Any] = {"seed": 5, "arms": arms, "examples_per_class": 4, "practice": 3, "attention_checks": 2}
    return StudyDesign.model_validate({**given, **changes})


def allocation(made: StudyDesign, spare: int = 5) -> Allocation:
    counts: dict[ImageClass, int] = {
        name: images_kept(made, name) + images_per_subject(made, name) + spare for name in made.classes
    }
    return Allocation(made, counts)


def shown(trials: list[Trial]) -> list[tuple[str, int]]:
    return [(image.of, image.number) for trial in trials for image in trial.images]


@given(cards=st.integers(1, 12), size=st.integers(1, 12), seed=st.integers(0, 5))
def test_dealing_is_fair_and_no_hand_has_a_card_twice(cards: int, size: int, seed: int) -> None:
    size = min(size, cards)
    dealer = Dealer(list(range(cards)), size, np.random.default_rng(seed))
    dealt: Counter[int] = Counter(dict.fromkeys(range(cards), 0))
    for number in range(15):
        hand = dealer.hand(number)
        assert len(set(hand)) == len(hand) == size
        dealt.update(hand)
        assert max(dealt.values()) - min(dealt.values()) <= 1


@pytest.mark.parametrize("mode", MODES)
def test_a_subject_sees_what_the_design_says_and_nothing_twice(mode: str) -> None:
    made = design(mode=mode)
    given = allocation(made)
    for number in range(12):
        trials = given.trials(number)
        kinds = Counter((trial.arm, trial.kind) for trial in trials)
        for arm in made.arms:
            assert kinds[arm.name, "trial"] == made.trials(arm)
        assert sum(count for (_, kind), count in kinds.items() if kind == "practice") == made.practice
        assert sum(count for (_, kind), count in kinds.items() if kind == "attention") == made.attention_checks
        assert [trial.kind for trial in trials[: made.practice]] == ["practice"] * made.practice
        examples = [image for arm in made.arms for side in vars(given.examples(arm)).values() for image in side]
        seen = shown(trials) + [(image.of, image.number) for image in dict.fromkeys(examples)]
        assert len(set(seen)) == len(seen)


@pytest.mark.parametrize("mode", MODES)
def test_truth_is_what_is_shown(mode: str) -> None:
    made = design(mode=mode)
    second = {arm.name: arm.second for arm in made.arms}
    for trial in allocation(made).trials(0):
        fake = PATTERN if trial.kind == "attention" else second[trial.arm]
        if mode == "yes-no":
            assert trial.images[0].of == ("real" if trial.truth == "real" else fake)
        else:
            assert [image.of for image in trial.images] == (["real", fake] if trial.truth == "left" else [fake, "real"])


def test_images_are_balanced_over_subjects() -> None:
    given = allocation(design())
    counts: Counter[tuple[str, int]] = Counter()
    for number in range(40):
        counts.update(shown([trial for trial in given.trials(number) if trial.kind == "trial"]))
    for name in ("real", "refined", "synthetic"):
        times = [count for (of, _), count in counts.items() if of == name]
        assert max(times) - min(times) <= 1


def test_arms_are_blocks_and_all_their_orders_as_frequent() -> None:
    given = allocation(design())
    orders = []
    for number in range(12):
        arms = [trial.arm for trial in given.trials(number) if trial.kind != "practice"]
        assert sum(one != other for one, other in pairwise(arms)) == len(ARMS) - 1
        orders.append(tuple(dict.fromkeys(arms)))
        assert orders[-1] == tuple(arm.name for arm in given.arms(number))
    assert set(Counter(orders).values()) == {2}


def test_the_seed_decides_and_nothing_else() -> None:
    one, same, other = allocation(design()), allocation(design()), allocation(design(seed=6))
    assert one.trials(3) == same.trials(3)  # whoever was asked for before
    assert [one.trials(number) for number in range(3)] == [same.trials(number) for number in range(3)]
    assert one.trials(3) != one.trials(2)
    assert one.trials(3) != other.trials(3)


@pytest.mark.parametrize("mode", MODES)
def test_position_and_the_trial_before_tell_nothing(mode: str) -> None:
    made = design(mode=mode, attention_checks=0, practice=0, arms=[design().arms[0]])
    given = allocation(made)
    rows = [[trial.truth == made.answers[0] for trial in given.trials(number)] for number in range(1500)]
    truth = np.array(rows)
    spread = 4 * 0.5 / np.sqrt(len(truth))
    assert np.abs(truth.mean(axis=0) - 0.5).max() < spread
    # One of 2n is known before: the others have n of one kind and n - 1 of the other.
    same = (truth[:, 1:] == truth[:, :-1]).mean()
    trials = truth.shape[1]
    expected = (trials / 2 - 1) / (trials - 1) if mode == "yes-no" else 0.5
    assert abs(same - expected) < 4 * 0.5 / np.sqrt(truth[:, 1:].size)


def test_too_few_images_say_how_many_are_needed() -> None:
    with pytest.raises(DataError, match=r"^11 refined images are too few: each subject is shown 6, and 6 are kept .*"):
        Allocation(design(), {"real": 100, "refined": 11, "synthetic": 100})
    Allocation(design(), {"real": 100, "refined": 12, "synthetic": 100})
