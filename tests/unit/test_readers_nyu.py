"""The NYU hand pose data set's files as they are laid out: crops, joints, views, damaged files; and one real frame."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from numpy.typing import NDArray
from PIL import Image
from scipy.io import savemat

from bench.core.errors import DataError, UsageError
from bench.core.hands import JOINTS
from bench.core.images import ImageSet, LabelConvention
from bench.core.pinhole import NYU_CAMERA, to_millimetres, to_pixels
from bench.data.joint_checks import judge_joints
from bench.data.manifests import find_source
from bench.data.nyu_files import FILE_JOINTS, PLACES, read_depth
from bench.data.readers.nyu_hands import NyuHands
from tests.unit.made_up_hands import depth_of, posed_hand

Floats = NDArray[np.float64]
FRAMES = 12
HEIGHT, WIDTH = 480, 640
PARTS = ("KNU3_A", "KNU3_B", "KNU2_A", "KNU2_B", "KNU1_A", "KNU1_B")
NAMES = [
    *(f"{finger}_{part}" for finger in ("F1", "F2", "F3", "F4", "TH") for part in PARTS),
    *(f"PALM_{number}" for number in range(1, 7)),
]
SAMPLES = Path(os.environ.get("SIMGAN_BENCH_SAMPLES") or Path(__file__).parents[3] / "shared" / "data")


def write_depth(path: Path, depth: NDArray[np.uint16]) -> None:
    channels = np.stack([np.zeros_like(depth), depth >> 8, depth & 255], axis=2)
    Image.fromarray(channels.astype(np.uint8)).save(path)


def write_joints(path: Path, joints: Floats, names: list[str] = NAMES) -> None:
    cell = np.empty((1, len(names)), dtype=object)
    cell[0, :] = names
    savemat(path, {"joint_names": cell, "joint_uvd": joints, "joint_xyz": joints * 0}, do_compression=True)


def write_part(folder: Path, frames: int, seed: int) -> Floats:
    """Renderings and real frames, with body, wall and holes, of hands in three views; (3, frames, 36, 3) joints."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(seed)
    joints = np.zeros((3, frames, FILE_JOINTS, 3))
    joints[..., 2] = -1  # the other 22 must not be looked at
    for frame in range(frames):
        for view in range(3):
            at = (rng.uniform(-80, 80), rng.uniform(-60, 60), rng.uniform(600, 1000))
            own, centres, radii = posed_hand(rng, at)
            joints[view, frame, PLACES] = to_pixels(own, NYU_CAMERA)
            clean = depth_of(centres, radii, NYU_CAMERA, (HEIGHT, WIDTH))
            real = np.where(clean > 0, clean + rng.integers(-2, 3, clean.shape), 2001).astype(np.uint16)
            real[(clean == 0) & (np.arange(HEIGHT)[:, None] > 400)] = 1500  # somebody's body
            real[rng.random(real.shape) < 0.01] = 0
            number = f"{view + 1}_{frame + 1:07d}.png"
            write_depth(folder / f"synthdepth_{number}", clean)
            write_depth(folder / f"depth_{number}", real)
    write_joints(folder / "joint_data.mat", joints)
    return joints


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Floats]:
    root = tmp_path_factory.mktemp("data")
    write_part(root / "nyu/dataset/test", 2, 1)
    return root, write_part(root / "nyu/dataset/train", FRAMES, 0)


@pytest.fixture
def damaged(made: tuple[Path, Floats], tmp_path: Path) -> Path:
    """The same files, two frames, to be damaged."""
    train = tmp_path / "nyu/dataset/train"
    train.mkdir(parents=True)
    for path in (made[0] / "nyu/dataset/train").glob("*_000000[12].png"):
        (train / path.name).write_bytes(path.read_bytes())
    write_joints(train / "joint_data.mat", made[1][:, :2])
    return train


def read(root: Path, count: int | None = None, **options: Any) -> ImageSet:
    reader = NyuHands.configured(settings={"size": 64, **options})
    return reader.read(root, name="nyu:test", convention=LabelConvention(), count=count)


@pytest.mark.parametrize("kind", ["real", "synthetic"])
def test_crops_and_joints(made: tuple[Path, Floats], kind: str) -> None:
    root, joints = made
    found = read(root, kind=kind)
    assert found.images.shape == (FRAMES, 64, 64)
    assert found.images.dtype == np.uint16
    assert found.ids[:2].tolist() == ["train/0000001/view1", "train/0000002/view1"]
    assert set(found.persons) == {"nyu-train"}
    # the joints are where they were, in space
    space = to_millimetres(found.labels["joints"], found.labels["camera"])
    assert_allclose(space, to_millimetres(joints[0][:, PLACES], NYU_CAMERA), atol=1e-8)
    assert {check.name: check.verdict for check in judge_joints(found)} == dict.fromkeys(
        ("joint depth", "joint places", "joint rows", "bone lengths"), "ok"
    )


