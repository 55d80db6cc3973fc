"""Accepts the WebSockets of browsers and uplinks."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from app_server.http.browser_socket import BrowserLink
from app_server.http.client_session import (
    find_session,
    has_superseded_cookie,
    is_same_origin,
    read_anvil_cookies,
    session_cookie_header,
)
from app_server.http.visitor import client_ip
from app_server.instance import Instance
from app_server.limits import MAX_SOCKETS_PER_SESSION
from app_server.uplink.link import UplinkLink, UplinkRefusedError
from app_server.wire.macs import is_same_text
from app_server.wire.payload import WireError
from app_server.wire.peer import Peer, PeerClosedError, SendFrame
from app_server.wire.text import read_json, write_json

logger = logging.getLogger(__name__)

OLDEST_UPLINK_VERSION = 5
HELLO_SECONDS = 20.0
MAX_WAITING_UPLINKS = 200
DISCONNECTED = "The other end of this socket has disconnected"
UPLINK_DISCONNECTED = "anvil.server.UplinkDisconnectedError"
POLICY_VIOLATION = 1008
PROTOCOL_ERROR = 1002
SERVICE_RESTART = 1012
TRY_AGAIN_LATER = 1013
GONE = (WebSocketDisconnect, OSError, RuntimeError)
"""What sending raises on a socket that is closed or closing."""
MALFORMED = (TypeError, AttributeError, LookupError, ValueError, RecursionError)
"""What reading a message raises whose members are of the wrong types."""


def frame_sender(socket: WebSocket) -> SendFrame:
    async def send_frame(frame: str | bytes) -> None:
        if socket.application_state is not WebSocketState.CONNECTED:
            raise PeerClosedError(DISCONNECTED, UPLINK_DISCONNECTED)
        try:
            if isinstance(frame, str):
                await socket.send_text(frame)
            else:
                await socket.send_bytes(frame)
        except (WebSocketDisconnect, OSError, RuntimeError) as error:
            raise PeerClosedError(DISCONNECTED, UPLINK_DISCONNECTED) from error

    return send_frame


async def receive_frame(socket: WebSocket) -> str | bytes:
    message = await socket.receive()
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message.get("code", 1000))
    text: str | None = message.get("text")
    if text is not None:
        return text
    data: bytes = message["bytes"]
    return data


async def serve_browser(socket: WebSocket, instance: Instance) -> None:
    """``/_/ws``. Refused for another site's page, whose script could act as the user."""
    if not is_same_origin(socket, instance):
        logger.warning("[%s] A page of another origin wanted a socket", instance.name)
        await socket.close(POLICY_VIOLATION)
        return
    ip = client_ip(socket, instance)
    if not instance.request_rates.allows(ip):
        await socket.close(TRY_AGAIN_LATER)
        return
    session = find_session(socket, instance)
    if session is None:
        if has_superseded_cookie(socket, instance):
            # Its browser has the new cookie in a moment; this makes the page come again quietly.
            await socket.accept()
            await socket.close(SERVICE_RESTART)
            return
        session = instance.sessions.create_replacement()
        session.save()
    if len(session.sockets) >= MAX_SOCKETS_PER_SESSION:
        await socket.close(POLICY_VIOLATION, "Too many windows are open in this session.")
        return
    await socket.accept(headers=[session_cookie_header(instance, session)])
    read_anvil_cookies(socket, session)
    link = BrowserLink(
        frame_sender(socket), instance, session, ip, lambda: read_anvil_cookies(socket, session)
    )
    link.shut_down = _closer(socket)
    instance.links.add(link)
    try:
        await _pump(socket, link, instance)
    finally:
        instance.links.discard(link)
        link.close({"type": "anvil.server.AppOfflineError", "message": "The browser disconnected"})


_waiting: set[WebSocket] = set()
"""Uplinks that have not said who they are."""


