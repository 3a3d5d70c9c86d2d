"""The study's database: who began, what each subject is asked, and what was answered. An answer that is in is in.

SQLite in WAL mode with synchronous=FULL: `answer` returns after the answer is on the disk, so the next image is shown
only then, and a killed server loses nothing. All that a session needs to go on is here; the server keeps nothing.
"""

from __future__ import annotations

import hashlib
import secrets
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bench.core.errors import DataError, UsageError
from bench.study.allocation import Allocation, Shown, Trial
from bench.study.answers import DATABASE, check_design
from bench.study.pictures import Pictures

BUSY_SECONDS = 30.0
SCHEMA = """
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE subjects (
    subject TEXT PRIMARY KEY,
    number INTEGER NOT NULL UNIQUE,
    ticket TEXT NOT NULL UNIQUE,
    arms TEXT NOT NULL,
    started TEXT NOT NULL,
    finished TEXT
) STRICT;
CREATE TABLE trials (
    subject TEXT NOT NULL REFERENCES subjects ON DELETE CASCADE,
    position INTEGER NOT NULL,
    arm TEXT NOT NULL,
    kind TEXT NOT NULL,
    shown TEXT NOT NULL,
    image TEXT NOT NULL,
    truth TEXT NOT NULL,
    answer TEXT,
    reaction_ms INTEGER,
    answered_at TEXT,
    PRIMARY KEY (subject, position)
) STRICT, WITHOUT ROWID;
"""


@dataclass(frozen=True)
class Asked:
    """The trial that a subject is at. practice, trials: how many there are of both kinds; arms: their order."""

    subject: str
    position: int
    trial: Trial
    practice: int
    trials: int
    arms: tuple[str, ...]


@dataclass(frozen=True)
class Finished:
    """A subject that has answered everything."""

    subject: str