def test_pixels_are_those_of_the_frame(made: tuple[Path, Floats]) -> None:
    """Every pixel has the depth of the frame's pixel that its camera says, or is 0; nothing is mixed."""
    root, _ = made
    found = read(root, size=224)
    frame = read_depth(root / "nyu/dataset/train/depth_1_0000003.png")
    mask = read_depth(root / "nyu/dataset/train/synthdepth_1_0000003.png") > 0
    image, camera = np.asarray(found.images)[2], found.labels["camera"][2]
    rows, columns = np.nonzero(image)
    points = np.stack([columns, rows, image[rows, columns]], axis=1).astype(np.float64)
    u, v = np.rint(to_pixels(to_millimetres(points, camera), NYU_CAMERA)[:, :2]).astype(int).T
    assert (frame[v, u] == image[rows, columns]).all()
    assert mask[v, u].all()
    assert 0.1 < (image > 0).mean() < 0.6
    assert 1500 not in image and 2001 not in image
    # no label was looked at, and the hand is in the middle
    assert abs(rows.mean() - 111.5) < 3 and abs(columns.mean() - 111.5) < 3
    assert np.array_equal(read(root, size=224, labelled=False).images[:], found.images[:])


def test_pairs_have_one_id_and_nearly_one_place(made: tuple[Path, Floats]) -> None:
    root, _ = made
    real, synthetic = read(root, kind="real"), read(root, kind="synthetic")
    assert real.ids.tolist() == synthetic.ids.tolist()
    both = (np.asarray(real.images) > 0) & (np.asarray(synthetic.images) > 0)
    either = (np.asarray(real.images) > 0) | (np.asarray(synthetic.images) > 0)
    assert both.sum() / either.sum() > 0.9


def test_side_and_cube(made: tuple[Path, Floats]) -> None:
    root, _ = made
    wide, narrow = read(root, side_mm=400), read(root, side_mm=200)
    assert (np.asarray(wide.images) > 0).mean() < (np.asarray(narrow.images) > 0).mean()
    for image in np.asarray(narrow.images):
        assert np.ptp(image[image > 0].astype(int)) <= 200


def test_views_of_one_frame_stay_together(made: tuple[Path, Floats]) -> None:
    root, joints = made
    every = read(root, views=[1, 2, 3])
    assert len(every) == 3 * FRAMES
    assert every.ids[:4].tolist() == [
        f"train/000000{frame}/view{view}" for frame, view in ((1, 1), (1, 2), (1, 3), (2, 1))
    ]
    space = to_millimetres(every.labels["joints"], every.labels["camera"])
    assert_allclose(space[1::3], to_millimetres(joints[1][:, PLACES], NYU_CAMERA), atol=1e-8)
    for count in (1, 3, 5):
        one, three = read(root, count, views=[1]), read(root, 3 * count, views=[1, 2, 3])
        frames = [name[:13] for name in one.ids]
        assert [name[:13] for name in three.ids] == [frame for frame in frames for _ in range(3)]
    assert set(read(root, 4, views=[1, 2, 3]).ids) < set(read(root, 6, views=[1, 2, 3]).ids)
    assert len(read(root, 4, views=[1, 2, 3])) == 4
    assert read(root, views=[3, 1], rows="2:3").ids.tolist() == ["train/0000003/view3", "train/0000003/view1"]
    with pytest.raises(UsageError, match="at least 1"):
        read(root, 0, views=[1, 2, 3])


def test_persons(made: tuple[Path, Floats]) -> None:
    assert set(read(made[0], part="test").persons) == {"nyu-test-1"}
    person = NyuHands.configured(settings={"part": "test"})._person
    assert [person(frame) for frame in (1, 2440, 2441, 8252)] == ["nyu-test-1"] * 2 + ["nyu-test-2"] * 2


def test_unlabelled_needs_no_joints(damaged: Path) -> None:
    (damaged / "joint_data.mat").unlink()
    root = damaged.parents[2]
    assert read(root, labelled=False).labels == {}
    with pytest.raises(DataError, match=r"no file .*joint_data\.mat; see 'bench data status'"):
        read(root)


def test_only_what_is_needed_is_asked_for(damaged: Path) -> None:
    root = damaged.parents[2]
    for path in damaged.glob("*depth_[23]_*.png"):
        path.unlink()
    assert len(read(root)) == 2
    for path in damaged.glob("depth_*.png"):
        path.unlink()
    assert len(read(root, kind="synthetic")) == 2
    assert len(NyuHands.configured(settings={"kind": "synthetic"}).files(root)) == 3


