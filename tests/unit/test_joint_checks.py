"""Checks of hand joints: right ones pass, and every way in which joints can be wrong is noticed and named."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from bench.core.hands import JOINTS
from bench.core.images import ImageSet
from bench.core.pinhole import NYU_CAMERA
from bench.data.check import Check
from bench.data.joint_checks import judge_joints
from bench.data.simulator.hands import render_hands

Floats = NDArray[np.float64]
SIZE = 64


def hands(
    count: int, seed: int, *, domain: str = "synthetic", views: Sequence[int] = (1,), size: int = SIZE
) -> ImageSet:
    rendered = render_hands(count, domain=domain, seed=seed, views=views, size=size)
    labels = {"joints": rendered.joints, "camera": rendered.camera}
    return ImageSet(np.arange(count).astype(str), rendered.persons.astype(str), rendered.images, labels)


@pytest.fixture(scope="module")
def good() -> ImageSet:
    return hands(120, 0)


def changed(images: ImageSet, joints: Floats) -> ImageSet:
    return replace(images, labels={**images.labels, "joints": joints})


def verdicts(images: ImageSet) -> dict[str, str]:
    return {check.name: check.verdict for check in judge_joints(images)}


def bad(images: ImageSet) -> list[Check]:
    return [check for check in judge_joints(images) if check.verdict == "bad"]


@pytest.mark.parametrize("count", [120, 30, 10])
@pytest.mark.parametrize("size", [48, 64, 224])
def test_right_joints_are_ok(count: int, size: int) -> None:
    found = judge_joints(hands(min(count, 30) if size == 224 else count, 1, size=size))
    assert {check.name: check.verdict for check in found} == dict.fromkeys(
        ("joint depth", "joint places", "joint rows", "bone lengths"), "ok"
    )


@pytest.mark.parametrize("domain", ["synthetic", "kinect"])
@pytest.mark.parametrize("count", [150, 30])
def test_other_looks_and_views(domain: str, count: int) -> None:
    found = hands(count, 1, domain=domain, views=(1, 2, 3))
    assert set(verdicts(found).values()) == {"ok"}
    other = np.random.default_rng(0).permutation(count)
    moved = replace(found, labels={name: values[other] for name, values in found.labels.items()})
    assert verdicts(moved)["joint rows"] == "bad"


@pytest.mark.parametrize(
    ("places", "said"),
    [
        (lambda u, v: (v, u), "swapped"),
        (lambda u, v: (SIZE - 1 - u, v), "u counts from the right"),
        (lambda u, v: (u, SIZE - 1 - v), "v counts from below"),
        (lambda u, v: (SIZE - 1 - u, SIZE - 1 - v), "turned round"),
    ],
)
def test_axes(good: ImageSet, places, said: str) -> None:  # type: ignore[no-untyped-def]
    u, v, depth = np.moveaxis(good.labels["joints"], 2, 0)
    by_name = {check.name: check for check in bad(changed(good, np.stack([*places(u, v), depth], axis=2)))}
    assert said in by_name["joint places"].detail


def test_mirrored_images(good: ImageSet) -> None:
    mirrored = good.with_images(np.asarray(good.images)[:, :, ::-1])
    assert [check.name for check in bad(mirrored)] == ["joint places"]


@pytest.mark.parametrize("seed", range(4))
def test_permuted_rows(good: ImageSet, seed: int) -> None:
    """Joints and cameras of other images: bones keep their lengths, so the images have to tell."""
    other = np.random.default_rng(seed).permutation(len(good))
    labels = {name: values[other] for name, values in good.labels.items()}
    (check,) = bad(replace(good, labels=labels))
    assert check.name == "joint rows"
    assert "order of rows and files" in check.detail
    few = replace(good, labels=labels).select(slice(0, 9))
    assert [check.verdict for check in judge_joints(few)] == ["unknown"]


@pytest.mark.parametrize(("factor", "unit"), [(0.1, "centimetres"), (1e-3, "metres"), (10.0, "tenths")])
def test_units_of_depth(good: ImageSet, factor: float, unit: str) -> None:
    (check,) = judge_joints(changed(good, good.labels["joints"] * [1, 1, factor]))
    assert (check.name, check.verdict) == ("joint depth", "bad")
    assert unit in check.detail


def test_depth_that_counts_from_elsewhere(good: ImageSet) -> None:
    relative = good.labels["joints"] - np.array([0, 0, 750.0])
    (check,) = judge_joints(changed(good, relative))
    assert "mm from the camera" in check.detail
    for moved, what in ((60.0, "60"), (-60.0, "-")):
        (check,) = judge_joints(changed(good, good.labels["joints"] + np.array([0, 0, moved])))
        assert (check.name, check.verdict) == ("joint depth", "bad"), what


def test_joints_of_whole_frames(good: ImageSet) -> None:
    elsewhere = good.labels["joints"] + np.array([150.0, 100.0, 0.0])
    assert "cut out as they are" in next(check for check in bad(changed(good, elsewhere))).detail


def test_joints_in_another_order(good: ImageSet) -> None:
    order = np.argsort(np.array(JOINTS)[::-1])
    (check,) = [check for check in bad(changed(good, good.labels["joints"][:, order])) if check.name == "bone lengths"]
    assert "order is another one" in check.detail


def test_another_camera(good: ImageSet) -> None:
    whole = np.tile(NYU_CAMERA, (len(good), 1))
    (check,) = bad(replace(good, labels={**good.labels, "camera": whole}))
    assert check.name == "bone lengths"
    without = replace(good, labels={"joints": good.labels["joints"]})
    assert verdicts(without)["bone lengths"] == "unknown"
    assert bad(without) == []


def test_empty_images_and_equal_hands(good: ImageSet) -> None:
    pixels = np.asarray(good.images).copy()
    pixels[3] = 0
    (check,) = judge_joints(good.with_images(pixels))
    assert (check.verdict, check.detail[:16]) == ("bad", "1 of 120 images ")
    alike = hands(1, 4)  # any row fits any image
    equal = ImageSet(
        ids=np.arange(20).astype(str),
        persons=np.array(["one"] * 20),
        images=np.repeat(np.asarray(alike.images), 20, axis=0),
        labels={name: np.repeat(values, 20, axis=0) for name, values in alike.labels.items()},
    )
    assert verdicts(equal)["joint rows"] == "unknown"
