"""The design of a study: what it accepts, what its hash covers, and that study.toml keeps all of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench.core.errors import UsageError
from bench.study.design import Arm, StudyDesign, load_design, save_design

ARM = {"name": "refined", "second": "refined", "images_per_class": 50}


def design(**changes: Any) -> StudyDesign:
    return StudyDesign.model_validate({"seed": 1, "arms": [ARM], **changes})


@given(text=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r"), min_size=1, max_size=60))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_comes_back_from_the_file(tmp_path: Path, text: str) -> None:
    made = design(consent=text, contact=text, images={"real": "ab"}, smooth=True, seed=2**63 - 1)
    save_design(made, tmp_path)
    assert load_design(tmp_path) == made


def test_every_change_changes_the_hash() -> None:
    base = design()
    changes: list[dict[str, Any]] = [
        {"seed": 2}, {"margin": 0.1}, {"consent": "other"}, {"images": {"real": "00"}},
        {"exclusion": {"incomplete": False}}, {"arms": [{**ARM, "images_per_class": 49}]},
    ]  # fmt: skip
    assert len({base.digest, *(design(**change).digest for change in changes)}) == 1 + len(changes)
    assert base.digest == design().digest


def test_the_papers_protocol_is_the_default() -> None:
    made = design()
    assert (made.mode, made.examples_per_class, made.trials(made.arms[0])) == ("yes-no", 20, 100)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"mode": "maybe"}, "'mode'"),
        ({"arms": []}, "'arms'"),
        ({"arms": [ARM, ARM]}, "two arms are named 'refined'"),
        ({"margins": 0.1}, r"'margins'.*did you mean 'margin'"),
        ({"margin": 0.5}, "'margin'"),
        ({"arms": [{**ARM, "name": "a,b"}]}, "'arms.0.name'"),
    ],
)
def test_a_wrong_design_is_one_line(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    save_design(design(), tmp_path)
    wrong = StudyDesign.model_construct(**{**design().model_dump(), **change})
    lines = [f"{name} = {value!r}" for name, value in change.items() if name != "arms"]
    if "arms" in change:
        text = (tmp_path / "study.toml").read_text().split("[[arms]]")[0]
        for arm in wrong.arms:
            text += "[[arms]]\n" + "\n".join(f"{name} = {value!r}" for name, value in dict(arm).items()) + "\n"
    else:
        name = next(iter(change))
        kept = (tmp_path / "study.toml").read_text().splitlines()
        text = "\n".join([*lines, *(line for line in kept if not line.startswith(f"{name} ="))])
    (tmp_path / "study.toml").write_text(text)
    with pytest.raises(UsageError, match=message) as caught:
        load_design(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_folder_without_design_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="bench study build"):
        load_design(tmp_path)


def test_two_images_are_one_trial() -> None:
    made = design(mode="two-alternative")
    assert made.trials(Arm(name="a", second="real", images_per_class=7)) == 7
    assert made.answers == ("left", "right")
