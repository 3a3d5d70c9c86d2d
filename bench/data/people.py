"""The persons' rule: nobody whose labelled images train an estimator may be in the test set.

Images of one person are not independent, so a person on both sides makes the error look smaller than it is for
new people. Unlabelled real images of test persons may train a refiner, as in the paper (section 3.1, where the
unlabelled MPIIGaze images are of the persons tested on); that is said under the table.
"""

from __future__ import annotations

from bench.core.errors import DataError
from bench.core.images import ImageSet, Unlabelled

SHOWN = 5


def shared_persons(one: ImageSet | Unlabelled, other: ImageSet | Unlabelled) -> list[str]:
    """The persons that are in both sets, sorted."""
    return sorted({str(person) for person in one.persons} & {str(person) for person in other.persons})


def check_overlap(train: ImageSet, test: ImageSet, allowed: bool) -> list[str]:
    """Marks for the table about labelled training persons who are tested on; empty when there are none.

    Raises DataError when there are and `allowed` is False. A set without labels cannot teach an estimator
    anything about a person, so it is no training set here: see `note_unlabelled`.
    """
    both = shared_persons(train, test)
    if not both or not train.labels:
        return []
    if not allowed:
        raise DataError(
            f"{_count(both)} of the labelled training set {train.name} also in the test set {test.name}: "
            f"{_names(both)}; choose parts with other persons, or give --allow-person-overlap to mark the table"
        )
    return [
        f"labelled images of {_count(both)} ({_names(both)}) are in both the training set {train.name} and the test "
        f"set {test.name}: the error for new persons is larger"
    ]


def note_unlabelled(real: ImageSet | Unlabelled, test: ImageSet) -> list[str]:
    """The note under the table when a refiner saw real images, without labels, of persons that are tested on."""
    both = shared_persons(real, test)
    if not both:
        return []
    note = f"the refiner saw unlabelled images of {_count(both)} of the test set ({_names(both)}), as in the paper"
    same = len({str(image) for image in real.ids} & {str(image) for image in test.ids})
    return [note + (f"; {same} of them are the test images themselves" if same else "")]


def _count(persons: list[str]) -> str:
    return "1 person" if len(persons) == 1 else f"{len(persons)} persons"


def _names(persons: list[str]) -> str:
    return ", ".join(persons[:SHOWN]) + (", ..." if len(persons) > SHOWN else "")
