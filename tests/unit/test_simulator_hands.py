"""The hand simulator: exact labels, one image per frame and view, and domains that differ in what they should."""

from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import ndimage, stats

from bench.core.depth import HALF_RANGE_MM
from bench.core.errors import UsageError
from bench.core.hands import JOINTS
from bench.core.images import LabelConvention
from bench.core.pinhole import NYU_CAMERA, Floats, to_millimetres, to_pixels
from bench.data.manifests import find_source
from bench.data.people import check_overlap, shared_persons
from bench.data.readers.simulator_hands import SimulatorHands
from bench.data.simulator import hand_geometry, hand_population, hand_pose, kinect
from bench.data.simulator.hand_depth import render_depth
from bench.data.simulator.hands import DOMAINS, RenderedHands, render_hands

BONES = [(0, 1), (2, 3), (4, 5), (6, 7), (8, 9), (9, 10), (11, 12), (11, 13), (12, 13)]  # pairs of JOINTS
RIGID = [(9, 10), (11, 12), (11, 13), (12, 13)]  # those that are one bone
PEOPLE = range(30)


@pytest.fixture(scope="module")
def rendered() -> dict[str, RenderedHands]:
    return {domain: render_hands(600, domain=domain, seed=5, persons=PEOPLE, views=(1, 2, 3)) for domain in DOMAINS}


def part(hands: RenderedHands, rows: slice | NDArray[np.bool_] | NDArray[np.int64]) -> RenderedHands:
    return RenderedHands(**{field.name: getattr(hands, field.name)[rows] for field in fields(RenderedHands)})


def same(left: RenderedHands, right: RenderedHands) -> bool:
    return all(np.array_equal(getattr(left, field.name), getattr(right, field.name)) for field in fields(RenderedHands))


def lengths(points: Floats, pairs: list[tuple[int, int]]) -> Floats:
    one, other = np.array(pairs).T
    return np.asarray(np.linalg.norm(points[:, one] - points[:, other], axis=-1))


def at_joints(hands: RenderedHands) -> Floats:
    """(N, 14) mm of the surface before each joint, 0 where the image has none."""
    column, row = (np.rint(hands.joints[..., axis]).astype(int) for axis in (0, 1))
    return np.asarray(hands.images[np.arange(len(row))[:, None], row, column], dtype=np.float64)


def holes(images: NDArray[np.uint16]) -> float:
    """Share of px inside the hands' outlines that hold nothing."""
    filled = np.stack([ndimage.binary_fill_holes(image) for image in images > 0])
    return float((filled & (images == 0)).sum() / (images > 0).sum())


def raggedness(images: NDArray[np.uint16]) -> Floats:
    """(N,) length of the outlines over that of the smoothed hands'."""
    hand = np.pad(images > 0, ((0, 0), (4, 4), (4, 4)))
    smooth = ndimage.gaussian_filter(hand.astype(np.float64), (0, 1.2, 1.2)) > 0.5
    return np.asarray(outline(hand) / outline(smooth))


def outline(hand: NDArray[np.bool_]) -> Floats:
    across = (hand[:, 1:] != hand[:, :-1]).sum(axis=(1, 2))
    return np.asarray(across + (hand[:, :, 1:] != hand[:, :, :-1]).sum(axis=(1, 2)), dtype=np.float64)


