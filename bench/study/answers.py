"""The answers of a study as a table: one row per answered trial, from a study's folder or an exported file."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bench.core.errors import DataError
from bench.study.design import StudyDesign, load_design

if TYPE_CHECKING:
    import pandas as pd

DATABASE = "answers.sqlite"
COLUMNS: Mapping[str, str] = {
    "subject": "random name of the subject",
    "arm": "which comparison of the design",
    "mode": "yes-no: one image, real or fake; two-alternative: two images, which one is real",
    "kind": "trial, practice (does not count) or attention (a pattern in place of a fake image)",
    "position": "place among the subject's trials, from 1",
    "image": "id of the image; of two: left|right",
    "truth": "real or fake; of two images: the side of the real one, left or right",
    "answer": "what the subject said, in the words of truth",
    "correct": "whether answer and truth are the same",
    "reaction_ms": "milliseconds that the image was visible before the answer, measured by the page",
    "answered_at": "when the answer was stored: UTC, ISO 8601, seconds",
    "design": "sha256 of the study's design, its images included",
}
SUBJECT_COLUMNS: Mapping[str, str] = {
    "subject": "random name of the subject",
    "arms": "the arms in the order in which the subject meets them, comma between",
    "started": "when the subject agreed to take part: UTC, ISO 8601, seconds",
    "finished": "when the last answer was stored; empty: not yet",
}


def read_answers(source: Path) -> pd.DataFrame:
    """Answered trials by subject and position, with `COLUMNS`; DataError when they cannot be read or do not fit.

    source: a study's folder, or a .csv or .parquet file of 'bench study export'.
    """
    import pandas as pd

    if source.is_dir():
        return _checked(_from_folder(source), source)
    try:
        if source.suffix == ".parquet":
            return _checked(pd.read_parquet(source), source)
        return _checked(pd.read_csv(source, dtype={"subject": str, "image": str}), source)
    except FileNotFoundError as error:
        raise DataError(f"no answers {source}; name a study's folder or a file of 'bench study export'") from error
    except (OSError, ValueError) as error:
        reason = str(error).partition("\n")[0]
        raise DataError(f"{source} cannot be read as answers ({reason}); export them again") from error


def read_subjects(folder: Path) -> pd.DataFrame:
    """Everybody who began, in that order, with `SUBJECT_COLUMNS`."""
    import pandas as pd

    with _reading(folder) as database:
        query = "SELECT subject, arms, started, coalesce(finished, '') AS finished FROM subjects ORDER BY number"
        return pd.read_sql_query(query, database)


def _from_folder(folder: Path) -> pd.DataFrame:
    import pandas as pd

    design = load_design(folder)
    with _reading(folder) as database:
        query = (
            "SELECT subject, arm, kind, position, image, truth, answer, reaction_ms, answered_at FROM trials"
            " JOIN subjects USING (subject) WHERE answer IS NOT NULL ORDER BY number, position"
        )
        found = pd.read_sql_query(query, database)
    found["correct"] = found["truth"] == found["answer"]
    return found.assign(mode=design.mode, design=design.digest)


@contextmanager
def _reading(folder: Path) -> Iterator[sqlite3.Connection]:
    """A study's database, for reading only; DataError when there is none, or it is of another design."""
    path = folder / DATABASE
    if not path.is_file():
        raise DataError(f"{folder} has no answers yet; let subjects answer with 'bench study serve'")
    design = load_design(folder)
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as database:
            check_design(database, design, folder)
            yield database
    except sqlite3.Error as error:
        raise DataError(f"{path} is damaged or not a study's ({error}); restore it from a copy") from error


def check_design(database: sqlite3.Connection, design: StudyDesign, folder: Path) -> None:
    """DataError when the answers were given under another design than `study.toml` now says."""
    ((begun,),) = database.execute("SELECT value FROM facts WHERE name = 'design'")
    if begun != design.digest:
        raise DataError(
            f"{folder / 'study.toml'} is not the design that the answers were given under ({begun[:12]}, now"
            f" {design.digest[:12]}); restore it, or build another study"
        )


def _checked(answers: pd.DataFrame, source: Path) -> pd.DataFrame:
    """The table with its columns in order and its types, or a DataError that says what it lacks."""
    missing = [name for name in COLUMNS if name not in answers.columns]
    if missing:
        raise DataError(f"{source} has no column '{missing[0]}'; it is no file of 'bench study export'")
    types = {"position": "int64", "reaction_ms": "int64", "correct": "bool"}
    return answers[list(COLUMNS)].astype(types).reset_index(drop=True)
