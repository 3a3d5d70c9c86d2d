"""Every configured component can be found, read about and configured, and refuses what it does not know."""

from __future__ import annotations

from typing import Any

import pytest

from bench.core import registry
from bench.core.errors import UsageError
from bench.core.settings import PROFILES

KINDS: tuple[registry.Kind, ...] = ("refiners", "estimators", "readers")
COMPONENTS = [pytest.param(kind, name, id=f"{kind}/{name}") for kind in KINDS for name in registry.names(kind)]


@pytest.fixture
def component(kind: registry.Kind, name: str) -> Any:
    return registry.load(kind, name)


@pytest.mark.parametrize(("kind", "name"), COMPONENTS)
class TestEveryComponent:
    def test_says_what_it_is(self, component: Any, kind: registry.Kind, name: str) -> None:
        assert registry.summary(kind, name), f"the file of {name} must open with a sentence"
        own = component.__dict__.get("__doc__") or ""
        assert own.partition("\n")[0], f"{component.__name__} needs a docstring"

    def test_every_setting_is_described(self, component: Any, name: str) -> None:
        undescribed = [field for field, info in component.Config.model_fields.items() if not info.description]
        assert not undescribed

    def test_settings_are_frozen_and_have_defaults(self, component: Any, kind: registry.Kind, name: str) -> None:
        assert component.Config.model_config["frozen"]
        assert component.Config.model_config["extra"] == "forbid"
        required = [field for field, info in component.Config.model_fields.items() if info.is_required()]
        assert kind == "readers" or not required, "only a reader's manifest may have to fill a setting"

    def test_unknown_setting_is_refused_with_the_closest_name(self, component: Any, name: str) -> None:
        fields = list(component.Config.model_fields)
        wrong = f"{fields[0]}x" if fields else "nonsense"
        with pytest.raises(UsageError, match=f"has no setting '{wrong}'") as refused:
            component.configured("smoke", {wrong: 1})
        if fields:
            assert f"did you mean '{fields[0]}'?" in str(refused.value)

    def test_unknown_preset_is_refused(self, component: Any, name: str) -> None:
        with pytest.raises(UsageError, match=r"has no preset 'qick' \(did you mean 'quick'"):
            component.configured("qick")


TRAINED: tuple[registry.Kind, ...] = ("refiners", "estimators")


@pytest.mark.parametrize(
    ("kind", "name", "preset"),
    [
        pytest.param(kind, name, preset, id=f"{kind}/{name}/{preset}")
        for kind in TRAINED
        for name in registry.names(kind)
        for preset in sorted({*registry.load(kind, name).presets, *PROFILES})
    ],
)
def test_every_preset_is_valid(component: Any, preset: str) -> None:
    chosen = component.configured(preset)
    assert component.Config.model_validate_json(chosen.config.model_dump_json()) == chosen.config