@settings(max_examples=8, deadline=None)
@given(
    domain=st.sampled_from(DOMAINS),
    count=st.integers(1, 40),
    seed=st.integers(0, 2**40),
    persons=st.lists(st.integers(0, 1000), min_size=1, max_size=4, unique=True),
    views=st.permutations((1, 2, 3)).flatmap(lambda order: st.integers(1, 3).map(lambda some: tuple(order[:some]))),
    size=st.sampled_from((32, 50, 64)),
)
def test_rendering_keeps_its_contract(
    domain: str, count: int, seed: int, persons: list[int], views: tuple[int, ...], size: int
) -> None:
    got = render_hands(count, domain=domain, seed=seed, persons=persons, views=views, size=size)
    assert got.images.shape == (count, size, size) and got.images.dtype == np.uint16
    assert got.joints.shape == (count, len(JOINTS), 3) and got.joints.dtype == np.float64
    assert got.camera.shape == (count, 4)
    assert set(got.persons) <= set(persons)
    assert np.array_equal(got.frames, np.arange(count) // len(views))
    assert np.array_equal(got.views, np.array(views)[np.arange(count) % len(views)])
    assert got.joints[..., :2].min() >= 0 and got.joints[..., :2].max() <= size - 1
    hand = got.images > 0
    assert (hand.mean(axis=(1, 2)) > 0.04).all() and (hand.mean(axis=(1, 2)) < 0.4).all()
    depth = np.where(hand, got.images, got.joints[:, -1, 2].astype(int)[:, None, None]).astype(int)
    assert depth.min() > 500 - 170 and depth.max() < 1000 + 170
    assert np.ptp(depth, axis=(1, 2)).max() <= 2 * HALF_RANGE_MM + 1
    # the camera is NYU's with another scale, so the ratio of its focal lengths stays
    np.testing.assert_allclose(got.camera[:, 1] / got.camera[:, 0], NYU_CAMERA[1] / NYU_CAMERA[0])
    np.testing.assert_allclose(to_pixels(to_millimetres(got.joints, got.camera), got.camera), got.joints)


@pytest.mark.parametrize("domain", DOMAINS)
def test_an_image_depends_on_its_frame_and_view_only(domain: str) -> None:
    whole = render_hands(150, domain=domain, seed=9, views=(1, 2, 3))
    assert same(render_hands(70, domain=domain, seed=9, views=(1, 2, 3)), part(whole, slice(70)))
    assert same(render_hands(50, domain=domain, seed=9, threads=1), part(whole, whole.views == 1))
    swapped = render_hands(20, domain=domain, seed=9, views=(3, 1))
    assert same(part(swapped, swapped.views == 3), part(whole, np.arange(2, 30, 3)))
    assert not np.array_equal(render_hands(50, domain=domain, seed=10).images, whole.images[whole.views == 1])


def test_views_show_one_hand_from_other_sides(rendered: dict[str, RenderedHands]) -> None:
    for hands in rendered.values():
        points = to_millimetres(hands.joints, hands.camera).reshape(-1, 3, len(JOINTS), 3)
        np.testing.assert_allclose(lengths(points[:, 1], BONES), lengths(points[:, 0], BONES))
        np.testing.assert_allclose(lengths(points[:, 2], BONES), lengths(points[:, 0], BONES))
        assert np.ptp(hands.persons.reshape(-1, 3), axis=1).max() == 0
        for view, sign in ((1, 1.0), (2, -1.0)):  # position in VIEWS
            for front, side in zip(points[:10, 0], points[:10, view], strict=True):
                turn, error = rotation_between(front, side)
                assert error < 1e-6
                around = np.degrees(np.arctan2(turn[0, 2], turn[2, 2]))
                assert 35 <= sign * around <= 60


def rotation_between(before: Floats, after: Floats) -> tuple[Floats, float]:
    """The rotation that turns one set of points into the other (Kabsch), and how far off it is, mm."""
    left, right = before - before.mean(axis=0), after - after.mean(axis=0)
    u, _, v = np.linalg.svd(left.T @ right)
    turn = (u @ np.diag([1.0, 1.0, np.linalg.det(u @ v)]) @ v).T
    return turn, float(np.abs(left @ turn.T - right).max())


def test_bones_keep_their_length_in_every_frame_of_a_person() -> None:
    hands = render_hands(120, domain="kinect", seed=2, persons=(3, 4))
    bones = lengths(to_millimetres(hands.joints, hands.camera), RIGID)
    for person in (3, 4):
        assert np.ptp(bones[hands.persons == person], axis=0).max() < 1e-6
    assert (np.abs(bones[hands.persons == 3][0] - bones[hands.persons == 4][0]) > 0.1).any()


def test_the_surface_is_at_most_a_radius_before_a_joint_that_is_seen(rendered: dict[str, RenderedHands]) -> None:
    """A ray to a sphere's centre enters it one radius before, or meets something nearer on its way."""
    hands = rendered["synthetic"]
    surface = at_joints(hands)
    below = hands.joints[..., 2] - surface
    assert (surface > 0).all()
    traits = hand_population.traits_of("synthetic", list(PEOPLE), hands.persons)
    pose = hand_pose.draw_pose(np.random.default_rng(0), len(hands.persons))
    radii = hand_geometry.place(traits, pose)[1][:, hand_geometry.JOINT_NODES]
    # the nearest px is up to 0.7 px = 3.3 mm off the joint, so the ray may enter a little later
    late = radii - np.sqrt(radii**2 - 3.5**2)
    assert (below > radii - late - 2.0).all()
    seen = below < radii + 3.0
    # wrist and palm have other spheres around theirs
    assert (seen[:, :11].mean(axis=0) > 0.5).all() and (seen[:, 11:].mean(axis=0) > 0.15).all()


def test_depth_is_that_of_the_union_of_spheres() -> None:
    """Round cones against many spheres between their ends, ray by ray in float64."""
    rng = np.random.default_rng(4)
    centres = np.array([0.0, 0.0, 700.0]) + rng.uniform(-60, 60, (3, 4, 3))
    radii = rng.uniform(5, 20, (3, 4))
    cones = np.array([(0, 1), (1, 2), (2, 3)])
    camera = np.tile([150.0, 150.0, 20.0, 19.0], (3, 1))
    x, y = np.meshgrid((np.arange(40) - 20) / 150, (np.arange(40) - 19) / 150)
    rays = (np.tile(x, (3, 1, 1)).astype(np.float32), np.tile(y, (3, 1, 1)).astype(np.float32))
    got = render_depth(centres, radii, cones, camera, rays, np.zeros(3))
    share = np.linspace(0, 1, 400)[:, None]
    ray = np.stack([x, y, np.ones_like(x)], axis=-1)[..., None, :]
    for image in range(3):
        ends = [(centres[image, one], centres[image, other]) for one, other in cones]
        spheres = np.concatenate([one + share * (other - one) for one, other in ends])
        radius = np.concatenate([radii[image, i] + share[:, 0] * (radii[image, j] - radii[image, i]) for i, j in cones])
        square, half = np.sum(ray**2, axis=-1), np.sum(ray * spheres, axis=-1)
        inside = half**2 - square * (np.sum(spheres**2, axis=-1) - radius**2)
        enter = (half - np.sqrt(np.maximum(inside, 0))) / square
        expected = np.where(inside > 0, enter, np.inf).min(axis=-1)
        both = np.isfinite(expected) & np.isfinite(got[image])
        assert both.sum() > 60
        assert (np.isfinite(expected) != np.isfinite(got[image])).mean() < 0.002  # rays that just touch
        assert np.abs(got[image][both] - expected[both]).max() < 0.5


def test_poses_and_cameras_are_alike_in_both_domains(rendered: dict[str, RenderedHands]) -> None:
    """Only persons and the sensor may differ: otherwise a refiner would have to move joints."""
    synthetic, real = rendered["synthetic"], rendered["kinect"]
    for view in hand_pose.VIEWS:
        one, other = (part(hands, hands.views == view) for hands in (synthetic, real))
        for measure in (spread, height, distance, off_centre):
            assert stats.ks_2samp(measure(one), measure(other)).pvalue > 0.005


def spread(hands: RenderedHands) -> Floats:
    points = to_millimetres(hands.joints, hands.camera)
    return np.asarray(np.linalg.norm(points - points.mean(axis=1, keepdims=True), axis=-1).mean(axis=1))


def height(hands: RenderedHands) -> Floats:
    return np.asarray(hands.joints[:, 4, 1] - hands.joints[:, 13, 1])


def distance(hands: RenderedHands) -> Floats:
    return np.asarray(hands.joints[:, 13, 2])


def off_centre(hands: RenderedHands) -> Floats:
    return np.asarray(hands.joints[..., 0].mean(axis=1))


def test_fingers_bend_within_their_limits_and_together() -> None:
    pose = hand_pose.draw_pose(np.random.default_rng(3), 4000)
    for joint, (low, high) in enumerate(hand_pose.FLEXION_DEG):  # the end joint follows the middle one
        assert pose.flexion[..., joint].min() >= low and pose.flexion[..., joint].max() <= high
    assert pose.thumb_flexion.min() >= -5 and pose.thumb_flexion.max() <= 55
    knuckle, middle, end = pose.flexion[:, 2].T
    assert stats.pearsonr(knuckle, middle).statistic > 0.8 and stats.pearsonr(middle, end).statistic > 0.8
    assert 0.3 < stats.pearsonr(pose.flexion[:, 0, 1], pose.flexion[:, 3, 1]).statistic < 0.9
    turns = hand_pose.draw_turn(np.random.default_rng(3), 50)
    np.testing.assert_allclose(turns @ turns.swapaxes(1, 2), np.tile(np.eye(3), (50, 1, 1)), atol=1e-12)
    np.testing.assert_allclose(np.linalg.det(turns), 1.0)  # a right hand stays one


def test_the_kinect_frays_edges_and_loses_pixels(rendered: dict[str, RenderedHands]) -> None:
    clean, real = rendered["synthetic"].images, rendered["kinect"].images
    assert holes(real) > 2 * holes(clean)
    assert raggedness(real).mean() > raggedness(clean).mean() + 0.1
    # yet it shows the hand: joints lie on it
    assert (at_joints(rendered["kinect"]) > 0).mean() > 0.95


def test_kinect_depths_are_steps_that_grow_with_the_square_of_depth() -> None:
    hands = render_hands(200, domain="kinect", seed=1)
    depth = np.unique(hands.images[hands.images > 0]).astype(np.float64)
    disparity = 8 * kinect.FOCAL_PX * kinect.BASELINE_MM / depth
    # rounding to whole mm moves a disparity by at most half a mm's worth
    assert (np.abs(disparity - np.rint(disparity)) <= 0.51 * disparity / depth).all()
    # what the sample frame of the NYU data set shows: 1.5 mm at 740 mm, 2 mm at 840 mm
    for low, high, step in ((720, 760, 1.55), (820, 860, 2.0)):
        inside = depth[(depth > low) & (depth < high)]
        assert np.diff(inside).mean() == pytest.approx(step, rel=0.1)


def test_shadows_lie_to_the_right_of_what_casts_them() -> None:
    """As in the sample frame: 13 px beside a hand at 760 mm before a body at 1010 mm."""
    depth = np.full((1, 1, 400), 1010.0, dtype=np.float32)
    depth[0, 0, 150:250] = 760.0
    shadow = kinect._shadowed(depth, np.ones((1, 1, 1), dtype=np.float32))[0, 0]
    places = np.flatnonzero(shadow)
    assert places[0] == 250 and np.array_equal(places, np.arange(250, 250 + len(places)))
    assert len(places) == pytest.approx(13, abs=2)


def test_persons_of_the_kinect_vary_more_and_have_thicker_fingers() -> None:
    models, people = (
        hand_population.traits_of(population, range(60), np.arange(60)) for population in ("synthetic", "real")
    )
    assert people.size.std() > 1.5 * models.size.std()
    assert people.size.mean() == pytest.approx(models.size.mean(), abs=0.02)
    assert people.fingers_thick.mean() > models.fingers_thick.mean() + 0.05


def test_large_images_show_the_same_hands() -> None:
    for domain in DOMAINS:
        small = render_hands(6, domain=domain, seed=4, size=64)
        large = render_hands(6, domain=domain, seed=4, size=224)
        points = [to_millimetres(hands.joints, hands.camera) for hands in (small, large)]
        np.testing.assert_allclose(points[0], points[1])
        share = [(hands.images > 0).mean() for hands in (small, large)]
        assert share[0] == pytest.approx(share[1], rel=0.05)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"domain": "kinnect"}, "did you mean 'kinect'"),
        ({"count": 0}, "at least 1"),
        ({"seed": -1}, "must not be negative"),
        ({"persons": ()}, "at least one person"),
        ({"persons": (-1,)}, "numbered from 0"),
        ({"views": ()}, "each once"),
        ({"views": (1, 1)}, "each once"),
        ({"views": (4,)}, "1, 2 and 3"),
        ({"size": 16}, "32 to 256"),
        ({"size": 512}, "32 to 256"),
    ],
)
def test_wrong_requests_are_one_line_errors(change: dict[str, object], message: str) -> None:
    wanted: dict[str, object] = {"count": 2, "domain": "kinect", "seed": 0} | change
    with pytest.raises(UsageError, match=message) as raised:
        render_hands(wanted.pop("count"), **wanted)  # type: ignore[arg-type]
    assert "\n" not in str(raised.value)