def test_unpaired_frames(damaged: Path) -> None:
    (damaged / "synthdepth_1_0000001.png").unlink()
    root = damaged.parents[2]
    with pytest.raises(DataError, match=r"lacks 1 pictures of 2 frames, first synthdepth_1_0000001\.png"):
        read(root)
    assert read(root, unpaired="leave out").ids.tolist() == ["train/0000002/view1"]
    assert read(root, skip=[1]).ids.tolist() == ["train/0000002/view1"]


def damage(train: Path, joints: Floats, kind: str) -> None:
    depth, rendering, labels = (
        train / "depth_1_0000001.png",
        train / "synthdepth_1_0000001.png",
        train / "joint_data.mat",
    )
    pixels = read_depth(depth)
    if kind == "8-bit grey":
        Image.fromarray((pixels >> 4).astype(np.uint8)).save(depth)
    elif kind == "16-bit single channel":
        Image.fromarray(pixels).save(depth)
    elif kind == "8-bit grey as RGB":
        Image.fromarray((pixels >> 4).astype(np.uint8)).convert("RGB").save(depth)
    elif kind == "channels swapped":
        Image.fromarray(np.asarray(Image.open(depth))[..., ::-1].copy()).save(depth)
    elif kind == "alpha":
        Image.open(depth).convert("RGBA").save(depth)
    elif kind == "all zeros":
        write_depth(depth, pixels * 0)
    elif kind == "truncated":
        depth.write_bytes(depth.read_bytes()[:3000])
    elif kind == "no picture":
        depth.write_text("no")
    elif kind == "other size":
        write_depth(rendering, pixels[:240, :320])
    elif kind == "empty mask":
        empty = pixels * 0
        empty[0, 0] = 2500  # far away, so background
        write_depth(rendering, empty)
    elif kind == "nothing seen":
        write_depth(depth, np.where(read_depth(rendering) > 0, 2001, pixels).astype(np.uint16))
    elif kind == "missing views":
        (train / "synthdepth_1_0000002.png").unlink()
    elif kind == "missing frame":
        for path in train.glob("*_0000002.png"):
            path.unlink()
    elif kind == "joint outside":
        outside = joints[:, :2].copy()
        outside[0, 1, PLACES[3], 0] = 700
        write_joints(labels, outside)
    elif kind == "joint behind":
        behind = joints[:, :2].copy()
        behind[0, 0, PLACES[0], 2] = 0
        write_joints(labels, behind)
    elif kind == "joint NaN":
        write_joints(labels, joints[:, :2] * np.nan)
    elif kind == "joints of more frames":
        write_joints(labels, joints[:, :3])
    elif kind == "joints of fewer frames":
        write_joints(labels, joints[:, :1])
    elif kind == "joints of one view":
        write_joints(labels, joints[:1, :2])
    elif kind == "14 joints":
        write_joints(labels, joints[:, :2, PLACES], list(JOINTS))
    elif kind == "names reversed":
        write_joints(labels, joints[:, :2], NAMES[::-1])
    elif kind == "a name missing":
        write_joints(labels, joints[:, :2], ["F1_KNU3", *NAMES[1:]])
    elif kind == "names too few":
        write_joints(labels, joints[:, :2], NAMES[:-1])
    elif kind == "foreign mat":
        savemat(labels, {"x": np.zeros(3)})
    elif kind == "no mat":
        labels.write_text("no")