class Storage:
    """The answers of one study, in `folder`; any number of threads, and of processes, may use it at once.

    DataError when the database is damaged or of another design.
    """

    def __init__(self, folder: Path, allocation: Allocation, pictures: Pictures) -> None:
        self._allocation = allocation
        self._pictures = pictures
        self._lock = threading.Lock()  # one connection for all threads of the server
        path = folder / DATABASE
        try:
            self._database = connect(path)
            self._database.execute("PRAGMA journal_mode = WAL")
            with self._transaction() as database:
                if not database.execute("SELECT 1 FROM sqlite_schema").fetchone():
                    for statement in SCHEMA.split(";"):
                        database.execute(statement)
                    facts = {"design": allocation.design.digest, "key": secrets.token_hex(32)}
                    database.executemany("INSERT INTO facts VALUES (?, ?)", facts.items())
            check_design(self._database, allocation.design, folder)
            ((key,),) = self._database.execute("SELECT value FROM facts WHERE name = 'key'")
        except sqlite3.Error as error:
            raise DataError(f"{path} cannot be used ({error}); restore it from a copy, or move it away") from error
        self.key = bytes.fromhex(key)
        """What image addresses are made with; it never leaves the server, and lasts as long as the study."""

    def close(self) -> None:
        """Close the database; answers are in it already."""
        self._database.close()

    def begin(self) -> str:
        """Enter a new subject with all its trials; the ticket for its browser, of which only a hash is stored."""
        ticket = secrets.token_urlsafe(32)
        subject = f"s{secrets.token_hex(5)}"
        with self._transaction() as database:
            taken = {number for (number,) in database.execute("SELECT number FROM subjects")}
            number = next(each for each in range(len(taken) + 1) if each not in taken)  # a deleted one's is free again
            arms = ",".join(arm.name for arm in self._allocation.arms(number))
            database.execute(
                "INSERT INTO subjects VALUES (?, ?, ?, ?, ?, NULL)", (subject, number, _hash(ticket), arms, _now())
            )
            database.executemany(
                "INSERT INTO trials VALUES (?, ?, ?, ?, ?, ?, ?, NULL, NULL, NULL)",
                [
                    (subject, position, trial.arm, trial.kind, _written(trial.images), self._names(trial), trial.truth)
                    for position, trial in enumerate(self._allocation.trials(number), start=1)
                ],
            )
        return ticket

    def subject(self, ticket: str) -> str | None:
        """Whose ticket this is; None for nobody's."""
        with self._lock:
            found = self._database.execute("SELECT subject FROM subjects WHERE ticket = ?", (_hash(ticket),)).fetchone()
        return str(found[0]) if found else None

    def asked(self, subject: str) -> Asked | Finished:
        """What a subject is asked now: the first trial without an answer."""
        with self._lock:
            return self._asked(self._database, subject)

    def answer(self, subject: str, position: int, answer: str, reaction_ms: int) -> Asked | Finished:
        """Store an answer, and tell what is asked next; on the disk when this returns.

        An answer to a trial that has one already changes nothing: a second click, or a request that was sent again.
        UsageError for a trial that was not shown yet.
        """
        with self._transaction() as database:
            now = self._asked(database, subject)
            if isinstance(now, Finished) or position < now.position:
                return now
            if position > now.position:
                raise UsageError(f"trial {position} was not shown yet")
            database.execute(
                "UPDATE trials SET answer = ?, reaction_ms = ?, answered_at = ? WHERE subject = ? AND position = ?",
                (answer, reaction_ms, _now(), subject, position),
            )
            following = self._asked(database, subject)
            if isinstance(following, Finished):
                database.execute("UPDATE subjects SET finished = ? WHERE subject = ?", (_now(), subject))
        return following

    def _asked(self, database: sqlite3.Connection, subject: str) -> Asked | Finished:
        found = database.execute(
            "SELECT position, arm, kind, shown, truth FROM trials"
            " WHERE subject = ? AND answer IS NULL ORDER BY position LIMIT 1",
            (subject,),
        ).fetchone()
        if found is None:
            return Finished(subject)
        practice, everything = database.execute(
            "SELECT sum(kind = 'practice'), count(*) FROM trials WHERE subject = ?", (subject,)
        ).fetchone()
        ((arms,),) = database.execute("SELECT arms FROM subjects WHERE subject = ?", (subject,))
        position, arm, kind, shown, truth = found
        trial = Trial(arm, kind, _read(shown), truth)
        return Asked(subject, position, trial, practice, everything - practice, tuple(arms.split(",")))

    def _names(self, trial: Trial) -> str:
        return "|".join(self._pictures.name(image) for image in trial.images)

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """Everything or nothing, and on the disk at the end."""
        with self._lock:
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield self._database
                self._database.execute("COMMIT")
            except BaseException:
                if self._database.in_transaction:  # a full disk ends it on its own
                    self._database.execute("ROLLBACK")
                raise


def connect(path: Path) -> sqlite3.Connection:
    """The database, with every commit on the disk before it returns, and deleted rows overwritten."""
    database = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    for setting in ("synchronous = FULL", "foreign_keys = ON", "secure_delete = ON"):
        database.execute(f"PRAGMA {setting}")
    return database


def delete_subject(folder: Path, subject: str) -> int:
    """Remove everything about a subject for good; the number of its answers. UsageError for an unknown subject."""
    path = folder / DATABASE
    if not path.is_file():
        raise UsageError(f"{folder} has no answers yet")
    database = connect(path)
    try:
        ((answers,),) = database.execute("SELECT count(answer) FROM trials WHERE subject = ?", (subject,))
        if not database.execute("DELETE FROM subjects WHERE subject = ?", (subject,)).rowcount:
            raise UsageError(f"no subject '{subject}'; 'bench study export {folder}' lists them")
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # the log would keep the rows for a while
    except sqlite3.Error as error:
        raise DataError(f"{path} cannot be changed ({error})") from error
    finally:
        database.close()
    return int(answers)


def _written(images: tuple[Shown, ...]) -> str:
    return " ".join(f"{image.of}:{image.number}" for image in images)


def _read(text: str) -> tuple[Shown, ...]:
    return tuple(Shown(of, int(number)) for of, number in (each.split(":") for each in text.split()))


def _hash(ticket: str) -> str:
    return hashlib.sha256(ticket.encode()).hexdigest()


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
