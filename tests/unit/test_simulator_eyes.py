"""The eye simulator: exact labels, one image per index, and domains that are what they say."""

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import ndimage, stats

from bench.core.errors import UsageError
from bench.data.equalise import equalise
from bench.data.simulator import eye_geometry, eye_population, eye_scene, eyes
from bench.data.simulator.eye_geometry import locate
from bench.data.simulator.eyes import DOMAINS, EyeRendering, iter_eyes, render_eyes

REAL = ("near", "noisy", "distant")


@pytest.fixture(scope="module")
def rendered() -> dict[str, EyeRendering]:
    return {domain: render_eyes(640, domain=domain, seed=3) for domain in DOMAINS}


def same(left: EyeRendering, right: EyeRendering) -> bool:
    return all(np.array_equal(getattr(left, field.name), getattr(right, field.name)) for field in fields(EyeRendering))


def part(whole: EyeRendering, rows: slice) -> EyeRendering:
    return EyeRendering(**{field.name: getattr(whole, field.name)[rows] for field in fields(EyeRendering)})


def pitch_yaw(rendering: EyeRendering) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    pitch = np.degrees(np.arcsin(-rendering.gaze[:, 1]))
    yaw = np.degrees(np.arctan2(-rendering.gaze[:, 0], -rendering.gaze[:, 2]))
    return pitch, yaw


def mean_abs_laplacian(images: NDArray[np.uint8]) -> float:
    kernel = np.array([[[0, 1, 0], [1, -4, 1], [0, 1, 0]]], dtype=np.float64)
    return float(np.abs(ndimage.convolve(images.astype(np.float64), kernel)[:, 1:-1, 1:-1]).mean())


def draw(domain: str, count: int = 64) -> tuple[eye_population.Traits, eye_scene.Scene]:
    rng = np.random.default_rng(11)
    population = "synthetic" if domain == "synthetic" else "real"
    chosen = rng.integers(20, size=count)
    return eye_population.draw_traits(rng, population, range(20), chosen), eye_scene.draw_scene(rng, domain, count)


@settings(max_examples=10, deadline=None)
@given(
    domain=st.sampled_from(DOMAINS),
    count=st.integers(1, 40),
    seed=st.integers(0, 2**40),
    start=st.integers(0, 10_000_000),
    persons=st.lists(st.integers(0, 1000), min_size=1, max_size=4, unique=True),
)
def test_rendering_keeps_its_contract(domain: str, count: int, seed: int, start: int, persons: list[int]) -> None:
    got = render_eyes(count, domain=domain, seed=seed, start=start, persons=persons)
    assert got.images.shape == (count, 35, 55) and got.images.dtype == np.uint8
    assert got.gaze.shape == (count, 3) and got.gaze.dtype == np.float64
    assert got.pupil.shape == (count, 2) and got.pupil.dtype == np.float64
    assert got.pupil_margin.shape == (count,) and got.pupil_margin.dtype == np.float64
    assert got.eye_width.shape == (count,) and got.eye_width.dtype == np.float64
    assert got.head_pose.shape == (count, 2) and got.head_pose.dtype == np.float64
    assert np.all(np.abs(got.head_pose) < np.radians(35))
    assert got.persons.shape == (count,) and got.persons.dtype == np.int64
    assert set(got.persons) <= set(persons)
    np.testing.assert_allclose(np.linalg.norm(got.gaze, axis=1), 1.0, atol=1e-12)
    turned = (np.radians(np.abs(span).max()) for span in (eye_scene.GAZE_PITCH_DEG, eye_scene.GAZE_YAW_DEG))
    assert np.all(got.gaze[:, 2] <= -np.prod(np.cos(list(turned))) + 1e-6)  # towards the camera
    assert np.all((got.pupil >= 0) & (got.pupil <= [54, 34]))
    assert np.all((got.eye_width > 28) & (got.eye_width < 52))
    assert np.all(np.ptp(got.images.reshape(count, -1), axis=1) > 20)


