"""The study's server: a page, what is asked, one image at a time, and a place for answers. Nothing else is served.

What could tell real from fake never leaves it before the end: an image is found under an address that is random per
session and trial and works for the trial that is asked now only; all image files have the same format, length and
headers and lie ready in memory; attention checks look like trials. The labelled examples are labelled by design.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterator
from hashlib import sha256
from importlib.resources import files
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bench.core.errors import UsageError
from bench.study.allocation import Allocation, Shown
from bench.study.guard import Guard, RateLimit, Refused, own_json, refusal
from bench.study.pictures import MEDIA_TYPE, Pictures
from bench.study.storage import Asked, Finished, Storage

COOKIE = "study"
COOKIE_SECONDS = 30 * 24 * 3600
PAGE = {
    "/": ("index.html", "text/html"),
    "/study.js": ("study.js", "text/javascript"),
    "/study.css": ("study.css", "text/css"),
}
_Valid = TypeVar("_Valid", bound="_Body")
NOBODY = "nobody"  # whoever has no session yet shares one bucket


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Begin(_Body):
    """Somebody agrees to take part. anew: somebody else than the one whose session the browser has."""

    consent: Literal[True]
    anew: bool = False
    code: str = Field(default="", max_length=200)


class Answer(_Body):
    """An answer to the trial at `position`; reaction_ms: how long the image was visible."""

    position: int = Field(ge=1, le=100_000)
    answer: Literal["real", "fake", "left", "right"]
    reaction_ms: int = Field(ge=0, le=24 * 3600 * 1000)


class Server:
    """The requests of one study's page. code: what a subject must know to begin; None for nothing."""

    def __init__(self, storage: Storage, allocation: Allocation, pictures: Pictures, code: str | None) -> None:
        self._storage, self._allocation, self._pictures = storage, allocation, pictures
        self._code = code
        self._design = allocation.design
        self._arms = {arm.name: arm for arm in self._design.arms}
        self._page = {name: files("bench.study").joinpath("page", name).read_bytes() for name, _ in PAGE.values()}
        self._about = json.dumps(self._describe()).encode()
        self._requests = RateLimit(per_second=30, burst=300)
        self._strangers = RateLimit(per_second=200, burst=2000)
        self._begins = RateLimit(per_second=5, burst=100)
        self._wrong_codes = RateLimit(per_second=0.5, burst=20)

    def app(self, hosts: frozenset[str] | None) -> Starlette:
        """The application, for the host names `hosts` (None = any)."""
        routes = [Route(path, self.page, methods=["GET"]) for path in PAGE]
        routes += [
            Route("/favicon.ico", _no_icon, methods=["GET"]),
            Route("/about", self.about, methods=["GET"]),
            Route("/state", self.state, methods=["GET"]),
            Route("/image/{address}", self.image, methods=["GET"]),
            Route("/begin", self.begin, methods=["POST"]),
            Route("/answer", self.answer, methods=["POST"]),
        ]
        middleware = [Middleware(Guard, hosts=hosts)]
        return Starlette(routes=routes, middleware=middleware, exception_handlers={Refused: refusal, 404: _not_found})

    async def page(self, request: Request) -> Response:
        """The page and its two files, the same for everybody."""
        self._strangers.take(NOBODY)
        name, kind = PAGE[request.url.path]
        return Response(self._page[name], media_type=kind)

    async def about(self, request: Request) -> Response:
        """What the page says before anybody agreed: texts and sizes, the same for everybody."""
        self._strangers.take(NOBODY)
        return Response(self._about, media_type="application/json")

    async def state(self, request: Request) -> Response:
        """Where the subject is: what is asked now."""
        subject = await self._subject(request)
        if subject is None:
            return JSONResponse({"stage": "consent"})
        return JSONResponse(self._told(await run_in_threadpool(self._storage.asked, subject)))

    async def image(self, request: Request) -> Response:
        """An image of the trial that is asked now, or an example beside it; anything else is not there."""
        subject = await self._subject(request)
        asked = None if subject is None else await run_in_threadpool(self._storage.asked, subject)
        # All addresses are made each time: the work is the same whatever is asked for.
        here = dict(self._addresses(asked)) if isinstance(asked, Asked) else {}
        shown = here.get(request.path_params["address"])
        if shown is None:
            return _not_found(request, Refused(404, "nothing here"))
        return Response(self._pictures.file(shown), media_type=MEDIA_TYPE)

    async def begin(self, request: Request) -> Response:
        """Consent: enter a subject. A browser that has a session goes on with it, unless somebody else is there now."""
        wanted = _valid(Begin, await own_json(request))
        subject = await self._subject(request)
        asked = None if subject is None else await run_in_threadpool(self._storage.asked, subject)
        if isinstance(asked, Asked) and not wanted.anew:
            return JSONResponse(self._told(asked))
        self._check_code(wanted.code)
        self._begins.take(NOBODY)
        ticket = await run_in_threadpool(self._storage.begin)
        entered = await run_in_threadpool(self._storage.subject, ticket)
        assert entered is not None
        response = JSONResponse(self._told(await run_in_threadpool(self._storage.asked, entered)))
        secure = request.url.scheme == "https"
        response.set_cookie(COOKIE, ticket, COOKIE_SECONDS, httponly=True, samesite="strict", secure=secure)
        return response

    async def answer(self, request: Request) -> Response:
        """Store an answer; what is asked next comes back after it is on the disk."""
        given = _valid(Answer, await own_json(request))
        subject = await self._subject(request)
        if subject is None:
            raise Refused(401, "no session")
        if given.answer not in self._design.answers:
            raise Refused(422, f"the answers of this study are {' and '.join(self._design.answers)}")
        try:
            following = await run_in_threadpool(
                self._storage.answer, subject, given.position, given.answer, given.reaction_ms
            )
        except UsageError as error:
            raise Refused(409, str(error)) from error
        return JSONResponse(self._told(following))

    async def _subject(self, request: Request) -> str | None:
        """Whose request this is, counted against the rate limit; None for nobody's."""
        ticket = request.cookies.get(COOKIE)
        subject = None if ticket is None else await run_in_threadpool(self._storage.subject, ticket)
        if subject is None:
            self._strangers.take(NOBODY)
        else:
            self._requests.take(subject)
        return subject

    def _check_code(self, code: str) -> None:
        if self._code is not None and not hmac.compare_digest(code.encode(), self._code.encode()):
            self._wrong_codes.take(NOBODY)
            raise Refused(403, "wrong access code")

    def _told(self, now: Asked | Finished) -> dict[str, Any]:
        """What the page is told: never what is true, nor whether a trial is an attention check."""
        if isinstance(now, Finished):
            return {"stage": "done", "subject": now.subject}
        practice = now.trial.kind == "practice"
        addresses = [address for address, _ in self._addresses(now)]
        shown, count = len(now.trial.images), self._design.examples_per_class
        return {
            "stage": "practice" if practice else "trial",
            "position": now.position,
            "number": now.position if practice else now.position - now.practice,
            "of": now.practice if practice else now.trials,
            "part": now.arms.index(now.trial.arm) + 1,
            "parts": len(now.arms),
            "images": addresses[:shown],
            "examples": {"real": addresses[shown : shown + count], "fake": addresses[shown + count :]},
        }

    def _addresses(self, now: Asked) -> Iterator[tuple[str, Shown]]:
        """Addresses and what they show: the trial's images, then the real examples of its arm, then the others."""
        for slot, shown in enumerate(now.trial.images):
            yield self._address(now.subject, f"trial {now.position} {slot}"), shown
        examples = self._allocation.examples(self._arms[now.trial.arm])
        for slot, shown in enumerate(examples.real + examples.fake):
            yield self._address(now.subject, f"example {now.trial.arm} {slot}"), shown

    def _address(self, subject: str, place: str) -> str:
        """Random to whoever has not the study's key; the same when the page is loaded again."""
        return hmac.new(self._storage.key, f"{subject} {place}".encode(), sha256).hexdigest()[:32]

    def _describe(self) -> dict[str, Any]:
        design = self._design
        return {
            "title": design.title,
            "mode": design.mode,
            "words": [design.real_word, design.fake_word],
            "consent": design.consent,
            "contact": design.contact,
            "scale": design.scale,
            "smooth": design.smooth,
            "width": self._pictures.width,
            "height": self._pictures.height,
            "practice": design.practice,
            "trials": sum(design.trials(arm) for arm in design.arms) + design.attention_checks,
            "attention": design.attention_checks > 0,
            "examples": design.examples_per_class,
            "code": self._code is not None,
        }


def _valid(model: type[_Valid], body: bytes) -> _Valid:
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        raise Refused(422, "not a request of this page") from error


async def _no_icon(request: Request) -> Response:
    """Browsers ask for one."""
    return Response(status_code=204)


def _not_found(request: Request, error: Exception) -> Response:
    return JSONResponse({"error": "nothing here"}, 404)
