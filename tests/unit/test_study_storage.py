"""The study's database: answers once and for all, sessions that go on, files that say what happened, and deletion."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pandas as pd
import pytest

from bench.core.errors import DataError, UsageError
from bench.study.allocation import Allocation
from bench.study.answers import COLUMNS, read_answers, read_subjects
from bench.study.design import load_design, save_design
from bench.study.export import export_study
from bench.study.pictures import Pictures, load_sets
from bench.study.storage import Asked, Finished, Storage, delete_subject
from tests.study_server import make_study


@pytest.fixture
def study(tmp_path: Path) -> Path:
    make_study(tmp_path, arms={"refined": 2}, images=12, size=(5, 7))
    return tmp_path / "study"


def opened(folder: Path) -> Storage:
    design = load_design(folder)
    pictures = Pictures(load_sets(folder, design), design.attention_checks)
    return Storage(folder, Allocation(design, pictures.counts), pictures)


def entered(storage: Storage) -> str:
    subject = storage.subject(storage.begin())
    assert subject is not None
    return subject


def now(storage: Storage, subject: str) -> Asked:
    asked = storage.asked(subject)
    assert isinstance(asked, Asked)
    return asked


def answer_all(storage: Storage, subject: str) -> None:
    asked = storage.asked(subject)
    while isinstance(asked, Asked):
        asked = storage.answer(subject, asked.position, "real", 100 + asked.position)


def test_a_second_answer_to_a_trial_changes_nothing(study: Path) -> None:
    storage = opened(study)
    subject = entered(storage)
    first = storage.answer(subject, 1, "real", 500)
    assert storage.answer(subject, 1, "fake", 900) == first
    found = read_answers(study)
    assert found[["answer", "reaction_ms"]].to_numpy().tolist() == [["real", 500]]


def test_a_trial_that_was_not_shown_takes_no_answer(study: Path) -> None:
    storage = opened(study)
    subject = entered(storage)
    with pytest.raises(UsageError, match="trial 2 was not shown yet"):
        storage.answer(subject, 2, "real", 500)
    assert now(storage, subject).position == 1


def test_another_process_goes_on_where_the_first_one_was(study: Path) -> None:
    storage = opened(study)
    ticket = storage.begin()
    subject = storage.subject(ticket)
    assert subject is not None
    following = storage.answer(subject, 1, "real", 500)
    key = storage.key
    again = opened(study)  # the first one was never closed
    assert again.subject(ticket) == subject
    assert again.asked(subject) == following
    assert again.key == key
    answer_all(again, subject)
    assert again.asked(subject) == Finished(subject)
    assert storage.asked(subject) == Finished(subject)


def test_a_full_disk_loses_the_answer_loudly(study: Path) -> None:
    storage = opened(study)
    subject = entered(storage)
    pages = storage._database.execute("PRAGMA page_count").fetchone()[0]
    storage._database.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(sqlite3.OperationalError, match="full"):
        [storage.begin() for _ in range(100)]
    assert now(storage, subject).position == 1
    storage._database.execute("PRAGMA max_page_count = 100000")
    storage.answer(subject, 1, "real", 500)
    assert len(read_answers(study)) == 1


def test_it_is_written_to_the_disk_before_it_returns(study: Path) -> None:
    storage = opened(study)
    settings = {
        name: storage._database.execute(f"PRAGMA {name}").fetchone()[0] for name in ("synchronous", "journal_mode")
    }
    assert settings == {"synchronous": 2, "journal_mode": "wal"}


def test_a_changed_design_is_refused(study: Path) -> None:
    storage = opened(study)
    entered(storage)
    save_design(load_design(study).model_copy(update={"margin": 0.1}), study)
    with pytest.raises(DataError, match=r"study\.toml is not the design that the answers were given under"):
        opened(study)
    with pytest.raises(DataError, match="is not the design"):
        read_answers(study)


def test_a_foreign_file_is_no_database(study: Path) -> None:
    (study / "answers.sqlite").write_text("these are no answers" * 100)
    with pytest.raises(DataError, match=r"answers\.sqlite cannot be used"):
        opened(study)
    with pytest.raises(DataError, match="damaged"):
        read_answers(study)


def test_no_answers_yet_says_how_to_get_some(study: Path) -> None:
    with pytest.raises(DataError, match="bench study serve"):
        read_answers(study)


def test_exports_hold_the_same_answers(study: Path, tmp_path: Path) -> None:
    storage = opened(study)
    one, other = entered(storage), entered(storage)
    answer_all(storage, one)
    storage.answer(other, 1, "fake", 77)
    assert export_study(study, tmp_path / "out") == (8, 2)
    wanted = read_answers(study)
    assert list(wanted.columns) == list(COLUMNS)
    for name in ("answers.csv", "answers.parquet"):
        pd.testing.assert_frame_equal(read_answers(tmp_path / "out" / name), wanted)
    subjects = pd.read_csv(tmp_path / "out" / "subjects.csv", keep_default_na=False)
    assert subjects["subject"].tolist() == [one, other] == read_subjects(study)["subject"].tolist()
    assert (subjects["finished"] != "").tolist() == [True, False]
    codebook = (tmp_path / "out" / "codebook.md").read_text()
    assert all(f"| {name} |" in codebook for name in COLUMNS)
    assert load_design(study).digest in codebook


def test_answers_of_subjects_say_what_they_saw(study: Path) -> None:
    storage = opened(study)
    subject = entered(storage)
    answer_all(storage, subject)
    found = read_answers(study)
    assert found["position"].tolist() == list(range(1, 8))
    assert found["kind"].value_counts().to_dict() == {"trial": 4, "practice": 2, "attention": 1}
    of = found["image"].str.partition("/")[0].map({"real": "real", "refined": "fake", "attention": "fake"})
    assert found["truth"].tolist() == of.tolist()
    assert (found["correct"] == (found["truth"] == "real")).all()


def test_deleting_a_subject_leaves_nothing_of_it(study: Path) -> None:
    storage = opened(study)
    gone, stays = entered(storage), entered(storage)
    answer_all(storage, gone)
    storage.answer(stays, 1, "real", 5)
    order = now(storage, stays).trial
    assert delete_subject(study, gone) == 7
    assert read_answers(study)["subject"].tolist() == [stays]
    storage.close()
    assert all(gone.encode() not in path.read_bytes() for path in study.iterdir())
    storage = opened(study)
    assert now(storage, stays).trial == order
    with pytest.raises(UsageError, match=f"no subject '{gone}'"):
        delete_subject(study, gone)


def test_a_deleted_subjects_images_go_to_the_next_one(study: Path) -> None:
    storage = opened(study)
    first, second = entered(storage), entered(storage)
    seen = now(storage, first).trial
    delete_subject(study, first)
    assert now(storage, entered(storage)).trial == seen
    assert now(storage, second).trial is not None


def test_nothing_about_a_visitor_can_be_stored(study: Path) -> None:
    opened(study).begin()
    with sqlite3.connect(study / "answers.sqlite") as database:
        tables = [name for (name,) in database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        columns = {name: [row[1] for row in database.execute(f"PRAGMA table_info({name})")] for name in tables}
    assert columns == {
        "facts": ["name", "value"],
        "subjects": ["subject", "number", "ticket", "arms", "started", "finished"],
        "trials": [
            "subject", "position", "arm", "kind", "shown", "image", "truth", "answer", "reaction_ms", "answered_at",
        ],
    }  # fmt: skip
