"""A run on hands: a value per image and joint in curves, differences and table, and the paper's numbers beside it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from bench.core.experiment import Column, Row, Variant
from bench.core.hands import JOINTS
from bench.engine.collect import facts_of
from bench.engine.results import CellResults, Results, RowResults
from bench.stats import person_band
from bench.stats_compare import paired_by_person
from reports.build import build_table
from reports.curves import error_curves
from reports.differences import differences
from reports.published import load_published, load_published_curves
from reports.tables import to_markdown

IMAGES, SEEDS, K = 240, 3, len(JOINTS)
THRESHOLDS = np.linspace(0, 10, 101)
COLUMNS = (
    Column("within-5", "Within 5 px", name="joints-within", options={"px": 5}, margin=1.0),
    Column("worst", "Worst joint", name="joint-distance", options={"worst": True}),
    Column("distance", "Distance", name="joint-distance", margin=0.1),
    Column("mm", "Distance", name="joint-distance-mm"),
)
PUBLISHED = {"synthetic": 69.7, "refined": 72.4, "real": 74.5, "synthetic-3x": 77.7, "refined-3x": 83.3}
ROWS = (
    (Row("synthetic", "synthetic", "synthetic", "hourglass", reference="synthetic"), 3.0),
    (
        Row(
            "refined", "refined (simgan)", "refined", "hourglass", Variant("simgan", "simgan"), reference="refined",
            against=("synthetic",),
        ),
        2.6,
    ),
    (Row("real", "real", "real", "hourglass", reference="real", against=("synthetic",)), 2.2),
)  # fmt: skip


def distances(rng: np.random.Generator, scale: float, persons: NDArray[np.int64]) -> NDArray[np.float64]:
    """(IMAGES, K) between whole cells; persons differ."""
    steps = rng.normal(0, (scale * (1 + 0.1 * persons))[:, None, None], (IMAGES, K, 2)).round()
    return np.asarray(np.sqrt((steps**2).sum(axis=2)))


def cell(values: list[NDArray[np.float64]]) -> CellResults:
    return CellResults(
        {seed: float(found.mean()) for seed, found in enumerate(values)},
        {seed: {"value": found} for seed, found in enumerate(values)},
    )


@pytest.fixture(scope="module")
def hands(results: Results) -> Results:
    rng = np.random.default_rng(3)
    persons = np.arange(IMAGES) % 6
    found = []
    for row, scale in ROWS:
        px = [distances(rng, scale, persons) for _ in range(SEEDS)]
        cells = {
            "within-5": cell([np.where(each <= 5, 100.0, 0.0) for each in px]),
            "worst": cell([each.max(axis=1) for each in px]),
            "distance": cell(px),
            "mm": cell([4.7 * each for each in px]),
        }
        found.append(RowResults(row, cells))
    experiment = replace(
        results.experiment, name="hand-table4", title="Hand pose estimation (paper, Table 4)", task="hand",
        rows=lambda refiners: tuple(row for row, _ in ROWS), columns=COLUMNS, figures=("error-curves",),
    )  # fmt: skip
    return replace(
        results,
        experiment=experiment,
        columns=tuple(facts_of(column) for column in COLUMNS),
        rows=tuple(found),
        ids=np.array([f"h{index}" for index in range(IMAGES)]),
        persons=np.array([f"p{person}" for person in persons]),
        training=(),
    )


@pytest.fixture(scope="module")
def on_nyu(hands: Results) -> Results:
    """The same run as if it were on the paper's data."""
    return replace(hands, simulator=False, paper_data=True)


class TestCurves:
    def test_count_every_joint_of_every_image(self, hands: Results) -> None:
        (sketch,) = error_curves(hands)
        lines = {str(line.get_label()): line for line in sketch.figure.axes[0].lines}
        for found in hands.rows:
            drawn = np.asarray(lines[found.row.label].get_ydata())
            flat = np.concatenate([each["value"].ravel() for each in found.cells["distance"].per_image.values()])
            np.testing.assert_allclose(drawn, [100 * np.mean(flat <= at + 1e-9) for at in THRESHOLDS])
            assert drawn[50] == pytest.approx(found.cells["within-5"].mean)

    def test_step_at_the_distances_between_cells_only(self, hands: Results) -> None:
        (sketch,) = error_curves(hands)
        drawn = np.asarray(sketch.figure.axes[0].lines[0].get_ydata())
        jumps = THRESHOLDS[1:][np.diff(drawn) > 0]
        first = [1, 1.5, 2, 2.3, 2.9, 3, 3.2, 3.7, 4, 4.2, 4.3, 4.5, 5]
        assert jumps[: len(first)] == pytest.approx(first)

    def test_bands_resample_persons_with_all_joints_of_their_images(self, hands: Results) -> None:
        (sketch,) = error_curves(hands)
        vertices = np.asarray(sketch.figure.axes[0].collections[0].get_paths()[0].vertices)
        flat = np.concatenate(
            [each["value"].ravel() for each in hands.rows[0].cells["distance"].per_image.values()]
        )  # seed by seed, image by image, joint by joint
        owners = np.array([person for _ in range(SEEDS) for person in hands.persons for _ in range(K)])
        band = person_band(flat, owners, THRESHOLDS, 0.95, np.random.default_rng(0))
        assert band is not None
        for index in (10, 30, 50, 80):
            edges = vertices[np.isclose(vertices[:, 0], THRESHOLDS[index]), 1]
            assert 100 * band[0][index] == pytest.approx(edges.min())
            assert 100 * band[1][index] == pytest.approx(edges.max())

    def test_axes_and_caption_say_what_is_counted(self, hands: Results) -> None:
        (sketch,) = error_curves(hands)
        axes = sketch.figure.axes[0]
        assert (axes.get_xlabel(), axes.get_ylabel()) == (
            "Distance (px of the 64x64 grid)",
            "Joints in test images (%)",
        )
        assert axes.get_xlim() == (0.0, 10.0)
        assert sketch.caption.startswith("Share of the 14 joints in 240 simulated test images within a distance; ")
        assert "by resampling the 6 persons" in sketch.caption

    def test_the_papers_stand_behind_ours_on_its_data_only(self, hands: Results, on_nyu: Results) -> None:
        def papers(run: Results) -> list[str]:
            (sketch,) = error_curves(run)
            labels = [str(line.get_label()) for line in sketch.figure.axes[0].lines]
            return [label for label in labels if label.startswith("paper: ")]

        assert papers(on_nyu) == ["paper: Real", "paper: Refined", "paper: Synthetic"]
        assert papers(hands) == papers(replace(on_nyu, paper_data=False)) == []

    def test_the_papers_five_can_be_told_apart(self, on_nyu: Results) -> None:
        ids = ("synthetic", "refined", "real", "synthetic-3x", "refined-3x")
        cells = on_nyu.rows[0].cells
        rows = tuple(RowResults(Row(id_, id_, "synthetic", "hourglass", reference=id_), cells) for id_ in ids)
        (sketch,) = error_curves(replace(on_nyu, rows=rows))
        lines = [line for line in sketch.figure.axes[0].lines if str(line.get_label()).startswith("paper: ")]
        assert len(lines) == 5
        assert len({str(line._dash_pattern) for line in lines}) == 5  # type: ignore[attr-defined]

    def test_a_value_per_joint_of_one_person_has_no_band(self, hands: Results) -> None:
        (sketch,) = error_curves(replace(hands, persons=np.full(IMAGES, "p0")))
        assert "No bands: 1 person." in sketch.caption


