"""Settings: unknown names are told with the closest one, texts are parsed as JSON where they are."""

from __future__ import annotations

import pytest
from pydantic import Field

from bench.core.errors import UsageError
from bench.core.settings import Component, Settings
from bench.core.settings_text import parse_settings


class Toy(Component):
    """A component with two settings."""

    class Config(Settings):
        """Its settings."""

        maps: int = Field(64, ge=1, description="feature maps")
        rate: float = Field(0.1, gt=0, description="learning rate")

    presets = {"paper": {"maps": 32}}  # noqa: RUF012


def test_preset_then_settings() -> None:
    assert Toy.configured("paper", {"rate": 0.5}).config == Toy.Config(maps=32, rate=0.5)
    assert Toy.configured("quick").config == Toy.Config()


@pytest.mark.parametrize(
    ("preset", "settings", "message"),
    [
        ("papr", {}, r"no preset 'papr' \(did you mean 'paper'\?\)"),
        ("paper", {"mapps": 3}, r"no setting 'mapps' \(did you mean 'maps'\?\)"),
        ("paper", {"maps": 0}, "setting maps=0 is wrong"),
        ("paper", {"rate": "fast"}, "setting rate='fast' is wrong"),
        ("paper", {"rate": float("nan")}, "setting rate=nan is wrong"),
    ],
)
def test_wrong_settings_are_one_line(preset: str, settings: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        Toy.configured(preset, settings)
    assert "\n" not in str(caught.value)


def test_texts() -> None:
    assert parse_settings(["a.b=1", "a.c=0.5", "a.d=true", "a.e=null", "a.f=sgd", 'a.g="1"']) == [
        ("a", "b", 1), ("a", "c", 0.5), ("a", "d", True), ("a", "e", None), ("a", "f", "sgd"), ("a", "g", "1"),
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["maps=3", "simgan.maps", "simgan.=3", ".maps=3", ""])
def test_a_text_of_another_form_shows_the_form(text: str) -> None:
    with pytest.raises(UsageError, match=r"OWNER\.NAME=VALUE"):
        parse_settings([text])
