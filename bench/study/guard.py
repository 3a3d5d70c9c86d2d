"""What stands before every request: whom the server answers, how often, and what browsers may do with its pages."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LONGEST_BODY = 2048
SAFE_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
        " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}


class Refused(Exception):
    """A request that is not served; `error` goes to the page."""

    def __init__(self, status: int, error: str) -> None:
        self.status, self.error = status, error


def refusal(request: Request, refused: Exception) -> Response:
    """The answer to a refused request."""
    assert isinstance(refused, Refused)
    headers = {"Retry-After": "1"} if refused.status == 429 else {}
    return JSONResponse({"error": refused.error}, refused.status, headers)


class Guard:
    """Middleware: the same safe headers on everything, and no answer to a foreign Host (DNS rebinding).

    hosts: names that the server answers to, without port; None = any, where an access code protects the study.
    """

    def __init__(self, app: ASGIApp, hosts: frozenset[str] | None) -> None:
        self._app, self._hosts = app, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)

        async def safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(SAFE_HEADERS)
            await send(message)

        host = urlsplit(f"//{Headers(scope=scope).get('host', '')}").hostname
        if self._hosts is not None and host not in self._hosts:
            return await JSONResponse({"error": "unknown host"}, 421)(scope, receive, safely)
        return await self._app(scope, receive, safely)


async def own_json(request: Request) -> bytes:
    """The body of a request that our own page sent; Refused for one from another site, of another type, or too long.

    A form of another site can send neither JSON nor our Origin, so nobody answers in a subject's name.
    """
    origin = urlsplit(request.headers.get("origin", ""))
    if not origin.netloc or origin.netloc != request.headers.get("host"):
        raise Refused(403, "from another site")
    if request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
        raise Refused(403, "from another site")
    if request.headers.get("content-type") != "application/json":
        raise Refused(415, "not JSON")
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > LONGEST_BODY:
            raise Refused(413, "too long")
    return body


class RateLimit:
    """A bucket of requests per key, `burst` at most, filled by `per_second`. Keys are sessions, never addresses."""

    def __init__(
        self, per_second: float, burst: int, clock: Callable[[], float] = time.monotonic, keys: int = 10_000
    ) -> None:
        self._rate, self._burst, self._clock, self._keys = per_second, burst, clock, keys
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, key: str) -> None:
        """One request; Refused when there were too many."""
        now = self._clock()
        left, then = self._buckets.pop(key, (float(self._burst), now))
        left = min(self._burst, left + (now - then) * self._rate)
        self._buckets[key] = (left - 1 if left >= 1 else left, now)
        while len(self._buckets) > self._keys:
            self._buckets.popitem(last=False)
        if left < 1:
            raise Refused(429, "too many requests")