class TestDifferences:
    def test_are_paired_by_the_mean_over_an_images_joints(self, hands: Results) -> None:
        found = {(each.row, each.column): each for each in differences(hands)}
        assert set(found) == {(row, column) for row in ("refined", "real") for column in ("within-5", "distance")}
        for (row, column), difference in found.items():
            one, two = (next(each for each in hands.rows if each.row.key == key) for key in (row, "synthetic"))
            values = np.stack(
                [
                    (one.cells[column].per_image[seed]["value"] - two.cells[column].per_image[seed]["value"]).mean(
                        axis=1
                    )
                    for seed in range(SEEDS)
                ]
            )
            expected = paired_by_person(values, hands.persons)
            assert difference.mean == pytest.approx(expected.mean)
            assert difference.ci95 == pytest.approx((expected.low, expected.high))
        assert found["real", "within-5"].verdict == found["real", "distance"].verdict == "better"
        assert found["real", "within-5"].mean > 0 > found["real", "distance"].mean

    def test_scores_of_one_value_per_image_are_those_values(self, hands: Results) -> None:
        worst = hands.rows[0].cells["worst"]
        np.testing.assert_array_equal(worst.scores(1), worst.per_image[1]["value"])


class TestTable:
    def test_numbers_have_the_decimals_of_their_unit(self, hands: Results) -> None:
        text = to_markdown(build_table(hands))
        cells = hands.rows[0].cells
        for column, shown in (("within-5", ".1f"), ("distance", ".2f"), ("worst", ".2f"), ("mm", ".1f")):
            assert f"| {cells[column].mean:{shown}} ±" in text
        assert "n = 240 test images of 6 persons" in text

    def test_the_papers_numbers_stand_beside_the_headline(self, hands: Results, on_nyu: Results) -> None:
        table = build_table(hands)
        assert {row.key: row.cells["within-5"].paper for row in table.rows} == PUBLISHED
        assert table.rows[0].cells["within-5"].paper_status == "not comparable"
        near = CellResults(dict(enumerate([69.2, 69.6, 69.9])))
        rows = (replace(on_nyu.rows[0], cells={**on_nyu.rows[0].cells, "within-5": near}), *on_nyu.rows[1:])
        assert build_table(replace(on_nyu, rows=rows)).rows[0].cells["within-5"].paper_status == "reproduced"


class TestPublished:
    def test_table_4(self) -> None:
        found = load_published("hand-table4").values
        assert {id_: entry.value for id_, entry in found.items()} == PUBLISHED
        assert found["refined-3x"].value - found["real"].value == pytest.approx(8.8)  # as the paper says

    def test_figure_12_is_read_off_its_curves_and_agrees_with_table_4(self) -> None:
        _, curves = load_published_curves("hand-figure12")
        assert [curve.label for curve in curves] == ["Refined 3x", "Synthetic 3x", "Real", "Refined", "Synthetic"]
        values = load_published("hand-figure12").values
        assert len(values) == 25
        for curve in curves:
            (id_,) = curve.references
            share = dict(zip(curve.x, curve.percent, strict=True))
            assert len(share) == 90
            assert share[5.0] == pytest.approx(PUBLISHED[id_], abs=0.051)
            for px in (1, 2, 3, 5, 9):
                entry = values[id_ if px == 5 else f"{id_}/within-{px}"]
                assert entry.value == pytest.approx(share[px], abs=0.051)

    def test_figure_12_is_level_between_distances_of_whole_cells(self) -> None:
        """What the metric rests on: a mean over joints, or places between cells, would rise everywhere."""
        _, curves = load_published_curves("hand-figure12")
        steps = np.arange(11) ** 2
        possible = np.unique(np.sqrt(steps[:, None] + steps))
        for curve in curves:
            x, percent = np.array(curve.x), np.array(curve.percent)
            counted = np.searchsorted(possible, x + 1e-9, side="right")  # distances within each threshold
            assert ((np.diff(counted) > 0) == (np.diff(percent) > 0)).all()