def test_an_image_depends_on_its_index_only() -> None:
    for domain in ("synthetic", "distant"):
        whole = render_eyes(400, domain=domain, seed=5)
        assert same(part(whole, slice(0, 150)), render_eyes(150, domain=domain, seed=5))
        assert same(part(whole, slice(256, 400)), render_eyes(144, domain=domain, seed=5, start=256))
        assert same(part(whole, slice(301, 302)), render_eyes(1, domain=domain, seed=5, start=301))


def test_threads_change_nothing() -> None:
    for domain in DOMAINS:
        one = render_eyes(300, domain=domain, seed=8, threads=1)
        assert same(one, render_eyes(300, domain=domain, seed=8, threads=2))
        assert same(one, render_eyes(300, domain=domain, seed=8, threads=5))


def test_chunks_come_in_order_and_are_bounded() -> None:
    chunks = list(iter_eyes(300, domain="near", seed=2, start=100, threads=2))
    assert [len(chunk.images) for chunk in chunks] == [28, 128, 128, 16]
    whole = render_eyes(400, domain="near", seed=2)
    assert np.array_equal(np.concatenate([chunk.images for chunk in chunks]), whole.images[100:])


def test_seeds_and_domains_give_different_images() -> None:
    first = render_eyes(32, domain="near", seed=1)
    assert not np.array_equal(first.gaze, render_eyes(32, domain="near", seed=2).gaze)
    assert not np.array_equal(first.gaze, render_eyes(32, domain="noisy", seed=1).gaze)
    assert len(np.unique(first.images.reshape(32, -1), axis=0)) == 32


def test_pupil_is_the_projected_disc_centre() -> None:
    """Against a projection written out in float64: eyeball centre + distance to the iris plane along the gaze."""
    traits, scene = draw("near")
    geometry = locate(traits, scene)
    pitch, yaw = (column[:, 0].astype(np.float64) for column in (scene.gaze_pitch, scene.gaze_yaw))
    gaze = np.stack([-np.cos(pitch) * np.sin(yaw), -np.sin(pitch), -np.cos(pitch) * np.cos(yaw)], axis=1)
    eyeball, iris = traits.eyeball.astype(np.float64), traits.iris.astype(np.float64)
    point = geometry.centre.astype(np.float64) + np.sqrt(eyeball**2 - iris**2) * gaze
    # MPIIGaze: 960 px focal length on 60x36 px, resized to 55x35
    x60, y36 = (960.0 * point[:, axis] / point[:, 2] + half for axis, half in ((0, 29.5), (1, 17.5)))
    expected = np.stack([(x60 + 0.5) * 55 / 60 - 0.5, (y36 + 0.5) * 35 / 36 - 0.5], axis=1)
    np.testing.assert_allclose(geometry.pupil, expected, atol=1e-3)
    assert np.all(geometry.inner[:, 0] < geometry.outer[:, 0])  # the nose is on the image's left


def test_head_pose_says_where_the_rendered_face_points() -> None:
    """With the gaze's signs: a face turned to the image's left, and up, as the renderer's own head axes have it."""
    traits, scene = draw("near")
    face = eye_geometry._face(scene)
    pitch, yaw = scene.head_pitch[:, 0], scene.head_yaw[:, 0]
    np.testing.assert_allclose(-face.back, eye_geometry.direction(pitch, yaw), atol=1e-6)
    # the eyeball's centre lies behind the corners, so it moves against the face
    straight = replace(scene, head_pitch=0 * scene.head_pitch, head_yaw=0 * scene.head_yaw)
    moved = locate(traits, scene).centre - locate(traits, straight).centre
    assert np.corrcoef(moved[:, 0], yaw)[0, 1] > 0.8
    assert np.corrcoef(moved[:, 1], pitch)[0, 1] > 0.8


def test_the_head_follows_the_gaze(rendered: dict[str, EyeRendering]) -> None:
    for domain in DOMAINS:
        got = rendered[domain]
        together = np.corrcoef(got.head_pose.T, pitch_yaw(got))
        assert together[0, 2] > 0.2 and together[1, 3] > 0.3
        assert abs(together[0, 3]) < 0.15 and abs(together[1, 2]) < 0.15