@pytest.mark.parametrize(
    ("kind", "word"),
    [
        ("8-bit grey", "kind 'L', expected RGB"),
        ("16-bit single channel", "kind 'I;16', expected RGB"),
        ("8-bit grey as RGB", "red channel is not 0"),
        ("channels swapped", "channels are swapped"),
        ("alpha", "kind 'RGBA'"),
        ("all zeros", "all depths are 0"),
        ("truncated", "damaged"),
        ("no picture", "damaged"),
        ("other size", "differ in size"),
        ("empty mask", r"no hand is left in frames 1 \(view 1\)"),
        ("nothing seen", r"no hand is left in frames 1 \(view 1\)"),
        ("missing views", "lacks 1 pictures of 2 frames"),
        ("missing frame", "joints of 2 frames, the pictures go to frame 1"),
        ("joint outside", r"outside the image in frames 2 \(view 1\), first F2_KNU2_B at u 700"),
        ("joint behind", r"frames 1 \(view 1\), first F1_KNU3_A .* depth 0 mm"),
        ("joint NaN", "NaN"),
        ("joints of more frames", "joints of 3 frames, the pictures go to frame 2"),
        ("joints of fewer frames", "joints of 1 frames, the pictures go to frame 2"),
        ("joints of one view", r"shape \(1, 2, 36, 3\), expected \(3, frames, 36, 3\)"),
        ("14 joints", r"shape \(3, 2, 14, 3\)"),
        ("names reversed", "14 joints stand in another order"),
        ("a name missing", "0 joints named 'F1_KNU3_A'"),
        ("names too few", "35 joint names"),
        ("foreign mat", "no 'joint_uvd'"),
        ("no mat", "cannot be read as .mat"),
    ],
)
def test_bad_input_is_one_line(made: tuple[Path, Floats], damaged: Path, kind: str, word: str) -> None:
    damage(damaged, made[1], kind)
    with pytest.raises(DataError, match=word) as caught:
        read(damaged.parents[2])
    assert "\n" not in str(caught.value)


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="bench data status"):
        read(tmp_path)
    (tmp_path / "nyu/dataset/train").mkdir(parents=True)
    with pytest.raises(DataError, match="holds no depth_1_0000001"):
        read(tmp_path, labelled=False)
    with pytest.raises(UsageError, match="views"):
        NyuHands.configured(settings={"views": [4]})
    with pytest.raises(UsageError, match="name one twice"):
        read(tmp_path, views=[1, 1])


def test_the_manifests_parts(made: tuple[Path, Floats], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIMGAN_BENCH_DATA", str(made[0]))
    parts = {part: find_source("nyu-hands", part) for part in ("synthetic", "real", "labelled", "test")}
    assert all(source.paper_data and not source.simulator for source in parts.values())
    assert [source.labelled for source in parts.values()] == [True, False, True, True]
    assert [len(source.read(None)) for source in parts.values()] == [FRAMES, 3 * FRAMES, FRAMES, 2]
    assert parts["test"].read(1).images.shape == (1, 224, 224)
    assert "mm" in parts["test"].convention.line()


def real_frame() -> tuple[NDArray[np.uint16], Floats]:
    folder = SAMPLES / "nyu_frame"
    if not folder.exists():
        pytest.skip("no sample nyu_frame: set SIMGAN_BENCH_SAMPLES to a folder that holds it")
    return read_depth(folder / "nyu_test_depth_1_0000001.png"), np.loadtxt(folder / "nyu_test_frame1_joints_uvd.txt")


def hand_shaped(uvd: Floats) -> NDArray[np.bool_]:
    """(480, 640) broad strokes from joint to joint, as a rendering in the same pose would cover them."""
    import cv2

    strokes = np.zeros((HEIGHT, WIDTH), dtype=np.uint8)
    places = [(round(u), round(v)) for u, v, _ in uvd.tolist()]
    palm = JOINTS.index("PALM_3")
    for one, other in ((0, 1), (2, 3), (4, 5), (6, 7), (8, 9), (9, 10)):
        cv2.line(strokes, places[one], places[other], 255, 40)
    for one in (1, 3, 5, 7, 10, 11, 12):
        cv2.line(strokes, places[one], places[palm], 255, 40)
    return np.asarray(strokes > 0)


def test_a_real_frame(tmp_path: Path) -> None:
    """A genuine depth image with its joints; the rendering that would mask it is not there, so strokes stand in."""
    depth, uvd = real_frame()
    u, v = np.rint(uvd[:, :2]).astype(int).T
    assert (depth[v, u] < uvd[:, 2]).all()  # each joint lies just below the surface
    assert (uvd[:, 2] - depth[v, u] < 40).all()
    test = tmp_path / "nyu/dataset/test"
    test.mkdir(parents=True)
    write_depth(test / "depth_1_0000001.png", depth)
    rendered = hand_shaped(uvd) & (np.abs(depth - uvd[:, 2].mean()) < 90)
    write_depth(test / "synthdepth_1_0000001.png", np.where(rendered, depth, 0).astype(np.uint16))
    joints = np.zeros((3, 1, FILE_JOINTS, 3))
    joints[0, 0, PLACES] = uvd
    write_joints(test / "joint_data.mat", joints)
    found = read(tmp_path, part="test", size=224)
    image, own = np.asarray(found.images)[0], found.labels["joints"][0]
    columns, rows = np.rint(own[:, :2]).astype(int).T
    assert ((columns > 20) & (columns < 203) & (rows > 20) & (rows < 203)).all()
    assert (image[rows, columns] > 0).all()
    below = own[:, 2] - image[rows, columns]
    assert (below > 0).all() and (below < 40).all()
    assert 0.15 < (image > 0).mean() < 0.4
    assert_allclose(to_millimetres(own, found.labels["camera"][0]), to_millimetres(uvd, NYU_CAMERA), atol=1e-8)