def read(settings: dict[str, object], count: int | None = None) -> object:
    reader = SimulatorHands.configured(settings=settings)
    return reader.read(Path(), name="hands", convention=LabelConvention(), count=count)


@pytest.mark.parametrize("wrong", [{"views": (1, 1)}, {"views": (0,)}, {"size": 300}, {"persons": ()}, {"images": 0}])
def test_wrong_options_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        read({"images": 4, **wrong})
    with pytest.raises(UsageError, match="at least 1"):
        read({}, count=0)


def test_the_manifest_keeps_people_and_labels_apart() -> None:
    parts = {
        name: find_source(f"simulator-hands:{name}").read(60) for name in ("synthetic", "real", "labelled", "test")
    }
    assert parts["real"].labels == {} and set(parts["labelled"].labels) == {"joints", "camera"}
    frontal = [row for row, name in enumerate(parts["real"].ids) if str(name).endswith("-1")]
    assert np.array_equal(parts["real"].images[frontal], parts["labelled"].images[: len(frontal)])
    assert np.array_equal(parts["real"].ids[frontal], parts["labelled"].ids[: len(frontal)])
    assert check_overlap(parts["labelled"], parts["test"], allowed=False) == []
    assert shared_persons(parts["real"], parts["test"]) == shared_persons(parts["synthetic"], parts["test"]) == []
    assert "source angles" not in parts["test"].convention.line() and "depth in mm" in parts["test"].convention.line()