@pytest.mark.parametrize("domain", DOMAINS)
def test_pupil_moves_with_the_gaze_as_an_eyeball_of_12_mm_does(rendered: dict[str, EyeRendering], domain: str) -> None:
    got = rendered[domain]
    pitch, yaw = pitch_yaw(got)
    lever = np.sqrt(12.0**2 - 5.9**2)  # mm from the eyeball centre to the iris plane
    along_x = stats.linregress(got.gaze[:, 0], got.pupil[:, 0])
    along_y = stats.linregress(got.gaze[:, 1], got.pupil[:, 1])
    assert along_x.slope == pytest.approx(lever * 880 / 600, rel=0.15)
    assert along_y.slope == pytest.approx(lever * 960 * 35 / 36 / 600, rel=0.20)
    assert np.corrcoef(yaw, got.pupil[:, 0])[0, 1] < -0.75  # yaw + is image left
    assert np.corrcoef(pitch, got.pupil[:, 1])[0, 1] < -0.60  # pitch + is up


def test_darkest_region_lies_at_the_pupil_label(rendered: dict[str, EyeRendering]) -> None:
    got = rendered["synthetic"]
    open_eyes = got.pupil_margin > 4.5
    assert open_eyes.sum() > 60
    blurred = ndimage.uniform_filter(got.images[open_eyes].astype(np.float64), size=(0, 7, 7))
    rows, columns = np.unravel_index(blurred.reshape(len(blurred), -1).argmin(axis=1), (35, 55))
    pupil = got.pupil[open_eyes]
    assert np.median(np.hypot(columns - pupil[:, 0], rows - pupil[:, 1])) < 2.0
    assert np.median(columns - pupil[:, 0]) == pytest.approx(0.0, abs=0.75)
    assert stats.spearmanr(columns, pupil[:, 0]).statistic > 0.8


def test_pupil_is_dark_against_its_surroundings(rendered: dict[str, EyeRendering]) -> None:
    for domain in DOMAINS:
        got = rendered[domain]
        seen = got.pupil_margin > 2.0
        images = got.images[seen].astype(np.float64)
        x, y = np.rint(got.pupil[seen]).astype(int).T
        at_pupil = images[np.arange(len(images)), y, x]
        assert np.median(at_pupil - images.mean(axis=(1, 2))) < -40


def test_pupil_margin_falls_as_the_lid_comes_down_and_turns_negative() -> None:
    traits, scene = draw("synthetic")
    margins = []
    for squint in (4.0, 0.0, -6.0, -30.0):
        lowered = replace(scene, squint=np.full_like(scene.squint, squint))
        margins.append(locate(traits, lowered).pupil_margin[:, 0])
    upper_decides = margins[1] < margins[0]
    assert upper_decides.mean() > 0.5
    assert np.all(np.diff(np.array(margins[1:])[:, upper_decides], axis=0) < 0)
    assert (margins[3] < 0).mean() > 0.8


def test_most_pupils_are_visible_and_real_lids_are_heavier(rendered: dict[str, EyeRendering]) -> None:
    for domain in DOMAINS:
        assert (rendered[domain].pupil_margin > 0).mean() > 0.95
    for domain in REAL:
        assert rendered[domain].pupil_margin.mean() < rendered["synthetic"].pupil_margin.mean() - 0.3


def test_gaze_has_one_distribution_in_all_domains(rendered: dict[str, EyeRendering]) -> None:
    reference = pitch_yaw(rendered["synthetic"])
    for domain in DOMAINS:
        pitch, yaw = pitch_yaw(rendered[domain])
        assert np.all((pitch > -30.5) & (pitch < 8.5)) and np.all(np.abs(yaw) < 27.5)
        assert pitch.min() < -24 and pitch.max() > 3 and yaw.min() < -20 and yaw.max() > 20
        assert stats.ks_2samp(pitch, reference[0]).pvalue > 1e-3
        assert stats.ks_2samp(yaw, reference[1]).pvalue > 1e-3


