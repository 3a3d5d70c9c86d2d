"""Serves a study: opens its folder, decides whom to answer, and runs until it is stopped."""

from __future__ import annotations

import importlib.util
import ipaddress
import socket
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from bench.core.errors import UsageError
from bench.study.allocation import Allocation
from bench.study.design import load_design
from bench.study.pictures import Pictures, load_sets
from bench.study.storage import Storage

if TYPE_CHECKING:
    from starlette.applications import Starlette

SHORTEST_CODE = 8
LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True)
class Place:
    """Where to serve. code: what subjects must know to begin; without one only this machine is served."""

    host: str = "127.0.0.1"
    port: int = 8000
    code: str | None = None

    def __post_init__(self) -> None:
        if not is_loopback(self.host) and self.code is None:
            raise UsageError(
                f"--host {self.host} lets other machines in; give a code that only your subjects know:"
                f" --access-code, {SHORTEST_CODE} characters or more"
            )
        if self.code is not None and len(self.code) < SHORTEST_CODE:
            raise UsageError(f"--access-code has {len(self.code)} characters; it needs {SHORTEST_CODE} or more")

    @property
    def hosts(self) -> frozenset[str] | None:
        """The names that the server answers to; any with an access code, since a proxy may have one of its own."""
        return LOOPBACK_NAMES | {self.host} if is_loopback(self.host) else None

    def address(self, port: int) -> str:
        """The link for subjects; the code stands after '#', which browsers keep to themselves."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{port}/" + (f"#{quote(self.code)}" if self.code else "")


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def require_server() -> None:
    """UsageError when the packages of the extra are missing."""
    missing = [name for name in ("starlette", "uvicorn") if importlib.util.find_spec(name) is None]
    if missing:
        raise UsageError(
            f"a study's page needs {' and '.join(missing)}, which an extra installs: pip install 'simgan-bench[study]'"
        )


def open_study(folder: Path, code: str | None, hosts: frozenset[str] | None) -> tuple[Starlette, Storage]:
    """A study's application and its answers; UsageError and DataError when the folder is no sound study."""
    require_server()
    from bench.study.server import Server

    design = load_design(folder)
    pictures = Pictures(load_sets(folder, design), design.attention_checks)
    allocation = Allocation(design, pictures.counts)
    storage = Storage(folder, allocation, pictures)
    return Server(storage, allocation, pictures, code).app(hosts), storage


def serve(folder: Path, place: Place, tell: Callable[[str], None]) -> None:
    """Serve until interrupted; nothing about visitors is logged. tell: gets the link once the port is open."""
    app, storage = open_study(folder, place.code, place.hosts)
    import uvicorn

    with closing(storage), _listening(place) as listener, suppress(KeyboardInterrupt):  # Ctrl-C is the ordinary end
        tell(place.address(listener.getsockname()[1]))
        config = uvicorn.Config(app, access_log=False, server_header=False, log_level="warning", timeout_keep_alive=30)
        uvicorn.Server(config).run(sockets=[listener])


def _listening(place: Place) -> socket.socket:
    family = socket.AF_INET6 if ":" in place.host else socket.AF_INET
    # The protocol is named, unlike in socket.create_server: without it asyncio leaves Nagle's algorithm on, and every
    # reply comes 40 ms late.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((place.host, place.port))
        listener.listen(512)
        return listener
    except OSError as error:
        listener.close()
        raise UsageError(
            f"cannot serve on {place.host}, port {place.port} ({error.strerror}); choose another --port"
        ) from error
