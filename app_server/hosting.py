"""The ASGI application: finds the instance that a request is for."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket

from app_server.http import problems
from app_server.http.compression import compressed
from app_server.http.observing import observed
from app_server.http.routes import make_router
from app_server.http.server_state import ServerState, answer_stranger
from app_server.http.sockets import serve_uplink
from app_server.instance import Instance
from app_server.pauses import Closed

logger = logging.getLogger(__name__)

UPLINK_PATH = "/_/uplink"
HSTS = b"max-age=31536000; includeSubDomains"
"""As Anvil's server says it with ``--add-hsts-headers`` (ring's default)."""


@dataclass(frozen=True, slots=True)
class Hosted:
    instance: Instance
    router: ASGIApp


class Hosting:
    """All instances of a server, by host name. One that is given alone answers to every name.

    Names in ``down`` belong to instances that are configured but cannot be started. For those in
    ``away`` somebody else answers: they are paused.
    """

    def __init__(self) -> None:
        self._hosted: dict[str, Hosted] = {}
        self._only: Hosted | None = None
        self.down: set[str] = set()
        self.away: dict[str, Closed] = {}
        self.state = ServerState()

    @property
    def instances(self) -> list[Instance]:
        if self._only is not None:
            return [self._only.instance]
        return [hosted.instance for hosted in self._hosted.values()]

    def serve_only(self, instance: Instance) -> None:
        self._only = Hosted(instance, make_router(instance))

    def add(self, instance: Instance) -> None:
        self._hosted[instance.config.host_name] = Hosted(instance, make_router(instance))

    def remove(self, instance: Instance) -> None:
        self._hosted = {h: x for h, x in self._hosted.items() if x.instance is not instance}

    def answers_to(self, host_name: str) -> bool:
        """Whether a host name is one of ours, as far as is known."""
        if self._only is not None:
            return host_name == self._only.instance.config.host_name
        return host_name in self._hosted or host_name in self.away

    def knows(self, host_name: str) -> bool:
        """Whether a host name is an instance's, also of one that cannot be reached now."""
        return self.answers_to(host_name) or host_name in self.down

    def find(self, host_name: str) -> Instance | None:
        hosted = self._hosted.get(host_name)
        return hosted.instance if hosted is not None else None

    def find_for_mail(self, domain: str) -> Instance | None:
        """Whose e-mail comes to this domain. One that is given alone takes all, as Anvil's server
        does."""
        return self._only.instance if self._only is not None else self.find(domain)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            return
        connection = HTTPConnection(scope)
        host_name = read_host_name(connection)
        hosted = self._only or self._hosted.get(host_name)
        if scope["type"] == "http":
            instance = hosted.instance if hosted is not None else None
            with observed(scope, send, connection, instance) as observed_send:
                await self._serve(connection, hosted, receive, compressed(scope, observed_send))
        else:
            await self._serve(connection, hosted, receive, send)

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """What was observed already, and had to wait: by whatever is at its address now."""
        connection = HTTPConnection(scope)
        hosted = self._hosted.get(read_host_name(connection))
        await self._serve(connection, hosted, receive, send)

    async def _serve(
        self, connection: HTTPConnection, hosted: Hosted | None, receive: Receive, send: Send
    ) -> None:
        scope, host_name = connection.scope, read_host_name(connection)
        if host_name in self.away:
            await self.away[host_name](scope, receive, send)
        elif hosted is not None:
            scope["state"] = {"instance": hosted.instance}
            await hosted.router(scope, receive, _with_headers(hosted.instance, send))
        elif scope["type"] == "websocket":
            await self._serve_unknown_socket(WebSocket(scope, receive, send), host_name)
        elif host_name in self.down:
            await problems.unavailable(connection, problems.NOT_RUNNING)(scope, receive, send)
        else:
            answer = answer_stranger(connection, host_name, self.state, self.knows)
            await answer(scope, receive, send)

    async def _serve_unknown_socket(self, socket: WebSocket, host_name: str) -> None:
        """Python cannot look up ``NAME.localhost``, so uplinks on this machine come under another
        name; their key says which instance they are for."""
        if socket.url.path == UPLINK_PATH and host_name not in self.down:
            await serve_uplink(socket, self.instances)
        else:
            await socket.close()


def read_host_name(connection: HTTPConnection) -> str:
    """The name in the Host header, without a port, in lower case."""
    host = connection.headers.get("host", "").lower()
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdigit() else host


def _with_headers(instance: Instance, send: Send) -> Send:
    """Headers that every answer carries."""
    extra: list[tuple[bytes, bytes]] = [
        (b"x-content-type-options", b"nosniff"),
        (b"referrer-policy", b"strict-origin-when-cross-origin"),
    ]
    if not instance.app.allow_embedding:
        extra.append((b"x-frame-options", b"DENY"))

    if instance.config.has_hsts:
        extra.append((b"strict-transport-security", HSTS))

    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers: list[Any] = list(message.get("headers") or [])
            present = {name.lower() for name, _ in headers}
            headers += [pair for pair in extra if pair[0] not in present]
            message = {**message, "headers": headers}
        await send(message)

    return send_with_headers
