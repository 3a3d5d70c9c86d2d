"""What a run is asked for besides its experiment: the fields of a `Request` by name, and as words on a command line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

FIELDS: Mapping[str, str] = {
    "profile": "--profile", "data": "--data", "synthetic": "--synthetic", "real": "--real", "test": "--test",
    "labelled": "--labelled", "seeds": "--seeds", "refiners": "--refiner", "settings": "--set",
    "allow_person_overlap": "--allow-person-overlap",
}  # fmt: skip
"""Field -> the option that sets it."""


def as_words(asked: Mapping[str, Any]) -> list[str]:
    """`--profile smoke --set a.b=1 --set a.c=2` of {"profile": "smoke", "settings": ["a.b=1", "a.c=2"]}."""
    found: list[str] = []
    for field, option in FIELDS.items():
        value = asked.get(field)
        if value is True:
            found.append(option)
        elif value not in (None, False):
            found += [word for each in _each(value) for word in (option, str(each))]
    return found


def checked(asked: Mapping[str, Any]) -> dict[str, Any]:
    """The fields as a file told them; ValueError for what is none of them."""
    for field, value in asked.items():
        kind = {"seeds": int, "allow_person_overlap": bool}.get(field, str)
        if field not in FIELDS or not all(type(each) is kind for each in _each(value)):
            raise ValueError(f"'{field}' is not what a run can be asked for")
    return dict(asked)


def _each(value: Any) -> Iterable[Any]:
    return value if isinstance(value, list | tuple) else [value]
