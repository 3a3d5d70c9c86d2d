"""The design of a study: everything that is decided before the first subject, in `study.toml`, and its hash."""

from __future__ import annotations

import json
import re
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, Field, ValidationError, model_validator

from bench.core.canonical import digest
from bench.core.errors import DataError, UsageError, did_you_mean
from bench.core.settings import Settings

FILE = "study.toml"
Mode = Literal["yes-no", "two-alternative"]
ImageClass = Literal["real", "refined", "synthetic"]
ANSWERS: dict[Mode, tuple[str, str]] = {"yes-no": ("real", "fake"), "two-alternative": ("left", "right")}
"""What is true and what is answered; with two images, the side of the real one."""

CONSENT = """\
In this study you look at small images and say which of them you think were taken by a camera.

Taking part is voluntary. You can stop at any time by closing the page, without giving a reason; if you open it again
on this device, you go on where you stopped.

What is kept: your answers, how long each one took and when it was given, under a random name. No name, address or
other fact about you or your device is asked for or kept."""


class Arm(Settings):
    """A comparison that every subject makes, as a block of trials."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=40, description="what the tables call it")
    first: Literal["real"] = Field(default="real", description="class of the images whose right answer is 'real'")
    second: ImageClass = Field(description="class of the other images; 'real' is a control of the study itself")
    images_per_class: int = Field(ge=1, le=2000, description="images of each class per subject")


class Exclusion(Settings):
    """Rules, declared beforehand, by which the analysis leaves a subject out."""

    min_median_seconds: float = Field(default=0.3, ge=0, description="shortest median time of an answer, seconds")
    max_failed_attention: int = Field(default=0, ge=0, description="attention checks that may be failed")
    incomplete: bool = Field(default=True, description="whether those who did not finish are left out")


class StudyDesign(Settings):
    """`study.toml`. The defaults are the paper's protocol where it tells one; attention checks are an addition."""

    title: str = Field(
        default="Real or computer-made?", min_length=1, max_length=120, description="heading of the page"
    )
    mode: Mode = Field(default="yes-no", description="yes-no: one image, as in the paper; two-alternative: a pair")
    seed: int = Field(
        ge=0, lt=2**63, description="of who sees which images in which order; keep it to yourself: it tells the answers"
    )
    examples_per_class: int = Field(
        default=20,
        ge=0,
        le=100,
        description="labelled examples, always visible; the paper's 20, UNCONFIRMED whether each",
    )
    practice: int = Field(default=4, ge=0, le=100, description="trials at the start that do not count")
    attention_checks: int = Field(default=2, ge=0, le=20, description="patterns among the trials that no camera takes")
    scale: int = Field(
        default=4, ge=1, le=16, description="enlargement; on a small screen the largest that fits, for all"
    )
    smooth: bool = Field(default=False, description="whether enlarged images are smoothed; false: every pixel a square")
    margin: float = Field(
        default=0.05, gt=0, lt=0.5, description="mean accuracies within 0.5 -+ this are as good as chance"
    )
    real_word: str = Field(default="Real", min_length=1, max_length=30, description="what the page calls real images")
    fake_word: str = Field(
        default="Computer-made", min_length=1, max_length=30, description="what the page calls the others"
    )
    consent: str = Field(default=CONSENT, min_length=1, max_length=20_000, description="read before anything is kept")
    contact: str = Field(default="", max_length=500, description="whom to ask; shown below the consent text")
    exclusion: Exclusion = Exclusion()
    arms: tuple[Arm, ...] = Field(min_length=1, max_length=4)
    images: dict[ImageClass, str] = Field(default={}, description="sha256 of the image sets; 'build' writes it")

    @model_validator(mode="after")
    def _arms_have_names(self) -> Self:
        twice = [name for name, count in Counter(arm.name for arm in self.arms).items() if count > 1]
        if twice:
            raise ValueError(f"two arms are named '{twice[0]}'")
        return self

    @property
    def digest(self) -> str:
        """sha256 of the design with the images' hashes: two studies with the same one are the same study."""
        return digest(self.model_dump(mode="json"))

    @property
    def answers(self) -> tuple[str, str]:
        """The two words that can be true and be answered."""
        return ANSWERS[self.mode]

    @property
    def classes(self) -> tuple[ImageClass, ...]:
        """The classes of images that the arms show, 'real' first."""
        return tuple(dict.fromkeys(("real", *(arm.second for arm in self.arms))))

    def trials(self, arm: Arm) -> int:
        """Number of trials of an arm: one image each, or a pair of one image of each class."""
        return arm.images_per_class * (2 if self.mode == "yes-no" else 1)


def load_design(folder: Path) -> StudyDesign:
    """The design of a study's folder; UsageError in one line when there is none or it is wrong."""
    path = folder / FILE
    try:
        return StudyDesign.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError as error:
        raise UsageError(f"{folder} is no study: it has no {FILE}; make one with 'bench study build'") from error
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror})") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not valid TOML: {error}") from error
    except ValidationError as error:
        raise UsageError(f"{path}: {first_problem(error)}") from error


def save_design(design: StudyDesign, folder: Path) -> None:
    """Write `study.toml`, with what each setting means."""
    (folder / FILE).write_text(_toml(design), encoding="utf-8")


def first_problem(error: ValidationError) -> str:
    """The first thing that is wrong with a design, in one line."""
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    hint = did_you_mean(where, StudyDesign.model_fields) if first["type"] == "extra_forbidden" else ""
    return f"'{where}': {first['msg']}{hint}" if where else str(first["msg"])


def _toml(design: StudyDesign) -> str:
    head = "# The design of a visual Turing study. Change it before the first subject only: answers keep its hash."
    lines = [head, *_lines(design, ("exclusion", "arms", "images"))]
    lines += ["", "[exclusion]", *_lines(design.exclusion)]
    for arm in design.arms:
        lines += ["", "[[arms]]", *_lines(arm)]
    lines += ["", "[images]", *(f"{name} = {_value(sha256)}" for name, sha256 in design.images.items())]
    return "\n".join(lines) + "\n"


def _lines(part: BaseModel, without: tuple[str, ...] = ()) -> list[str]:
    lines = []
    for name, field in type(part).model_fields.items():
        if name not in without:
            lines += [f"# {field.description}", f"{name} = {_value(getattr(part, name))}"]
    return lines


def _value(value: Any) -> str:
    if isinstance(value, str) and "\n" in value:
        escaped = re.sub(
            r"[\x00-\x08\x0b-\x1f\x7f]", lambda found: f"\\u{ord(found[0]):04x}", value.replace("\\", "\\\\")
        )
        return (
            '"""\n'
            + escaped.replace('"""', '""\\"').removesuffix('"')
            + ('\\"' if escaped.endswith('"') else "")
            + '"""'
        )
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