async def serve_uplink(socket: WebSocket, instances: Sequence[Instance]) -> None:
    """``/_/uplink``: the key decides whether it is a server's or a client's, and, where several
    instances may be meant, of which."""
    if len(_waiting) >= MAX_WAITING_UPLINKS:
        await socket.close(TRY_AGAIN_LATER)
        return
    _waiting.add(socket)
    try:
        await socket.accept()
        hello = await _receive_hello(socket)
    finally:
        _waiting.discard(socket)
    if hello is None:
        return
    version = hello.get("v")
    if not isinstance(version, int) or version < OLDEST_UPLINK_VERSION:
        await _refuse(
            socket,
            "You are using an outdated version of the uplink library. Please use "
            "'pip install --upgrade anvil-uplink' to get a new one.",
        )
        return
    ips = [(instance, client_ip(socket, instance)) for instance in instances]
    if not all([instance.attempt_rates.allows(ip) for instance, ip in ips]):
        await _refuse(socket, "Too many wrong uplink keys came from here. Please wait a minute.")
        return
    found = _find_by_key(hello.get("key"), instances)
    if found is None:
        logger.warning("An uplink came with a wrong key")
        await _refuse(socket, "Incorrect uplink key")
        return
    for instance, ip in ips:
        instance.attempt_rates.give_back(ip)
    await _run_uplink(socket, *found, version)


def _find_by_key(key: object, instances: Sequence[Instance]) -> tuple[Instance, bool] | None:
    """The instance whose key it is, and whether that is the trusted one. It takes as long whether
    and wherever it is found."""
    found = None
    for instance in instances:
        if _matches(key, instance.config.client_uplink_key):
            found = (instance, False)
        if _matches(key, instance.config.uplink_key):
            found = (instance, True)
    return found


async def _run_uplink(
    socket: WebSocket, instance: Instance, is_trusted: bool, version: int
) -> None:
    link = UplinkLink(
        frame_sender(socket),
        instance,
        is_trusted=is_trusted,
        protocol_version=version,
        ip=client_ip(socket, instance),
    )
    link.shut_down = _closer(socket)
    privileges = "uplink" if is_trusted else "client"
    await link.send({"auth": "OK", "priv": privileges, "app-info": instance.app_info})
    instance.uplinks.add(link)
    instance.links.add(link)
    logger.info("[%s] A %s uplink connected", instance.name, "server" if is_trusted else "client")
    try:
        await _pump(socket, link, instance)
    finally:
        instance.uplinks.remove(link)
        instance.links.discard(link)
        link.close({"type": UPLINK_DISCONNECTED, "message": "Uplink disconnected"})
        await link.end()
        logger.info("[%s] An uplink disconnected", instance.name)


def _closer(socket: WebSocket) -> Callable[[], Awaitable[None]]:
    async def shut_down() -> None:
        if socket.application_state is WebSocketState.CONNECTED:
            await socket.close(SERVICE_RESTART)

    return shut_down


async def _pump(socket: WebSocket, link: Peer, instance: Instance) -> None:
    try:
        while True:
            await link.receive_frame(await receive_frame(socket))
    except (WebSocketDisconnect, PeerClosedError):
        pass
    except UplinkRefusedError as error:
        await _refuse(socket, error.message)
    except WireError as error:
        logger.warning("[%s] A socket broke the protocol: %s", instance.name, error)
        await _close(socket, PROTOCOL_ERROR, error.message)
    except MALFORMED as error:
        logger.warning("[%s] A socket sent a malformed message: %r", instance.name, error)
        await _close(socket, PROTOCOL_ERROR, "A message is not as the protocol says.")


async def _receive_hello(socket: WebSocket) -> dict[str, Any] | None:
    try:
        hello = read_json(await asyncio.wait_for(receive_frame(socket), HELLO_SECONDS))
    except WebSocketDisconnect:
        return None
    except (TimeoutError, ValueError):
        hello = None
    if not isinstance(hello, dict):
        await _refuse(socket, "Expected an uplink key")
        return None
    return hello


async def _refuse(socket: WebSocket, reason: str) -> None:
    with contextlib.suppress(*GONE):
        await socket.send_text(write_json({"error": reason}))
    await _close(socket, POLICY_VIOLATION)


async def _close(socket: WebSocket, code: int, reason: str = "") -> None:
    """Close from our side; the other end may have been faster. A reason has at most 123 bytes
    (RFC 6455, section 5.5)."""
    with contextlib.suppress(*GONE):
        await socket.close(code, reason.encode()[:120].decode(errors="ignore"))


def _matches(given: object, key: str | None) -> bool:
    return key is not None and is_same_text(given, key)
