"""A subject without a browser: speaks to a study's server as its page does."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

TIMEOUT_SECONDS = 60


@dataclass(frozen=True)
class Reply:
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    seconds: float

    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found

    def header(self, name: str) -> str:
        return {key.lower(): value for key, value in self.headers}[name.lower()]


@dataclass
class Subject:
    """One browser: one connection, one cookie."""

    port: int
    cookie: str = ""
    connection: http.client.HTTPConnection = field(init=False)

    def __post_init__(self) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT_SECONDS)

    def request(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Reply:
        cookie = {"Cookie": f"study={self.cookie}"} if self.cookie else {}
        begun = time.perf_counter()
        self.connection.request(method, path, body, {**cookie, **(headers or {})})
        response = self.connection.getresponse()
        reply = Reply(response.status, tuple(response.getheaders()), response.read(), time.perf_counter() - begun)
        for name, value in reply.headers:
            if name.lower() == "set-cookie":
                self.cookie = value.partition(";")[0].removeprefix("study=")
        return reply

    def get(self, path: str) -> Reply:
        return self.request("GET", path)

    def post(self, path: str, value: Any, **headers: str) -> Reply:
        own = {"Origin": f"http://127.0.0.1:{self.port}", "Content-Type": "application/json"}
        given = {name.replace("_", "-"): text for name, text in headers.items()}
        return self.request("POST", path, json.dumps(value).encode(), {**own, **given})

    def begin(self, **more: Any) -> dict[str, Any]:
        reply = self.post("/begin", {"consent": True, **more})
        assert reply.status == 200, reply.body
        return reply.json()

    def answer(self, position: int, answer: str, reaction_ms: int = 700) -> Reply:
        return self.post("/answer", {"position": position, "answer": answer, "reaction_ms": reaction_ms})

    def image(self, address: str) -> Reply:
        return self.get(f"/image/{address}")
