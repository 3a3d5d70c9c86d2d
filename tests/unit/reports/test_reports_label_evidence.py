"""The figure of labels against images: both panels, same bytes, refused endings and places."""

from pathlib import Path

import pytest
from PIL import Image

from bench.core.errors import DataError, UsageError
from bench.data.label_evidence import Evidence, evidence
from bench.data.manifests import find_source
from reports.label_evidence import draw_label_evidence
from reports.style import DPI, WIDTHS


@pytest.fixture(scope="module")
def found() -> Evidence:
    return evidence(find_source("simulator", "test").read(120))


@pytest.mark.parametrize("ending", ["png", "pdf", "svg"])
def test_equal_evidence_gives_equal_bytes(found: Evidence, tmp_path: Path, ending: str) -> None:
    first, second = tmp_path / f"new/one.{ending}", tmp_path / f"two.{ending}"
    draw_label_evidence(found, first)
    draw_label_evidence(found, second)
    assert first.read_bytes() == second.read_bytes()


def test_it_says_what_it_shows(found: Evidence, tmp_path: Path) -> None:
    draw_label_evidence(found, tmp_path / "one.svg")
    text = (tmp_path / "one.svg").read_text()
    for words in ("simulator:test: 120 images", "darkest region, r = -0.", "pupil label, r = -0.", "Yaw of the label"):
        assert words in text
    draw_label_evidence(found, tmp_path / "one.png")
    with Image.open(tmp_path / "one.png") as picture:
        assert abs(picture.width - WIDTHS["page"] * DPI) <= 1


def test_wrong_endings_and_places(found: Evidence, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="change the ending"):
        draw_label_evidence(found, tmp_path / "one.gif")
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot write"):
        draw_label_evidence(found, tmp_path / "file" / "one.png")
