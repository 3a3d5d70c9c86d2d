"""Where a study is served, to whom, and how often."""

from __future__ import annotations

import contextlib
import importlib.util
from typing import Any

import pytest

from bench.core.errors import UsageError
from bench.study.guard import RateLimit, Refused
from bench.study.serve import Place, is_loopback, require_server


@pytest.mark.parametrize(
    ("host", "own"),
    [("127.0.0.1", True), ("127.8.8.8", True), ("::1", True), ("localhost", True), ("0.0.0.0", False),
     ("::", False), ("192.168.1.5", False), ("study.example.org", False), ("127.0.0.1.example.org", False)],
)  # fmt: skip
def test_only_loopback_needs_no_code(host: str, own: bool) -> None:
    assert is_loopback(host) == own
    if not own:
        with pytest.raises(UsageError, match="--access-code"):
            Place(host)
    assert (Place(host, code="long enough").hosts is None) == (not own)


def test_links_for_subjects() -> None:
    assert Place().address(8123) == "http://127.0.0.1:8123/"
    assert Place("::1", code="a code / #1").address(1) == "http://[::1]:1/#a%20code%20/%20%231"
    with pytest.raises(UsageError, match="has 5 characters; it needs 8"):
        Place(code="short")


def test_a_missing_extra_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "uvicorn" else found(name))
    with pytest.raises(UsageError, match=r"needs uvicorn, .* pip install 'simgan-bench\[study\]'"):
        require_server()


def test_a_rate_limit_fills_again_and_is_per_session() -> None:
    now = [0.0]
    limit = RateLimit(per_second=2, burst=3, clock=lambda: now[0])

    def taken(key: str, times: int) -> int:
        count = 0
        for _ in range(times):
            with contextlib.suppress(Refused):
                limit.take(key)
                count += 1
        return count

    assert taken("one", 10) == 3
    assert taken("other", 10) == 3
    now[0] = 1.0
    assert taken("one", 10) == 2
    now[0] = 100.0
    assert taken("one", 10) == 3


def test_a_rate_limit_forgets_who_was_long_away() -> None:
    limit: Any = RateLimit(per_second=1, burst=1, clock=lambda: 0.0, keys=5)
    for key in range(100):
        limit.take(str(key))
    assert len(limit._buckets) == 5
