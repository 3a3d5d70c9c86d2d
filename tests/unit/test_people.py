"""The persons' rule."""

import numpy as np
import pytest

from bench.core.errors import DataError
from bench.core.images import ImageSet
from bench.data.people import check_overlap, note_unlabelled, shared_persons


def make(persons: list[str], labelled: bool = True, name: str = "set", prefix: str = "a") -> ImageSet:
    count = len(persons)
    return ImageSet(
        ids=np.array([f"{prefix}{row}" for row in range(count)]),
        persons=np.array(persons),
        images=np.zeros((count, 2, 2), dtype=np.uint8),
        labels={"gaze": np.tile([0.0, 0.0, -1.0], (count, 1))} if labelled else {},
        name=name,
    )


def test_other_persons_are_fine() -> None:
    assert check_overlap(make(["p00", "p01"]), make(["p02"]), allowed=False) == []
    assert note_unlabelled(make(["p00"], labelled=False), make(["p02"])) == []


def test_a_shared_person_is_refused_by_name() -> None:
    train, test = make(["p00", "p01"], name="mpii:real"), make(["p01", "p02"], name="mpii:test")
    with pytest.raises(DataError) as caught:
        check_overlap(train, test, allowed=False)
    message = str(caught.value)
    assert caught.value.exit_code == 3
    assert "\n" not in message
    for word in ("p01", "mpii:real", "mpii:test", "--allow-person-overlap"):
        assert word in message
    assert "p00" not in message


def test_allowed_overlap_is_marked() -> None:
    marks = check_overlap(make(["p00", "p01"]), make(["p00", "p01"]), allowed=True)
    assert len(marks) == 1
    assert "2 persons" in marks[0]


def test_unlabelled_images_of_test_persons_are_noted_and_not_refused() -> None:
    real, test = make(["p00"], labelled=False), make(["p00"], prefix="b")
    assert check_overlap(real, test, allowed=False) == []
    (note,) = note_unlabelled(real.unlabelled(), test)
    assert "p00" in note
    assert "test images themselves" not in note


def test_the_test_images_themselves_among_the_unlabelled_are_said() -> None:
    (note,) = note_unlabelled(make(["p00", "p00"], labelled=False), make(["p00"]))
    assert "1 of them are the test images themselves" in note


def test_many_persons_are_cut_short() -> None:
    many = [f"p{number:02d}" for number in range(15)]
    assert len(shared_persons(make(many), make(many))) == 15
    assert "p05" not in check_overlap(make(many), make(many), allowed=True)[0]
