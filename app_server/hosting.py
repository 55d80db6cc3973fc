"""The ASGI application: finds the instance that a request is for."""

from __future__ import annotations

import logging
from typing import Any

from starlette.requests import HTTPConnection
from starlette.routing import Router
from starlette.types import Message, Receive, Scope, Send
from starlette.websockets import WebSocket

from app_server.http import problems
from app_server.http.routes import make_router
from app_server.instance import Instance

logger = logging.getLogger(__name__)


class Hosting:
    """All instances of a server, by host name. One that is given alone answers to every name."""

    def __init__(self) -> None:
        self._routers: dict[str, tuple[Instance, Router]] = {}
        self._only: tuple[Instance, Router] | None = None

    @property
    def instances(self) -> list[Instance]:
        if self._only is not None:
            return [self._only[0]]
        return [instance for instance, _ in self._routers.values()]

    def serve_only(self, instance: Instance) -> None:
        self._only = (instance, make_router(instance))

    def add(self, instance: Instance) -> None:
        self._routers[instance.config.host_name] = (instance, make_router(instance))

    def remove(self, instance: Instance) -> None:
        self._routers = {h: pair for h, pair in self._routers.items() if pair[0] is not instance}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            return
        connection = HTTPConnection(scope)
        found = self._only or self._routers.get(_host_name(connection))
        if found is None:
            await _refuse(connection, scope, receive, send)
            return
        instance, router = found
        scope["state"] = {"instance": instance}
        await router(scope, receive, _with_headers(instance, send))


def _host_name(connection: HTTPConnection) -> str:
    host = connection.headers.get("host", "").lower()
    return host.rpartition(":")[0] if ":" in host and not host.endswith("]") else host


async def _refuse(connection: HTTPConnection, scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await WebSocket(scope, receive, send).close()
        return
    await problems.not_found(connection)(scope, receive, send)


def _with_headers(instance: Instance, send: Send) -> Send:
    """Headers that every answer carries."""
    extra: list[tuple[bytes, bytes]] = [(b"x-content-type-options", b"nosniff")]
    if not instance.app.allow_embedding:
        extra.append((b"x-frame-options", b"DENY"))

    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers: list[Any] = list(message.get("headers") or [])
            present = {name.lower() for name, _ in headers}
            headers += [pair for pair in extra if pair[0] not in present]
            if b"referrer-policy" not in present:
                headers.append((b"referrer-policy", b"strict-origin-when-cross-origin"))
            message = {**message, "headers": headers}
        await send(message)

    return send_with_headers
