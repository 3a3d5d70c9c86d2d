"""SynthesEyes: angles in file names."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from PIL import Image

from bench.core.errors import DataError
from bench.core.images import ImageSet, LabelConvention
from bench.data.gaze_angles import pitch_yaw_from_vectors
from bench.data.readers.syntheseyes import SynthesEyes

NAMES = ["f01/f01_36_0.1963_-0.7854.png", "f01/f01_124_-0.0000_0.3927.png", "m02/m02_2_-0.5890_0.0000.png"]


def read(root: Path, **options: Any) -> ImageSet:
    reader = SynthesEyes.configured(settings={"folder": ".", **options})
    return reader.read(root, name="syntheseyes:synthetic", convention=LabelConvention(), count=None)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in NAMES:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.fromarray(np.full((80, 120, 4), 77, dtype=np.uint8)).save(tmp_path / name)
    (tmp_path / "f01" / "f01_36_0.1963_-0.7854.pkl").write_bytes(b"not opened")
    return tmp_path


def test_angles_and_persons_from_the_names(folder: Path) -> None:
    found = read(folder)
    assert found.images.shape == (3, 35, 55)
    assert (np.asarray(found.images) == 77).all()
    rows = {identifier: row for row, identifier in enumerate(found.ids.tolist())}
    assert set(rows) == {Path(name).stem for name in NAMES}
    angles = pitch_yaw_from_vectors(found.gaze)
    assert_allclose(angles[rows["f01_36_0.1963_-0.7854"]], [0.1963, -0.7854])
    assert_allclose(angles[rows["m02_2_-0.5890_0.0000"]], [-0.5890, 0], atol=1e-12)
    assert sorted(found.persons.tolist()) == ["f01", "f01", "m02"]
    assert read(folder, persons=["m*"]).ids.tolist() == ["m02_2_-0.5890_0.0000"]


def test_bad_input(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    with pytest.raises(DataError, match="120"):
        read(folder, fit="exact")
    (folder / NAMES[0]).write_bytes((folder / NAMES[0]).read_bytes()[:60])
    with pytest.raises(DataError, match="damaged"):
        read(folder)
    (folder / NAMES[0]).rename(folder / "f01" / "eye.png")
    with pytest.raises(DataError, match=r"eye\.png.*format 'folder'"):
        read(folder)
    with pytest.raises(DataError, match="holds no PNG"):
        read(tmp_path_factory.mktemp("empty"))