def test_domains_have_the_statistics_of_the_paper_s_figures(rendered: dict[str, EyeRendering]) -> None:
    """Figures 13 and 14: synthetic mean 124, std 40, Laplacian 21; real, which are equalised: std 74, Laplacian 27."""
    synthetic = rendered["synthetic"].images
    assert synthetic.mean() == pytest.approx(124, abs=12)
    assert synthetic.std(axis=(1, 2)).mean() == pytest.approx(40, abs=5)
    assert mean_abs_laplacian(synthetic) == pytest.approx(21, abs=4)
    laplacian = {}
    for domain in REAL:
        assert rendered[domain].images.std(axis=(1, 2)).mean() < synthetic.std(axis=(1, 2)).mean()
        images = equalise(rendered[domain].images)
        assert images.mean() == pytest.approx(127.5, abs=5)
        np.testing.assert_allclose(images.std(axis=(1, 2)).mean(), 73.9, atol=1.5)
        laplacian[domain] = mean_abs_laplacian(images)
    assert laplacian["near"] == pytest.approx(27, abs=6)
    assert laplacian["noisy"] > laplacian["near"] > laplacian["distant"] + 3


def test_images_of_one_person_are_alike_and_persons_differ() -> None:
    persons = range(6)
    halves = []
    for seed in (21, 22):
        means = [render_eyes(128, domain="near", seed=seed, persons=[who]).images.mean(axis=0) for who in persons]
        halves.append(np.array(means) - np.mean(means, axis=0))
    # correlation of each person's mean image in one half with every person's in the other half
    table = np.corrcoef(halves[0].reshape(6, -1), halves[1].reshape(6, -1))[:6, 6:]
    assert np.array_equal(table.argmax(axis=1), np.arange(6))
    assert np.diag(table).min() > 0.6


def test_a_person_is_the_same_in_every_set_and_webcam() -> None:
    assert np.array_equal(eye_population.person_scores("real", 3), eye_population.person_scores("real", 3))
    assert not np.array_equal(eye_population.person_scores("real", 3), eye_population.person_scores("real", 4))
    alone = render_eyes(256, domain="near", seed=4, persons=[3])
    mixed = render_eyes(256, domain="near", seed=4, persons=[9, 3])
    assert set(mixed.persons) == {3, 9}
    # one scene series: where person 3 was drawn, the picture is the same one
    assert np.array_equal(alone.images[mixed.persons == 3], mixed.images[mixed.persons == 3])


def test_a_real_person_keeps_every_trait_and_a_face_model_only_its_skin() -> None:
    rng = np.random.default_rng(1)
    chosen = np.zeros(8, dtype=np.int64)
    real = eye_population.draw_traits(rng, "real", [5], chosen)
    synthetic = eye_population.draw_traits(rng, "synthetic", [5], chosen)
    for name in eye_population.TRAITS:
        assert np.ptp(getattr(real, name)) == 0
        assert (np.ptp(getattr(synthetic, name)) == 0) == (name in eye_population.MODEL_TRAITS)


def test_layers_stay_in_single_precision_and_finite() -> None:
    for domain in ("synthetic", "distant"):
        traits, scene = draw(domain)
        radiance, matter = eyes._radiance(traits, scene, locate(traits, scene), colour=False)
        assert matter is None
        assert radiance.dtype == np.float32
        assert np.isfinite(radiance).all() and radiance.min() >= 0.0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"domain": "synthetik"}, "did you mean 'synthetic'"),
        ({"count": 0}, "at least 1"),
        ({"count": -3}, "at least 1"),
        ({"seed": -1}, "not be negative"),
        ({"start": -128}, "not be negative"),
        ({"persons": []}, "at least one person"),
        ({"persons": [-1]}, "numbered from 0"),
    ],
)
def test_wrong_requests_are_refused(change: dict[str, object], message: str) -> None:
    request: dict[str, object] = {"count": 4, "domain": "near", "seed": 0, **change}
    with pytest.raises(UsageError, match=message):
        render_eyes(**request)  # type: ignore[arg-type]
