"""The store: present = finished, damage is noticed, refusals are one line."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from bench.core.errors import DataError, UsageError
from bench.engine.store import Store, storage_errors

KEY = "ab" + "0" * 62


def _commit(store: Store, content: str = "hello") -> None:
    made = store.work(KEY) / "out"
    (made / "deep").mkdir(parents=True)
    (made / "deep" / "file.txt").write_text(content)
    store.commit(KEY, made, {"seconds": 1.0})


def test_a_step_is_there_only_once_committed(tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert not store.has(KEY)
    (store.work(KEY) / "out").mkdir(parents=True)
    assert not store.has(KEY)
    _commit(Store(tmp_path / "other"))
    assert Store(tmp_path / "other").has(KEY)


def test_committing_keeps_files_and_record_and_clears_the_work(tmp_path: Path) -> None:
    store = Store(tmp_path)
    _commit(store)
    assert (store.verified(KEY) / "deep" / "file.txt").read_text() == "hello"
    assert store.record(KEY)["seconds"] == 1.0
    assert not store.work(KEY).exists()


def test_a_damaged_file_is_told_and_set_aside(tmp_path: Path) -> None:
    store = Store(tmp_path)
    _commit(store)
    (store.path(KEY) / "deep" / "file.txt").write_text("hullo")
    with pytest.raises(DataError, match=r"is damaged: deep/file.txt should hash to .* set aside"):
        store.verified(KEY)
    assert not store.has(KEY)
    assert len(list((tmp_path / "damaged").iterdir())) == 1
    _commit(store)
    assert store.has(KEY)


def test_a_missing_file_is_damage(tmp_path: Path) -> None:
    store = Store(tmp_path)
    _commit(store)
    (store.path(KEY) / "deep" / "file.txt").unlink()
    with pytest.raises(DataError, match="no file"):
        store.verified(KEY)


def test_an_unreadable_record_is_damage(tmp_path: Path) -> None:
    store = Store(tmp_path)
    _commit(store)
    (store.path(KEY) / "record.json").write_text('{"seconds": 1')
    with pytest.raises(DataError, match="record cannot be read"):
        store.record(KEY)
    assert not store.has(KEY)


def test_a_failure_is_never_a_hit_and_goes_with_the_success(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.fail(KEY, {"reason": "NaN"})
    assert not store.has(KEY)
    _commit(store)
    assert not list((tmp_path / "failures").iterdir())


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EACCES, errno.ENOTDIR])
def test_a_file_system_that_refuses_is_one_line_and_exit_2(tmp_path: Path, code: int) -> None:
    with pytest.raises(UsageError, match="cannot write to") as caught, storage_errors(tmp_path):
        raise OSError(code, "refused")
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2


def test_other_os_errors_stay_what_they_are(tmp_path: Path) -> None:
    with pytest.raises(TimeoutError), storage_errors(tmp_path):
        raise TimeoutError(errno.ETIMEDOUT, "slow")
